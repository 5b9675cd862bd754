// A REST API of a test's own: the server on a free port, a fresh Postgres database behind it, a fake broker.
// Users are put straight into the database, tokens signed here, so that a test is about the routes it names.
#ifndef PARLEY_BRIDGE_API_TESTING_API_WORLD_H_
#define PARLEY_BRIDGE_API_TESTING_API_WORLD_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "bridge/api/testing/fake_broker_link.h"
#include "bridge/api/testing/http_call.h"
#include "bridge/metrics.h"
#include "config/bridge_config.h"
#include "schemas/token.h"
#include "storage/metadata.h"

namespace parley::api {

class ApiWorld {
 public:
  using Configure = std::function<void(BridgeConfig&)>;
  // With a database; without one, every call of a handler to storage answers `unavailable`.
  enum class Database { fresh, absent };
  explicit ApiWorld(Database database = Database::fresh, const Configure& configure = {});
  ~ApiWorld();

  // Any thread. Failures of the connection itself give status 0.
  Reply call(std::string_view method, std::string_view path, const Call& call = {});
  Reply get(std::string_view path, const std::string& user) { return call("GET", path, {token(user), ""}); }
  Reply post(std::string_view path, const std::string& user, std::string body = "{}") {
    return call("POST", path, {token(user), std::move(body)});
  }
  Reply patch(std::string_view path, const std::string& user, std::string body) {
    return call("PATCH", path, {token(user), std::move(body)});
  }
  Reply put(std::string_view path, const std::string& user, std::string body = "") {
    return call("PUT", path, {token(user), std::move(body)});
  }
  Reply del(std::string_view path, const std::string& user) {
    return call("DELETE", path, {token(user), ""});
  }

  // An account with a session, made at first mention by token() too; "admin" is an admin of the server.
  void add_user(const std::string& user);
  std::string token(const std::string& user);
  // The user signs in anew: token() is another session's from now on.
  void sign_in_again(const std::string& user);
  // Signed by the server's key as they stand.
  std::string sign(const TokenClaims& claims) const;
  TokenClaims claims(const std::string& user);

  // A channel `room` of `owner`; more members with their roles.
  void add_room(const std::string& room, const std::string& owner, std::string_view settings = "");
  void add_member(const std::string& room, const std::string& user, MemberRole role = MemberRole::member);

  storage::Metadata& metadata();
  const std::string& database() const;  // its URL
  bridge::FakeBrokerLink& broker();
  const bridge::Metrics& metrics() const;
  const BridgeConfig& config() const;
  std::uint16_t port() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::api

#endif
