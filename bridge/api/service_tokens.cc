// The tokens by which the process itself is known to the brokers, signed as those of its users are.
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "bridge/api/keys.h"
#include "bridge/roles.h"

namespace parley::bridge {

ServiceTokens make_service_tokens(const BridgeConfig& config) {
  struct State {
    std::mutex mutex;
    std::unique_ptr<api::Keys>
        keys;  // guarded by mutex; made when first needed, and again while there is none
  };
  return [&config, state = std::make_shared<State>()](std::string_view device) {
    std::shared_ptr<const api::KeyRing> ring;
    {
      const std::lock_guard lock(state->mutex);
      if (!state->keys) state->keys = std::make_unique<api::Keys>(config.auth.keys_dir);
      ring = state->keys->current();
    }
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    return ring->signer.sign({.sub = config.broker.user,
                              .dev = std::string(device),
                              .sid = "bridge-" + std::string(device),
                              .exp = (now + kServiceTokenTtl).count(),
                              .iat = now.count(),
                              .role = TokenRole::service});
  };
}

}  // namespace parley::bridge
