// Accounts, bots, API tokens, push devices and connecting over HTTP, on a real database.
#include "bridge/api/users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "bridge/api/testing/api_world.h"
#include "schemas/base64url.h"

namespace parley::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class UsersApi : public testing::Test {
 protected:
  Reply as(const std::string& token, const char* method, const std::string& path,
           const std::string& body = "") {
    return world_.call(method, path, {token, body, {}});
  }
  ApiWorld world_;
};

TEST_F(UsersApi, OneselfIsReadAndChanged) {
  const Reply before = world_.get("/api/v1/users/me", "alice");
  ASSERT_EQ(before.status, 200u);
  const Reply after =
      world_.patch("/api/v1/users/me", "alice", R"({"display_name":"Alice L.","about":"hi"})");
  ASSERT_EQ(after.status, 200u) << after.text;
  EXPECT_EQ(after.at("display_name"), "Alice L.");
  EXPECT_NE(after.header("etag"), before.header("etag"));
  EXPECT_EQ(world_.patch("/api/v1/users/me", "alice", R"({"display_name":""})").field(), "display_name");
  EXPECT_EQ(world_.patch("/api/v1/users/me", "alice", R"({"admin":true})").field(), "admin");
  EXPECT_EQ(
      world_.patch("/api/v1/users/me", "alice", R"({"about":")" + std::string(501, 'x') + "\"}").field(),
      "about");
}

TEST_F(UsersApi, AnOldVersionIsNotOverwritten) {
  const Reply before = world_.get("/api/v1/users/me", "alice");
  const auto change = [&](const std::string& match, const char* name) {
    return world_.call(
        "PATCH", "/api/v1/users/me",
        {world_.token("alice"), std::string(R"({"display_name":")") + name + "\"}", {{"If-Match", match}}});
  };
  EXPECT_EQ(change(before.header("etag"), "One").status, 200u);
  const Reply lost = change(before.header("etag"), "Two");
  EXPECT_EQ(lost.status, 412u);
  EXPECT_EQ(lost.code(), "precondition_failed");
  EXPECT_EQ(change("\"nonsense\"", "Three").status, 412u);
  EXPECT_EQ(change("*", "Four").status, 200u);
  EXPECT_EQ(world_.get("/api/v1/users/me", "alice").at("display_name"), "Four");
}

TEST_F(UsersApi, NullTakesAwayWhatCanBeMissing) {
  ASSERT_EQ(world_.patch("/api/v1/users/me", "alice", R"({"display_name":"Alice L.","about":"hi"})").status,
            200u);
  const Reply cleared = world_.patch("/api/v1/users/me", "alice", R"({"about":null})");
  ASSERT_EQ(cleared.status, 200u) << cleared.text;
  EXPECT_EQ(cleared.at("about"), "");
  EXPECT_EQ(cleared.at("display_name"), "Alice L.");
  EXPECT_EQ(world_.patch("/api/v1/users/me", "alice", R"({"display_name":null})").at("display_name"),
            "alice");
  world_.add_user("bob");
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/bob", "alice", R"({"nick":"Bobby"})").at("nick"), "Bobby");
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/bob", "alice", R"({"nick":null})").at("nick"), "");
}

TEST_F(UsersApi, WhoHasTheProfileAlreadyIsToldSo) {
  const std::string tag = world_.get("/api/v1/users/me", "alice").header("etag");
  const auto status = [&](const std::string& tags) {
    return world_.call("GET", "/api/v1/users/me", {world_.token("alice"), "", {{"If-None-Match", tags}}})
        .status;
  };
  for (const std::string& known : {tag, "W/" + tag, std::string("*"), "\"998\", W/" + tag})
    EXPECT_EQ(status(known), 304u) << known;
  for (const std::string& other : {std::string("\"998\""), std::string("W/\"998\""), tag.substr(1)})
    EXPECT_EQ(status(other), 200u) << other;
}

TEST_F(UsersApi, OthersSeeThePublicSideAlone) {
  world_.add_user("alice");
  const Reply seen = world_.get("/api/v1/users/alice", "bob");
  ASSERT_EQ(seen.status, 200u);
  EXPECT_EQ(seen.at("user"), "alice");
  for (const char* member : {"admin", "limits", "version", "tokens_after"})
    EXPECT_EQ(seen.at(member), "") << member;
  EXPECT_EQ(world_.get("/api/v1/users/nobody", "bob").status, 404u);
  EXPECT_EQ(world_.get("/api/v1/users/NOT%20A%20NAME", "bob").status, 404u);
}

TEST_F(UsersApi, SearchIsByTheBeginningAndInPages) {
  for (const char* user : {"ann", "anna", "annette", "bert"}) world_.add_user(user);
  const Reply first = world_.get("/api/v1/users/search?q=ann&limit=2", "bert");
  ASSERT_EQ(first.status, 200u) << first.text;
  EXPECT_EQ(first.at("items.0.user"), "ann");
  EXPECT_EQ(first.at("items.1.user"), "anna");
  const Reply second = world_.get("/api/v1/users/search?q=ann&limit=2&cursor=" + first.at("next"), "bert");
  EXPECT_EQ(second.at("items.0.user"), "annette");
  EXPECT_EQ(second.at("next"), "");
  EXPECT_EQ(world_.get("/api/v1/users/search", "bert").field(), "q");
  EXPECT_EQ(world_.get("/api/v1/users/search?q=%25", "bert").json.at("items").as_array().size(), 0u);
  EXPECT_EQ(world_.get("/api/v1/users/search?q=a&limit=0", "bert").status, 422u);
}

TEST_F(UsersApi, DeletingOneselfIsForGood) {
  const std::string token = world_.token("alice");
  EXPECT_EQ(world_.call("DELETE", "/api/v1/users/me", {token, "", {{"If-Match", "\"999\""}}}).status, 412u);
  EXPECT_EQ(as(token, "DELETE", "/api/v1/users/me").status, 204u);
  EXPECT_EQ(as(token, "GET", "/api/v1/users/me").status, 401u);
  EXPECT_EQ(world_.get("/api/v1/users/alice", "bob").status, 404u);
  const Reply again = world_.call("POST", "/api/v1/auth/register",
                                  {"", R"({"user":"alice","password":"correct horse"})", {}});
  EXPECT_EQ(again.status, 409u);
}

TEST_F(UsersApi, NamesThatMeanSomethingElseAreNobodys) {
  for (const std::string name : {"me", "search", "bridge", "parleyctl"}) {
    const Reply person = world_.call("POST", "/api/v1/auth/register",
                                     {"", R"({"password":"correct horse","user":")" + name + "\"}", {}});
    EXPECT_EQ(person.status, 409u) << name;
    EXPECT_EQ(person.field(), "user");
    EXPECT_EQ(world_.post("/api/v1/users/me/bots", "alice", R"({"user":")" + name + "\"}").status, 409u);
  }
}

TEST_F(UsersApi, ABotIsMadeGetsATokenAndActs) {
  const Reply bot =
      world_.post("/api/v1/users/me/bots", "alice", R"({"user":"meteo","display_name":"Weather"})");
  ASSERT_EQ(bot.status, 201u) << bot.text;
  EXPECT_EQ(bot.at("owner"), "alice");
  EXPECT_EQ(bot.at("role"), "bot");
  const Reply token =
      world_.post("/api/v1/users/me/tokens", "alice", R"({"user":"meteo","device":"roof","label":"roof"})");
  ASSERT_EQ(token.status, 201u) << token.text;
  EXPECT_TRUE(is_api_token(token.at("token")));
  const Reply self = as(token.at("token"), "GET", "/api/v1/users/me");
  ASSERT_EQ(self.status, 200u) << self.text;
  EXPECT_EQ(self.at("user"), "meteo");
  EXPECT_EQ(as(token.at("token"), "POST", "/api/v1/users/me/bots", R"({"user":"child"})").status, 403u);
  EXPECT_EQ(as(token.at("token"), "POST", "/api/v1/auth/logout").status, 403u);

  // The secret is told once.
  const Reply list = world_.get("/api/v1/users/me/tokens?user=meteo", "alice");
  EXPECT_EQ(list.at("items.0.id"), token.at("id"));
  EXPECT_THAT(list.text, Not(HasSubstr("pk_")));
  EXPECT_EQ(world_.get("/api/v1/users/me/bots", "alice").at("items.0.user"), "meteo");

  // Of somebody else's bot nothing can be had.
  EXPECT_EQ(world_.get("/api/v1/users/me/tokens?user=meteo", "bob").status, 403u);
  EXPECT_EQ(world_.post("/api/v1/users/me/tokens", "bob", R"({"user":"meteo","device":"x"})").status, 403u);
  EXPECT_EQ(world_.del("/api/v1/users/me/tokens/" + token.at("id") + "?user=meteo", "bob").status, 403u);
  EXPECT_EQ(world_.del("/api/v1/users/me/bots/meteo", "bob").status, 404u);

  EXPECT_EQ(world_.del("/api/v1/users/me/tokens/" + token.at("id") + "?user=meteo", "alice").status, 204u);
  EXPECT_EQ(as(token.at("token"), "GET", "/api/v1/users/me").status, 401u);
  EXPECT_EQ(world_.del("/api/v1/users/me/bots/meteo", "alice").status, 204u);
  EXPECT_EQ(world_.get("/api/v1/users/meteo", "bob").status, 404u);
}

TEST_F(UsersApi, APersonsOwnTokenIsADevices) {
  const Reply token =
      world_.post("/api/v1/users/me/tokens", "alice", R"({"device":"lamp","expires_in":3600})");
  ASSERT_EQ(token.status, 201u) << token.text;
  EXPECT_EQ(token.at("role"), "device");
  EXPECT_NE(token.at("expires_at"), "");
  EXPECT_EQ(world_.post("/api/v1/users/me/tokens", "alice", R"({"device":"lamp","role":"bot"})").field(),
            "role");
  EXPECT_EQ(world_.post("/api/v1/users/me/tokens", "alice", R"({"device":"lamp","expires_in":1})").field(),
            "expires_in");
  EXPECT_EQ(world_.post("/api/v1/users/me/tokens", "alice", R"({})").field(), "device");
  EXPECT_EQ(world_.post("/api/v1/users/me/tokens", "alice", R"({"user":"nobody","device":"x"})").status,
            404u);
}

TEST(UsersLimits, AreFewEnough) {
  ApiWorld world(ApiWorld::Database::fresh, [](BridgeConfig& config) {
    config.limits.tokens = 2;
    config.limits.devices = 1;
  });
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(world.post("/api/v1/users/me/tokens", "alice", R"({"device":"x"})").status, 201u);
  const Reply third = world.post("/api/v1/users/me/tokens", "alice", R"({"device":"x"})");
  EXPECT_EQ(third.status, 409u);
  EXPECT_EQ(third.code(), "limit");
  const char* phone = R"({"device":"phone","platform":"fcm","token":"t"})";
  EXPECT_EQ(world.post("/api/v1/devices", "alice", phone).status, 201u);
  EXPECT_EQ(world.post("/api/v1/devices", "alice", phone).status, 200u);  // the same one again
  EXPECT_EQ(
      world.post("/api/v1/devices", "alice", R"({"device":"other","platform":"fcm","token":"t2"})").status,
      409u);
}

TEST_F(UsersApi, PushDevicesComeAndGo) {
  const std::string p256dh = encode_base64url(std::string(65, 'k'));
  const std::string auth = encode_base64url(std::string(16, 'a'));
  const Reply web =
      world_.post("/api/v1/devices", "alice",
                  R"({"platform":"webpush","token":"https://push.example/x","keys":{"p256dh":")" + p256dh +
                      R"(","auth":")" + auth + "\"}}");
  ASSERT_EQ(web.status, 201u) << web.text;
  EXPECT_EQ(web.at("device"), "phone");  // the caller's own
  EXPECT_THAT(web.text, Not(HasSubstr("push.example")));
  const auto field = [&](const std::string& body) {
    return world_.post("/api/v1/devices", "alice", body).field();
  };
  EXPECT_EQ(field(R"({"platform":"pigeon","token":"x"})"), "platform");
  EXPECT_EQ(field(R"({"platform":"fcm"})"), "token");
  EXPECT_EQ(field(R"({"platform":"fcm","token":"x","keys":{}})"), "keys");
  EXPECT_EQ(field(R"({"platform":"webpush","token":"http://10.0.0.1/","keys":{}})"), "token");
  EXPECT_EQ(field(R"({"platform":"webpush","token":"https://a/","keys":{"p256dh":"x","auth":"y"}})"), "keys");
  EXPECT_EQ(world_.get("/api/v1/devices", "alice").at("items.0.platform"), "webpush");
  EXPECT_EQ(world_.get("/api/v1/devices", "bob").json.at("items").as_array().size(), 0u);
  EXPECT_EQ(world_.del("/api/v1/devices/phone", "bob").status, 404u);
  EXPECT_EQ(world_.del("/api/v1/devices/phone", "alice").status, 204u);
  EXPECT_EQ(world_.del("/api/v1/devices/phone", "alice").status, 404u);
}

TEST_F(UsersApi, ConnectSaysWhereAndAsWhom) {
  const Reply reply = world_.get("/api/v1/connect", "alice");
  ASSERT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.at("mqtt"), "mqtt://127.0.0.1:1883");
  EXPECT_EQ(reply.at("client_id"), "alice:phone");
  EXPECT_EQ(reply.at("websocket"), "");
}

TEST_F(UsersApi, ABotIsMadeOnceForOneKey) {
  const auto make = [&](const char* body) {
    return world_.call("POST", "/api/v1/users/me/bots",
                       {world_.token("alice"), body, {{"Idempotency-Key", "k-1"}}});
  };
  const Reply first = make(R"({"user":"meteo"})");
  ASSERT_EQ(first.status, 201u) << first.text;
  EXPECT_EQ(make(R"({"user":"meteo"})").status, 201u);
  const Reply other = make(R"({"user":"other"})");
  EXPECT_EQ(other.status, 409u);
  EXPECT_EQ(other.code(), "key_reused");
}

// The names of bots are never given again: making and deleting them would use up all there are.
TEST(UsersApiLimits, BotsAreMadeAtAPace) {
  ApiWorld world(ApiWorld::Database::fresh,
                 [](BridgeConfig& config) { config.limits.registrations_per_h = 2; });
  for (const std::string name : {"one", "two"}) {
    ASSERT_EQ(world.post("/api/v1/users/me/bots", "alice", R"({"user":")" + name + "\"}").status, 201u);
    ASSERT_EQ(world.del("/api/v1/users/me/bots/" + name, "alice").status, 204u);
  }
  // Whoever lost the answer gets it again.
  const auto keyed = [&] {
    return world.call("POST", "/api/v1/users/me/bots",
                      {world.token("carol"), R"({"user":"carols"})", {{"Idempotency-Key", "k"}}});
  };
  for (int i = 0; i < 4; ++i) EXPECT_EQ(keyed().status, 201u) << i;
  const Reply third = world.post("/api/v1/users/me/bots", "alice", R"({"user":"three"})");
  EXPECT_EQ(third.status, 429u) << third.text;
  EXPECT_EQ(third.code(), "rate_limited");
  EXPECT_EQ(world.post("/api/v1/users/me/bots", "bob", R"({"user":"three"})").status, 201u);
}

}  // namespace
}  // namespace parley::api
