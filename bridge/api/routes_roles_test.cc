// Who may do what, route by route of the table: the lowest role in a room that is let in, what strangers
// learn, and what an API token may not do for its owner. A route that is missing here fails.
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/api/routes.h"
#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

constexpr std::string_view kRoom = "/api/v1/rooms/{room}";

struct Rule {
  const char* method;
  const char* path;  // below kRoom
  const char* body;
  MemberRole least;  // lower ones are refused
};
constexpr MemberRole kGuest = MemberRole::guest, kAdmin = MemberRole::admin, kOwner = MemberRole::owner;
constexpr Rule kRules[] = {
    {"GET", "", "", kGuest},
    {"PATCH", "", R"({"topic":"x"})", kAdmin},
    {"DELETE", "", "", kOwner},
    {"POST", "/join", "", kGuest},
    {"POST", "/leave", "", kGuest},
    {"PUT", "/mute", R"({"muted":true})", kGuest},
    {"GET", "/members", "", kGuest},
    {"POST", "/members", R"({"user":"newcomer"})", kAdmin},
    {"GET", "/members/{user}", "", kGuest},
    {"PATCH", "/members/{user}", R"({"role":"guest"})", kAdmin},
    {"DELETE", "/members/{user}", "", kAdmin},
    {"GET", "/bans", "", kAdmin},
    {"DELETE", "/bans/{user}", "", kAdmin},
    {"GET", "/invites", "", kAdmin},
    {"POST", "/invites", "{}", kAdmin},
    {"DELETE", "/invites/{code}", "", kAdmin},
    // Of messages the broker decides, by the same facts.
    {"POST", "/messages", R"({"body":"x"})", kGuest},
    {"PATCH", "/messages/{message}", R"({"body":"x"})", kGuest},
    {"DELETE", "/messages/{message}", "", kGuest},
    {"PUT", "/messages/{message}/reactions/{emoji}", "", kGuest},
    {"DELETE", "/messages/{message}/reactions/{emoji}", "", kGuest},
    {"PUT", "/messages/{message}/pin", "", kGuest},
    {"DELETE", "/messages/{message}/pin", "", kGuest},
};

void replace(std::string& text, std::string_view what, std::string_view with) {
  if (const auto at = text.find(what); at != text.npos) text.replace(at, what.size(), with);
}

class RouteRoles : public testing::Test {
 protected:
  RouteRoles() {
    for (const char* user : {"olga", "adam", "mia", "gus", "target", "villain", "newcomer", "stranger"})
      world_.add_user(user);
  }
  // A private channel with somebody of each role, somebody to do things to, a ban and an invite.
  void make(const std::string& room) {
    world_.add_room(room, "olga", R"("access":"private")");
    world_.add_member(room, "adam", MemberRole::admin);
    world_.add_member(room, "mia", MemberRole::member);
    world_.add_member(room, "gus", MemberRole::guest);
    world_.add_member(room, "target", MemberRole::member);
    const std::string path = "/api/v1/rooms/" + room;
    ASSERT_EQ(world_.del(path + "/members/villain?ban=true", "olga").status, 204u);
    code_ = world_.post(path + "/invites", "olga", "{}").at("code");
    ASSERT_FALSE(code_.empty());
  }
  Reply ask(const Rule& rule, const std::string& room, const std::string& user) {
    std::string path(kRoom);
    path += rule.path;
    replace(path, "{room}", room);
    replace(path, "{user}", std::string_view(rule.path).starts_with("/bans") ? "villain" : "target");
    replace(path, "{code}", code_);
    replace(path, "{message}", "7182818284590452");
    replace(path, "{emoji}", "%F0%9F%91%8D");
    return world_.call(rule.method, path, {world_.token(user), rule.body});
  }

  ApiWorld world_;
  std::string code_;
};

TEST_F(RouteRoles, EveryRouteOfARoomHasARule) {
  std::multiset<std::string> ruled;
  for (const Rule& rule : kRules)
    ruled.insert(std::string(rule.method) + " " + std::string(kRoom) + rule.path);
  std::multiset<std::string> routed;
  for (const Route& route : routes()) {
    if (!route.path.starts_with(kRoom)) continue;
    EXPECT_EQ(route.access, Access::user) << route.path;
    routed.insert(std::string(http::to_string(route.method)) + " " + std::string(route.path));
  }
  EXPECT_EQ(ruled, routed);
}

TEST_F(RouteRoles, LowerRolesAreRefusedAndStrangersLearnNothing) {
  const std::pair<MemberRole, const char*> people[] = {{MemberRole::guest, "gus"},
                                                       {MemberRole::member, "mia"},
                                                       {MemberRole::admin, "adam"},
                                                       {MemberRole::owner, "olga"}};
  int number = 0;
  for (const Rule& rule : kRules) {
    const std::string room = "room-" + std::to_string(++number);
    const std::string what = std::string(rule.method) + " " + rule.path;
    ASSERT_NO_FATAL_FAILURE(make(room));
    world_.broker().refuse_with("not_member");
    const Reply there = ask(rule, room, "stranger");
    world_.broker().refuse_with("room_not_found");
    const Reply nowhere = ask(rule, "nowhere", "stranger");
    world_.broker().refuse_with("");
    EXPECT_EQ(there.status, 404u) << what << there.text;
    EXPECT_EQ(there.text, nowhere.text) << what;
    for (const auto& [role, user] : people) {
      const Reply reply = ask(rule, room, user);
      if (role < rule.least) {
        EXPECT_EQ(reply.status, 403u) << what << " by " << user << reply.text;
        EXPECT_EQ(reply.code(), "forbidden") << what << " by " << user;
      } else {
        EXPECT_LT(reply.status, 300u) << what << " by " << user << reply.text;
        break;  // it is done; the table of the policy has a test of its own
      }
    }
  }
}

TEST_F(RouteRoles, AnApiTokenIsNotItsOwner) {
  const auto token_of = [&](const std::string& body, const std::string& owner) {
    const Reply made = world_.post("/api/v1/users/me/tokens", owner, body);
    EXPECT_EQ(made.status, 201u) << made.text;
    return made.at("token");
  };
  ASSERT_EQ(world_.post("/api/v1/users/me/bots", "olga", R"({"user":"meteo"})").status, 201u);
  TokenClaims service = world_.claims("olga");
  service.sub = "bridge";
  service.role = TokenRole::service;
  const std::string admins_lamp = token_of(R"({"device":"lamp"})", "admin");
  struct Holder {
    const char* name;
    std::string token;
    bool admin;
  };
  const Holder holders[] = {{"a gadget", token_of(R"({"device":"lamp"})", "olga"), false},
                            {"an admin's gadget", admins_lamp, false},
                            {"a bot", token_of(R"({"user":"meteo","device":"roof"})", "olga"), false},
                            {"a service", world_.sign(service), true}};
  for (const Holder& holder : holders) {
    for (const Route& route : routes()) {
      const bool guarded =
          route.access == Access::account || (route.access == Access::admin && !holder.admin);
      if (!guarded) continue;
      std::string path(route.path);
      for (const char* brace : {"{user}", "{sid}", "{token}", "{room}", "{name}"})
        replace(path, brace, "olga");
      const bool get = route.method == http::Method::get;
      const Reply reply = world_.call(http::to_string(route.method), path, {holder.token, get ? "" : "{}"});
      EXPECT_EQ(reply.status, 403u) << holder.name << " " << path << reply.text;
      EXPECT_EQ(reply.code(), "forbidden") << holder.name << " " << path;
    }
  }
  EXPECT_EQ(world_.get("/api/v1/users/me", "admin").at("admin"), "true");
  EXPECT_EQ(world_.call("GET", "/api/v1/users/me", {admins_lamp, ""}).status, 200u);
}

TEST_F(RouteRoles, WhatIsSomebodyElsesIsNotThere) {
  const Reply token = world_.post("/api/v1/users/me/tokens", "olga", R"({"device":"lamp"})");
  ASSERT_EQ(token.status, 201u) << token.text;
  ASSERT_EQ(world_.post("/api/v1/users/me/bots", "olga", R"({"user":"meteo"})").status, 201u);
  ASSERT_EQ(
      world_.post("/api/v1/devices", "olga", R"({"device":"phone2","platform":"fcm","token":"t"})").status,
      201u);
  const std::pair<std::string, std::string> pairs[] = {
      {"/api/v1/users/me/tokens/" + token.at("id"), "/api/v1/users/me/tokens/" + std::string(16, 'a')},
      {"/api/v1/users/me/bots/meteo", "/api/v1/users/me/bots/nosuch"},
      {"/api/v1/devices/phone2", "/api/v1/devices/nosuch"},
      {"/api/v1/users/me/sessions/s-olga", "/api/v1/users/me/sessions/s-nosuch"}};
  for (const auto& [theirs, nobodys] : pairs) {
    const Reply there = world_.del(theirs, "mia");
    EXPECT_EQ(there.status, 404u) << theirs << there.text;
    EXPECT_EQ(there.text, world_.del(nobodys, "mia").text) << theirs;
    EXPECT_EQ(world_.del(theirs, "olga").status, 204u) << theirs;
  }
}

TEST_F(RouteRoles, InviteCodesCannotBeGuessed) {
  world_.add_room("general", "olga");
  std::set<std::string> codes;
  std::set<char> letters;
  for (int i = 0; i < 100; ++i) {
    const std::string code = world_.post("/api/v1/rooms/general/invites", "olga", "{}").at("code");
    ASSERT_GE(code.size(), 22u);  // of 32 letters: 110 bits
    letters.insert(code.begin(), code.end());
    // Nothing that a neighbour shares: not even four letters at the beginning (of a million).
    EXPECT_TRUE(codes.insert(code.substr(0, 8)).second);
  }
  EXPECT_EQ(letters.size(), 32u);
}

TEST(RouteRolesLimits, WhoGuessesIsHeldUp) {
  ApiWorld world(ApiWorld::Database::fresh, [](BridgeConfig& config) {
    config.limits.requests_per_s = 1;
    config.limits.burst = 10;
  });
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string guess = "/api/v1/invites/" + std::string(23, 'a') + static_cast<char>('a' + i);
    const Reply reply = world.get(guess, "mallory");
    if (reply.status == 429)
      ++refused;
    else
      EXPECT_EQ(reply.status, 404u) << reply.text;
  }
  EXPECT_GE(refused, 5);
  // Without a token the address is: names and passwords are tried no faster.
  refused = 0;
  for (int i = 0; i < 20; ++i)
    refused += world.call("POST", "/api/v1/auth/refresh", {"", R"({"refresh_token":"rt_x"})"}).status == 429;
  EXPECT_GE(refused, 5);
}

}  // namespace
}  // namespace parley::api
