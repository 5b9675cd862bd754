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

// What each route asks for: nothing (open), a refresh token or an access token (optional), any token (token),
// an API token with this scope, somebody who signed in (account), an admin or a service (admin).
struct Asks {
  const char* method;
  const char* path;
  std::string_view what;
};
constexpr Asks kAsks[] = {
    {"POST", "/api/v1/auth/register", "open"},
    {"POST", "/api/v1/auth/login", "open"},
    {"POST", "/api/v1/auth/refresh", "open"},
    {"POST", "/api/v1/auth/logout", "optional"},
    {"POST", "/api/v1/auth/logout-all", "account"},
    {"GET", "/api/v1/auth/jwks", "open"},
    {"GET", "/api/v1/auth/oidc", "open"},
    {"POST", "/api/v1/auth/oidc/register", "open"},
    {"GET", "/api/v1/auth/oidc/{provider}/start", "open"},
    {"GET", "/api/v1/auth/oidc/{provider}/callback", "open"},
    {"GET", "/api/v1/users/me", "token"},
    {"PATCH", "/api/v1/users/me", "profile:write"},
    {"DELETE", "/api/v1/users/me", "account"},
    {"PUT", "/api/v1/users/me/password", "account"},
    {"POST", "/api/v1/users/me/identities", "account"},
    {"GET", "/api/v1/users/me/sessions", "account"},
    {"DELETE", "/api/v1/users/me/sessions/{sid}", "account"},
    {"GET", "/api/v1/users/me/tokens", "account"},
    {"POST", "/api/v1/users/me/tokens", "account"},
    {"DELETE", "/api/v1/users/me/tokens/{token}", "account"},
    {"GET", "/api/v1/users/me/bots", "account"},
    {"POST", "/api/v1/users/me/bots", "account"},
    {"DELETE", "/api/v1/users/me/bots/{user}", "account"},
    {"GET", "/api/v1/users/search", "contacts:write"},
    {"GET", "/api/v1/users/{user}", "token"},
    {"GET", "/api/v1/devices", "push:write"},
    {"POST", "/api/v1/devices", "push:write"},
    {"DELETE", "/api/v1/devices/{device}", "push:write"},
    {"GET", "/api/v1/connect", "token"},
    {"GET", "/api/v1/rooms", "token"},
    {"POST", "/api/v1/rooms", "rooms:write"},
    {"GET", "/api/v1/rooms/{room}", "token"},
    {"PATCH", "/api/v1/rooms/{room}", "rooms:write"},
    {"DELETE", "/api/v1/rooms/{room}", "rooms:write"},
    {"POST", "/api/v1/rooms/{room}/join", "rooms:write"},
    {"POST", "/api/v1/rooms/{room}/leave", "rooms:write"},
    {"PUT", "/api/v1/rooms/{room}/mute", "rooms:write"},
    {"GET", "/api/v1/rooms/{room}/members", "token"},
    {"POST", "/api/v1/rooms/{room}/members", "rooms:write"},
    {"GET", "/api/v1/rooms/{room}/members/{user}", "token"},
    {"PATCH", "/api/v1/rooms/{room}/members/{user}", "rooms:write"},
    {"DELETE", "/api/v1/rooms/{room}/members/{user}", "rooms:write"},
    {"GET", "/api/v1/rooms/{room}/bans", "rooms:write"},
    {"DELETE", "/api/v1/rooms/{room}/bans/{user}", "rooms:write"},
    {"GET", "/api/v1/rooms/{room}/invites", "rooms:write"},
    {"POST", "/api/v1/rooms/{room}/invites", "rooms:write"},
    {"DELETE", "/api/v1/rooms/{room}/invites/{code}", "rooms:write"},
    {"GET", "/api/v1/invites/{code}", "rooms:write"},
    {"POST", "/api/v1/invites/{code}/accept", "rooms:write"},
    {"GET", "/api/v1/users/me/contacts", "contacts:write"},
    {"PUT", "/api/v1/users/me/contacts/{user}", "contacts:write"},
    {"DELETE", "/api/v1/users/me/contacts/{user}", "contacts:write"},
    {"GET", "/api/v1/users/me/blocks", "contacts:write"},
    {"PUT", "/api/v1/users/{user}/block", "contacts:write"},
    {"DELETE", "/api/v1/users/{user}/block", "contacts:write"},
    {"POST", "/api/v1/rooms/{room}/messages", "token"},
    {"PATCH", "/api/v1/rooms/{room}/messages/{message}", "token"},
    {"DELETE", "/api/v1/rooms/{room}/messages/{message}", "token"},
    {"PUT", "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", "token"},
    {"DELETE", "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}", "token"},
    {"PUT", "/api/v1/rooms/{room}/messages/{message}/pin", "token"},
    {"DELETE", "/api/v1/rooms/{room}/messages/{message}/pin", "token"},
    {"GET", "/api/v1/admin/users", "admin"},
    {"GET", "/api/v1/admin/users/{user}", "admin"},
    {"PATCH", "/api/v1/admin/users/{user}", "admin"},
    {"GET", "/api/v1/admin/users/{user}/sessions", "admin"},
    {"DELETE", "/api/v1/admin/users/{user}/sessions", "admin"},
    {"DELETE", "/api/v1/admin/users/{user}/sessions/{sid}", "admin"},
    {"GET", "/api/v1/admin/rooms", "admin"},
    {"PATCH", "/api/v1/admin/rooms/{room}", "admin"},
    {"DELETE", "/api/v1/admin/rooms/{room}", "admin"},
    {"GET", "/api/v1/admin/limits", "admin"},
    {"PUT", "/api/v1/admin/limits/{name}", "admin"},
    {"DELETE", "/api/v1/admin/limits/{name}", "admin"},
    {"GET", "/api/v1/admin/broker", "admin"},
    {"POST", "/api/v1/admin/broker/kick", "admin"},
    {"GET", "/api/v1/admin/audit", "admin"},
    {"GET", "/api/v1/openapi.json", "open"},
    {"GET", "/api/v1/docs", "open"},
    {"GET", "/api/v1/docs.css", "open"},
    {"GET", "/api/v1/docs.js", "open"},
};

TEST_F(RouteRoles, WhatEveryRouteAsksForIsStated) {
  std::multiset<std::string> stated, routed;
  for (const Asks& asks : kAsks)
    stated.insert(std::string(asks.method) + " " + asks.path + " " + std::string(asks.what));
  for (const Route& route : routes()) {
    std::string what = "open";
    if (route.access == Access::optional) what = "optional";
    if (route.access == Access::user) what = route.scope == Scope::token ? "token" : to_string(route.scope);
    if (route.access == Access::account) what = "account";
    if (route.access == Access::admin) what = "admin";
    routed.insert(std::string(http::to_string(route.method)) + " " + std::string(route.path) + " " + what);
  }
  EXPECT_EQ(stated, routed);
}

// Every route with every sort of credentials.
TEST_F(RouteRoles, AnApiTokenMayDoWhatItsScopesSayAndNoMore) {
  ASSERT_EQ(world_.post("/api/v1/users/me/bots", "olga", R"({"user":"meteo"})").status, 201u);
  struct Holder {
    std::string name;
    std::string token;
    std::set<std::string_view> scopes;
    bool admin = false;
    bool service = false;
  };
  std::vector<Holder> holders;
  const auto add = [&](const std::string& name, const std::string& owner, const std::string& body,
                       std::set<std::string_view> scopes) {
    const Reply made = world_.post("/api/v1/users/me/tokens", owner, body);
    ASSERT_EQ(made.status, 201u) << made.text;
    holders.push_back({name, made.at("token"), std::move(scopes)});
  };
  const std::set<std::string_view> all = {"rooms:write", "profile:write", "contacts:write", "push:write"};
  add("a device", "olga", R"({"device":"lamp"})", {});
  add("a device without scopes", "olga", R"({"device":"lamp","scopes":[]})", {});
  for (const std::string_view scope : all)
    add("a device with " + std::string(scope), "olga",
        R"({"device":"lamp","scopes":[")" + std::string(scope) + "\"]}", {scope});
  add("an admin's device", "admin", R"({"device":"lamp"})", {});
  add("a bot", "olga", R"({"user":"meteo","device":"roof"})", all);
  add("a bot without scopes", "olga", R"({"user":"meteo","device":"roof","scopes":[]})", {});
  TokenClaims service = world_.claims("olga");
  service.sub = "bridge";
  service.role = TokenRole::service;
  holders.push_back({"a service", world_.sign(service), all, true, true});
  for (const Holder& holder : holders) {
    for (const Asks& asks : kAsks) {
      if (asks.what == "open") continue;
      std::string path(asks.path);
      for (const char* brace :
           {"{user}", "{sid}", "{token}", "{room}", "{name}", "{code}", "{device}", "{message}", "{emoji}"})
        replace(path, brace, "olga");
      const bool bare = asks.method == std::string_view("GET") || asks.what == "optional";
      const Reply reply = world_.call(asks.method, path, {holder.token, bare ? "" : "{}"});
      const std::string what = holder.name + ": " + asks.method + " " + path + " " + reply.text;
      const bool scope_missing =
          reply.header("www-authenticate").find("insufficient_scope") != std::string::npos;
      if (asks.what == "account" || asks.what == "optional" || (asks.what == "admin" && !holder.admin)) {
        EXPECT_EQ(reply.status, 403u) << what;
        EXPECT_EQ(reply.code(), "forbidden") << what;
      } else if (asks.what == "token" || asks.what == "admin" || holder.scopes.contains(asks.what)) {
        EXPECT_NE(reply.status, 401u) << what;
        EXPECT_FALSE(scope_missing) << what;
      } else {
        EXPECT_EQ(reply.status, 403u) << what;
        EXPECT_EQ(reply.code(), "forbidden") << what;
        EXPECT_TRUE(scope_missing) << what;
        EXPECT_NE(reply.at("error.message").find(asks.what), std::string::npos) << what;
      }
    }
  }
}

// The table's meaning, as the owner of a gadget sees it.
TEST_F(RouteRoles, AGadgetReadsAndWritesInRoomsAndIsNotItsOwner) {
  ASSERT_NO_FATAL_FAILURE(make("home"));
  const auto lamp_with = [&](const std::string& scopes) {
    return world_.post("/api/v1/users/me/tokens", "olga", R"({"device":"lamp","scopes":)" + scopes + "}")
        .at("token");
  };
  const auto ask = [&](const std::string& token, const char* method, const char* path,
                       const char* body = "") {
    return world_.call(method, path, {token, body}).status;
  };
  const std::string lamp = lamp_with("[]");
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/users/me"), 200u);
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/connect"), 200u);
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/rooms"), 200u);
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/rooms/home"), 200u);
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/rooms/home/members"), 200u);
  EXPECT_EQ(ask(lamp, "POST", "/api/v1/rooms/home/messages", R"({"body":"on"})"), 201u);
  EXPECT_EQ(ask(lamp, "PATCH", "/api/v1/users/me", R"({"display_name":"Lamp"})"), 403u);
  EXPECT_EQ(ask(lamp, "DELETE", "/api/v1/rooms/home"), 403u);
  EXPECT_EQ(ask(lamp, "PATCH", "/api/v1/rooms/home", R"({"topic":"x"})"), 403u);
  EXPECT_EQ(ask(lamp, "PUT", "/api/v1/users/mia/block"), 403u);
  EXPECT_EQ(ask(lamp, "POST", "/api/v1/rooms/home/leave"), 403u);
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/rooms/home/invites"), 403u) << "their codes let anybody in";
  EXPECT_EQ(ask(lamp, "GET", "/api/v1/users/me/blocks"), 403u);
  EXPECT_EQ(ask(lamp, "POST", "/api/v1/devices", R"({"platform":"fcm","token":"t"})"), 403u);
  EXPECT_EQ(ask(lamp_with(R"(["contacts:write"])"), "PUT", "/api/v1/users/mia/block"), 204u);
  EXPECT_EQ(
      ask(lamp_with(R"(["push:write"])"), "POST", "/api/v1/devices", R"({"platform":"fcm","token":"t"})"),
      201u);
  EXPECT_EQ(ask(lamp_with(R"(["profile:write","push:write"])"), "PATCH", "/api/v1/users/me",
                R"({"display_name":"Lamp"})"),
            200u);
  EXPECT_EQ(ask(lamp_with(R"(["rooms:write"])"), "DELETE", "/api/v1/rooms/home"), 204u);
  // An admin's is no admin.
  const Reply admins = world_.post("/api/v1/users/me/tokens", "admin", R"({"device":"lamp"})");
  EXPECT_EQ(world_.get("/api/v1/users/me", "admin").at("admin"), "true");
  EXPECT_EQ(ask(admins.at("token"), "GET", "/api/v1/admin/users"), 403u);
}

TEST_F(RouteRoles, ScopesAreCheckedAndListed) {
  const auto made = [&](const std::string& scopes) {
    return world_.post("/api/v1/users/me/tokens", "olga", R"({"device":"lamp","scopes":)" + scopes + "}");
  };
  const char* wrong[] = {R"("rooms:write")",
                         R"(["rooms:read"])",
                         R"(["*"])",
                         R"([""])",
                         R"(["Rooms:Write"])",
                         R"(["rooms:write "])",
                         R"([1])",
                         R"([null])",
                         R"({})",
                         "1",
                         "true",
                         R"([["rooms:write"]])"};
  for (const char* scopes : wrong) {
    const Reply reply = made(scopes);
    EXPECT_EQ(reply.status, 422u) << scopes << reply.text;
    EXPECT_EQ(reply.field(), "scopes") << scopes;
    EXPECT_NE(reply.at("error.message").find("rooms:write"), std::string::npos) << reply.text;
  }
  const std::pair<const char*, const char*> right[] = {
      {"null", "[]"},
      {"[]", "[]"},
      {R"(["push:write","rooms:write"])", R"(["rooms:write","push:write"])"},
      {R"(["profile:write","profile:write"])", R"(["profile:write"])"},
  };
  for (const auto& [scopes, shown] : right) {
    const Reply reply = made(scopes);
    EXPECT_EQ(reply.status, 201u) << scopes << reply.text;
    EXPECT_NE(reply.text.find(std::string(R"("scopes":)") + shown), std::string::npos) << reply.text;
  }
  const Reply list = world_.get("/api/v1/users/me/tokens", "olga");
  EXPECT_NE(list.text.find(R"("scopes":["rooms:write","push:write"])"), std::string::npos) << list.text;
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
