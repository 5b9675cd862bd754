// What clients try that they should not: the node behind a fake broker keeps itself and the others safe.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker-plugin/node_fixture.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;

class NodeGuardTest : public NodeTest {};

TEST_F(NodeGuardTest, ARetainedMessageIsRefusedWithoutTheCidOfAnother) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "users/bob/events"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"of-alice","body":"hi"})"));
  EXPECT_FALSE(broker_.publish(bob, "rooms/general/send", R"({"cid":"of-bob","body":"hi"})", 1, true));
  EXPECT_EQ(last_error(bob), "bad_payload");
  EXPECT_FALSE(account_events(bob).back().contains("cid"));
}

TEST_F(NodeGuardTest, NobodyTakesTheDoorbellsClientId) {
  EXPECT_EQ(broker_.connect("$parley-doorbell", token("alice", "phone")), nullptr);
  EXPECT_EQ(broker_.connect("$parley-doorbell", token("admin", "x", TokenRole::service)), nullptr);
}

// The will is asked for while the connection that was taken over is still there.
TEST_F(NodeGuardTest, AWillIsNoWayAroundTheChecks) {
  auto& old = join("alice");
  auto& taker = join("alice");
  const MessageId before = log_->last_id();
  const auto expect_wills_only = [&] {
    for (const char* topic :
         {"rooms/general/typing", "rooms/general/receipt", "rooms/general/send", "users/alice/request/sync",
          "users/alice/token", "rooms/general/wills/bob", "devices/bob/state"})
      EXPECT_FALSE(broker_.send_will(old, topic, R"({"body":"boo"})")) << topic;
    EXPECT_TRUE(broker_.send_will(old, "devices/alice/state", "gone"));
    EXPECT_EQ(log_->last_id(), before);
  };
  expect_wills_only();
  broker_.disconnect(old);
  expect_wills_only();
  EXPECT_TRUE(broker_.publish(taker, "rooms/general/typing", R"({"typing":true})", 0));
}

TEST_F(NodeGuardTest, NothingForTheServerIsRetained) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  for (const auto& [topic, payload] :
       {std::pair<std::string, std::string>{"users/alice/request/sync", R"({"req":"1"})"},
        {"users/alice/status", R"({"status":"away"})"},
        {"users/alice/token", token("alice", "phone")}}) {
    alice.inbox.clear();
    EXPECT_FALSE(broker_.publish(alice, topic, payload, 1, true)) << topic;
    EXPECT_EQ(last_error(alice), "bad_payload") << topic;
    EXPECT_TRUE(broker_.publish(alice, topic, payload)) << topic;
  }
}

TEST_F(NodeGuardTest, TokensAreTakenAtTheRateOfRequests) {
  apply(R"({"op":"limits.put","name":"rare","requests_per_s":1,"connections":5})");
  apply(R"({"op":"user.put","user":"alice","limits":"rare"})");
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  const std::string fresh = token("alice", "phone");
  int taken = 0;
  while (taken < 1000 && broker_.publish(alice, "users/alice/token", fresh)) ++taken;
  EXPECT_GE(taken, 1);
  EXPECT_LT(taken, 1000);
  EXPECT_EQ(last_error(alice), "rate_limited");
}

TEST_F(NodeGuardTest, TypingIsLimitedForWhoGoesFromRoomToRoom) {
  apply(R"({"op":"limits.put","name":"seldom","typing_per_s":0.001,"connections":5})");
  apply(R"({"op":"user.put","user":"alice","limits":"seldom"})");
  std::vector<std::string> topics;
  for (int i = 0; i < 9; ++i) {
    const std::string room = "room" + std::to_string(i);
    apply(R"({"op":"room.put","room":")" + room + "\"}");
    apply(R"({"op":"member.put","user":"alice","room":")" + room + "\"}");
    topics.push_back("rooms/" + room + "/typing");
  }
  auto& alice = join("alice");
  int passed = 0;
  for (int round = 0; round < 3; ++round)
    for (const std::string& topic : topics) passed += broker_.publish(alice, topic, R"({"typing":true})", 0);
  EXPECT_EQ(passed, 8);
}

// Its target may be a message from before this node's log, which others have.
TEST_F(NodeGuardTest, AnOperationsTargetIsKnownOrOlderThanTheLog) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  const auto delete_of = [&](const std::string& id) {
    return broker_.publish(alice, "rooms/general/send", R"({"kind":"delete","target":")" + id + "\"}");
  };
  EXPECT_FALSE(delete_of("5"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "the first"));
  EXPECT_TRUE(delete_of("5"));
  EXPECT_FALSE(delete_of(std::to_string(raw(log_->last_id()) + 1)));
  EXPECT_EQ(last_error(alice), "target_not_found");
}

TEST_F(NodeGuardTest, WhoWasBlockedWhileAwayReadsAgainOnTheSessionThatWasKept) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  broker_.disconnect(bob, true);
  apply(R"({"op":"user.put","user":"bob","limits":"many","status":"blocked"})");
  for (std::size_t acks = 1; acks <= 5; ++acks) {
    ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "not for bob"));
    ASSERT_TRUE(broker_.run_until([&] { return account_events(alice).size() == acks; }));
  }
  apply(R"({"op":"user.put","user":"bob","limits":"many"})");
  ASSERT_TRUE(broker_.resume(bob, token("bob", "phone")));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "welcome back"));
  ASSERT_TRUE(broker_.run_until([&] { return !bodies(bob).empty(); }));
  EXPECT_THAT(bodies(bob), ElementsAre("welcome back"));
}

TEST_F(NodeGuardTest, AKickIsNotForTheConnectionThatCameAfter) {
  auto& first = join("alice");
  const std::size_t answers = admin_->inbox.size();
  ASSERT_TRUE(broker_.publish(*admin_, std::string(kControlTopic),
                              R"({"req":"k","cmd":"kick","client":"alice:phone"})"));
  auto& second = join("alice");
  broker_.disconnect(first);
  ASSERT_TRUE(broker_.run_until([&] { return admin_->inbox.size() > answers; }));
  for (int i = 0; i < 3; ++i) broker_.turn();
  EXPECT_TRUE(second.connected);
}

}  // namespace
}  // namespace parley::plugin
