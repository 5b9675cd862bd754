// How main() makes the roles. Each function is defined in its role's folder, so that main() and what the
// roles share need to know nothing of what is inside them.
#ifndef PARLEY_BRIDGE_ROLES_H_
#define PARLEY_BRIDGE_ROLES_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bridge/role.h"
#include "config/bridge_config.h"

namespace parley::storage {
class Metadata;
}

namespace parley::bridge {

class BrokerLink;
class Health;
class Metrics;

// What the roles of a process share. All of it is thread-safe and outlives the roles.
struct Process {
  const BridgeConfig& config;
  storage::Metadata& metadata;
  BrokerLink& broker;
  Metrics& metrics;
  const Health& health;
};

// Feeds the broker nodes with what changes in Postgres (bridge/control).
std::unique_ptr<Role> make_control_role(const Process& process);

// The HTTP server (bridge/api): /health/live, /health/ready and /metrics in every process, and the routes of
// /api/v1 `with_api`. Its name() is "api" or "http". Throws from start() when it cannot listen.
std::unique_ptr<Role> make_http_role(const Process& process, bool with_api);

// A fresh token for the process itself on a device of this name, good for kServiceTokenTtl; signed by the
// newest key in [auth] keys_dir (bridge/api/keys.h), which is looked for anew each time. Any thread. Throws,
// saying what to do, when there is none. `config` outlives it.
inline constexpr std::chrono::seconds kServiceTokenTtl{3600};
using ServiceTokens = std::function<std::string(std::string_view device)>;
ServiceTokens make_service_tokens(const BridgeConfig& config);

}  // namespace parley::bridge

#endif
