// Administration and the audit log over HTTP, on a real database.
#include "bridge/api/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "bridge/api/audit.h"
#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::HasSubstr;

class AdminApi : public testing::Test {
 protected:
  AdminApi() {
    world_.add_user("admin");
    world_.add_user("bob");
  }
  ApiWorld world_;
};

TEST_F(AdminApi, SeesAndChangesAccounts) {
  world_.add_user("carol");
  const Reply list = world_.get("/api/v1/admin/users?limit=2", "admin");
  ASSERT_EQ(list.status, 200u) << list.text;
  EXPECT_EQ(list.at("items.0.user"), "admin");
  EXPECT_EQ(list.json.at("items").at(0).at("admin").as_bool(), true);
  EXPECT_EQ(world_.get("/api/v1/admin/users?cursor=" + list.at("next"), "admin").at("items.0.user"), "carol");
  EXPECT_EQ(world_.get("/api/v1/admin/users?prefix=ca", "admin").at("items.0.user"), "carol");
  EXPECT_EQ(world_.get("/api/v1/admin/users?status=gone", "admin").field(), "status");

  const std::string bob = "/api/v1/admin/users/bob";
  const Reply before = world_.get(bob, "admin");
  EXPECT_EQ(before.at("status"), "active");
  Call call{world_.token("admin"), R"({"status":"blocked"})", {{"If-Match", before.header("etag")}}};
  const Reply blocked = world_.call("PATCH", bob, call);
  ASSERT_EQ(blocked.status, 200u) << blocked.text;
  EXPECT_EQ(blocked.at("status"), "blocked");
  EXPECT_EQ(world_.call("PATCH", bob, call).status, 412u);
  EXPECT_EQ(world_.get("/api/v1/admin/users?status=blocked", "admin").at("items.0.user"), "bob");
  EXPECT_EQ(world_.patch(bob, "admin", "{}").status, 400u);
  EXPECT_EQ(world_.patch(bob, "admin", R"({"limits":"unlimited"})").at("limits"), "unlimited");
  EXPECT_EQ(world_.patch(bob, "admin", R"({"limits":null})").at("limits"), "default");
  EXPECT_EQ(world_.patch(bob, "admin", R"({"status":null})").field(), "status");
  EXPECT_EQ(world_.patch(bob, "admin", R"({"admin":null})").field(), "admin");
  EXPECT_EQ(world_.patch(bob, "admin", R"({"status":"deleted"})").field(), "status");
  EXPECT_EQ(world_.patch(bob, "admin", R"({"limits":"no-such"})").status, 422u);
  EXPECT_EQ(world_.patch("/api/v1/admin/users/nobody", "admin", R"({"admin":true})").status, 404u);
}

TEST_F(AdminApi, TheLastAdminStaysOne) {
  EXPECT_EQ(world_.patch("/api/v1/admin/users/admin", "admin", R"({"admin":false})").status, 409u);
}

TEST_F(AdminApi, EndsTokensWithSessionsAndHearsOfThoseThatGoOn) {
  const std::string sessions = "/api/v1/admin/users/bob/sessions";
  ASSERT_EQ(world_.post("/api/v1/users/me/bots", "bob", R"({"user":"meteo"})").status, 201u);
  const std::string lamp = world_.post("/api/v1/users/me/tokens", "bob", R"({"device":"lamp"})").at("token");
  const std::string roof =
      world_.post("/api/v1/users/me/tokens", "bob", R"({"user":"meteo","device":"roof"})").at("token");
  const auto me = [&](const std::string& token) {
    return world_.call("GET", "/api/v1/users/me", {token, ""}).status;
  };
  EXPECT_EQ(world_.del(sessions + "?end_tokens=perhaps", "admin").field(), "end_tokens");
  const Reply first = world_.del(sessions, "admin");
  EXPECT_EQ(first.status, 200u) << first.text;
  EXPECT_EQ(first.at("sessions_ended") + " " + first.at("tokens_ended") + " " + first.at("tokens_left"),
            "1 0 2");
  EXPECT_EQ(world_.del(sessions + "?end_tokens=false", "admin").at("tokens_left"), "2");
  EXPECT_EQ(me(lamp), 200u);
  EXPECT_EQ(me(roof), 200u);
  const Reply all = world_.del(sessions + "?end_tokens=true", "admin");
  EXPECT_EQ(all.status, 200u) << all.text;
  EXPECT_EQ(all.at("sessions_ended") + " " + all.at("tokens_ended") + " " + all.at("tokens_left"), "0 2 0");
  EXPECT_EQ(me(lamp), 401u);
  EXPECT_EQ(me(roof), 401u);
  EXPECT_EQ(world_.del(sessions, "admin").status, 204u) << "nothing goes on";
}

TEST_F(AdminApi, SeesAndEndsSessions) {
  const Reply sessions = world_.get("/api/v1/admin/users/bob/sessions", "admin");
  ASSERT_EQ(sessions.status, 200u) << sessions.text;
  const std::string sid = sessions.at("items.0.sid");
  EXPECT_EQ(sid, world_.claims("bob").sid);
  EXPECT_EQ(world_.del("/api/v1/admin/users/carl/sessions/" + sid, "admin").status, 404u);
  EXPECT_EQ(world_.del("/api/v1/admin/users/admin/sessions/" + sid, "admin").status, 404u);
  EXPECT_EQ(world_.del("/api/v1/admin/users/bob/sessions/" + sid, "admin").status, 204u);
  EXPECT_EQ(world_.del("/api/v1/admin/users/bob/sessions/" + sid, "admin").status, 404u);
  EXPECT_EQ(world_.get("/api/v1/admin/users/bob/sessions", "admin").json.at("items").as_array().size(), 0u);
  EXPECT_EQ(world_.del("/api/v1/admin/users/bob/sessions", "admin").status, 204u);
  EXPECT_EQ(world_.get("/api/v1/admin/users/nobody/sessions", "admin").status, 404u);
}

TEST_F(AdminApi, SeesChangesAndDeletesRooms) {
  world_.add_room("secret", "bob", R"("access":"private")");
  EXPECT_EQ(world_.get("/api/v1/admin/rooms?prefix=se", "admin").at("items.0.room"), "secret");
  const Reply changed = world_.patch("/api/v1/admin/rooms/secret", "admin", R"({"status":"read_only"})");
  EXPECT_EQ(changed.status, 200u) << changed.text;
  EXPECT_EQ(world_.get("/api/v1/rooms/secret", "bob").at("status"), "read_only");
  EXPECT_EQ(world_.patch("/api/v1/admin/rooms/secret", "admin", R"({"limits":"no-such"})").status, 422u);
  EXPECT_EQ(world_.del("/api/v1/admin/rooms/secret", "admin").status, 204u);
  EXPECT_EQ(world_.get("/api/v1/rooms/secret", "bob").status, 404u);
}

TEST_F(AdminApi, ClosesADirectRoom) {
  world_.add_user("carol");
  const std::string room =
      world_.post("/api/v1/rooms", "bob", R"({"kind":"direct","user":"carol"})").at("room");
  const std::string archived = R"({"status":"archived"})";
  EXPECT_EQ(world_.patch("/api/v1/rooms/" + room, "bob", archived).status, 403u);
  EXPECT_EQ(world_.patch("/api/v1/admin/rooms/" + room, "admin", archived).status, 200u);
  EXPECT_EQ(world_.get("/api/v1/rooms/" + room, "carol").at("status"), "archived");
}

TEST_F(AdminApi, KeepsClassesOfLimits) {
  const std::string fast = "/api/v1/admin/limits/fast";
  const Reply put = world_.put(fast, "admin", R"({"messages_per_s":50,"connections":9})");
  ASSERT_EQ(put.status, 200u) << put.text;
  EXPECT_EQ(put.at("connections"), "9");
  EXPECT_THAT(world_.get("/api/v1/admin/limits", "admin").text, HasSubstr(R"("name":"fast")"));
  EXPECT_EQ(world_.put(fast, "admin", R"({"burst":-1})").field(), "burst");
  EXPECT_EQ(world_.put(fast, "admin", R"({"burst":"many"})").field(), "burst");
  EXPECT_EQ(world_.put(fast, "admin", R"({"connections":1.5})").field(), "connections");
  EXPECT_EQ(world_.put("/api/v1/admin/limits/unlimited", "admin", "{}").status, 422u);
  EXPECT_EQ(world_.put("/api/v1/admin/limits/A%20B", "admin", "{}").status, 422u);
  ASSERT_EQ(world_.patch("/api/v1/admin/users/bob", "admin", R"({"limits":"fast"})").status, 200u);
  EXPECT_EQ(world_.del(fast, "admin").status, 409u);
  ASSERT_EQ(world_.patch("/api/v1/admin/users/bob", "admin", R"({"limits":"default"})").status, 200u);
  EXPECT_EQ(world_.del(fast, "admin").status, 204u);
  EXPECT_EQ(world_.del(fast, "admin").status, 404u);
}

TEST_F(AdminApi, AsksTheBrokerNodesAndKicks) {
  const Reply nodes = world_.get("/api/v1/admin/broker", "admin");
  ASSERT_EQ(nodes.status, 200u) << nodes.text;
  EXPECT_EQ(nodes.json.at("nodes").at(0).at("connected").as_bool(), true);
  EXPECT_EQ(nodes.at("nodes.0.stats.messages"), "7");
  world_.broker().connect_client("bob:phone");
  EXPECT_EQ(world_.post("/api/v1/admin/broker/kick", "admin", R"({"client":"bob:phone"})").at("kicked"), "1");
  EXPECT_EQ(world_.post("/api/v1/admin/broker/kick", "admin", R"({"client":"bob:phone"})").status, 404u);
  EXPECT_EQ(world_.post("/api/v1/admin/broker/kick", "admin", "{}").field(), "client");
  world_.broker().refuse_with("unavailable");
  EXPECT_EQ(world_.post("/api/v1/admin/broker/kick", "admin", R"({"client":"bob:phone"})").status, 503u);
  const Reply away = world_.get("/api/v1/admin/broker", "admin");
  EXPECT_EQ(away.json.at("nodes").at(0).at("connected").as_bool(), false);
}

TEST_F(AdminApi, EverythingIsInTheAuditLog) {
  world_.add_room("general", "bob");
  Call call{world_.token("bob"), R"({"topic":"x"})", {{"X-Request-Id", "req-77"}}};
  ASSERT_EQ(world_.call("PATCH", "/api/v1/rooms/general", call).status, 200u);
  world_.broker().connect_client("bob:phone");
  ASSERT_EQ(world_.post("/api/v1/admin/broker/kick", "admin", R"({"client":"bob:phone"})").status, 200u);
  const Reply log = world_.get("/api/v1/admin/audit?limit=2", "admin");
  ASSERT_EQ(log.status, 200u) << log.text;
  EXPECT_EQ(log.at("items.0.action"), "broker.kick");
  EXPECT_EQ(log.at("items.0.actor"), "admin");
  EXPECT_EQ(log.at("items.0.target"), "client:bob:phone");
  EXPECT_EQ(log.at("items.1.actor"), "bob");
  EXPECT_EQ(log.at("items.1.room"), "general");
  EXPECT_EQ(log.at("items.1.request_id"), "req-77");
  const Reply older = world_.get("/api/v1/admin/audit?limit=2&cursor=" + log.at("next"), "admin");
  EXPECT_EQ(older.status, 200u);
  EXPECT_LT(std::stoull(older.at("items.0.id")), std::stoull(log.at("items.1.id")));
  EXPECT_EQ(world_.get("/api/v1/admin/audit?actor=admin", "admin").at("items.0.action"), "broker.kick");
  EXPECT_EQ(world_.get("/api/v1/admin/audit?actor=a%00b", "admin").status, 400u);
}

TEST_F(AdminApi, AServiceTokenIsAnAdmin) {
  TokenClaims claims = world_.claims("bob");
  claims.sub = "bridge";
  claims.role = TokenRole::service;
  EXPECT_EQ(world_.call("GET", "/api/v1/admin/users", {world_.sign(claims), ""}).status, 200u);
}

}  // namespace
}  // namespace parley::api
