// Many clients at once on one thing: whatever order it comes to, the room stays as its rules want it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bridge/api/testing/api_world.h"

namespace parley::api {
namespace {

using testing::AnyOf;
using testing::UnorderedElementsAre;

class Races : public testing::Test {
 protected:
  // Runs all of them at the same moment; the answers in the same order.
  static std::vector<Reply> at_once(const std::vector<std::function<Reply()>>& calls) {
    std::vector<Reply> replies(calls.size());
    std::barrier start(static_cast<std::ptrdiff_t>(calls.size()));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        replies[i] = calls[i]();
      });
    }
    for (std::thread& thread : threads) thread.join();
    return replies;
  }
  static std::vector<unsigned> statuses(const std::vector<Reply>& replies) {
    std::vector<unsigned> out;
    for (const Reply& reply : replies) out.push_back(reply.status);
    return out;
  }
  std::size_t owners(const std::string& room) {
    const auto members = world_.get("/api/v1/rooms/" + room + "/members?limit=200", "admin").json;
    std::size_t count = 0;
    for (const auto& member : members.at("items").as_array()) count += member.at("role") == "owner" ? 1 : 0;
    return count;
  }
  std::string room(int round) { return "room-" + std::to_string(round); }

  static constexpr int kRounds = 15;
  ApiWorld world_{ApiWorld::Database::fresh,
                  [](BridgeConfig& config) { config.limits.room_creations_per_h = 0; }};
};

TEST_F(Races, TwoOwnersWhoDemoteEachOtherLeaveOne) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice");
    world_.add_member(room(round), "bob", MemberRole::owner);
    const std::string members = "/api/v1/rooms/" + room(round) + "/members/";
    const auto replies =
        at_once({[&] { return world_.patch(members + "bob", "alice", R"({"role":"member"})"); },
                 [&] { return world_.patch(members + "alice", "bob", R"({"role":"member"})"); }});
    EXPECT_THAT(statuses(replies), UnorderedElementsAre(200u, 403u)) << replies[0].text << replies[1].text;
    EXPECT_EQ(owners(room(round)), 1u);
  }
}

TEST_F(Races, TwoLastOwnersWhoLeaveAtOnceLeaveOne) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice");
    world_.add_member(room(round), "bob", MemberRole::owner);
    world_.add_member(room(round), "carol");
    const std::string leave = "/api/v1/rooms/" + room(round) + "/leave";
    const auto replies =
        at_once({[&] { return world_.post(leave, "alice"); }, [&] { return world_.post(leave, "bob"); }});
    EXPECT_THAT(statuses(replies), UnorderedElementsAre(204u, 409u)) << replies[0].text << replies[1].text;
    EXPECT_EQ(owners(room(round)), 1u);
  }
}

TEST_F(Races, TwoOwnersWhoRemoveEachOtherLeaveOne) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice");
    world_.add_member(room(round), "bob", MemberRole::owner);
    const std::string members = "/api/v1/rooms/" + room(round) + "/members/";
    at_once({[&] { return world_.del(members + "bob?ban=true", "alice"); },
             [&] { return world_.del(members + "alice", "bob"); }});
    EXPECT_EQ(owners(room(round)), 1u);
    EXPECT_EQ(world_.get("/api/v1/rooms/" + room(round), "admin").at("members"), "1");
  }
}

TEST_F(Races, AnOwnerWhoHandsOverAndLeavesLeavesAnOwner) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice");
    world_.add_member(room(round), "bob");
    const std::string path = "/api/v1/rooms/" + room(round);
    at_once({[&] { return world_.patch(path + "/members/bob", "alice", R"({"role":"owner"})"); },
             [&] { return world_.post(path + "/leave", "alice"); },
             [&] { return world_.post(path + "/leave", "bob"); }});
    EXPECT_GE(owners(room(round)), 1u) << "round " << round;
  }
}

TEST_F(Races, NobodyIsLeftInARoomDeletedUnderThem) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice");
    world_.token("bob");
    world_.token("carol");
    const std::string path = "/api/v1/rooms/" + room(round);
    at_once({[&] { return world_.del(path, "alice"); }, [&] { return world_.post(path + "/join", "bob"); },
             [&] { return world_.post(path + "/members", "alice", R"({"user":"carol"})"); }});
    for (const char* user : {"alice", "bob", "carol"}) {
      EXPECT_EQ(world_.get(path, user).status, 404u);
      EXPECT_TRUE(world_.get("/api/v1/rooms", user).json.at("items").as_array().empty()) << user;
    }
  }
}

TEST_F(Races, AnInviteForOneLetsOneOfTwentyIn) {
  constexpr int kClients = 20;
  for (int i = 0; i < kClients; ++i) world_.token("user-" + std::to_string(i));
  for (int round = 0; round < 5; ++round) {
    world_.add_room(room(round), "alice", R"("access":"private")");
    const std::string path = "/api/v1/rooms/" + room(round);
    const std::string code = world_.post(path + "/invites", "alice", R"({"uses":1})").at("code");
    std::vector<std::function<Reply()>> calls;
    for (int i = 0; i < kClients; ++i)
      calls.push_back(
          [&, i] { return world_.post("/api/v1/invites/" + code + "/accept", "user-" + std::to_string(i)); });
    std::size_t in = 0;
    for (const Reply& reply : at_once(calls)) {
      EXPECT_THAT(reply.status, AnyOf(200u, 404u)) << reply.text;
      in += reply.status == 200 ? 1 : 0;
    }
    EXPECT_EQ(in, 1u);
    EXPECT_EQ(world_.get(path, "alice").at("members"), "2");
  }
}

TEST_F(Races, OneUserWhoAcceptsManyTimesUsesTheInviteOnce) {
  world_.add_room("general", "alice", R"("access":"private")");
  world_.token("bob");
  const std::string code = world_.post("/api/v1/rooms/general/invites", "alice", R"({"uses":2})").at("code");
  const std::vector<std::function<Reply()>> calls(
      10, [&] { return world_.post("/api/v1/invites/" + code + "/accept", "bob"); });
  for (const Reply& reply : at_once(calls)) EXPECT_EQ(reply.status, 200u) << reply.text;
  EXPECT_EQ(world_.get("/api/v1/rooms/general/invites", "alice").at("items.0.uses_left"), "1");
}

TEST_F(Races, ADirectRoomMadeFromBothSidesIsOne) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string left = "left-" + std::to_string(round);
    const std::string right = "right-" + std::to_string(round);
    world_.token(left);
    world_.token(right);
    const auto make = [&](const std::string& from, const std::string& to) {
      return world_.post("/api/v1/rooms", from, R"({"kind":"direct","user":")" + to + "\"}");
    };
    const auto replies = at_once({[&] { return make(left, right); }, [&] { return make(right, left); }});
    EXPECT_THAT(statuses(replies), UnorderedElementsAre(200u, 201u)) << replies[0].text << replies[1].text;
    EXPECT_EQ(replies[0].at("room"), replies[1].at("room"));
  }
}

TEST_F(Races, OneOfManyGetsAName) {
  std::vector<std::function<Reply()>> calls;
  for (int i = 0; i < 10; ++i) {
    const std::string user = "user-" + std::to_string(i);
    world_.token(user);
    calls.push_back(
        [&, user] { return world_.post("/api/v1/rooms", user, R"({"kind":"channel","room":"prize"})"); });
  }
  std::size_t made = 0;
  for (const Reply& reply : at_once(calls)) {
    EXPECT_THAT(reply.status, AnyOf(201u, 409u)) << reply.text;
    made += reply.status == 201 ? 1 : 0;
  }
  EXPECT_EQ(made, 1u);
}

TEST_F(Races, TheSameKeyFromManyClientsMakesOneGroup) {
  const Call call{world_.token("alice"), R"({"kind":"group","name":"Trip"})", {{"Idempotency-Key", "k-1"}}};
  const std::vector<std::function<Reply()>> calls(10,
                                                  [&] { return world_.call("POST", "/api/v1/rooms", call); });
  std::set<std::string> rooms;
  for (const Reply& reply : at_once(calls)) {
    EXPECT_EQ(reply.status, 201u) << reply.text;
    rooms.insert(reply.at("room"));
  }
  EXPECT_EQ(rooms.size(), 1u);
  EXPECT_EQ(world_.get("/api/v1/rooms", "alice").json.at("items").as_array().size(), 1u);
}

TEST_F(Races, ABanWinsOverAnInviteInEitherOrder) {
  for (int round = 0; round < kRounds; ++round) {
    world_.add_room(room(round), "alice", R"("access":"private")");
    world_.token("bob");
    const std::string path = "/api/v1/rooms/" + room(round);
    const std::string code = world_.post(path + "/invites", "alice").at("code");
    at_once({[&] { return world_.post("/api/v1/invites/" + code + "/accept", "bob"); },
             [&] { return world_.del(path + "/members/bob?ban=true", "alice"); }});
    EXPECT_EQ(world_.get(path, "bob").status, 404u) << "round " << round;
    EXPECT_EQ(world_.get(path, "alice").at("members"), "1");
  }
}

TEST_F(Races, AFullGroupStaysFull) {
  ApiWorld small(ApiWorld::Database::fresh, [](BridgeConfig& config) { config.limits.group_size = 5; });
  const std::string room = small.post("/api/v1/rooms", "alice", R"({"kind":"group"})").at("room");
  std::vector<std::function<Reply()>> calls;
  for (int i = 0; i < 10; ++i) {
    const std::string user = "user-" + std::to_string(i);
    small.token(user);
    calls.push_back([&, user] {
      return small.post("/api/v1/rooms/" + room + "/members", "alice", R"({"user":")" + user + "\"}");
    });
  }
  at_once(calls);
  EXPECT_EQ(small.get("/api/v1/rooms/" + room, "alice").at("members"), "5");

  const std::string code = small.post("/api/v1/rooms/" + room + "/invites", "alice").at("code");
  const std::string newcomer = R"({"user":"newcomer","password":"correct horse","invite":")" + code + "\"}";
  EXPECT_EQ(small.call("POST", "/api/v1/auth/register", {"", newcomer}).status, 201u);
  EXPECT_EQ(small.get("/api/v1/rooms/" + room, "alice").at("members"), "5")
      << "the account, but not the room";
}

TEST_F(Races, ChangesWithTheSameVersionAreDoneOnce) {
  world_.add_room("general", "alice");
  const std::string etag = world_.get("/api/v1/rooms/general", "alice").header("etag");
  std::vector<std::function<Reply()>> calls;
  for (int i = 0; i < 8; ++i) {
    const Call call{world_.token("alice"), R"({"topic":")" + std::to_string(i) + "\"}", {{"If-Match", etag}}};
    calls.push_back([this, call] { return world_.call("PATCH", "/api/v1/rooms/general", call); });
  }
  std::size_t done = 0;
  for (const Reply& reply : at_once(calls)) {
    EXPECT_THAT(reply.status, AnyOf(200u, 412u)) << reply.text;
    done += reply.status == 200 ? 1 : 0;
  }
  EXPECT_EQ(done, 1u);
}

}  // namespace
}  // namespace parley::api
