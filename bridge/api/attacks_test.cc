// What somebody who means harm, or is only clumsy, may try with rooms: each is answered, and leaves nothing
// broken behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "bridge/api/routes.h"
#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::AnyOf;

class Attacks : public testing::Test {
 protected:
  ApiWorld world_;
};

TEST_F(Attacks, AServiceWithoutAnAccountBreaksNoRoute) {
  TokenClaims claims = world_.claims("alice");
  claims.sub = "bridge";
  claims.sid = "service";
  claims.role = TokenRole::service;
  const std::string token = world_.sign(claims);
  world_.add_room("general", "alice");
  const char* bodies[] = {"{}",
                          R"({"kind":"group"})",
                          R"({"kind":"direct","user":"alice"})",
                          R"({"kind":"channel","room":"svc"})",
                          R"({"user":"alice"})",
                          R"({"role":"admin"})",
                          R"({"muted":true})",
                          R"({"nick":"x"})",
                          R"({"device":"x"})",
                          R"({"about":"x"})"};
  for (const Route& route : routes()) {
    if (route.access == Access::open || route.method == http::Method::del) continue;
    std::string path(route.path);
    for (const auto& [brace, value] : {std::pair{"{room}", "general"}, {"{user}", "alice"}}) {
      if (const auto at = path.find(brace); at != path.npos)
        path.replace(at, std::string(brace).size(), value);
    }
    if (path.find('{') != path.npos) continue;
    for (const char* body : bodies) {
      const bool get = route.method == http::Method::get;
      const Reply reply = world_.call(http::to_string(route.method), path, {token, get ? "" : body});
      EXPECT_NE(reply.status, 500u) << http::to_string(route.method) << " " << path << " " << body
                                    << reply.text;
      EXPECT_NE(reply.status, 0u) << path;
      if (get) break;
    }
  }
}

TEST_F(Attacks, AKeyKeptFromBeforeShowsNothingAfterBeingRemoved) {
  world_.add_user("bob");
  const Call call{world_.token("alice"),
                  R"({"kind":"group","name":"Old","members":["bob"]})",
                  {{"Idempotency-Key", "k"}}};
  const std::string room = world_.call("POST", "/api/v1/rooms", call).at("room");
  const std::string path = "/api/v1/rooms/" + room;
  ASSERT_EQ(world_.patch(path + "/members/bob", "alice", R"({"role":"owner"})").status, 200u);
  ASSERT_EQ(world_.del(path + "/members/alice", "bob").status, 204u);
  ASSERT_EQ(world_.patch(path, "bob", R"({"name":"Secret"})").status, 200u);
  const Reply again = world_.call("POST", "/api/v1/rooms", call);
  EXPECT_EQ(again.status, 404u) << again.text;
}

TEST_F(Attacks, AGroupIsNotOpenedToTheWorld) {
  const std::string path =
      "/api/v1/rooms/" + world_.post("/api/v1/rooms", "alice", R"({"kind":"group"})").at("room");
  const Reply opened = world_.patch(path, "alice", R"({"access":"public"})");
  EXPECT_EQ(opened.status, 422u) << opened.text;
  EXPECT_EQ(opened.field(), "access");
  EXPECT_EQ(world_.get(path, "bob").status, 404u);
}

TEST_F(Attacks, MembersNamedTwiceOrThemselvesAreMembersOnce) {
  world_.add_user("bob");
  const Reply made =
      world_.post("/api/v1/rooms", "alice", R"({"kind":"group","members":["bob","bob","alice","bob"]})");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(made.at("members"), "2");
  EXPECT_EQ(made.at("role"), "owner");
}

TEST_F(Attacks, ADirectRoomThatOneSideDeletedLocksNobodyOut) {
  world_.add_user("bob");
  const std::string body = R"({"kind":"direct","user":"bob"})";
  const std::string room = world_.post("/api/v1/rooms", "alice", body).at("room");
  const Reply gone = world_.del("/api/v1/rooms/" + room, "alice");
  EXPECT_THAT(gone.status, AnyOf(204u, 403u)) << gone.text;
  const Reply again = world_.post("/api/v1/rooms", "alice", body);
  EXPECT_THAT(again.status, AnyOf(200u, 201u)) << again.text;
  EXPECT_EQ(world_.get("/api/v1/rooms/" + again.at("room"), "bob").status, 200u);
}

TEST_F(Attacks, WhoDeletedTheirAccountIsInNoRoomAndCannotBeBroughtIn) {
  world_.add_room("general", "alice");
  world_.add_member("general", "bob");
  const std::string bob = world_.token("bob");
  ASSERT_EQ(world_.del("/api/v1/users/me", "bob").status, 204u);
  EXPECT_EQ(world_.call("GET", "/api/v1/rooms", {bob, ""}).status, 401u);
  EXPECT_EQ(world_.get("/api/v1/rooms/general", "alice").at("members"), "1");
  EXPECT_EQ(world_.post("/api/v1/rooms/general/members", "alice", R"({"user":"bob"})").status, 404u);
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"bob"})").status, 404u);
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/bob", "alice").status, 404u);
}

TEST_F(Attacks, ABlockedAccountIsOutAtOnce) {
  const std::string bob = world_.token("bob");
  world_.add_user("admin");
  ASSERT_EQ(world_.call("GET", "/api/v1/rooms", {bob, ""}).status, 200u);
  ASSERT_EQ(world_.patch("/api/v1/admin/users/bob", "admin", R"({"status":"blocked"})").status, 200u);
  EXPECT_EQ(world_.call("GET", "/api/v1/rooms", {bob, ""}).status, 401u);
}

TEST_F(Attacks, AnAdminWhoIsNoLongerOneIsOneNoLonger) {
  world_.add_user("admin");
  world_.add_user("bob");
  ASSERT_EQ(world_.patch("/api/v1/admin/users/bob", "admin", R"({"admin":true})").status, 200u);
  EXPECT_EQ(world_.get("/api/v1/admin/users", "bob").status, 401u);  // what one may has changed: sign in anew
  world_.sign_in_again("bob");
  ASSERT_EQ(world_.get("/api/v1/admin/users", "bob").status, 200u);
  ASSERT_EQ(world_.patch("/api/v1/admin/users/bob", "admin", R"({"admin":false})").status, 200u);
  EXPECT_EQ(world_.get("/api/v1/admin/users", "bob").status, 401u);
  world_.sign_in_again("bob");
  EXPECT_EQ(world_.get("/api/v1/admin/users", "bob").status, 403u);
  EXPECT_EQ(world_.patch("/api/v1/admin/users/bob", "bob", R"({"admin":true})").status, 403u);
}

TEST_F(Attacks, NumbersBeyondTheirTypeAreRefused) {
  world_.add_room("general", "alice");
  for (const char* number :
       {"-1", "1e300", "18446744073709551616", "9223372036854775808", "1.5", "\"1\"", "true"}) {
    const std::string text(number);
    EXPECT_EQ(world_.post("/api/v1/rooms/general/invites", "alice", R"({"uses":)" + text + "}").status, 422u)
        << text;
    EXPECT_EQ(world_.put("/api/v1/rooms/general/mute", "alice", R"({"until":)" + text + "}").status, 422u)
        << text;
  }
  EXPECT_EQ(world_.get("/api/v1/rooms?limit=18446744073709551617", "alice").status, 422u);
}

TEST_F(Attacks, ABodyOfAnotherKindIsNotGuessedAt) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""}) {
    const Call call{world_.token("alice"), R"({"kind":"group"})", {{"Content-Type", type}}};
    EXPECT_EQ(world_.call("POST", "/api/v1/rooms", call).status, 415u) << type;
  }
  const Call large{
      world_.token("alice"), "{\"kind\":\"" + std::string(std::size_t{2} << 20, 'x') + "\"}", {}};
  EXPECT_EQ(world_.call("POST", "/api/v1/rooms", large).status, 413u);
}

}  // namespace
}  // namespace parley::api
