#include "bridge/api/accounts.h"

namespace parley::api {

Accounts::Accounts(const BridgeConfig& config, storage::Metadata& metadata, bridge::Metrics& metrics)
    : keys(config.auth.keys_dir),
      passwords(config.auth.argon2_ops, config.auth.argon2_mem_bytes, metrics),
      gate(keys, metadata),
      providers(config) {}

}  // namespace parley::api
