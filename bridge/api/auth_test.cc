// Signing in and out over HTTP, on a real database.
#include "bridge/api/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bridge/api/password.h"
#include "bridge/api/testing/api_world.h"
#include "tests/support/deadline.h"
#include "tests/support/postgres.h"

namespace parley::api {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRegister = "/api/v1/auth/register";
constexpr const char* kLogin = "/api/v1/auth/login";
constexpr const char* kRefresh = "/api/v1/auth/refresh";

class AuthApi : public testing::Test {
 protected:
  // Cheap passwords: what they cost is Argon2's affair.
  explicit AuthApi(const ApiWorld::Configure& more = {})
      : world_(ApiWorld::Database::fresh, [&](BridgeConfig& config) {
          config.auth.argon2_ops = 1;
          config.auth.argon2_mem_bytes = 1u << 20;
          config.limits.login_failures = 1000;
          if (more) more(config);
        }) {}

  Reply post(const std::string& path, const std::string& body, const std::string& token = "") {
    return world_.call("POST", path, {token, body, {}});
  }
  Reply enter(const char* path, const std::string& user, const std::string& password,
              const std::string& more = "") {
    return post(path, R"({"user":")" + user + R"(","password":")" + password + "\"" + more + "}");
  }
  Reply refresh(const std::string& token) { return post(kRefresh, R"({"refresh_token":")" + token + "\"}"); }
  Reply me(const std::string& token) { return world_.call("GET", "/api/v1/users/me", {token, "", {}}); }

  ApiWorld world_;
};

TEST_F(AuthApi, RegistersAndSignsIn) {
  const Reply made =
      enter(kRegister, "alice", "correct horse", R"(,"display_name":"Alice","device":"laptop")");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(made.at("user"), "alice");
  EXPECT_EQ(made.at("device"), "laptop");
  EXPECT_EQ(made.at("token_type"), "Bearer");
  EXPECT_EQ(made.at("expires_in"), "900");
  const Reply self = me(made.at("access_token"));
  EXPECT_EQ(self.status, 200u) << self.text;
  EXPECT_EQ(self.at("display_name"), "Alice");
  EXPECT_EQ(self.header("etag"), "\"" + self.at("version") + "\"");

  const Reply in = enter(kLogin, "alice", "correct horse");
  ASSERT_EQ(in.status, 200u) << in.text;
  EXPECT_NE(in.at("session"), made.at("session"));
  EXPECT_NE(in.at("device"), "");
  EXPECT_EQ(me(in.at("access_token")).status, 200u);
}

TEST_F(AuthApi, WhatTheBrokerTrustsIsWhatIsSigned) {
  const Reply made = enter(kRegister, "alice", "correct horse", R"(,"device":"phone")");
  const Reply keys = world_.call("GET", "/api/v1/auth/jwks");
  ASSERT_EQ(keys.status, 200u);
  const auto set = KeySet::parse(keys.text);
  ASSERT_TRUE(set) << set.error();
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto claims = set->verify(made.at("access_token"), now.count());
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->sub, "alice");
  EXPECT_EQ(claims->dev, "phone");
  EXPECT_EQ(claims->sid, made.at("session"));
  EXPECT_EQ(claims->role, TokenRole::user);
  EXPECT_EQ(claims->exp - claims->iat, 900);
}

TEST_F(AuthApi, NamesTheFieldThatIsWrong) {
  const auto field = [&](const std::string& body) {
    const Reply reply = post(kRegister, body);
    EXPECT_EQ(reply.status, 422u) << body << reply.text;
    return reply.field();
  };
  EXPECT_EQ(field(R"({"password":"correct horse"})"), "user");
  EXPECT_EQ(field(R"({"user":"Alice","password":"correct horse"})"), "user");
  EXPECT_EQ(field(R"({"user":"alice"})"), "password");
  EXPECT_EQ(field(R"({"user":"alice","password":"short"})"), "password");
  EXPECT_EQ(field(R"({"user":"alice","password":")" + std::string(257, 'x') + "\"}"), "password");
  EXPECT_EQ(field(R"({"user":"alice-liddell","password":"alice-liddell"})"), "password");
  EXPECT_EQ(field(R"({"user":"alice","password":"correct horse","device":"my phone"})"), "device");
  EXPECT_EQ(field(R"({"user":"alice","password":"correct horse","admin":true})"), "admin");
  EXPECT_EQ(enter(kRegister, "alice", "correct horse").status, 201u);
  const Reply taken = enter(kRegister, "alice", "another horse");
  EXPECT_EQ(taken.status, 409u);
  EXPECT_EQ(taken.field(), "user");
}

TEST_F(AuthApi, WrongPasswordAndUnknownUserAreAnsweredAlike) {
  enter(kRegister, "alice", "correct horse");
  const Reply wrong = enter(kLogin, "alice", "wrong horse!");
  const Reply unknown = enter(kLogin, "nobody", "wrong horse!");
  EXPECT_EQ(wrong.status, 401u);
  EXPECT_EQ(wrong.text, unknown.text);
  EXPECT_EQ(unknown.status, 401u);
  auto names = [](const Reply& reply) {
    std::vector<std::string> out;
    for (const auto& [name, value] : reply.headers) out.push_back(name);
    return out;
  };
  EXPECT_EQ(names(wrong), names(unknown));
  // Who failed is on record.
  storage::AuditFilter filter;
  filter.action = "login.failed";
  const auto audit = world_.metadata().administration().audit_log(filter, {});
  ASSERT_TRUE(audit);
  EXPECT_EQ(audit->items.size(), 2u);
}

class AuthTiming : public AuthApi {
 protected:
  // Argon2id takes tens of milliseconds for these, never one.
  AuthTiming()
      : AuthApi([](BridgeConfig& config) {
          config.auth.argon2_ops = 4;
          config.auth.argon2_mem_bytes = 32u << 20;
        }) {}

  std::uint64_t metric(const std::string& name) {
    const std::string text = "\n" + world_.metrics().text();
    const auto at = text.find("\n" + name + " ");
    if (at == std::string::npos) throw std::runtime_error("there is no metric " + name);
    return std::stoull(text.substr(at + name.size() + 2));
  }
};

// What anybody can measure is the one hash, whoever is asked for. The clock itself would measure the machine.
TEST_F(AuthTiming, TellsNothingAboutWhoIsThere) {
  const std::string hashes = "parley_bridge_password_seconds_count";
  const std::string cheap = R"(parley_bridge_password_seconds_bucket{le="0.001"})";
  enter(kRegister, "alice", "correct horse");
  enter(kRegister, "blocked", "correct horse");
  ASSERT_EQ(world_.patch("/api/v1/admin/users/blocked", "admin", R"({"status":"blocked"})").status, 200u);
  world_.add_user("provider");  // an account without a password
  for (const std::string user : {"alice", "nobody", "blocked", "provider"}) {
    const std::uint64_t before = metric(hashes);
    ASSERT_GE(before, 1u);
    EXPECT_EQ(enter(kLogin, user, "wrong horse!").status, 401u);
    EXPECT_EQ(metric(hashes), before + 1) << user;
  }
  EXPECT_EQ(metric(cheap), 0u) << "a hash that is none";
}

TEST_F(AuthApi, RefreshTokensGiveTheNextPair) {
  const Reply first = enter(kRegister, "alice", "correct horse");
  const Reply second = refresh(first.at("refresh_token"));
  ASSERT_EQ(second.status, 200u) << second.text;
  EXPECT_EQ(second.at("session"), first.at("session"));
  EXPECT_EQ(second.at("device"), first.at("device"));
  EXPECT_NE(second.at("refresh_token"), first.at("refresh_token"));
  EXPECT_EQ(me(second.at("access_token")).status, 200u);
  for (const char* rubbish : {"rt_x", "x", "'; DROP TABLE users; --"})
    EXPECT_EQ(refresh(rubbish).status, 401u);
  EXPECT_EQ(post(kRefresh, "{}").field(), "refresh_token");
}

// What the clock of the database says is not a test's to move: what was used is made older instead.
TEST_F(AuthApi, ALostAnswerToARefreshCostsNobodyTheSession) {
  const auto pass_11_s = [&] {
    test::PostgresCluster::shared().sql(
        world_.database(), "UPDATE refresh_tokens SET used_ms = used_ms - 11000 WHERE used_ms <> 0");
  };
  const Reply first = enter(kRegister, "alice", "correct horse");
  const Reply lost = refresh(first.at("refresh_token"));
  ASSERT_EQ(lost.status, 200u);
  EXPECT_EQ(refresh(first.at("refresh_token")).status, 200u) << "two tabs at once";
  Reply again;
  for (int i = 0; i < 3; ++i) {
    pass_11_s();
    again = refresh(first.at("refresh_token"));
    ASSERT_EQ(again.status, 200u) << again.text;
    EXPECT_EQ(me(again.at("access_token")).status, 200u);
  }
  const Reply next = refresh(again.at("refresh_token"));
  ASSERT_EQ(next.status, 200u) << next.text;
  EXPECT_EQ(refresh(first.at("refresh_token")).status, 409u) << "the other has gone on";
  pass_11_s();
  EXPECT_EQ(refresh(first.at("refresh_token")).status, 401u) << "a thief";
  EXPECT_EQ(refresh(next.at("refresh_token")).status, 401u) << "and nobody knows who of the two";
  EXPECT_EQ(me(next.at("access_token")).status, 401u);
}

TEST_F(AuthApi, TabsThatRefreshAtOnceAllGoOn) {
  const Reply first = enter(kRegister, "alice", "correct horse");
  std::vector<Reply> pairs(4);
  std::vector<std::thread> tabs;
  for (Reply& pair : pairs) tabs.emplace_back([&] { pair = refresh(first.at("refresh_token")); });
  for (std::thread& tab : tabs) tab.join();
  for (const Reply& pair : pairs) {
    ASSERT_EQ(pair.status, 200u) << pair.text;
    EXPECT_EQ(me(pair.at("access_token")).status, 200u);
    EXPECT_EQ(refresh(pair.at("refresh_token")).status, 200u);
  }
}

TEST_F(AuthApi, LoggingOutEndsTheSessionAtOnce) {
  const Reply one = enter(kRegister, "alice", "correct horse");
  const Reply two = enter(kLogin, "alice", "correct horse");
  ASSERT_EQ(me(one.at("access_token")).status, 200u);
  EXPECT_EQ(post("/api/v1/auth/logout", "", one.at("access_token")).status, 204u);
  const Reply after = me(one.at("access_token"));
  EXPECT_EQ(after.status, 401u);
  EXPECT_THAT(after.text, HasSubstr("session has ended"));
  EXPECT_EQ(refresh(one.at("refresh_token")).status, 401u);
  EXPECT_EQ(me(two.at("access_token")).status, 200u);

  const Reply three = enter(kLogin, "alice", "correct horse");
  EXPECT_EQ(post("/api/v1/auth/logout-all", "", two.at("access_token")).status, 204u);
  EXPECT_EQ(me(two.at("access_token")).status, 401u);
  EXPECT_EQ(me(three.at("access_token")).status, 401u);
  EXPECT_EQ(me(enter(kLogin, "alice", "correct horse").at("access_token")).status, 200u);
}

TEST_F(AuthApi, ASessionEndedElsewhereIsRefusedWithinASecond) {
  const Reply in = enter(kRegister, "alice", "correct horse");
  ASSERT_EQ(me(in.at("access_token")).status, 200u);
  storage::Actor alice;
  alice.user = "alice";
  ASSERT_TRUE(world_.metadata().sessions().revoke(alice, "alice", in.at("session")));
  const auto revoked = std::chrono::steady_clock::now();
  unsigned status = 200;
  while (status == 200 && std::chrono::steady_clock::now() - revoked < test::kPatience) {
    status = me(in.at("access_token")).status;
  }
  EXPECT_EQ(status, 401u);
  EXPECT_LT(std::chrono::steady_clock::now() - revoked, 5s);
}

TEST_F(AuthApi, TheSameDeviceHasOneSession) {
  const Reply one = enter(kRegister, "alice", "correct horse", R"(,"device":"phone")");
  const Reply two = enter(kLogin, "alice", "correct horse", R"(,"device":"phone")");
  EXPECT_EQ(me(one.at("access_token")).status, 401u);
  EXPECT_EQ(me(two.at("access_token")).status, 200u);
}

TEST_F(AuthApi, SessionsAreListedAndEnded) {
  const Reply one = enter(kRegister, "alice", "correct horse", R"(,"device":"laptop")");
  const Reply two = enter(kLogin, "alice", "correct horse", R"(,"device":"phone")");
  const Reply bob = enter(kRegister, "bob", "correct horse");
  const std::string& token = one.at("access_token");
  const Reply list = world_.call("GET", "/api/v1/users/me/sessions", {token, "", {}});
  ASSERT_EQ(list.status, 200u);
  EXPECT_EQ(list.json.at("items").as_array().size(), 2u);
  EXPECT_THAT(list.text, Not(HasSubstr("rt_")));
  const auto end = [&](const std::string& sid) {
    return world_.call("DELETE", "/api/v1/users/me/sessions/" + sid, {token, "", {}}).status;
  };
  EXPECT_EQ(end(two.at("session")), 204u);
  EXPECT_EQ(me(two.at("access_token")).status, 401u);
  EXPECT_EQ(end(bob.at("session")), 404u);
  EXPECT_EQ(me(bob.at("access_token")).status, 200u);
}

TEST_F(AuthApi, ANewPasswordEndsTheOtherSessions) {
  const Reply one = enter(kRegister, "alice", "correct horse");
  const Reply two = enter(kLogin, "alice", "correct horse");
  const auto change = [&](const std::string& body) {
    return world_.call("PUT", "/api/v1/users/me/password", {one.at("access_token"), body, {}});
  };
  EXPECT_EQ(change(R"({"password":"battery staple"})").field(), "old_password");
  EXPECT_EQ(change(R"({"old_password":"wrong horse!","password":"battery staple"})").status, 403u);
  EXPECT_EQ(change(R"({"old_password":"correct horse","password":"x"})").field(), "password");
  EXPECT_EQ(change(R"({"old_password":"correct horse","password":"battery staple"})").status, 204u);
  EXPECT_EQ(me(one.at("access_token")).status, 200u);
  EXPECT_EQ(me(two.at("access_token")).status, 401u);
  EXPECT_EQ(enter(kLogin, "alice", "correct horse").status, 401u);
  EXPECT_EQ(enter(kLogin, "alice", "battery staple").status, 200u);
}

TEST_F(AuthApi, PasswordsAreHashedAnewWhenTheParametersChange) {
  // A hash of other parameters, as an older configuration left it.
  bridge::Metrics metrics;
  const Passwords old(2, 2u << 20, metrics);
  storage::NewUser user;
  user.name = "alice";
  user.password_hash = old.hash("correct horse");
  ASSERT_TRUE(world_.metadata().users().create({}, user));
  ASSERT_EQ(enter(kLogin, "alice", "correct horse").status, 200u);
  const auto now = world_.metadata().users().credential("alice");
  ASSERT_TRUE(now);
  EXPECT_NE(now->password_hash, user.password_hash);
  EXPECT_THAT(now->password_hash, HasSubstr("$argon2id$"));
  EXPECT_THAT(now->password_hash, HasSubstr("m=1024,t=1,"));
  EXPECT_EQ(enter(kLogin, "alice", "correct horse").status, 200u);
}

TEST_F(AuthApi, BlockedUsersAreTurnedAway) {
  const Reply in = enter(kRegister, "alice", "correct horse");
  ASSERT_EQ(world_.patch("/api/v1/admin/users/alice", "admin", R"({"status":"blocked"})").status, 200u);
  EXPECT_EQ(enter(kLogin, "alice", "correct horse").status, 403u);
  EXPECT_EQ(enter(kLogin, "alice", "wrong horse!").status, 401u);  // tells only who knows the password
  EXPECT_EQ(refresh(in.at("refresh_token")).status, 401u);
}

TEST_F(AuthApi, TokensOfOtherKindsAreNoSessions) {
  TokenClaims claims = world_.claims("alice");
  claims.sid = "made-up";
  EXPECT_EQ(me(world_.sign(claims)).status, 401u);
  // Somebody else's session under one's own name.
  const Reply bob = enter(kRegister, "bob", "correct horse");
  claims.sid = bob.at("session");
  EXPECT_EQ(me(world_.sign(claims)).status, 401u);
  // A service is an admin without an account.
  claims = {.sub = "bridge",
            .dev = "x",
            .sid = "y",
            .exp = claims.exp,
            .iat = claims.iat,
            .role = TokenRole::service};
  EXPECT_EQ(me(world_.sign(claims)).status, 403u);
  EXPECT_EQ(world_.call("GET", "/api/v1/admin/users", {world_.sign(claims), "", {}}).status, 200u);
  EXPECT_EQ(post("/api/v1/auth/logout", "", world_.sign(claims)).status, 403u);
}

TEST_F(AuthApi, TheHeaderMustBeABearers) {
  const std::string token = world_.token("alice");
  const auto with = [&](const std::string& value) {
    return world_.call("GET", "/api/v1/users/me", {"", "", {{"Authorization", value}}}).status;
  };
  EXPECT_EQ(with("Bearer " + token), 200u);
  EXPECT_EQ(with("bearer   " + token), 200u);
  EXPECT_EQ(with("Basic " + token), 401u);
  EXPECT_EQ(with(token), 401u);
  EXPECT_EQ(with("Bearer"), 401u);
  EXPECT_EQ(with("Bearer " + token + " x"), 401u);
}

class AuthLimits : public AuthApi {
 protected:
  AuthLimits()
      : AuthApi([](BridgeConfig& config) {
          config.limits.login_failures = 3;
          config.limits.login_window = std::chrono::seconds(300);
          config.http.trust_forwarded_for = true;  // so that a test can come from anywhere
        }) {}
  Reply from(const std::string& address, const std::string& user, const std::string& password) {
    return world_.call(
        "POST", kLogin,
        {"", R"({"user":")" + user + R"(","password":")" + password + "\"}", {{"X-Forwarded-For", address}}});
  }
};

TEST_F(AuthLimits, GuessingOnePasswordFromManyPlaces) {
  enter(kRegister, "alice", "correct horse");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(from("203.0.113." + std::to_string(i), "alice", "wrong horse!").status, 401u);
  const Reply refused = from("203.0.113.99", "alice", "correct horse");
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.code(), "rate_limited");
  EXPECT_GE(std::stoi(refused.header("retry-after")), 1);
  EXPECT_NE(refused.at("error.retry_after_ms"), "");
  EXPECT_EQ(from("203.0.113.99", "bob", "wrong horse!").status, 401u);
}

TEST_F(AuthLimits, GuessingManyUsersFromOnePlace) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(from("203.0.113.7", "user" + std::to_string(i), "wrong horse!").status, 401u);
  EXPECT_EQ(from("203.0.113.7", "user9", "wrong horse!").status, 429u);
  EXPECT_EQ(from("203.0.113.8", "user9", "wrong horse!").status, 401u);
}

TEST_F(AuthLimits, GuessingTheOldPasswordWithAToken) {
  const std::string token = enter(kRegister, "alice", "correct horse").at("access_token");
  const auto change = [&](const std::string& body) {
    return world_.call("PUT", "/api/v1/users/me/password", {token, body, {}}).status;
  };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(change(R"({"password":"battery staple"})"), 422u) << "nothing was tried";
    EXPECT_EQ(change(R"({"old_password":"wrong horse!","password":"battery staple"})"), 403u);
  }
  EXPECT_EQ(change(R"({"password":"battery staple"})"), 429u);
  EXPECT_EQ(change(R"({"old_password":"correct horse","password":"battery staple"})"), 429u);
}

TEST_F(AuthLimits, WhoKnowsThePasswordIsNotHeldUp) {
  enter(kRegister, "alice", "correct horse");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(from("203.0.113.7", "alice", "correct horse").status, 200u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(from("203.0.113.7", "alice", "wrong horse!").status, 401u);
  EXPECT_EQ(from("203.0.113.7", "alice", "correct horse").status, 200u);
}

class AuthPace : public AuthApi {
 protected:
  AuthPace()
      : AuthApi([](BridgeConfig& config) {
          config.limits.requests_per_s = 0.5;
          config.limits.burst = 5;
          config.limits.registrations_per_h = 2;
          config.limits.connects_per_min = 2;
        }) {}
};

TEST_F(AuthPace, OneUsersRequestsAreLimitedAndNobodyElses) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(world_.get("/api/v1/users/me", "alice").status, 200u);
  const Reply refused = world_.get("/api/v1/users/me", "alice");
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.header("retry-after"), "2");
  EXPECT_EQ(world_.get("/api/v1/users/me", "bob").status, 200u);
}

TEST_F(AuthPace, BadTokensUseUpTheirAddress) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(me("pk_" + std::string(43, 'a')).status, 401u);
  EXPECT_EQ(me("pk_" + std::string(43, 'b')).status, 429u);
}

TEST_F(AuthPace, RegistrationsAndConnectsAreFew) {
  EXPECT_EQ(enter(kRegister, "alice", "correct horse").status, 201u);
  EXPECT_EQ(enter(kRegister, "bob", "correct horse").status, 201u);
  EXPECT_EQ(enter(kRegister, "carol", "correct horse").status, 429u);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(world_.get("/api/v1/connect", "dave").status, 200u);
  EXPECT_EQ(world_.get("/api/v1/connect", "dave").status, 429u);
}

class AuthByInvite : public AuthApi {
 protected:
  AuthByInvite() : AuthApi([](BridgeConfig& config) { config.auth.registration = Registration::invite; }) {}
};

TEST_F(AuthByInvite, AnInviteLetsInAndIntoItsRoom) {
  world_.add_room("general", "alice");
  EXPECT_EQ(enter(kRegister, "bob", "correct horse").field(), "invite");
  EXPECT_EQ(enter(kRegister, "bob", "correct horse", R"(,"invite":"nonsense")").field(), "invite");
  const Reply invite = world_.post("/api/v1/rooms/general/invites", "alice", R"({"uses":1})");
  ASSERT_EQ(invite.status, 201u) << invite.text;
  const std::string code = R"(,"invite":")" + invite.at("code") + "\"";
  const Reply bob = enter(kRegister, "bob", "correct horse", code);
  ASSERT_EQ(bob.status, 201u) << bob.text;
  const Reply room = world_.call("GET", "/api/v1/rooms/general", {bob.at("access_token"), "", {}});
  EXPECT_EQ(room.at("role"), "member");
  EXPECT_EQ(enter(kRegister, "carol", "correct horse", code).status, 422u);  // used up
}

class AuthClosed : public AuthApi {
 protected:
  AuthClosed() : AuthApi([](BridgeConfig& config) { config.auth.registration = Registration::closed; }) {}
};

TEST_F(AuthClosed, NobodyRegisters) { EXPECT_EQ(enter(kRegister, "bob", "correct horse").status, 403u); }

TEST_F(AuthClosed, AdminsMakeAccountsAndNobodyElseDoes) {
  constexpr const char* kBob = R"({"user":"bob","password":"correct horse"})";
  EXPECT_EQ(post(kRegister, kBob, world_.token("alice")).status, 403u);
  EXPECT_EQ(post(kRegister, kBob, "no token").status, 403u);
  EXPECT_EQ(post(kRegister, kBob, world_.token("admin")).status, 201u);
  EXPECT_EQ(enter(kLogin, "bob", "correct horse").status, 200u);
}

TEST(AuthWithoutDatabase, SaysUnavailableAndForgivesTheAttempt) {
  ApiWorld world(ApiWorld::Database::absent, [](BridgeConfig& config) { config.limits.login_failures = 2; });
  for (int i = 0; i < 5; ++i) {
    const Reply reply =
        world.call("POST", kLogin, {"", R"({"user":"alice","password":"correct horse"})", {}});
    EXPECT_EQ(reply.status, 503u);
    EXPECT_EQ(reply.code(), "unavailable");
    EXPECT_EQ(reply.header("retry-after"), "1");
  }
  EXPECT_EQ(world.get("/api/v1/users/me", "alice").status, 503u);
  EXPECT_EQ(world.call("GET", "/api/v1/auth/jwks").status, 200u);
}

}  // namespace
}  // namespace parley::api
