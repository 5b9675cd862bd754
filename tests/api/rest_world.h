// People at a real REST API: registered at first mention, with a token each, and what they ask for.
#ifndef PARLEY_TESTS_API_REST_WORLD_H_
#define PARLEY_TESTS_API_REST_WORLD_H_

#include <map>
#include <string>
#include <string_view>

#include "bridge/api/testing/http_call.h"
#include "tests/support/bridge.h"
#include "tests/support/chat.h"

namespace parley::test {

using api::Call;
using api::Reply;

inline constexpr const char* kPassword = "correct horse battery";

// Of a bridge and its (first) broker, which outlive it. One thread, but for call().
class RestWorld {
 public:
  RestWorld(const Bridge& bridge, const Broker& broker) : bridge_(bridge), broker_(broker) {}

  // What sign-in answered; throws std::runtime_error when the registration is refused.
  Reply& session(const std::string& user);
  std::string token(const std::string& user) { return session(user).at("access_token"); }
  Reply log_in(const std::string& user, const std::string& device);

  Reply call(std::string_view method, std::string_view path, const Call& what) const {
    return api::http_call(bridge_.port(), method, "/api/v1" + std::string(path), what);
  }
  Reply as(const std::string& user, std::string_view method, std::string_view path, std::string body = "") {
    return call(method, path, {token(user), std::move(body)});
  }
  Reply as_service(std::string_view method, std::string_view path, std::string body = "") const {
    return call(method, path, {broker_.service_token("ops"), std::move(body)});
  }

  // Over MQTT with a token that REST gave.
  ConnectOptions mqtt(const Reply& session) const;
  RawClient connect(const std::string& user) {
    return RawClient::connected(broker_.port(), mqtt(session(user)));
  }
  // Subscribed to rooms/{room}/messages/json; asks until what Postgres says holds at the broker.
  RawClient reader(const std::string& user, const std::string& room);

 private:
  const Bridge& bridge_;
  const Broker& broker_;
  std::map<std::string, Reply> sessions_;
};

// Until `done`; whether it came to that in time.
template <class Done>
bool eventually(Done&& done, Deadline deadline = kPatience) {
  while (!done()) {
    if (deadline.passed()) return false;
  }
  return true;
}

}  // namespace parley::test

#endif
