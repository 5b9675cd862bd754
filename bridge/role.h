// One job of parley-bridge: control, api. A process runs one of them or several (--roles).
//
// main() makes the roles, starts them in order, and stops them in the opposite order. start(), stop() and
// reload() are called by the main thread only; missing() by any thread, at any time between start() and the
// end.
#ifndef PARLEY_BRIDGE_ROLE_H_
#define PARLEY_BRIDGE_ROLE_H_

#include <string>
#include <string_view>
#include <vector>

namespace parley::bridge {

class Role {
 public:
  virtual ~Role() = default;

  virtual std::string_view name() const = 0;
  // What start() would throw, found out without starting: for --check, while another process may be running
  // with the same ports.
  virtual void check() const {}
  // Starts the role's threads and returns at once: a database or a broker that is away is waited for in the
  // background and named by missing(). Throws (std::exception, with a line that says what to do) only for
  // what nobody can wait for, such as a wrong configuration.
  virtual void start() = 0;
  // Takes no new work, finishes what is under way within a few seconds, ends the threads. May be called
  // twice.
  virtual void stop() = 0;
  // What this role lacks to do its job, one short phrase each ("postgres", "broker 127.0.0.1:1883"); empty
  // when it is ready. For /health/ready; must not block.
  virtual std::vector<std::string> missing() const = 0;
  // Why it lacks what missing() has named, in words for the operator; empty when it is not known. Must not
  // block.
  virtual std::string why(std::string_view /*what*/) const { return {}; }
  // SIGHUP: reads again what may change while running (keys).
  virtual void reload() {}
};

}  // namespace parley::bridge

#endif
