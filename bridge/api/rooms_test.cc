// Rooms over HTTP, on a real database.
#include "bridge/api/rooms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class RoomsApi : public testing::Test {
 protected:
  ApiWorld world_;
};

TEST_F(RoomsApi, AChannelIsMadeAndRead) {
  const Reply made = world_.post("/api/v1/rooms", "alice",
                                 R"({"kind":"channel","room":"general","name":"General","topic":"All"})");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(made.at("room"), "general");
  EXPECT_EQ(made.at("role"), "owner");
  EXPECT_EQ(made.at("access"), "public");
  EXPECT_EQ(made.at("members"), "1");
  EXPECT_EQ(made.header("location"), "/api/v1/rooms/general");
  EXPECT_EQ(made.header("etag"), "\"" + made.at("version") + "\"");

  const Reply read = world_.get("/api/v1/rooms/general", "alice");
  EXPECT_EQ(read.status, 200u);
  EXPECT_EQ(read.text, made.text);
  const Reply stranger = world_.get("/api/v1/rooms/general", "bob");
  EXPECT_EQ(stranger.status, 200u);
  EXPECT_EQ(stranger.at("role"), "");
  EXPECT_EQ(stranger.at("joined_at"), "");
}

TEST_F(RoomsApi, WhatIsWrongWithANewRoomIsNamed) {
  const auto field = [&](const char* body) {
    const Reply reply = world_.post("/api/v1/rooms", "alice", body);
    EXPECT_EQ(reply.status, 422u) << body << reply.text;
    EXPECT_EQ(reply.code(), "invalid") << body;
    return reply.field();
  };
  EXPECT_EQ(field("{}"), "kind");
  EXPECT_EQ(field(R"({"kind":"club"})"), "kind");
  EXPECT_EQ(field(R"({"kind":"channel"})"), "room");
  EXPECT_EQ(field(R"({"kind":"channel","room":"../x"})"), "room");
  EXPECT_EQ(field(R"({"kind":"channel","room":"d-0001"})"), "room");
  EXPECT_EQ(field(R"({"kind":"channel","room":"ok","name":7})"), "name");
  EXPECT_EQ(field(R"({"kind":"channel","room":"ok","histroy":"all"})"), "histroy");
  EXPECT_EQ(field(R"({"kind":"channel","room":"ok","members":["bob","B B"]})"), "members");
  EXPECT_EQ(field(R"({"kind":"group","access":"public"})"), "access");
  EXPECT_EQ(field(R"({"kind":"direct"})"), "user");
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", "[1]").status, 400u);
  const Reply missing = world_.get("/api/v1/rooms/ok", "alice");
  EXPECT_EQ(missing.status, 404u);
  EXPECT_EQ(missing.at("error.code"), "room_not_found");
}

TEST_F(RoomsApi, ANameIsTakenForGood) {
  world_.add_room("general", "alice");
  const Reply again = world_.post("/api/v1/rooms", "bob", R"({"kind":"channel","room":"general"})");
  EXPECT_EQ(again.status, 409u);
  EXPECT_EQ(again.code(), "conflict");
  EXPECT_EQ(again.field(), "room");
  EXPECT_EQ(world_.del("/api/v1/rooms/general", "alice").status, 204u);
  EXPECT_EQ(world_.get("/api/v1/rooms/general", "alice").status, 404u);
  EXPECT_EQ(world_.del("/api/v1/rooms/general", "alice").status, 404u);
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", R"({"kind":"channel","room":"general"})").status, 409u);
}

TEST_F(RoomsApi, TheSameKeyMakesOneGroup) {
  const Call call{world_.token("alice"), R"({"kind":"group","name":"Trip"})", {{"Idempotency-Key", "k-1"}}};
  const Reply first = world_.call("POST", "/api/v1/rooms", call);
  const Reply second = world_.call("POST", "/api/v1/rooms", call);
  ASSERT_EQ(first.status, 201u) << first.text;
  EXPECT_EQ(second.status, 201u);
  EXPECT_EQ(second.at("room"), first.at("room"));
  EXPECT_THAT(first.at("room"), testing::StartsWith("g-"));
  Call other = call;
  other.body = R"({"kind":"group","name":"Other"})";
  EXPECT_EQ(world_.call("POST", "/api/v1/rooms", other).code(), "key_reused");
  // A key belongs to its user.
  other.token = world_.token("bob");
  const Reply bobs = world_.call("POST", "/api/v1/rooms", other);
  EXPECT_EQ(bobs.status, 201u);
  EXPECT_NE(bobs.at("room"), first.at("room"));
  EXPECT_EQ(world_.get("/api/v1/rooms", "alice").json.at("items").as_array().size(), 1u);
}

TEST_F(RoomsApi, AKeyIsForARequestHoweverItIsSpelled) {
  const auto ask = [&](const std::string& body) {
    return world_.call("POST", "/api/v1/rooms", {world_.token("alice"), body, {{"Idempotency-Key", "k-1"}}});
  };
  const Reply first = ask(R"({"kind":"group","name":"Trip","topic":"\u00e9"})");
  ASSERT_EQ(first.status, 201u) << first.text;
  for (const std::string same : {R"({"topic":"\u00e9","name":"Trip","kind":"group"})",
                                 " { \"name\" : \"Trip\",\n\"kind\":\"group\", \"topic\": \"\u00e9\" } ",
                                 R"({"kind":"channel","name":"Trip","topic":"\u00E9","kind":"group"})"}) {
    const Reply again = ask(same);
    EXPECT_EQ(again.status, 201u) << same << again.text;
    EXPECT_EQ(again.at("room"), first.at("room")) << same;
  }
  for (const char* other :
       {R"({"kind":"group","name":"Trip"})", R"({"kind":"group","name":"Trip","topic":"e"})",
        R"({"kind":"group","name":"trip","topic":"\u00e9"})"})
    EXPECT_EQ(ask(other).code(), "key_reused") << other;
  // Whole numbers are the same as floats too.
  world_.add_room("general", "alice");
  const auto invite = [&](const std::string& body) {
    return world_.call("POST", "/api/v1/rooms/general/invites",
                       {world_.token("alice"), body, {{"Idempotency-Key", "k-2"}}});
  };
  const Reply made = invite(R"({"expires_in":3600,"uses":5})");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(invite(R"({"uses":5.0,"expires_in":3.6e3})").at("code"), made.at("code"));
  EXPECT_EQ(invite(R"({"uses":6.0,"expires_in":3.6e3})").code(), "key_reused");
  EXPECT_EQ(invite(R"({"uses":5.5,"expires_in":3600})").field(), "uses");
}

TEST_F(RoomsApi, NullTakesAwayWhatCanBeMissing) {
  world_.add_room("general", "alice");
  const std::string room = "/api/v1/rooms/general";
  ASSERT_EQ(world_.patch(room, "alice", R"({"name":"General","topic":"Lunch"})").at("topic"), "Lunch");
  const Reply cleared = world_.patch(room, "alice", R"({"topic":null})");
  ASSERT_EQ(cleared.status, 200u) << cleared.text;
  EXPECT_EQ(cleared.at("topic"), "");
  EXPECT_EQ(cleared.at("name"), "General");
  EXPECT_EQ(world_.patch(room, "alice", R"({"name":null})").at("name"), "");
  EXPECT_EQ(world_.get(room, "alice").at("topic"), "");
  for (const char* member : {"access", "history", "status", "guests", "pin"}) {
    const Reply refused = world_.patch(room, "alice", std::string("{\"") + member + R"(":null,"topic":"x"})");
    EXPECT_EQ(refused.status, 422u) << member;
    EXPECT_EQ(refused.field(), member);
    EXPECT_THAT(refused.text, testing::HasSubstr("cannot be null"));
  }
  EXPECT_EQ(world_.get(room, "alice").at("topic"), "") << "nothing of a refused change is done";
  world_.add_member("general", "bob");
  EXPECT_EQ(world_.patch(room + "/members/bob", "alice", R"({"role":null})").field(), "role");
  ASSERT_EQ(world_.put(room + "/mute", "alice", R"({"until":1900000000000})").at("muted_until"),
            "1900000000000");
  EXPECT_EQ(world_.put(room + "/mute", "alice", R"({"until":null})").at("muted_until"), "");
  EXPECT_EQ(world_.put(room + "/mute", "alice", R"({"notify":null})").field(), "notify");
  EXPECT_EQ(world_.put(room + "/mute", "alice", R"({"muted":null})").field(), "muted");
  EXPECT_EQ(world_.put(room + "/mute", "alice", R"({"until":1.9e12})").at("muted_until"), "1900000000000");
}

TEST_F(RoomsApi, OneOfSeveralTagsWillDo) {
  world_.add_room("general", "alice");
  const auto change = [&](const std::string& topic, const std::string& match) {
    return world_.call("PATCH", "/api/v1/rooms/general",
                       {world_.token("alice"), "{\"topic\":\"" + topic + "\"}", {{"If-Match", match}}});
  };
  const std::string now = world_.get("/api/v1/rooms/general", "alice").header("etag");
  EXPECT_EQ(change("a", R"("998", W/"1", "999")").status, 412u);
  EXPECT_EQ(change("a", "W/" + now).status, 412u) << "a weak tag is never strong enough";
  EXPECT_EQ(change("a", R"("998", )" + now).status, 200u);
  EXPECT_EQ(change("b", R"("998", )" + now).status, 412u);
  EXPECT_EQ(change("b", " * ").status, 200u);
}

TEST_F(RoomsApi, MineComeInPages) {
  for (int i = 0; i < 7; ++i) world_.add_room("room-" + std::to_string(i), "alice");
  world_.add_room("other", "bob");
  std::string cursor;
  std::vector<std::string> seen;
  for (int page = 0; page < 4; ++page) {
    const Reply reply =
        world_.get("/api/v1/rooms?limit=3" + (cursor.empty() ? "" : "&cursor=" + cursor), "alice");
    ASSERT_EQ(reply.status, 200u) << reply.text;
    for (const auto& item : reply.json.at("items").as_array()) seen.emplace_back(item.at("room").as_string());
    cursor = reply.at("next");
    if (cursor.empty()) break;
  }
  EXPECT_THAT(seen,
              testing::ElementsAre("room-0", "room-1", "room-2", "room-3", "room-4", "room-5", "room-6"));
  for (const char* query : {"limit=0", "limit=201", "limit=x", "limit=-1", "limit=1e3", "limit="}) {
    const Reply reply = world_.get(std::string("/api/v1/rooms?") + query, "alice");
    EXPECT_EQ(reply.status, 422u) << query;
    EXPECT_EQ(reply.field(), "limit") << query;
  }
  for (const char* query : {"cursor=%00", "cursor=%F0%28", "cursor=%"})
    EXPECT_EQ(world_.get(std::string("/api/v1/rooms?") + query, "alice").status, 400u) << query;
  EXPECT_EQ(world_.get("/api/v1/rooms?public=maybe", "alice").field(), "public");
}

TEST_F(RoomsApi, PublicChannelsAreFound) {
  world_.add_room("apples", "alice");
  world_.add_room("apricots", "alice", R"("access":"private")");
  world_.add_room("pears", "alice");
  const Reply found = world_.get("/api/v1/rooms?public=true&prefix=ap", "bob");
  ASSERT_EQ(found.status, 200u) << found.text;
  ASSERT_EQ(found.json.at("items").as_array().size(), 1u) << found.text;
  EXPECT_EQ(found.at("items.0.room"), "apples");
  EXPECT_EQ(world_.get("/api/v1/rooms?prefix=ap", "bob").field(), "prefix");
}

// However a keyboard types the accent, in the name and in what is looked for.
TEST_F(RoomsApi, PublicChannelsAreFoundHoweverTheirAccentsAreTyped) {
  world_.add_room("one", "alice", R"("name":"Caf\u00e9 one")");
  world_.add_room("two", "alice", R"("name":"Cafe\u0301 two")");
  world_.add_user("admin");
  for (const char* prefix : {"Caf%C3%A9", "Cafe%CC%81", "Cafe%CC%81%20"}) {
    for (const std::string list : {"/api/v1/rooms?public=true&prefix=", "/api/v1/admin/rooms?prefix="}) {
      const Reply found = world_.get(list + prefix, list.find("admin") == list.npos ? "bob" : "admin");
      ASSERT_EQ(found.status, 200u) << found.text;
      EXPECT_EQ(found.json.at("items").as_array().size(), 2u) << list << prefix << found.text;
    }
  }
}

// The version is the room's; what else the answer holds changes without it.
TEST_F(RoomsApi, ARoomIsNeverAnsweredWithNotModified) {
  world_.add_room("general", "alice");
  const std::string etag = world_.get("/api/v1/rooms/general", "alice").header("etag");
  world_.add_member("general", "bob");
  const Reply now =
      world_.call("GET", "/api/v1/rooms/general", {world_.token("alice"), "", {{"If-None-Match", etag}}});
  EXPECT_EQ(now.status, 200u);
  EXPECT_EQ(now.at("members"), "2");
}

TEST_F(RoomsApi, AChangeTakesTheRightVersion) {
  world_.add_room("general", "alice");
  world_.add_member("general", "bob");
  const std::string before = world_.get("/api/v1/rooms/general", "alice").header("etag");
  const auto change = [&](const std::string& user, const std::string& body, const std::string& match) {
    Call call{world_.token(user), body, {}};
    if (!match.empty()) call.headers["If-Match"] = match;
    return world_.call("PATCH", "/api/v1/rooms/general", call);
  };
  const Reply changed = change("alice", R"({"topic":"Lunch","guests":"post","pin":"member"})", before);
  ASSERT_EQ(changed.status, 200u) << changed.text;
  EXPECT_EQ(changed.at("topic"), "Lunch");
  EXPECT_EQ(changed.at("guests"), "post");
  EXPECT_EQ(changed.at("pin"), "member");
  EXPECT_NE(changed.header("etag"), before);
  const Reply stale = change("alice", R"({"topic":"Dinner"})", before);
  EXPECT_EQ(stale.status, 412u);
  EXPECT_EQ(stale.code(), "precondition_failed");
  for (const char* match : {"\"x\"", "7", "W/\"1\"", "\"99999999999999999999999\"", "\"-1\""})
    EXPECT_EQ(change("alice", R"({"topic":"Dinner"})", match).status, 412u) << match;
  EXPECT_EQ(change("alice", R"({"topic":"Dinner"})", "*").status, 200u);
  EXPECT_EQ(change("bob", R"({"topic":"Mine"})", "").status, 403u);
  EXPECT_EQ(change("alice", "{}", "").status, 400u);
  EXPECT_EQ(world_.get("/api/v1/rooms/general", "bob").at("topic"), "Dinner");
  Call remove{world_.token("alice"), "", {{"If-Match", before}}};
  EXPECT_EQ(world_.call("DELETE", "/api/v1/rooms/general", remove).status, 412u);
}

TEST_F(RoomsApi, APrivateRoomIsNotThereForStrangers) {
  world_.add_room("secret", "alice", R"("access":"private")");
  world_.add_user("bob");
  struct Try {
    const char* method;
    const char* path;
    const char* body;
  };
  const Try tries[] = {{"GET", "", ""},
                       {"PATCH", "", R"({"topic":"x"})"},
                       {"DELETE", "", ""},
                       {"POST", "/join", "{}"},
                       {"POST", "/leave", "{}"},
                       {"PUT", "/mute", R"({"muted":true})"},
                       {"GET", "/members", ""},
                       {"POST", "/members", R"({"user":"bob"})"},
                       {"GET", "/members/alice", ""},
                       {"PATCH", "/members/alice", R"({"role":"guest"})"},
                       {"DELETE", "/members/alice", ""},
                       {"DELETE", "/members/alice?ban=true", ""},
                       {"GET", "/bans", ""},
                       {"DELETE", "/bans/alice", ""},
                       {"GET", "/invites", ""},
                       {"POST", "/invites", "{}"},
                       {"DELETE", "/invites/abcdefgh", ""}};
  for (const Try& attempt : tries) {
    const Call call{world_.token("bob"), attempt.body, {}};
    const Reply there = world_.call(attempt.method, std::string("/api/v1/rooms/secret") + attempt.path, call);
    const Reply nowhere =
        world_.call(attempt.method, std::string("/api/v1/rooms/nowhere") + attempt.path, call);
    EXPECT_EQ(there.status, 404u) << attempt.method << attempt.path << there.text;
    EXPECT_EQ(there.text, nowhere.text) << attempt.method << attempt.path;
  }
  EXPECT_EQ(world_.get("/api/v1/rooms/secret", "alice").at("members"), "1");
}

TEST_F(RoomsApi, APairHasOneDirectRoom) {
  world_.add_user("bob");
  const Reply first = world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"bob"})");
  ASSERT_EQ(first.status, 201u) << first.text;
  EXPECT_THAT(first.at("room"), testing::StartsWith("d-"));
  EXPECT_EQ(first.at("user"), "bob");
  const Reply second = world_.post("/api/v1/rooms", "bob", R"({"kind":"direct","user":"alice"})");
  EXPECT_EQ(second.status, 200u) << second.text;
  EXPECT_EQ(second.at("room"), first.at("room"));
  EXPECT_EQ(second.at("user"), "alice");
  const std::string path = "/api/v1/rooms/" + first.at("room");
  EXPECT_EQ(world_.get(path, "carol").status, 404u);
  EXPECT_EQ(world_.patch(path, "alice", R"({"topic":"x"})").status, 403u);
  EXPECT_EQ(world_.post(path + "/leave", "alice").status, 403u);
  EXPECT_EQ(world_.post(path + "/members", "alice", R"({"user":"carol"})").status, 403u);
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"alice"})").status, 422u);
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"alice"})").field(), "user");
  EXPECT_EQ(world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"nobody"})").status, 404u);
}

TEST_F(RoomsApi, ABlockedPairMakesNoDirectRoom) {
  world_.add_user("alice");
  ASSERT_EQ(world_.put("/api/v1/users/alice/block", "bob").status, 204u);
  const Reply reply = world_.post("/api/v1/rooms", "alice", R"({"kind":"direct","user":"bob"})");
  EXPECT_EQ(reply.status, 403u);
  EXPECT_EQ(reply.code(), "blocked");
}

TEST_F(RoomsApi, JoiningAndLeaving) {
  world_.add_room("general", "alice");
  const Reply joined = world_.post("/api/v1/rooms/general/join", "bob", "");
  ASSERT_EQ(joined.status, 200u) << joined.text;
  EXPECT_EQ(joined.at("role"), "member");
  EXPECT_EQ(joined.at("members"), "2");
  EXPECT_EQ(world_.post("/api/v1/rooms/general/join", "bob").status, 200u);
  EXPECT_EQ(world_.get("/api/v1/rooms/general", "alice").at("members"), "2");
  const Reply last_owner = world_.post("/api/v1/rooms/general/leave", "alice");
  EXPECT_EQ(last_owner.status, 409u) << last_owner.text;
  EXPECT_EQ(world_.post("/api/v1/rooms/general/leave", "bob").status, 204u);
  EXPECT_EQ(world_.post("/api/v1/rooms/general/leave", "bob").status, 403u);
  EXPECT_EQ(world_.post("/api/v1/rooms/nowhere/join", "bob").status, 404u);
}

TEST_F(RoomsApi, WhoJoinsAJoinedHistoryRoomStartsAtItsTail) {
  world_.add_room("general", "alice", R"("history":"joined")");
  world_.broker().set_tail("general", 41);
  const std::uint64_t before = *world_.metadata().feed().head();
  ASSERT_EQ(world_.post("/api/v1/rooms/general/join", "bob").status, 200u);
  const auto changes = world_.metadata().feed().changes_after(before, 10);
  ASSERT_TRUE(changes);
  std::string ops;
  for (const auto& change : *changes) ops += change.ops_json;
  EXPECT_THAT(ops, HasSubstr(R"("since":41)"));

  world_.broker().refuse_with("unavailable");
  const Reply away = world_.post("/api/v1/rooms/general/join", "carol");
  EXPECT_EQ(away.status, 503u);
  EXPECT_EQ(away.code(), "unavailable");
  EXPECT_NE(away.header("retry-after"), "");
  world_.add_room("plain", "alice");
  EXPECT_EQ(world_.post("/api/v1/rooms/plain/join", "carol").status, 200u);
}

TEST_F(RoomsApi, MuteIsMineAlone) {
  world_.add_room("general", "alice");
  world_.add_member("general", "bob");
  const std::string mute = "/api/v1/rooms/general/mute";
  EXPECT_EQ(world_.put(mute, "bob", R"({"until":1900000000000,"notify":"mentions"})").at("muted_until"),
            "1900000000000");
  const Reply mine = world_.get("/api/v1/rooms/general", "bob");
  EXPECT_EQ(mine.at("notify"), "mentions");
  EXPECT_EQ(world_.get("/api/v1/rooms/general", "alice").at("muted_until"), "");
  EXPECT_EQ(world_.put(mute, "bob", R"({"muted":true})").at("muted_until"), "4102444800000");
  EXPECT_EQ(world_.put(mute, "bob", R"({"muted":false})").at("muted_until"), "");
  EXPECT_EQ(world_.put(mute, "bob", R"({"muted":true,"until":5})").field(), "muted");
  EXPECT_EQ(world_.put(mute, "bob", R"({"until":-5})").field(), "until");
  EXPECT_EQ(world_.put(mute, "bob", "{}").status, 400u);
  EXPECT_EQ(world_.put(mute, "carol", R"({"muted":true})").status, 403u);
}

TEST(RoomsApiLimits, NewRoomsAreCountedByTheHour) {
  ApiWorld world(ApiWorld::Database::fresh,
                 [](BridgeConfig& config) { config.limits.room_creations_per_h = 2; });
  EXPECT_EQ(world.post("/api/v1/rooms", "alice", R"({"kind":"group"})").status, 201u);
  EXPECT_EQ(world.post("/api/v1/rooms", "alice", R"({"kind":"group"})").status, 201u);
  const Reply third = world.post("/api/v1/rooms", "alice", R"({"kind":"group"})");
  EXPECT_EQ(third.status, 429u);
  EXPECT_EQ(third.code(), "rate_limited");
  EXPECT_NE(third.header("retry-after"), "");
  EXPECT_EQ(world.post("/api/v1/rooms", "bob", R"({"kind":"group"})").status, 201u);
}

TEST(RoomsApiLimits, AGroupHasASize) {
  ApiWorld world(ApiWorld::Database::fresh, [](BridgeConfig& config) { config.limits.group_size = 2; });
  for (const char* user : {"bob", "carol"}) world.add_user(user);
  const Reply made = world.post("/api/v1/rooms", "alice", R"({"kind":"group","members":["bob"]})");
  ASSERT_EQ(made.status, 201u) << made.text;
  EXPECT_EQ(made.at("members"), "2");
  const Reply full =
      world.post("/api/v1/rooms/" + made.at("room") + "/members", "alice", R"({"user":"carol"})");
  EXPECT_EQ(full.status, 409u) << full.text;
  EXPECT_EQ(full.code(), "limit");
}

}  // namespace
}  // namespace parley::api
