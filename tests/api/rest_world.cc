#include "tests/api/rest_world.h"

#include <stdexcept>

namespace parley::test {
namespace {

std::string credentials(const std::string& user, const std::string& device) {
  return R"({"user":")" + user + R"(","password":")" + kPassword + R"(","device":")" + device + "\"}";
}

}  // namespace

Reply& RestWorld::session(const std::string& user) {
  Reply& mine = sessions_[user];
  if (mine.status == 0) {
    mine = call("POST", "/auth/register", {"", credentials(user, "phone")});
    if (mine.status != 201) throw std::runtime_error("register " + user + ": " + mine.text);
  }
  return mine;
}

Reply RestWorld::log_in(const std::string& user, const std::string& device) {
  return call("POST", "/auth/login", {"", credentials(user, device)});
}

ConnectOptions RestWorld::mqtt(const Reply& session) const {
  ConnectOptions options;
  options.client_id = session.at("user") + ":" + session.at("device");
  options.password = session.at("access_token");
  return options;
}

RawClient RestWorld::reader(const std::string& user, const std::string& room) {
  const Deadline deadline = kPatience;
  while (true) {
    RawClient client = connect(user);
    if (client.subscribe("rooms/" + room + "/messages/json") < 0x80) return client;
    if (deadline.passed()) throw std::runtime_error(user + " may not read " + room);
  }
}

}  // namespace parley::test
