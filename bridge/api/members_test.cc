// Members, bans and invites over HTTP, on a real database.
#include "bridge/api/members.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::ElementsAre;

class MembersApi : public testing::Test {
 protected:
  MembersApi() {
    world_.add_room("general", "olga", R"("access":"private")");
    world_.add_member("general", "adam", MemberRole::admin);
    world_.add_member("general", "mia");
    for (const char* user : {"bob", "carol"}) world_.add_user(user);
  }
  unsigned set_role(const std::string& by, const std::string& user, const std::string& role) {
    return world_.patch(members_ + "/" + user, by, R"({"role":")" + role + "\"}").status;
  }
  std::string role_of(const std::string& user) {
    return world_.get(members_ + "/" + user, "olga").at("role");
  }

  ApiWorld world_;
  const std::string room_ = "/api/v1/rooms/general";
  const std::string members_ = room_ + "/members";
};

TEST_F(MembersApi, AreListedInPages) {
  const Reply first = world_.get(members_ + "?limit=2", "mia");
  ASSERT_EQ(first.status, 200u) << first.text;
  EXPECT_EQ(first.at("items.0.user"), "adam");
  EXPECT_EQ(first.at("items.0.role"), "admin");
  EXPECT_EQ(first.at("items.1.user"), "mia");
  const Reply second = world_.get(members_ + "?limit=2&cursor=" + first.at("next"), "mia");
  EXPECT_EQ(second.at("items.0.user"), "olga");
  EXPECT_EQ(second.at("next"), "");
}

TEST_F(MembersApi, OfAPublicChannelAreForItsMembers) {
  world_.add_room("square", "olga");
  EXPECT_EQ(world_.get("/api/v1/rooms/square/members", "bob").code(), "not_member");
  EXPECT_EQ(world_.get("/api/v1/rooms/square/members/olga", "bob").code(), "not_member");
}

TEST_F(MembersApi, AreAddedOnce) {
  const Reply added = world_.post(members_, "adam", R"({"user":"bob","role":"guest"})");
  ASSERT_EQ(added.status, 201u) << added.text;
  EXPECT_EQ(added.at("role"), "guest");
  EXPECT_EQ(added.header("location"), members_ + "/bob");
  const Reply again = world_.post(members_, "adam", R"({"user":"bob","role":"member"})");
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(again.at("role"), "guest");
  EXPECT_EQ(world_.get(members_ + "/bob", "bob").status, 200u);
  EXPECT_EQ(world_.post(members_, "adam", R"({"user":"nobody"})").status, 404u);
  EXPECT_EQ(world_.post(members_, "adam", R"({"user":"N N"})").field(), "user");
  EXPECT_EQ(world_.post(members_, "adam", R"({"user":"carol","role":"king"})").field(), "role");
  EXPECT_EQ(world_.post(members_, "mia", R"({"user":"carol"})").status, 403u);
  EXPECT_EQ(world_.post(members_, "adam", R"({"user":"carol","role":"admin"})").status, 403u);
  EXPECT_EQ(world_.post(members_, "bob", R"({"user":"carol"})").status, 403u);
}

TEST_F(MembersApi, NobodyIsAddedByWhomTheyBlocked) {
  ASSERT_EQ(world_.put("/api/v1/users/adam/block", "bob").status, 204u);
  const Reply reply = world_.post(members_, "adam", R"({"user":"bob"})");
  EXPECT_EQ(reply.status, 403u);
  EXPECT_EQ(reply.code(), "blocked");
  EXPECT_EQ(world_.post(members_, "olga", R"({"user":"bob"})").status, 201u);
}

TEST_F(MembersApi, RolesFollowThePolicy) {
  EXPECT_EQ(set_role("mia", "mia", "owner"), 403u);
  EXPECT_EQ(set_role("mia", "adam", "guest"), 403u);
  EXPECT_EQ(set_role("adam", "mia", "admin"), 403u);
  EXPECT_EQ(set_role("adam", "olga", "member"), 403u);
  EXPECT_EQ(set_role("adam", "mia", "guest"), 200u);
  EXPECT_EQ(role_of("mia"), "guest");
  EXPECT_EQ(set_role("olga", "olga", "member"), 409u);  // the last owner
  EXPECT_EQ(set_role("olga", "adam", "owner"), 200u);
  EXPECT_EQ(set_role("olga", "olga", "member"), 200u);
  EXPECT_EQ(role_of("adam"), "owner");
  EXPECT_EQ(set_role("adam", "nobody", "member"), 404u);
  EXPECT_EQ(set_role("adam", "B%20B", "member"), 404u);
  EXPECT_EQ(set_role("adam", "mia", "none"), 422u);
  EXPECT_EQ(world_.patch(members_ + "/mia", "adam", "{}").field(), "role");
}

TEST_F(MembersApi, AreRemovedAndMayComeBack) {
  EXPECT_EQ(world_.del(members_ + "/adam", "mia").status, 403u);
  EXPECT_EQ(world_.del(members_ + "/olga", "adam").status, 403u);
  EXPECT_EQ(world_.del(members_ + "/mia", "adam").status, 204u);
  EXPECT_EQ(world_.del(members_ + "/mia", "adam").status, 404u);
  EXPECT_EQ(world_.get(room_, "mia").status, 404u);
  EXPECT_EQ(world_.post(members_, "adam", R"({"user":"mia"})").status, 201u);
}

TEST_F(MembersApi, BannedOnesStayOutUntilItIsLifted) {
  EXPECT_EQ(world_.del(members_ + "/mia?ban=yes", "adam").field(), "ban");
  EXPECT_EQ(world_.del(members_ + "/mia?ban=true&reason=spam%07spam", "adam").field(), "reason");
  ASSERT_EQ(world_.del(members_ + "/mia?ban=true&reason=spam", "adam").status, 204u);
  const Reply bans = world_.get(room_ + "/bans", "adam");
  EXPECT_EQ(bans.at("items.0.user"), "mia");
  EXPECT_EQ(bans.at("items.0.by"), "adam");
  EXPECT_EQ(bans.at("items.0.reason"), "spam");
  const Reply added = world_.post(members_, "olga", R"({"user":"mia"})");
  EXPECT_EQ(added.status, 403u) << added.text;
  EXPECT_EQ(added.code(), "banned");
  const std::string code = world_.post(room_ + "/invites", "olga").at("code");
  EXPECT_EQ(world_.post("/api/v1/invites/" + code + "/accept", "mia").code(), "banned");
  EXPECT_EQ(world_.del(room_ + "/bans/mia", "adam").status, 204u);
  EXPECT_EQ(world_.del(room_ + "/bans/mia", "adam").status, 404u);
  EXPECT_EQ(world_.post("/api/v1/invites/" + code + "/accept", "mia").status, 200u);
}

TEST_F(MembersApi, ABanReachesWhoIsNotThereYet) {
  EXPECT_EQ(world_.del(members_ + "/bob?ban=true", "adam").status, 204u);
  EXPECT_EQ(world_.post(members_, "olga", R"({"user":"bob"})").code(), "banned");
  EXPECT_EQ(world_.get(room_ + "/bans", "mia").status, 403u);
}

TEST_F(MembersApi, AnInviteLetsAStrangerIn) {
  const Reply made = world_.post(room_ + "/invites", "adam", R"({"expires_in":3600,"uses":1})");
  ASSERT_EQ(made.status, 201u) << made.text;
  const std::string code = made.at("code");
  EXPECT_GE(code.size(), 16u);
  EXPECT_EQ(made.at("uses_left"), "1");
  const Reply look = world_.get("/api/v1/invites/" + code, "bob");
  EXPECT_EQ(look.at("room"), "general");
  EXPECT_EQ(look.at("role"), "");
  const Reply joined = world_.post("/api/v1/invites/" + code + "/accept", "bob");
  ASSERT_EQ(joined.status, 200u) << joined.text;
  EXPECT_EQ(joined.at("role"), "member");
  EXPECT_EQ(world_.post("/api/v1/invites/" + code + "/accept", "bob").text,
            joined.text);  // the answer was lost, say
  const Reply late = world_.post("/api/v1/invites/" + code + "/accept", "carol");
  EXPECT_EQ(late.status, 404u);
  EXPECT_EQ(late.text, world_.post("/api/v1/invites/AAAAAAAAAAAAAAAAAAAAAA/accept", "carol").text);
  EXPECT_EQ(world_.get(room_, "carol").status, 404u);
}

TEST_F(MembersApi, AnInviteWorksByTheRoomsJoinToo) {
  const std::string code = world_.post(room_ + "/invites", "olga", R"({"role":"guest"})").at("code");
  world_.add_room("elsewhere", "olga");
  const std::string body = R"({"invite":")" + code + "\\n\"}";
  EXPECT_EQ(world_.post("/api/v1/rooms/elsewhere/join", "bob", body).status, 404u);
  const Reply joined = world_.post(room_ + "/join", "bob", body);
  EXPECT_EQ(joined.status, 200u) << joined.text;
  EXPECT_EQ(joined.at("role"), "guest");
  EXPECT_EQ(world_.post(room_ + "/join", "carol", R"({"invite":"' OR 1=1 --"})").status, 404u);

  const std::string once = world_.post(room_ + "/invites", "olga", R"({"uses":1})").at("code");
  const std::string used = R"({"invite":")" + once + "\"}";
  ASSERT_EQ(world_.post(room_ + "/join", "carol", used).status, 200u);
  EXPECT_EQ(world_.post(room_ + "/join", "carol", used).status, 200u) << "the answer was lost, say";
  EXPECT_EQ(world_.post("/api/v1/rooms/elsewhere/join", "carol", used).status, 404u);
  EXPECT_EQ(world_.post(room_ + "/join", "dora", used).status, 404u);
}

TEST_F(MembersApi, InvitesAreListedRevokedAndBounded) {
  const std::string code = world_.post(room_ + "/invites", "olga").at("code");
  const Reply list = world_.get(room_ + "/invites", "adam");
  EXPECT_EQ(list.at("items.0.code"), code);
  EXPECT_EQ(list.at("items.0.by"), "olga");
  EXPECT_EQ(world_.get(room_ + "/invites", "mia").status, 403u);
  EXPECT_EQ(world_.post(room_ + "/invites", "mia").status, 403u);
  EXPECT_EQ(world_.post(room_ + "/invites", "adam", R"({"role":"owner"})").status, 403u);
  EXPECT_EQ(world_.post(room_ + "/invites", "adam", R"({"uses":-1})").field(), "uses");
  EXPECT_EQ(world_.post(room_ + "/invites", "adam", R"({"expires_in":1e99})").field(), "expires_in");
  EXPECT_EQ(world_.del(room_ + "/invites/" + code, "mia").status, 403u);
  EXPECT_EQ(world_.del(room_ + "/invites/" + code, "adam").status, 204u);
  EXPECT_EQ(world_.del(room_ + "/invites/" + code, "adam").status, 404u);
  EXPECT_EQ(world_.post("/api/v1/invites/" + code + "/accept", "bob").status, 404u);
}

TEST_F(MembersApi, AnInviteOfAnotherRoomIsNotRevokedHere) {
  world_.add_room("mine", "bob");
  const std::string code = world_.post(room_ + "/invites", "olga").at("code");
  EXPECT_EQ(world_.del("/api/v1/rooms/mine/invites/" + code, "bob").status, 404u);
  EXPECT_EQ(world_.get("/api/v1/invites/" + code, "bob").status, 200u);
}

TEST_F(MembersApi, ContactsAndBlocksAreMine) {
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/bob", "mia", R"({"nick":"Bobby"})").status, 201u);
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/bob", "mia", R"({"nick":"Rob"})").status, 200u);
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/carol", "mia").status, 201u);
  const Reply contacts = world_.get("/api/v1/users/me/contacts?limit=1", "mia");
  EXPECT_EQ(contacts.at("items.0.user"), "bob");
  EXPECT_EQ(contacts.at("items.0.nick"), "Rob");
  EXPECT_EQ(world_.get("/api/v1/users/me/contacts?cursor=" + contacts.at("next"), "mia").at("items.0.user"),
            "carol");
  EXPECT_TRUE(world_.get("/api/v1/users/me/contacts", "bob").json.at("items").as_array().empty());
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/nobody", "mia").status, 404u);
  EXPECT_EQ(world_.put("/api/v1/users/me/contacts/N%20N", "mia").status, 404u);
  EXPECT_EQ(world_.del("/api/v1/users/me/contacts/bob", "mia").status, 204u);
  EXPECT_EQ(world_.del("/api/v1/users/me/contacts/bob", "mia").status, 404u);

  EXPECT_EQ(world_.put("/api/v1/users/mia/block", "mia").status, 422u);
  EXPECT_EQ(world_.put("/api/v1/users/bob/block", "mia").status, 204u);
  EXPECT_EQ(world_.put("/api/v1/users/bob/block", "mia").status, 204u);
  EXPECT_EQ(world_.get("/api/v1/users/me/blocks", "mia").at("items.0.user"), "bob");
  EXPECT_TRUE(world_.get("/api/v1/users/me/blocks", "bob").json.at("items").as_array().empty());
  EXPECT_EQ(world_.del("/api/v1/users/bob/block", "mia").status, 204u);
  EXPECT_EQ(world_.del("/api/v1/users/bob/block", "mia").status, 404u);
}

// Having bots allows no more; one that an operator gave a class of its own counts alone.
TEST(MembersApiLimits, BotsUseUpWhatTheirOwnerMay) {
  ApiWorld world(ApiWorld::Database::fresh, [](BridgeConfig& config) { config.limits.invites_per_h = 3; });
  std::map<std::string, std::string> tokens = {{"mia", world.token("mia")}};
  for (const std::string& bot : {std::string("m-one"), std::string("m-two")}) {
    const std::string user = R"("user":")" + bot + '"';
    ASSERT_EQ(world.post("/api/v1/users/me/bots", "mia", "{" + user + "}").status, 201u);
    tokens[bot] = world.post("/api/v1/users/me/tokens", "mia", R"({"device":"d",)" + user + "}").at("token");
  }
  const auto invite = [&](const std::string& who) {
    const std::string room = "room-of-" + who;
    world.call("POST", "/api/v1/rooms", {tokens[who], R"({"kind":"channel","room":")" + room + "\"}"});
    return world.call("POST", "/api/v1/rooms/" + room + "/invites", {tokens[who], "{}"}).status;
  };
  EXPECT_EQ(invite("m-one"), 201u);
  EXPECT_EQ(invite("mia"), 201u);
  EXPECT_EQ(invite("m-two"), 201u);
  for (const char* who : {"mia", "m-one", "m-two"}) EXPECT_EQ(invite(who), 429u) << who;
  ASSERT_EQ(world.patch("/api/v1/admin/users/m-two", "admin", R"({"limits":"unlimited"})").status, 200u);
  unsigned status = 0;  // until the gate asks about the account again
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (status != 201 && std::chrono::steady_clock::now() < until) status = invite("m-two");
  EXPECT_EQ(status, 201u);
}

}  // namespace
}  // namespace parley::api
