// What must hold between REST, the broker and the logs: who is signed out is out on MQTT too, a stolen
// refresh token ends what it belongs to, and no secret is written down anywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "bridge/api/testing/oidc_server.h"
#include "tests/api/rest_world.h"
#include "tests/support/postgres.h"

namespace parley::test {
namespace {

using api::OidcServer;
using testing::HasSubstr;
using testing::Not;

class RestSecurity : public testing::Test {
 protected:
  explicit RestSecurity(std::string more = "") {
    BridgeOptions options;
    options.database = database_;
    options.brokers = {&broker_};
    options.settings = {"log.level = \"debug\"", "limits.login_failures = 100", "limits.sessions = 3"};
    options.more_toml = std::move(more);
    options.files = {{"oidc-secret", OidcServer::kSecret}};
    bridge_.emplace(options);
    bridge_->wait_until_ready();
    people_.emplace(*bridge_, broker_);
  }

  // Once the broker knows of the account.
  RawClient connect(const Reply& session) {
    std::optional<RawClient> client;
    EXPECT_TRUE(eventually([&] {
      client.emplace(broker_.port());
      return client->connect(people_->mqtt(session)).reason == 0;
    }));
    return std::move(*client);
  }
  bool refused_by_broker(const Reply& session) {
    RawClient client(broker_.port());
    return client.connect(people_->mqtt(session)).reason != 0;
  }
  unsigned me(const Reply& session) {
    return people_->call("GET", "/users/me", {session.at("access_token"), ""}).status;
  }
  Reply refresh(const std::string& token) {
    return people_->call("POST", "/auth/refresh", {"", R"({"refresh_token":")" + token + "\"}"});
  }
  // Signed out: of this session nothing is left, at REST and at the broker.
  void expect_out(RawClient& client, const Reply& session) {
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(eventually([&] { return me(session) == 401; }));
    EXPECT_TRUE(refused_by_broker(session));
    EXPECT_EQ(refresh(session.at("refresh_token")).status, 401u);
  }
  void expect_in(RawClient& client, const Reply& session) {
    client.ping();
    EXPECT_EQ(me(session), 200u);
  }
  std::string sql(const std::string& text) { return PostgresCluster::shared().sql(database_, text); }

  std::string database_ = PostgresCluster::shared().create_database();
  Broker broker_;
  std::optional<Bridge> bridge_;
  std::optional<RestWorld> people_;
};

TEST_F(RestSecurity, AStolenRefreshTokenEndsItsSessionEverywhere) {
  const Reply phone = people_->session("alice");
  const Reply laptop = people_->log_in("alice", "laptop");
  RawClient on_phone = connect(phone);
  RawClient on_laptop = connect(laptop);
  const Reply next = refresh(phone.at("refresh_token"));
  ASSERT_EQ(next.status, 200u) << next.text;
  expect_in(on_phone, next);
  ASSERT_EQ(refresh(next.at("refresh_token")).status, 200u);
  // The thief comes later than a second tab would, and after the owner has gone on.
  sql("UPDATE refresh_tokens SET used_ms = used_ms - 60000 WHERE used_ms <> 0");
  EXPECT_EQ(refresh(phone.at("refresh_token")).status, 401u);
  expect_out(on_phone, next);
  expect_in(on_laptop, laptop);
  EXPECT_EQ(people_->as_service("GET", "/admin/audit?action=session.reuse").at("items.0.target"),
            "user:alice");
}

TEST_F(RestSecurity, WhoSignsOutIsDisconnected) {
  const Reply phone = people_->session("alice");
  const Reply laptop = people_->log_in("alice", "laptop");
  const Reply tablet = people_->log_in("alice", "tablet");
  RawClient on_phone = connect(phone);
  RawClient on_laptop = connect(laptop);
  RawClient on_tablet = connect(tablet);
  ASSERT_EQ(people_->call("POST", "/auth/logout", {phone.at("access_token"), ""}).status, 204u);
  expect_out(on_phone, phone);
  // A new password ends all others.
  const std::string change =
      std::string(R"({"old_password":")") + kPassword + R"(","password":"battery staple"})";
  ASSERT_EQ(people_->call("PUT", "/users/me/password", {laptop.at("access_token"), change}).status, 204u);
  expect_out(on_tablet, tablet);
  expect_in(on_laptop, laptop);
  ASSERT_EQ(people_->call("POST", "/auth/logout-all", {laptop.at("access_token"), ""}).status, 204u);
  expect_out(on_laptop, laptop);
}

TEST_F(RestSecurity, WhoIsBlockedOrDeletedIsDisconnected) {
  const Reply bob = people_->session("bob");
  const Reply carol = people_->session("carol");
  RawClient on_bob = connect(bob);
  RawClient on_carol = connect(carol);
  ASSERT_EQ(people_->as_service("PATCH", "/admin/users/bob", R"({"status":"blocked"})").status, 200u);
  expect_out(on_bob, bob);
  ASSERT_EQ(people_->call("DELETE", "/users/me", {carol.at("access_token"), ""}).status, 204u);
  expect_out(on_carol, carol);
}

TEST_F(RestSecurity, AnApiTokenIsGoneFromTheBrokerToo) {
  const Reply token = people_->as("alice", "POST", "/users/me/tokens", R"({"device":"lamp"})");
  ASSERT_EQ(token.status, 201u) << token.text;
  ConnectOptions lamp;
  lamp.client_id = "alice:lamp";
  lamp.password = token.at("token");
  std::optional<RawClient> client;
  ASSERT_TRUE(eventually([&] {
    client.emplace(broker_.port());
    return client->connect(lamp).reason == 0;
  }));
  // A gadget is not its owner: it makes no tokens, ends no sessions, administers nothing.
  const auto as_lamp = [&](const char* method, const char* path, const char* body = "") {
    return people_->call(method, path, {token.at("token"), body}).status;
  };
  EXPECT_EQ(as_lamp("GET", "/users/me"), 200u);
  EXPECT_EQ(as_lamp("POST", "/users/me/tokens", R"({"device":"x"})"), 403u);
  EXPECT_EQ(as_lamp("DELETE", "/users/me"), 403u);
  ASSERT_EQ(people_->as("alice", "DELETE", "/users/me/tokens/" + token.at("id")).status, 204u);
  EXPECT_TRUE(client->closed());
  EXPECT_EQ(as_lamp("GET", "/users/me"), 401u);
}

TEST_F(RestSecurity, ApiTokensEndAtTheBrokerTooWhereThatIsAskedFor) {
  const Reply desk = people_->session("alice");
  ASSERT_EQ(people_->as("alice", "POST", "/users/me/bots", R"({"user":"meteo"})").status, 201u);
  const auto connected = [&](const std::string& id, const std::string& body) {
    const Reply token = people_->as("alice", "POST", "/users/me/tokens", body);
    EXPECT_EQ(token.status, 201u) << token.text;
    ConnectOptions options;
    options.client_id = id;
    options.password = token.at("token");
    std::optional<RawClient> client;
    EXPECT_TRUE(eventually([&] {
      client.emplace(broker_.port());
      return client->connect(options).reason == 0;
    }));
    return std::pair(std::move(*client), options);
  };
  auto [lamp, as_lamp] = connected("alice:lamp", R"({"device":"lamp"})");
  auto [roof, as_roof] = connected("meteo:roof", R"({"user":"meteo","device":"roof"})");
  const auto change = [&](const std::string& end_tokens) {
    return people_->call(
        "PUT", "/users/me/password",
        {desk.at("access_token"), std::string(R"({"old_password":")") + kPassword + R"(","password":")" +
                                      kPassword + R"(","end_tokens":)" + end_tokens + "}"});
  };
  EXPECT_EQ(change("false").at("tokens_left"), "2");
  lamp.ping();
  roof.ping();
  EXPECT_EQ(change("true").at("tokens_ended"), "2");
  EXPECT_TRUE(lamp.closed());
  EXPECT_TRUE(roof.closed());
  EXPECT_NE(RawClient(broker_.port()).connect(as_lamp).reason, 0);
  EXPECT_NE(RawClient(broker_.port()).connect(as_roof).reason, 0);
}

TEST_F(RestSecurity, ASessionTooManyDisconnectsTheOneUnusedForLongest) {
  const Reply first = people_->session("alice");
  const Reply second = people_->log_in("alice", "second");
  RawClient on_first = connect(first);
  RawClient on_second = connect(second);
  people_->log_in("alice", "third");
  sql("UPDATE sessions SET used_ms = used_ms - 1000 WHERE sid = '" + first.at("session") + "'");
  people_->log_in("alice", "fourth");
  expect_out(on_first, first);
  expect_in(on_second, second);
}

TEST_F(RestSecurity, WhoSignsOutByARefreshTokenIsDisconnected) {
  const Reply phone = people_->session("alice");
  RawClient on_phone = connect(phone);
  const std::string body = R"({"refresh_token":")" + phone.at("refresh_token") + "\"}";
  ASSERT_EQ(people_->call("POST", "/auth/logout", {"", body}).status, 204u);
  expect_out(on_phone, phone);
}

TEST_F(RestSecurity, ALostAnswerToARefreshDisconnectsNobody) {
  const Reply phone = people_->session("alice");
  RawClient on_phone = connect(phone);
  Reply again;
  for (int i = 0; i < 3; ++i) {
    again = refresh(phone.at("refresh_token"));
    ASSERT_EQ(again.status, 200u) << again.text;
    sql("UPDATE refresh_tokens SET used_ms = used_ms - 11000 WHERE used_ms <> 0");
  }
  expect_in(on_phone, again);
  EXPECT_EQ(refresh(again.at("refresh_token")).status, 200u);
}

// A bridge that people may also sign in to by a provider.
class RestSecrets : public RestSecurity {
 protected:
  RestSecrets() : RestSecrets(std::make_unique<OidcServer>()) {}

  void secret(const std::string& text) {
    ASSERT_GT(text.size(), 7u);
    secrets_.insert(text);
  }
  void secrets_of(const Reply& session) {
    secret(session.at("access_token"));
    secret(session.at("refresh_token"));
  }
  void by_password() {
    secret(kPassword);
    const Reply alice = people_->session("alice");
    secrets_of(alice);
    secrets_of(people_->log_in("alice", "laptop"));
    secret("a wrong guess");
    people_->call("POST", "/auth/login", {"", R"({"user":"alice","password":"a wrong guess"})"});
    people_->call("POST", "/auth/login?password=a%20wrong%20guess", {"", "{not json a wrong guess"});
    secrets_of(refresh(alice.at("refresh_token")));
    refresh(alice.at("refresh_token"));
    secret("rt_made-up-by-somebody");
    refresh("rt_made-up-by-somebody");
    secret("another staple");
    const std::string change =
        std::string(R"({"old_password":")") + kPassword + R"(","password":"another staple"})";
    people_->as("alice", "PUT", "/users/me/password", change);
  }
  void by_token() {
    const Reply token = people_->as("alice", "POST", "/users/me/tokens", R"({"device":"lamp"})");
    secret(token.at("token"));
    people_->call("GET", "/users/me", {token.at("token"), ""});
    secret("pk_" + std::string(43, 'q'));
    people_->call("GET", "/users/me", {"pk_" + std::string(43, 'q'), ""});
    RawClient(broker_.port()).connect({.client_id = "alice:x", .password = "pk_" + std::string(43, 'q')});
    connect(people_->session("bob"));
    secrets_of(people_->session("bob"));
  }
  void by_invite() {
    ASSERT_EQ(
        people_->as("bob", "POST", "/rooms", R"({"kind":"channel","room":"tea","access":"private"})").status,
        201u);
    const std::string code = people_->as("bob", "POST", "/rooms/tea/invites").at("code");
    codes_.insert(code);
    EXPECT_EQ(people_->as("alice", "GET", "/invites/" + code).status, 200u);
    EXPECT_EQ(people_->as("alice", "POST", "/invites/" + code + "/accept").status, 200u);
    EXPECT_EQ(people_->as("bob", "DELETE", "/rooms/tea/invites/" + code).status, 204u);
    EXPECT_EQ(people_->as("alice", "GET", "/invites/" + code).status, 404u);
  }
  void by_provider() {
    secret(OidcServer::kSecret);
    const Reply start =
        people_->call("GET", "/auth/oidc/test/start?redirect_uri=https%3A%2F%2Fevil.example", {});
    ASSERT_EQ(start.status, 303u) << start.text;
    // Back to where the configuration says, whatever was asked for.
    EXPECT_THAT(start.header("location"), HasSubstr("redirect_uri=https%3A%2F%2Fchat.example.org%2F"));
    EXPECT_THAT(start.header("location"), Not(HasSubstr("evil")));
    const std::string cookie = start.header("set-cookie").substr(0, start.header("set-cookie").find(';'));
    secret(cookie.substr(cookie.find('=') + 1));
    const std::string back = oidc_->sign_in(start.header("location"), "subject-1", "olga");
    const auto part = [&](const std::string& name) {
      const std::size_t at = back.find(name + "=") + name.size() + 1;
      return back.substr(at, back.find('&', at) - at);
    };
    secret(part("code"));
    secret(part("state"));
    const Reply newcomer = people_->call("GET", back.substr(7), {"", "", {{"Cookie", cookie}}});
    ASSERT_EQ(newcomer.status, 202u) << newcomer.text;
    secret(newcomer.at("registration_token"));
    const Reply made = people_->call(
        "POST", "/auth/oidc/register",
        {"", R"({"registration_token":")" + newcomer.at("registration_token") + R"(","user":"olga"})"});
    ASSERT_EQ(made.status, 201u) << made.text;
    secrets_of(made);
    people_->call("GET", back.substr(7), {"", "", {{"Cookie", cookie}}});  // the code is used up
  }

  std::unique_ptr<OidcServer> oidc_;
  std::set<std::string> secrets_;
  std::set<std::string> codes_;  // of invites: kept in the database, but not logged

 private:
  explicit RestSecrets(std::unique_ptr<OidcServer> oidc)
      : RestSecurity("[[oidc]]\nname = \"test\"\nissuer = \"" + oidc->issuer() + "\"\nclient_id = \"" +
                     OidcServer::kClient +
                     "\"\nclient_secret_file = \"oidc-secret\"\nredirect_uri = "
                     "\"https://chat.example.org/api/v1/auth/oidc/test/callback\"\n"),
        oidc_(std::move(oidc)) {}
};

TEST_F(RestSecrets, AreInNoLogAndNotInTheDatabase) {
  by_password();
  by_token();
  by_invite();
  by_provider();
  EXPECT_EQ(bridge_->terminate(), 0);
  const std::string log = bridge_->log() + broker_.log();
  std::string database;
  const std::string tables = sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
  std::istringstream names(tables);
  for (std::string table; std::getline(names, table);) database += sql("SELECT t::text FROM " + table + " t");
  EXPECT_THAT(log, HasSubstr("/api/v1/auth/login"));  // it is the right log, and talkative
  EXPECT_THAT(log, HasSubstr("/api/v1/invites/{code}"));
  EXPECT_THAT(database, HasSubstr("$argon2id$"));
  for (const std::string& each : secrets_) {
    EXPECT_EQ(log.find(each), std::string::npos) << each << " in:\n" << log;
    EXPECT_EQ(database.find(each), std::string::npos) << each;
  }
  for (const std::string& each : codes_) EXPECT_EQ(log.find(each), std::string::npos) << each;
}

}  // namespace
}  // namespace parley::test
