// Signing in and out over HTTP, on a real database.
#include "bridge/api/auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
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
  // With accents two forms are tried, whoever is asked for and whatever the stored hash was made of.
  bridge::Metrics metrics;
  storage::NewUser old;
  old.name = "old";
  old.password_hash = Passwords(1, 1u << 20, metrics).hash({.text = "cafe\u0301 au lait"});
  ASSERT_TRUE(world_.metadata().users().create({}, old));
  for (const char* typed : {"wrong caf\u00e9", "wrong cafe\u0301", "a\u00a0wrong caf"}) {
    for (const std::string user : {"alice", "nobody", "blocked", "provider", "old"}) {
      const std::uint64_t before = metric(hashes);
      EXPECT_EQ(enter(kLogin, user, typed).status, 401u);
      EXPECT_EQ(metric(hashes), before + 2) << user << " " << typed;
    }
  }
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
  // A token that was found good a moment ago is asked about again within a second.
  const test::Deadline deadline = test::kPatience;
  unsigned status = 200;
  while (status == 200 && !deadline.passed()) status = me(next.at("access_token")).status;
  EXPECT_EQ(status, 401u);
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

TEST_F(AuthApi, ANewlineBehindARefreshTokenIsNoPartOfIt) {
  std::string token = enter(kRegister, "alice", "correct horse").at("refresh_token");
  for (const char* around : {"\\n", "\\r\\n", " ", "\\t\\n\\n"}) {
    const Reply next = refresh(token + around);
    ASSERT_EQ(next.status, 200u) << around << next.text;
    token = next.at("refresh_token");
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

// {"refresh_token"} in place of an access token, which may have expired or be nobody's.
TEST_F(AuthApi, LoggingOutTakesARefreshToken) {
  enter(kRegister, "alice", "correct horse");
  TokenClaims old = world_.claims("bob");
  old.iat -= 3600;
  old.exp = old.iat + 900;
  for (const std::string& token :
       {std::string(), world_.sign(old), std::string("rubbish"), world_.token("bob")}) {
    const Reply in = enter(kLogin, "alice", "correct horse");
    const std::string body = R"({"refresh_token":")" + in.at("refresh_token") + "\"}";
    EXPECT_EQ(post("/api/v1/auth/logout", body, token).status, 204u) << token;
    EXPECT_EQ(me(in.at("access_token")).status, 401u);
    EXPECT_EQ(refresh(in.at("refresh_token")).status, 401u);
    EXPECT_EQ(post("/api/v1/auth/logout", body, token).status, 204u) << "the answer was lost";
  }
  EXPECT_EQ(world_.get("/api/v1/users/me", "bob").status, 200u);
  // One whose successor never came, or did: it is the same session.
  const Reply in = enter(kLogin, "alice", "correct horse");
  const Reply next = refresh(in.at("refresh_token"));
  EXPECT_EQ(post("/api/v1/auth/logout", R"({"refresh_token":")" + in.at("refresh_token") + "\"}").status,
            204u);
  EXPECT_EQ(me(next.at("access_token")).status, 401u);
  EXPECT_EQ(refresh(next.at("refresh_token")).status, 401u);
}

TEST_F(AuthApi, LoggingOutWithoutTellingWhoIsRefused) {
  const Reply in = enter(kRegister, "alice", "correct horse");
  const std::string& access = in.at("access_token");
  TokenClaims old = world_.claims("alice2");
  old.iat -= 3600;
  old.exp = old.iat + 900;
  struct Case {
    const char* body;
    std::string token;
    unsigned status;
  };
  const Case cases[] = {
      {"", "", 401},
      {"{}", "", 401},
      {R"({"refresh_token":null})", "", 401},
      {"", world_.sign(old), 401},
      {"{}", "rubbish", 401},
      {R"({"refresh_token":"rt_made-up"})", "", 401},
      {R"({"refresh_token":"rt_made-up"})", access, 401},
      {R"({"refresh_token":""})", access, 422},
      {R"({"refresh_token":7})", access, 422},
      {R"({"token":"x"})", access, 422},
      {"{", access, 400},
  };
  for (const Case& each : cases)
    EXPECT_EQ(post("/api/v1/auth/logout", each.body, each.token).status, each.status)
        << each.body << each.token;
  EXPECT_EQ(me(access).status, 200u);
  EXPECT_EQ(post("/api/v1/auth/logout", "{}", access).status, 204u)
      << "as clients that always send an object";
  EXPECT_EQ(me(access).status, 401u);
}

// A client that sends what says of itself that it is no JSON is signed out by its access token all the same.
TEST_F(AuthApi, WhatIsNoJsonKeepsNobodySignedIn) {
  enter(kRegister, "alice", "correct horse");
  const auto logout = [&](const std::string& token, const std::string& type, const std::string& body) {
    return world_.call("POST", "/api/v1/auth/logout", {token, body, {{"Content-Type", type}}}).status;
  };
  for (const char* type : {"application/x-www-form-urlencoded", "text/plain", ""}) {
    for (const char* body : {"x", "{", "a=b", "{}", "\xff"}) {
      const std::string access = enter(kLogin, "alice", "correct horse").at("access_token");
      EXPECT_EQ(logout(access, type, body), 204u) << type << body;
      EXPECT_EQ(me(access).status, 401u) << type << body;
      EXPECT_EQ(logout("", type, body), 415u) << type << body;
      EXPECT_EQ(logout(access, type, body), 415u) << "nobody is signed in by it: " << type << body;
    }
  }
}

// Whoever is signed out on a device gets no push messages there.
TEST_F(AuthApi, PushRegistrationsGoWithTheirSession) {
  enter(kRegister, "alice", "correct horse", R"(,"device":"desk")");
  const auto devices = [&] {
    std::string out;
    for (const storage::PushDevice& device : world_.metadata().people().devices("alice").value())
      out += device.device + " ";
    return out;
  };
  struct End {
    const char* what;
    std::function<unsigned(const Reply& phone, const Reply& desk)> end;
    const char* left;
  };
  const auto del = [&](const std::string& path, const std::string& token) {
    return world_.call("DELETE", path, {token, "", {}}).status;
  };
  const End ends[] = {
      {"logout",
       [&](auto& phone, auto&) { return post("/api/v1/auth/logout", "", phone.at("access_token")).status; },
       "desk "},
      {"logout by refresh token",
       [&](auto& phone, auto&) {
         return post("/api/v1/auth/logout", R"({"refresh_token":")" + phone.at("refresh_token") + "\"}")
             .status;
       },
       "desk "},
      {"end of one session",
       [&](auto& phone, auto& desk) {
         return del("/api/v1/users/me/sessions/" + phone.at("session"), desk.at("access_token"));
       },
       "desk "},
      {"logout-all",
       [&](auto&, auto& desk) { return post("/api/v1/auth/logout-all", "", desk.at("access_token")).status; },
       ""},
      {"a new password",
       [&](auto&, auto& desk) {
         return world_
             .call("PUT", "/api/v1/users/me/password",
                   {desk.at("access_token"),
                    R"({"old_password":"correct horse","password":"correct horse"})",
                    {}})
             .status;
       },
       "desk "},
      {"an admin's end of one session",
       [&](auto& phone, auto&) {
         return world_.del("/api/v1/admin/users/alice/sessions/" + phone.at("session"), "admin").status;
       },
       "desk "},
      {"an admin's end of all sessions",
       [&](auto&, auto&) { return world_.del("/api/v1/admin/users/alice/sessions", "admin").status; }, ""},
      {"a refresh token used by two",
       [&](auto& phone, auto&) {
         const Reply next = refresh(phone.at("refresh_token"));
         refresh(next.at("refresh_token"));
         test::PostgresCluster::shared().sql(world_.database(),
                                             "UPDATE refresh_tokens SET used_ms = 1 WHERE used_ms <> 0");
         return refresh(phone.at("refresh_token")).status == 401 ? 204u : 0u;
       },
       "desk "},
      {"a session that ran out",
       [&](auto& phone, auto&) {
         test::PostgresCluster::shared().sql(
             world_.database(),
             "UPDATE sessions SET expires_ms = 1 WHERE sid = '" + phone.at("session") + "'");
         return 204u;
       },
       "desk "},
      {"a sign-in on the same device",
       [&](auto&, auto&) {
         return enter(kLogin, "alice", "correct horse", R"(,"device":"phone")").status == 200 ? 204u : 0u;
       },
       "desk phone watch "},
  };
  for (const End& each : ends) {
    const Reply desk = enter(kLogin, "alice", "correct horse", R"(,"device":"desk")");
    const Reply phone = enter(kLogin, "alice", "correct horse", R"(,"device":"phone")");
    const auto put = [&](const Reply& in, const std::string& body) {
      EXPECT_LT(post("/api/v1/devices", body, in.at("access_token")).status, 300u) << each.what;
    };
    put(desk, R"({"platform":"fcm","token":"t-desk"})");
    put(phone, R"({"platform":"fcm","token":"t-phone"})");
    put(phone, R"({"platform":"fcm","token":"t-watch","device":"watch"})");
    ASSERT_EQ(devices(), "desk phone watch ") << each.what;
    EXPECT_EQ(each.end(phone, desk), 204u) << each.what;
    EXPECT_EQ(devices(), each.left) << each.what;
  }
  ASSERT_TRUE(world_.metadata().feed().sweep());
  EXPECT_EQ(devices(), "desk phone watch ");
}

TEST_F(AuthApi, ApiTokensEndWhereThatIsAskedForAndTheAnswerSaysWhat) {
  const auto token = [&](const Reply& in, const std::string& body) {
    const Reply made = post("/api/v1/users/me/tokens", body, in.at("access_token"));
    EXPECT_EQ(made.status, 201u) << made.text;
    return made.at("token");
  };
  Reply in = enter(kRegister, "alice", "correct horse", R"(,"device":"desk")");
  const Reply bob = enter(kRegister, "bob", "correct horse");
  const std::string bobs = token(bob, R"({"device":"lamp"})");
  ASSERT_EQ(post("/api/v1/users/me/bots", R"({"user":"meteo"})", in.at("access_token")).status, 201u);
  const auto change = [&](const std::string& more) {
    return world_.call("PUT", "/api/v1/users/me/password",
                       {in.at("access_token"),
                        R"({"old_password":"correct horse","password":"correct horse")" + more + "}",
                        {}});
  };
  const auto logout_all = [&](const std::string& body) {
    const Reply reply = post("/api/v1/auth/logout-all", body, in.at("access_token"));
    in = enter(kLogin, "alice", "correct horse", R"(,"device":"desk")");
    return reply;
  };
  struct Case {
    const char* what;
    std::function<Reply()> end;
    unsigned status;
    const char* answer;  // sessions, tokens, left
    bool tokens_end;
  };
  const Case cases[] = {
      {"a new password", [&] { return change(""); }, 200, "1 0 2", false},
      {"a new password, tokens not", [&] { return change(R"(,"end_tokens":false)"); }, 200, "1 0 2", false},
      {"a new password, tokens too", [&] { return change(R"(,"end_tokens":true)"); }, 200, "1 2 0", true},
      {"a new password, perhaps", [&] { return change(R"(,"end_tokens":null)"); }, 200, "1 0 2", false},
      {"logout-all", [&] { return logout_all(""); }, 200, "2 0 2", false},
      {"logout-all with nothing", [&] { return logout_all("{}"); }, 200, "2 0 2", false},
      {"logout-all, tokens not", [&] { return logout_all(R"({"end_tokens":false})"); }, 200, "2 0 2", false},
      {"logout-all, tokens too", [&] { return logout_all(R"({"end_tokens":true})"); }, 200, "2 2 0", true},
  };
  for (const Case& each : cases) {
    test::PostgresCluster::shared().sql(world_.database(), "DELETE FROM api_tokens WHERE user_name <> 'bob'");
    const Reply phone = enter(kLogin, "alice", "correct horse", R"(,"device":"phone")");
    const std::string lamp = token(in, R"({"device":"lamp"})");
    const std::string roof = token(in, R"({"user":"meteo","device":"roof"})");
    ASSERT_EQ(me(lamp).status, 200u);
    ASSERT_EQ(me(roof).status, 200u);
    const Reply reply = each.end();
    EXPECT_EQ(reply.status, each.status) << each.what << reply.text;
    if (each.status == 200) {
      EXPECT_EQ(reply.at("sessions_ended") + " " + reply.at("tokens_ended") + " " + reply.at("tokens_left"),
                each.answer)
          << each.what;
    }
    EXPECT_EQ(me(phone.at("access_token")).status, 401u) << each.what;
    EXPECT_EQ(me(lamp).status, each.tokens_end ? 401u : 200u) << each.what;
    EXPECT_EQ(me(roof).status, each.tokens_end ? 401u : 200u) << each.what;
    EXPECT_EQ(me(bobs).status, 200u) << each.what;
  }
  for (const char* wrong : {R"({"end_tokens":"yes"})", R"({"end_tokens":1})", R"({"tokens":true})"})
    EXPECT_EQ(post("/api/v1/auth/logout-all", wrong, in.at("access_token")).status, 422u) << wrong;
  EXPECT_EQ(me(in.at("access_token")).status, 200u) << "what is wrong ends nothing";
}

class AuthFewSessions : public AuthApi {
 protected:
  AuthFewSessions() : AuthApi([](BridgeConfig& config) { config.limits.sessions = 3; }) {}
};

TEST_F(AuthFewSessions, OneMoreEndsTheOneUnusedForLongest) {
  std::vector<Reply> in = {enter(kRegister, "alice", "correct horse")};
  for (int i = 1; i < 3; ++i) in.push_back(enter(kLogin, "alice", "correct horse"));
  Reply bob = enter(kRegister, "bob", "correct horse");
  test::PostgresCluster::shared().sql(world_.database(), "UPDATE sessions SET used_ms = used_ms - 60000");
  const Reply first = refresh(in[0].at("refresh_token"));  // used: the second is the one
  ASSERT_EQ(first.status, 200u);
  const std::string last = in[1].at("session");
  test::PostgresCluster::shared().sql(world_.database(),
                                      "UPDATE sessions SET used_ms = used_ms - 1 WHERE sid = '" + last + "'");
  in.push_back(enter(kLogin, "alice", "correct horse"));
  EXPECT_EQ(me(in[1].at("access_token")).status, 401u);
  EXPECT_EQ(refresh(in[1].at("refresh_token")).status, 401u);
  for (const Reply* each : {&in[0], &in[2], &in[3], &bob})
    EXPECT_EQ(me(each->at("access_token")).status, 200u);
  // The same device again takes its own place.
  const std::string device = R"(,"device":")" + in[3].at("device") + "\"";
  in.push_back(enter(kLogin, "alice", "correct horse", device));
  EXPECT_EQ(me(in[0].at("access_token")).status, 200u);
  EXPECT_EQ(me(in[2].at("access_token")).status, 200u);
  const Reply list = world_.call("GET", "/api/v1/users/me/sessions", {in[4].at("access_token"), "", {}});
  EXPECT_EQ(list.json.at("items").as_array().size(), 3u);
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

TEST_F(AuthApi, APasswordIsTheSameHoweverItsAccentsAreTyped) {
  constexpr struct {
    const char *one, *other;
  } kPairs[] = {
      {"caf\u00e9 au lait", "cafe\u0301 au lait"},
      {"\u00c5ngstr\u00f6m!", "A\u030angstro\u0308m!"},
      {"mật khẩu dài", "ma\u0323\u0302t kha\u0302\u0309u da\u0300i"},
      {"\ube44\ubc00\ubc88\ud638\ube44\ubc00\ubc88\ud638",
       "\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169"
       "\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169"},
      {"\u0439\u043e\u0433\u0430 \u0451\u043b\u043a\u0430",
       "\u0438\u0306\u043e\u0433\u0430 \u0435\u0308\u043b\u043a\u0430"},
      {"one two three", "one\u00a0two\u3000three"},
  };
  int number = 0;
  for (const auto& pair : kPairs) {
    for (const bool swapped : {false, true}) {
      const char* one = swapped ? pair.other : pair.one;
      const char* other = swapped ? pair.one : pair.other;
      const std::string user = "user" + std::to_string(++number);
      const Reply made = enter(kRegister, user, one);
      ASSERT_EQ(made.status, 201u) << one << made.text;
      EXPECT_EQ(enter(kLogin, user, other).status, 200u) << other;
      EXPECT_EQ(enter(kLogin, user, one).status, 200u) << one;
      EXPECT_EQ(enter(kLogin, user, "not the password").status, 401u);
      const std::string change =
          std::string(R"({"old_password":")") + other + R"(","password":"plain again"})";
      const Reply in = enter(kLogin, user, other);
      EXPECT_EQ(world_.call("PUT", "/api/v1/users/me/password", {in.at("access_token"), change, {}}).status,
                204u);
      EXPECT_EQ(enter(kLogin, user, "plain again").status, 200u);
    }
  }
}

TEST_F(AuthApi, HashesOfPasswordsAsTheyWereTypedStayGoodAndAreMadeAnew) {
  bridge::Metrics metrics;
  const Passwords hasher(1, 1u << 20, metrics);
  int number = 0;
  for (const char* before : {"cafe\u0301 au lait", "a\u00a0wide\u3000space", "\u212bngstrom"}) {
    for (const char* typed : {before, "caf\u00e9 au lait"}) {
      const bool same = typed == before || std::string_view(before).starts_with("cafe");
      storage::NewUser user;
      user.name = "user" + std::to_string(++number);
      user.password_hash = hasher.hash({.text = before});
      ASSERT_TRUE(world_.metadata().users().create({}, user));
      EXPECT_EQ(enter(kLogin, user.name, typed).status, same ? 200u : 401u) << typed;
      if (!same) continue;
      const auto now = world_.metadata().users().credential(user.name);
      ASSERT_TRUE(now);
      EXPECT_NE(now->password_hash, user.password_hash) << "made anew";
      EXPECT_EQ(hasher.match(text::prepare_password(before).value(), now->password_hash),
                Passwords::Match::yes);
      EXPECT_EQ(enter(kLogin, user.name, before).status, 200u) << "and again";
    }
  }
}

TEST_F(AuthApi, PasswordsAreCountedInCharactersOfWhatIsHashed) {
  const auto status = [&](const char* user, const std::string& password) {
    return enter(kRegister, user, password).status;
  };
  std::string apart;
  for (int i = 0; i < 8; ++i) apart += "e\u0301";
  EXPECT_EQ(status("a1", apart), 201u);
  EXPECT_EQ(enter(kRegister, "a2", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9").field(), "password")
      << "seven";
  EXPECT_EQ(enter(kRegister, "a3", apart.substr(3)).field(), "password") << "seven";
  std::string longest;
  for (int i = 0; i < 256; ++i) longest += "\u00e9";
  EXPECT_EQ(status("a4", longest), 201u);
  EXPECT_EQ(enter(kLogin, "a4", longest).status, 200u);
  EXPECT_EQ(enter(kRegister, "a5", longest + "x").field(), "password");
  // Latin-1, as a terminal that is not UTF-8 sends it.
  const Reply latin = enter(kRegister, "a6", "caf\xe9 au lait");
  EXPECT_EQ(latin.status, 400u);
  EXPECT_THAT(latin.text, HasSubstr("UTF-8"));
}

TEST_F(AuthApi, PasswordsAreHashedAnewWhenTheParametersChange) {
  // A hash of other parameters, as an older configuration left it.
  bridge::Metrics metrics;
  const Passwords old(2, 2u << 20, metrics);
  storage::NewUser user;
  user.name = "alice";
  user.password_hash = old.hash({.text = "correct horse"});
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
  EXPECT_EQ(with("BEARER " + token + " \t"), 200u);
  EXPECT_EQ(with("Bearer  "), 401u);
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

TEST_F(AuthLimits, GuessingOnePasswordFromOnePlace) {
  enter(kRegister, "alice", "correct horse");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(from("203.0.113.7", "alice", "wrong horse!").status, 401u);
  const Reply refused = from("203.0.113.99", "alice", "correct horse");
  EXPECT_EQ(refused.status, 429u) << "the same network";
  EXPECT_EQ(refused.code(), "rate_limited");
  EXPECT_GE(std::stoi(refused.header("retry-after")), 1);
  EXPECT_NE(refused.at("error.retry_after_ms"), "");
  EXPECT_EQ(from("192.0.2.1", "alice", "correct horse").status, 200u) << "nobody else is locked out";
  EXPECT_EQ(from("203.0.113.99", "bob", "wrong horse!").status, 401u);
}

TEST_F(AuthLimits, GuessingOnePasswordFromManyPlaces) {
  enter(kRegister, "alice", "correct horse");
  ASSERT_EQ(from("198.51.100.7", "alice", "correct horse").status, 200u);
  int looked_at = 0;
  for (int i = 0; i < 60; ++i)
    looked_at += from("203.0." + std::to_string(i / 4) + ".7", "alice", "wrong horse!").status == 401;
  EXPECT_EQ(looked_at, 30);
  EXPECT_EQ(from("192.0.2.1", "alice", "correct horse").status, 429u);
  EXPECT_EQ(from("198.51.100.8", "alice", "correct horse").status, 200u) << "at home";
  EXPECT_EQ(world_.call("POST", kLogin, {"", R"({"user":"alice","password":"correct horse"})"}).status, 200u)
      << "where she registered";
}

TEST_F(AuthLimits, ManyGuessesAtOnceAreCountedExactly) {
  enter(kRegister, "alice", "correct horse");
  std::atomic<int> looked_at = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 3; ++n) {
        const unsigned status = from("203.0.113.7", "alice", "wrong horse!").status;
        looked_at += status == 401;
        refused += status == 429;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(looked_at, 3);
  EXPECT_EQ(refused, 21);
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

class AuthCrowd : public AuthApi {
 protected:
  AuthCrowd()
      : AuthApi([](BridgeConfig& config) {
          config.limits.requests_per_s = 0.001;
          config.limits.burst = 5;
        }) {}
};

// Behind one address: a crowd that wears out whatever is open, and people who are signed in.
TEST_F(AuthCrowd, DoesNotStarveTheSignedInPeopleOfItsAddress) {
  const Reply alice = enter(kRegister, "alice", "correct horse");
  const Reply bob = enter(kRegister, "bob", "correct horse");
  const Reply lamp = post("/api/v1/users/me/tokens", R"({"device":"lamp"})", bob.at("access_token"));
  ASSERT_EQ(me(lamp.at("token")).status, 200u);
  TokenClaims claims = world_.claims("carol");
  claims.iat -= 3600;
  claims.exp = claims.iat + 900;
  const std::string expired = world_.sign(claims);
  const auto last_of = [](const std::function<Reply()>& ask) {
    unsigned status = 0;
    for (int i = 0; i < 8; ++i) status = ask().status;
    return status;
  };
  EXPECT_EQ(last_of([&] { return world_.call("GET", "/api/v1/auth/jwks"); }), 429u);
  EXPECT_EQ(last_of([&] { return enter(kLogin, "nobody", "wrong horse!"); }), 429u);
  EXPECT_EQ(last_of([&] { return me("pk_" + std::string(43, 'a')); }), 429u);
  EXPECT_EQ(last_of([&] { return me("rubbish"); }), 429u);
  EXPECT_EQ(last_of([&] { return me(""); }), 429u);
  EXPECT_EQ(me(alice.at("access_token")).status, 200u);
  EXPECT_EQ(me(lamp.at("token")).status, 200u);
  EXPECT_EQ(me(expired).status, 401u) << "so that its client refreshes";
  EXPECT_EQ(refresh(alice.at("refresh_token")).status, 200u) << "no refresh was made in vain";
  EXPECT_EQ(last_of([&] { return refresh("rt_made-up"); }), 429u);
  // Whoever shows whose request it is does not share in that.
  const std::string body = R"({"refresh_token":")" + bob.at("refresh_token") + "\"}";
  EXPECT_EQ(post(kRefresh, body).status, 429u);
  EXPECT_EQ(post(kRefresh, body, bob.at("access_token")).status, 200u);
  EXPECT_EQ(post("/api/v1/auth/logout", "", alice.at("access_token")).status, 204u);
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
