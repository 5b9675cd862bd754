// /health/live and /health/ready: what the process lacks, gathered from its roles.
#ifndef PARLEY_BRIDGE_HEALTH_H_
#define PARLEY_BRIDGE_HEALTH_H_

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "bridge/role.h"

namespace parley::bridge {

// An answer to an HTTP GET, application/json.
struct HealthAnswer {
  int status = 200;  // 503 when something is missing
  // {"status":"ready"}, or
  // {"status":"not ready","missing":[{"role":"control","what":"postgres","why":"..."}]}
  std::string body;
};

// Any thread. Roles are added before the server that asks is started, and outlive it.
class Health {
 public:
  void add(const Role& role) { roles_.push_back(&role); }
  // From SIGTERM on the process is not ready, so that a load balancer sends nothing new.
  void drain() { draining_ = true; }
  // Asks nobody but the roles, which know: it does not wait. A change of what is missing goes to the log.
  HealthAnswer ready() const;
  static HealthAnswer live() { return {200, R"({"status":"live"})"}; }

 private:
  std::vector<const Role*> roles_;
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  mutable std::string told_;  // what the log knows to be missing; guarded by mutex_
};

}  // namespace parley::bridge

#endif
