// Administers a broker under test through $CONTROL/parley/v1, as the bridge and parleyctl do.
#ifndef PARLEY_TESTS_SUPPORT_ADMIN_H_
#define PARLEY_TESTS_SUPPORT_ADMIN_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/control.h"
#include "tests/support/broker.h"
#include "tests/support/raw_client.h"

namespace parley::test {

// A connection with a service token. Blocking, one thread; throws std::runtime_error when a command gets no
// answer.
class Admin {
 public:
  explicit Admin(const Broker& broker, std::string_view device = "admin");

  // Sends one command and returns the whole answer. `request.req` is filled in.
  boost::json::object command(ControlRequest request);
  // The same for text that need not be a request; the answer is the next one to come.
  boost::json::object raw_command(std::string_view json);

  std::uint64_t version();
  // Applies the operations on top of whatever version the replica has. Throws when it refuses.
  void apply(std::vector<ControlOp> ops);

  // Shorthands for apply().
  void put_user(std::string_view user, std::string_view limits = "default");
  void put_room(std::string_view room, std::string_view limits = "default");
  void put_member(std::string_view room, std::string_view user, MemberRole role = MemberRole::member);
  void remove_member(std::string_view room, std::string_view user);

  // All records of the log (of one room, when given), oldest first, as JSON events with their "offset".
  std::vector<boost::json::object> read_log(std::string_view room = {});

  RawClient& client() { return client_; }

 private:
  boost::json::object answer_to(std::string_view req);

  RawClient client_;
  std::uint64_t next_req_ = 0;
};

}  // namespace parley::test

#endif
