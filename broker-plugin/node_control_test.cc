// What comes over the control topic beside facts: messages in a user's name, and the server's own events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "broker-plugin/node_fixture.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kJoin =
    R"({"op":"event.post","room":"general","kind":"join","from":"carol","cid":"pg-9-0",)"
    R"("ts":1763683100000,"meta":{"by":"alice"}})";

class NodeControlTest : public NodeTest {
 protected:
  json::object send(const std::string& user, const std::string& payload, const std::string& more = {}) {
    return control(R"("cmd":"send","room":"general","user":")" + user + R"(","payload":)" + payload + more);
  }
  json::object apply_ops(const std::string& ops) {
    auto answer = control(R"("cmd":"apply","from":)" + std::to_string(version_) + R"(,"to":)" +
                          std::to_string(version_ + 1) + R"(,"ops":[)" + ops + "]");
    if (answer.contains("ok")) ++version_;
    return answer;
  }
  static std::string code(const json::object& answer) {
    return answer.contains("error") ? answer.at("error").at("code").as_string().c_str() : "";
  }
  // "kind from" of what is on a JSON topic.
  static std::vector<std::string> kinds(const FakeBroker::Client& client) {
    std::vector<std::string> out;
    for (const auto& d : client.inbox) {
      if (!d.topic.ends_with("/messages/json")) continue;
      const json::object event = json::parse(d.payload).as_object();
      out.push_back(std::string(event.at("kind").as_string()) + " " + event.at("from").as_string().c_str());
    }
    return out;
  }
  std::uint64_t tail() {
    return control(R"("cmd":"room.tail","room":"general")").at("last").to_number<std::uint64_t>();
  }
};

TEST_F(NodeControlTest, SendIsAPublishOfThatUser) {
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  const auto answer = send("alice", R"({"cid":"c-1","body":"by REST"})", R"(,"device":"web")");
  ASSERT_TRUE(answer.contains("ok")) << json::serialize(answer);
  EXPECT_EQ(answer.at("cid"), "c-1");
  EXPECT_EQ(answer.at("seq"), 1);
  EXPECT_EQ(answer.at("duplicate"), false);
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 1; }));
  const json::object event = json::parse(bob.inbox.back().payload).as_object();
  EXPECT_EQ(event.at("from"), "alice");
  EXPECT_EQ(event.at("device"), "web");
  EXPECT_EQ(event.at("role"), "member");
  EXPECT_EQ(event.at("id"), answer.at("id"));
  EXPECT_EQ(event.at("ts"), answer.at("ts"));
  EXPECT_EQ(tail(), 1u);
}

TEST_F(NodeControlTest, SendAgainIsTheSameMessage) {
  const auto first = send("alice", R"({"cid":"c-1","body":"once"})");
  const auto again = send("alice", R"({"cid":"c-1","body":"once"})");
  EXPECT_EQ(again.at("duplicate"), true);
  for (const char* field : {"seq", "id", "ts"}) EXPECT_EQ(again.at(field), first.at(field)) << field;
  EXPECT_EQ(tail(), 1u);
}

TEST_F(NodeControlTest, SendIsRefusedAsAPublishWouldBe) {
  EXPECT_EQ(code(send("mallory", R"({"body":"x"})")), "not_member");
  EXPECT_EQ(code(send("nobody", R"({"body":"x"})")), "forbidden");
  EXPECT_EQ(code(send("alice", R"({"kind":"join"})")), "bad_payload");
  EXPECT_EQ(code(send("alice", R"({"kind":"edit","target":"1","body":"x"})")), "target_not_found");
  EXPECT_EQ(code(send("alice", R"({"body":"x"})", R"(,"device":"no such name")")), "bad_payload");
  apply(R"({"op":"user.put","limits":"many","user":"bob","status":"blocked"})");
  EXPECT_EQ(code(send("bob", R"({"body":"x"})")), "forbidden");
  apply(R"({"op":"limits.put","name":"few","messages_per_s":1,"burst":1})");
  apply(R"({"op":"user.put","user":"alice","limits":"few"})");
  EXPECT_EQ(code(send("alice", R"({"body":"x"})")), "");
  const auto limited = send("alice", R"({"body":"x"})");
  EXPECT_EQ(code(limited), "rate_limited");
  EXPECT_GT(limited.at("error").at("retry_after_ms").to_number<int>(), 0);
  EXPECT_EQ(tail(), 1u);
}

TEST_F(NodeControlTest, TheRequestBehindItIsInTheLog) {
  const std::string send = R"("cmd":"send","room":"general","payload":{"body":"x"},"user":)";
  control(send + R"("alice")", "req-77");
  control(send + R"("mallory")", "req-78");
  control(send + R"("alice")");
  control(R"("cmd":"version")", "req-79");
  control(R"("cmd":"stats")", "not an id");
  control(R"("cmd":"sta\nts")", "req-80");
  std::vector<std::string> noted;
  std::ranges::copy_if(broker_.logs, std::back_inserter(noted),
                       [](const std::string& line) { return line.starts_with("event=request "); });
  EXPECT_THAT(noted,
              ElementsAre(R"(event=request id=req-77 cmd="send")", R"(event=request id=req-78 cmd="send")",
                          R"(event=request id=req-78 refused="not_member")",
                          R"(event=request id=req-80 cmd="sta\nts")",
                          R"(event=request id=req-80 refused="bad_payload")"));
}

TEST_F(NodeControlTest, SendIsAnsweredOnceItIsDurable) {
  log_->full = true;
  const auto refused = send("alice", R"({"cid":"c-1","body":"x"})");
  EXPECT_EQ(code(refused), "unavailable");
  EXPECT_GT(refused.at("error").at("retry_after_ms").to_number<int>(), 0);
  log_->full = false;
  EXPECT_TRUE(broker_.run_until([&] { return code(send("alice", R"({"cid":"c-1","body":"x"})")).empty(); }));
}

TEST_F(NodeControlTest, EventsOfAChangeAreSeenByWhoeverListens) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "rooms/general/messages/json"));
  const auto answer = apply_ops(kJoin + R"(,{"op":"user.put","user":"carol"},)"
                                        R"({"op":"member.put","room":"general","user":"carol"})");
  ASSERT_TRUE(answer.contains("ok")) << json::serialize(answer);
  ASSERT_TRUE(broker_.run_until([&] { return !kinds(alice).empty(); }));
  EXPECT_THAT(kinds(alice), ElementsAre("join carol"));
  const json::object event = json::parse(alice.inbox.back().payload).as_object();
  EXPECT_EQ(event.at("meta").at("by"), "alice");
  EXPECT_EQ(event.at("ts"), 1763683100000);
  EXPECT_FALSE(event.contains("body"));
}

TEST_F(NodeControlTest, AnEventIsPostedOnce) {
  EXPECT_TRUE(apply_ops(kJoin).contains("ok"));
  EXPECT_TRUE(apply_ops(kJoin).contains("ok"));  // as after a crash between the log and the facts
  EXPECT_TRUE(control(R"("cmd":"post","ops":[)" + kJoin + "]").contains("ok"));
  EXPECT_EQ(tail(), 1u);
}

TEST_F(NodeControlTest, AnEventFromBeforeAllThatIsKeptIsNotPostedAgain) {
  EXPECT_TRUE(apply_ops(kJoin).contains("ok"));
  EXPECT_EQ(tail(), 1u);
  ASSERT_TRUE(log_->trim(clock_.unix_ms() + 1000, {.max_age = std::chrono::milliseconds(1)}));
  EXPECT_TRUE(apply_ops(kJoin).contains("ok")) << "nobody knows any more that it was there";
  EXPECT_EQ(tail(), 1u);
  std::string now = kJoin;
  now.replace(now.find("1763683100000"), 13, std::to_string(clock_.unix_ms()));
  EXPECT_TRUE(apply_ops(now).contains("ok"));
  EXPECT_EQ(tail(), 2u);
}

TEST_F(NodeControlTest, AChangeFollowsTheOneThatItsSenderMeans) {
  const auto apply_from = [&](std::uint64_t from_mark, std::uint64_t mark) {
    const auto answer =
        control(R"("cmd":"apply","from":)" + std::to_string(version_) + R"(,"to":)" +
                std::to_string(version_ + 1) + R"(,"from_mark":)" + std::to_string(from_mark) +
                R"(,"mark":)" + std::to_string(mark) + R"(,"ops":[])");
    if (answer.contains("ok")) ++version_;
    return code(answer);
  };
  EXPECT_EQ(apply_from(5, 7), "") << "the node knows of no mark";
  EXPECT_EQ(control(R"("cmd":"version")").at("mark"), 7);
  EXPECT_EQ(apply_from(8, 9), "version_mismatch");
  EXPECT_EQ(apply_from(7, 9), "");
  EXPECT_EQ(apply_from(0, 0), "") << "as parleyctl does";
  EXPECT_EQ(control(R"("cmd":"version")").at("mark"), 0);
}

TEST_F(NodeControlTest, NobodyTakesAnEventsCidBeforehand) {
  ASSERT_TRUE(send("alice", R"({"cid":"pg-9-0","body":"mine"})").contains("ok"));
  std::string join = kJoin;
  join.replace(join.find("carol"), 5, "alice");
  EXPECT_TRUE(apply_ops(join).contains("ok"));
  EXPECT_EQ(tail(), 2u);
}

TEST_F(NodeControlTest, AChangeWhoseEventsCannotBeStoredIsRefusedAsAWhole) {
  log_->full = true;
  const auto refused = apply_ops(kJoin + R"(,{"op":"user.put","user":"carol"})");
  EXPECT_EQ(code(refused), "unavailable");
  EXPECT_EQ(broker_.connect("carol:phone", token("carol", "phone")), nullptr);
  log_->full = false;
  EXPECT_TRUE(broker_.run_until(
      [&] { return apply_ops(kJoin + R"(,{"op":"user.put","user":"carol"})").contains("ok"); }));
  EXPECT_NE(broker_.connect("carol:phone", token("carol", "phone")), nullptr);
  EXPECT_EQ(tail(), 1u);
}

TEST_F(NodeControlTest, WhoLeavesHasNoMessageAfterTheLeave) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(alice, "rooms/general/messages/json"));
  ASSERT_TRUE(broker_.publish(bob, "rooms/general/send", "bye"));
  ASSERT_TRUE(apply_ops(R"({"op":"event.post","room":"general","kind":"leave","from":"bob","cid":"pg-1-0",)"
                        R"("meta":{"reason":"left"}},{"op":"member.remove","room":"general","user":"bob"})")
                  .contains("ok"));
  EXPECT_FALSE(broker_.publish(bob, "rooms/general/send", "still here"));
  ASSERT_TRUE(broker_.run_until([&] { return kinds(alice).size() == 2; }));
  EXPECT_THAT(kinds(alice), ElementsAre("text bob", "leave bob"));
}

TEST_F(NodeControlTest, AccountsHearWhatConcernsThem) {
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "users/bob/events"));
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  apply_ops(R"({"op":"user.event","user":"bob","event":{"type":"room.added","room":"new","version":3}},)"
            R"({"op":"user.event","user":"nobody","event":{"type":"room.added","room":"new"}})");
  ASSERT_TRUE(broker_.run_until([&] { return !account_events(bob).empty(); }));
  EXPECT_EQ(account_events(bob)[0].at("type"), "room.added");
  EXPECT_THAT(account_events(alice), IsEmpty());
}

TEST_F(NodeControlTest, PostTakesNothingElseAndASnapshotNoEvents) {
  EXPECT_EQ(code(control(R"("cmd":"post","ops":[{"op":"user.put","user":"carol"}])")), "bad_payload");
  ASSERT_TRUE(control(R"("cmd":"snapshot.begin")").contains("ok"));
  EXPECT_EQ(code(control(R"("cmd":"snapshot.chunk","ops":[)" + kJoin + "]")), "bad_payload");
  EXPECT_EQ(tail(), 0u);
}

TEST_F(NodeControlTest, TwoSnapshotsDoNotMix) {
  const auto first = control(R"("cmd":"snapshot.begin")");
  const auto second = control(R"("cmd":"snapshot.begin")");
  const auto of = [](const json::object& begun) { return json::serialize(begun.at("snapshot")); };
  ASSERT_NE(of(first), of(second));
  const std::string chunk = R"("cmd":"snapshot.chunk","ops":[{"op":"user.put","user":"carol"}],"snapshot":)";
  EXPECT_EQ(code(control(chunk + of(first))), "version_mismatch");
  EXPECT_EQ(code(control(R"("cmd":"snapshot.commit","to":50,"snapshot":)" + of(first))), "version_mismatch");
  EXPECT_TRUE(control(chunk + of(second)).contains("ok"));
  EXPECT_TRUE(control(R"("cmd":"snapshot.commit","to":50,"snapshot":)" + of(second)).contains("ok"));
  EXPECT_NE(broker_.connect("carol:phone", token("carol", "phone")), nullptr);
}

TEST_F(NodeControlTest, TheTailOfARoomNobodyKnowsIsZero) {
  EXPECT_EQ(control(R"("cmd":"room.tail","room":"nowhere")").at("last"), 0);
}

TEST_F(NodeControlTest, ASnapshotDoesNotUndoWhatCameSinceItWasBegun) {
  const json::object begun = control(R"("cmd":"snapshot.begin")");
  ASSERT_TRUE(apply_ops(R"({"op":"member.remove","room":"general","user":"bob"})").contains("ok"));
  const std::string number = R"(,"snapshot":)" + json::serialize(begun.at("snapshot"));
  const json::object refused = control(R"("cmd":"snapshot.commit","to":1)" + number);
  EXPECT_EQ(code(refused), "version_mismatch");
  EXPECT_EQ(refused.at("version"), version_);
  EXPECT_EQ(code(control(R"("cmd":"snapshot.chunk","ops":[])" + number)), "version_mismatch");
  EXPECT_EQ(code(send("bob", R"({"cid":"c-1","body":"still here?"})")), "not_member");
  EXPECT_TRUE(control(R"("cmd":"snapshot.begin")").contains("ok"));
  EXPECT_TRUE(control(R"("cmd":"snapshot.commit","to":1)").contains("ok"))
      << "an earlier version is no fault";
}

}  // namespace
}  // namespace parley::plugin
