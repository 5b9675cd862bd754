#include "bridge/api/accounts.h"

#include <boost/json/array.hpp>
#include <utility>

namespace parley::api {

namespace json = boost::json;

Accounts::Accounts(const BridgeConfig& config, storage::Metadata& metadata, bridge::Metrics& metrics)
    : keys(config.auth.keys_dir),
      passwords(config.auth.argon2_ops, config.auth.argon2_mem_bytes, metrics),
      gate(keys, metadata),
      providers(config) {}

json::object sessions_object(const std::vector<storage::Session>& sessions, std::string_view current) {
  json::array items;
  for (const storage::Session& session : sessions) {
    json::object item;
    item["sid"] = session.sid;
    item["device"] = session.device;
    if (!session.agent.empty()) item["agent"] = session.agent;
    if (!session.address.empty()) item["address"] = session.address;
    item["created_at"] = session.created_ms;
    item["last_used_at"] = session.used_ms;
    item["expires_at"] = session.expires_ms;
    if (session.sid == current) item["current"] = true;
    items.emplace_back(std::move(item));
  }
  return {{"items", std::move(items)}};
}

}  // namespace parley::api
