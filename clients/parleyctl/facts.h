// Where users, rooms and members are put, removed and listed: at the broker, when it is all there is; by
// REST, when the truth is in PostgreSQL and the broker only has its copy. A change put at the broker behind
// the bridge's back would be lost with the next snapshot, so has_bridge() decides and nobody else.
#ifndef PARLEY_CLIENTS_PARLEYCTL_FACTS_H_
#define PARLEY_CLIENTS_PARLEYCTL_FACTS_H_

#include <boost/json.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "clients/parleyctl/context.h"
#include "schemas/control.h"

namespace parley::ctl {

class Facts {
 public:
  virtual ~Facts() = default;
  // The broker takes all of them or none, and says its new version. By REST they go one after the other, and
  // the first one that is refused throws Failure that says so. `told` gets what is worth telling of each (a
  // new password, say).
  using Tell = std::function<void(const std::string& words, const boost::json::object& object)>;
  virtual std::optional<std::uint64_t> apply(std::span<const ControlOp> ops, const Tell& told) = 0;
  // `what` is users, rooms or members (of `room`).
  using Visit = std::function<void(boost::json::object&& item)>;
  virtual void list(const std::string& what, const std::string& room, const Visit& visit) = 0;
};

std::unique_ptr<Facts> make_facts(const Context& context);
std::unique_ptr<Facts> make_rest_facts(const Context& context);  // rest_facts.cc
// For what REST has no route for, or another one: Failure naming it when there is a bridge.
void need_no_bridge(const Context& context, const std::string& instead);

}  // namespace parley::ctl

#endif
