// /health/live and /health/ready: what the process lacks, gathered from its roles.
#ifndef PARLEY_BRIDGE_HEALTH_H_
#define PARLEY_BRIDGE_HEALTH_H_

#include <atomic>
#include <string>
#include <vector>

#include "bridge/role.h"

namespace parley::bridge {

// An answer to an HTTP GET, application/json.
struct HealthAnswer {
  int status = 200;  // 503 when something is missing
  std::string
      body;  // {"status":"ready"} or {"status":"not ready","missing":[{"role":"control","what":"postgres"}]}
};

// Any thread. Roles are added before the server that asks is started, and outlive it.
class Health {
 public:
  void add(const Role& role) { roles_.push_back(&role); }
  // From SIGTERM on the process is not ready, so that a load balancer sends nothing new.
  void drain() { draining_ = true; }
  HealthAnswer ready() const;
  static HealthAnswer live() { return {200, R"({"status":"live"})"}; }

 private:
  std::vector<const Role*> roles_;
  std::atomic<bool> draining_{false};
};

}  // namespace parley::bridge

#endif
