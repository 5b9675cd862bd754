// The node behind a fake broker: what a user sees of accepting, refusing, ordering and delivering.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "broker-plugin/node_fixture.h"
#include "schemas/message.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;

TEST_F(NodeTest, MembersReadOneOrderWithAnUnbrokenChain) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages"));
  for (int i = 0; i < 500; ++i)
    ASSERT_TRUE(broker_.publish(i % 2 ? alice : bob, "rooms/general/send", "message " + std::to_string(i)));
  std::uint64_t last = 0;
  std::size_t read = 0, events = 0;
  EventReader reader;
  ASSERT_TRUE(broker_.run_until([&] {
    for (; read < bob.inbox.size(); ++read) {
      const std::string& bytes = bob.inbox[read].payload;
      const auto frame = read_frame({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
      EXPECT_TRUE(frame);
      for (const Bytes event : frame->events) {
        const auto e = reader.read(event);
        EXPECT_TRUE(e);
        EXPECT_EQ(raw(e->stamp.prev), last);
        last = raw(e->stamp.seq);
        EXPECT_EQ(e->send.body, "message " + std::to_string(events++));
      }
    }
    return events == 500;
  })) << events;
}

TEST_F(NodeTest, NothingIsSeenBeforeItIsDurable) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "one"));
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 1; }));

  // Accepted, but its sync fails: nobody may see it, and nothing more is taken.
  log_->full = true;
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  broker_.publish(alice, "rooms/general/send", R"({"cid":"c2","body":"two"})");
  EXPECT_EQ(last_error(alice), "unavailable");
  EXPECT_THAT(bodies(bob), ElementsAre("one"));

  log_->full = false;
  ASSERT_TRUE(broker_.run_until(
      [&] { return broker_.publish(alice, "rooms/general/send", R"({"cid":"c2","body":"two"})"); }));
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 2; }));
  EXPECT_THAT(bodies(bob), ElementsAre("one", "two"));
}

TEST_F(NodeTest, AStallRefusesWithATimeToComeBack) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  log_->stalled = true;
  EXPECT_FALSE(broker_.publish(alice, "rooms/general/send", "hello"));
  EXPECT_EQ(last_error(alice), "unavailable");
  EXPECT_GT(account_events(alice).back().at("retry_after_ms").as_int64(), 0);
  log_->stalled = false;
  EXPECT_TRUE(broker_.publish(alice, "rooms/general/send", "hello"));
}

TEST_F(NodeTest, AResendIsStoredOnceAndAnsweredWithTheFirstSeq) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  ASSERT_TRUE(broker_.subscribe(alice, "rooms/general/messages/json"));
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"c1","body":"once"})"));
  ASSERT_TRUE(broker_.run_until([&] { return account_events(alice).size() == 3; }));
  const auto acks = account_events(alice);
  EXPECT_FALSE(acks[0].at("duplicate").as_bool());
  for (const auto& ack : acks) {
    EXPECT_EQ(ack.at("seq"), acks[0].at("seq"));
    EXPECT_EQ(ack.at("id"), acks[0].at("id"));
  }
  EXPECT_TRUE(acks[2].at("duplicate").as_bool());
  EXPECT_THAT(bodies(alice), ElementsAre("once"));
}

TEST_F(NodeTest, RefusalsCarryTheirCode) {
  apply(R"({"op":"user.put","user":"slow","limits":"default"})");
  apply(R"({"op":"member.put","room":"general","user":"slow"})");
  apply(R"({"op":"room.put","room":"notices","status":"read_only"})");
  apply(R"({"op":"member.put","room":"notices","user":"alice"})");
  apply(R"({"op":"room.put","room":"d-alice-bob","kind":"direct","limits":"many"})");
  apply(R"({"op":"member.put","room":"d-alice-bob","user":"alice"})");
  apply(R"({"op":"member.put","room":"d-alice-bob","user":"bob"})");
  apply(R"({"op":"block.put","user":"bob","blocked":"alice"})");
  const struct {
    const char* user;
    const char* topic;
    std::string payload;
    const char* code;
  } cases[] = {
      {"mallory", "rooms/general/send", "hi", "not_member"},
      {"alice", "rooms/nowhere/send", "hi", "room_not_found"},
      {"alice", "rooms/notices/send", "hi", "read_only"},
      {"alice", "rooms/d-alice-bob/send", "hi", "blocked"},
      {"alice", "rooms/general/send", "", "bad_payload"},
      {"alice", "rooms/general/send", std::string(300'000, 'x'), "too_large"},
      {"alice", "rooms/general/send", R"({"kind":"edit","target":"5","body":"x"})", "target_not_found"},
      {"alice", "rooms/general/wills/alice", "gone", "forbidden"},
      {"mallory", "rooms/general/typing", R"({"typing":true})", "not_member"},
      {"alice", "rooms/general/receipt", R"({"read":-1})", "bad_payload"},
  };
  for (const auto& c : cases) {
    auto& client = join(c.user, "d" + std::to_string(&c - cases));
    ASSERT_TRUE(broker_.subscribe(client, std::string("users/") + c.user + "/events"));
    EXPECT_FALSE(broker_.publish(client, c.topic, c.payload)) << c.code;
    EXPECT_EQ(last_error(client), c.code) << c.topic;
    broker_.disconnect(client);
  }
  auto& slow = join("slow");
  ASSERT_TRUE(broker_.subscribe(slow, "users/slow/#"));
  int accepted = 0;
  while (accepted < 1000 && broker_.publish(slow, "rooms/general/send", "again")) ++accepted;
  EXPECT_GE(accepted, 30);
  EXPECT_LT(accepted, 100);
  EXPECT_EQ(last_error(slow), "rate_limited");
}

TEST_F(NodeTest, OperationsAreForTheAuthorOrARoomsAdmins) {
  apply(R"({"op":"user.put","user":"carol","limits":"many"})");
  apply(R"({"op":"member.put","room":"general","user":"carol","role":"admin"})");
  auto& alice = join("alice");
  auto& bob = join("bob");
  auto& carol = join("carol");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "mine"));
  ASSERT_TRUE(broker_.run_until([&] { return !account_events(alice).empty(); }));
  const std::string id = account_events(alice)[0].at("id").as_string().c_str();
  const auto op = [&](FakeBroker::Client& who, const std::string& kind, const std::string& more) {
    return broker_.publish(who, "rooms/general/send",
                           R"({"kind":")" + kind + R"(","target":")" + id + "\"" + more + "}");
  };
  EXPECT_FALSE(op(bob, "edit", R"(,"body":"yours")"));
  EXPECT_FALSE(op(carol, "edit", R"(,"body":"yours")"));
  EXPECT_FALSE(op(bob, "delete", ""));
  EXPECT_FALSE(op(bob, "pin", ""));
  EXPECT_TRUE(op(bob, "react", R"(,"emoji":"👍")"));
  for (const char* none : {"+1", "ab", "👍👍", "1", "🇩"})
    EXPECT_FALSE(op(bob, "react", R"(,"emoji":")" + std::string(none) + "\"")) << none;
  EXPECT_TRUE(op(carol, "pin", ""));
  EXPECT_TRUE(op(alice, "edit", R"(,"body":"better")"));
  EXPECT_TRUE(op(carol, "delete", ""));
}

TEST_F(NodeTest, ARemovedMemberReadsNothingMore) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "seen"));
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 1; }));
  apply(R"({"op":"member.remove","room":"general","user":"bob"})");
  ASSERT_TRUE(broker_.subscribe(alice, "rooms/general/messages/json"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "not for bob"));
  ASSERT_TRUE(broker_.run_until([&] { return bodies(alice).size() == 1; }));
  EXPECT_THAT(bodies(bob), ElementsAre("seen"));
  EXPECT_FALSE(broker_.subscribe(bob, "rooms/general/messages"));
  // And reads again when let in again, on the subscription there still is.
  apply(R"({"op":"member.put","room":"general","user":"bob"})");
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "welcome back"));
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 2; }));
}

TEST_F(NodeTest, FormatsCarryTheSameEventsAndAreBuiltOnlyWhileSomebodyListens) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "to nobody"));
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/ndjson"));
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "to both"));
  ASSERT_TRUE(broker_.run_until([&] { return bob.inbox.size() == 2; }));
  EXPECT_EQ(node_->metrics().frames.get(), 2u);
  std::string lines, one;
  for (const auto& d : bob.inbox) (d.topic.ends_with("/ndjson") ? lines : one) = d.payload;
  EXPECT_EQ(lines, one + "\n");

  bob.filters.clear();  // as the broker does it: without a word to the plugin
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  const auto publish_and_wait = [&] {
    const std::size_t acks = alice.inbox.size();
    ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "anyone?"));
    ASSERT_TRUE(broker_.run_until([&] { return alice.inbox.size() > acks; }));
  };
  std::uint64_t before = 0;
  for (int tries = 0; tries < 50 && node_->metrics().frames.get() != before; ++tries) {
    before = node_->metrics().frames.get();
    for (int i = 0; i < 3; ++i) publish_and_wait();
  }
  EXPECT_EQ(node_->metrics().frames.get(), before);
}

TEST_F(NodeTest, TypingIsStampedLimitedAndNeverStored) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/typing"));
  EXPECT_TRUE(broker_.publish(alice, "rooms/general/typing", R"({"typing":true,"user":"mallory"})", 0));
  EXPECT_FALSE(broker_.publish(alice, "rooms/general/typing", R"({"typing":true})", 0));
  ASSERT_EQ(bob.inbox.size(), 1u);
  EXPECT_EQ(bob.inbox[0].payload, R"({"user":"alice","typing":true})");
  EXPECT_EQ(raw(log_->last_id()), 0u);
}

TEST_F(NodeTest, ConnectionsEndWithTheirTokenUnlessItIsRenewed) {
  auto* brief = broker_.connect("alice:brief", token("alice", "brief", TokenRole::user, 10));
  auto* renewed = broker_.connect("bob:renewed", token("bob", "renewed", TokenRole::user, 10));
  ASSERT_TRUE(brief != nullptr && renewed != nullptr);
  clock_.wall_ms += 9'000;
  EXPECT_FALSE(broker_.publish(*renewed, "users/bob/token", token("alice", "renewed")));
  EXPECT_FALSE(broker_.publish(*renewed, "users/bob/token", token("bob", "other")));
  EXPECT_TRUE(broker_.publish(*renewed, "users/bob/token", token("bob", "renewed")));
  clock_.wall_ms += 30'000;
  for (int i = 0; i < 5; ++i) broker_.turn();
  EXPECT_TRUE(brief->connected);  // grace
  clock_.wall_ms += 2'000;
  EXPECT_TRUE(broker_.run_until([&] { return !brief->connected; }));
  EXPECT_TRUE(renewed->connected);
}

TEST_F(NodeTest, AccountsAndSessionsCanBeShutOut) {
  auto& phone = join("alice", "phone");
  auto& laptop = join("alice", "laptop");
  apply(R"({"op":"session.revoke","sid":"alice-phone","until":9999999999})");
  EXPECT_TRUE(broker_.run_until([&] { return !phone.connected; }));
  EXPECT_TRUE(laptop.connected);
  EXPECT_EQ(broker_.connect("alice:phone", token("alice", "phone")), nullptr);
  apply(R"({"op":"user.put","user":"alice","limits":"many","status":"blocked"})");
  EXPECT_TRUE(broker_.run_until([&] { return !laptop.connected; }));
  EXPECT_EQ(broker_.connect("alice:laptop", token("alice", "laptop")), nullptr);
}

TEST_F(NodeTest, ASixthConnectionIsRefusedButTheSameDeviceMayComeAgain) {
  for (int i = 0; i < 5; ++i) join("alice", "d" + std::to_string(i));
  EXPECT_EQ(broker_.connect("alice:d5", token("alice", "d5")), nullptr);
  EXPECT_NE(broker_.connect("alice:d4", token("alice", "d4")), nullptr);
}

TEST_F(NodeTest, ASnapshotReplacesAllFactsAtOnceAtCommit) {
  auto& alice = join("alice");
  ASSERT_TRUE(control(R"("cmd":"snapshot.begin")").contains("ok"));
  ASSERT_TRUE(
      control(
          R"("cmd":"snapshot.chunk","ops":[{"op":"user.put","user":"bob"},{"op":"room.put","room":"new"},)"
          R"({"op":"member.put","room":"new","user":"bob"}])")
          .contains("ok"));
  EXPECT_TRUE(broker_.publish(alice, "rooms/general/send", "the old facts still serve"));
  ASSERT_TRUE(control(R"("cmd":"snapshot.commit","to":100)").contains("ok"));
  EXPECT_TRUE(broker_.run_until([&] { return !alice.connected; }));
  auto& bob = join("bob");
  EXPECT_FALSE(broker_.publish(bob, "rooms/general/send", "gone"));
  EXPECT_TRUE(broker_.publish(bob, "rooms/new/send", "here"));
  EXPECT_EQ(control(R"("cmd":"version")").at("version").as_int64(), 100);
}

TEST_F(NodeTest, ControlAnswersEveryRequestOnce) {
  EXPECT_EQ(control(R"("cmd":"apply","from":1000,"to":1001)").at("error").as_object().at("code").as_string(),
            "version_mismatch");
  EXPECT_TRUE(control(R"("cmd":"nonsense")").contains("error"));
  EXPECT_TRUE(control(R"("cmd":"apply","from":0,"to":1,"ops":[{"op":"user.put"}])").contains("error"));
  EXPECT_TRUE(control(R"("cmd":"kick","client":"nobody:here")").contains("error"));
  auto& alice = join("alice");
  EXPECT_FALSE(broker_.publish(alice, std::string(kControlTopic), R"({"cmd":"version"})"));
  EXPECT_TRUE(control(R"("cmd":"kick","client":"alice:phone")").contains("ok"));
  EXPECT_TRUE(broker_.run_until([&] { return !alice.connected; }));
}

TEST_F(NodeTest, TheLogIsReadInPagesAndFollowedLive) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(*admin_, "$parley/#"));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", std::to_string(i)));
  std::vector<std::uint64_t> offsets;
  std::uint64_t last = 0;
  std::size_t seen = 0;
  ASSERT_TRUE(broker_.run_until([&] {
    for (; seen < admin_->inbox.size(); ++seen) {
      const auto& d = admin_->inbox[seen];
      if (d.topic != kLogTopic) continue;
      const auto page =
          read_log_page({reinterpret_cast<const std::uint8_t*>(d.payload.data()), d.payload.size()});
      EXPECT_TRUE(page);
      EXPECT_EQ(page->prev_offset, last);
      for (const auto& record : page->records) offsets.push_back(last = record.offset);
    }
    return offsets.size() == 5;
  }));
  admin_->filters = {std::string(kControlResponseTopic)};
  std::string after = "0";
  std::vector<std::uint64_t> paged;
  for (bool end = false; !end;) {
    const auto page = control(R"("cmd":"log.read","limit":2,"offset":")" + after + "\"");
    for (const auto& e : page.at("events").as_array())
      paged.push_back(std::stoull(e.as_object().at("offset").as_string().c_str()));
    after = page.at("next").as_string().c_str();
    end = page.at("end").as_bool();
  }
  EXPECT_EQ(paged, offsets);
}

TEST_F(NodeTest, IdsKeepRisingWhenTheClockJumpsBack) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "now"));
  clock_.wall_ms -= 3'600'000;
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "an hour ago?"));
  ASSERT_TRUE(broker_.run_until([&] { return account_events(alice).size() == 2; }));
  const auto acks = account_events(alice);
  EXPECT_LT(std::stoull(acks[0].at("id").as_string().c_str()),
            std::stoull(acks[1].at("id").as_string().c_str()));
}

constexpr std::uint64_t kDays40 = 40ull * 86'400'000;

// A clock that was 40 days ahead was put right: what is sent from then on says so at once, everywhere.
TEST_F(NodeTest, TsFollowsTheClockWhileIdsGoOnRising) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  const std::uint64_t right_ms = clock_.wall_ms;
  clock_.wall_ms += kDays40;
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"wrong","body":"1"})"));
  clock_.wall_ms = right_ms + 5000;
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"right","body":"2"})"));
  clock_.wall_ms = right_ms + 9000;
  // A resend is told the time of the first, by either door.
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"right","body":"2"})"));
  const auto sent = control(R"("cmd":"send","room":"general","user":"bob","payload":{"body":"3"})");
  EXPECT_EQ(sent.at("ts").to_number<std::uint64_t>(), right_ms + 9000);
  const auto again =
      control(R"("cmd":"send","room":"general","user":"alice","payload":{"cid":"right","body":"2"})");
  EXPECT_EQ(again.at("ts").to_number<std::uint64_t>(), right_ms + 5000);
  EXPECT_TRUE(again.at("duplicate").as_bool());

  ASSERT_TRUE(
      broker_.run_until([&] { return account_events(alice).size() == 4 && bodies(bob).size() == 3; }));
  std::vector<std::uint64_t> acks, events, ids;
  for (const auto& ack : account_events(alice)) acks.push_back(ack.at("ts").to_number<std::uint64_t>());
  EXPECT_THAT(acks, testing::UnorderedElementsAre(right_ms + kDays40, right_ms + 5000, right_ms + 5000,
                                                  right_ms + 5000));
  for (const auto& each : bob.inbox) {
    const auto event = json::parse(each.payload).as_object();
    events.push_back(event.at("ts").to_number<std::uint64_t>());
    ids.push_back(std::stoull(event.at("id").as_string().c_str()));
  }
  EXPECT_THAT(events, testing::ElementsAre(right_ms + kDays40, right_ms + 5000, right_ms + 9000));
  EXPECT_TRUE(std::ranges::is_sorted(ids, std::less_equal<>()));
}

TEST_F(NodeTest, AClockThatWentBackIsToldUntilItHasCaughtUp) {
  auto& alice = join("alice");
  const auto lines = [&](const char* event) {
    return std::ranges::count_if(broker_.logs,
                                 [&](const std::string& line) { return line.find(event) != line.npos; });
  };
  const auto second = [&](std::uint64_t ms) {
    clock_.wall_ms = ms;
    broker_.turn();
  };
  const std::uint64_t begin_ms = clock_.wall_ms;
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "now"));
  second(begin_ms + 1000);
  EXPECT_EQ(node_->metrics().ids_ahead_ms.get(), 0);
  // By less than a second is nothing to talk about.
  second(begin_ms - 500);
  EXPECT_EQ(node_->metrics().ids_ahead_ms.get(), 500);
  EXPECT_EQ(lines("event=ids_ahead"), 0);
  second(begin_ms - kDays40);
  EXPECT_EQ(node_->metrics().ids_ahead_ms.get(), static_cast<std::int64_t>(kDays40));
  EXPECT_EQ(lines("event=ids_ahead ahead_ms=3456000000 "), 1);
  for (int i = 1; i < 10; ++i) second(begin_ms - kDays40 + static_cast<std::uint64_t>(i) * 1000);
  EXPECT_EQ(lines("event=ids_ahead"), 1) << "once";
  EXPECT_EQ(lines("event=ids_in_step"), 0);
  second(begin_ms + 1000);
  EXPECT_EQ(node_->metrics().ids_ahead_ms.get(), 0);
  EXPECT_EQ(lines("event=ids_in_step"), 1);
}

// While the clock was ahead, the log was trimmed: its beginning is an id of the future.
TEST_F(NodeTest, TheServersEventsAreTakenWhenTheLogBeginsInTheFuture) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  const std::uint64_t right_ms = clock_.wall_ms;
  clock_.wall_ms += kDays40;
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", "from the future"));
  ASSERT_TRUE(log_->trim(clock_.wall_ms + 10, {.max_age = std::chrono::milliseconds(1)}));
  ASSERT_NE(log_->low(), MessageId{0});
  clock_.wall_ms = right_ms;
  apply(
      R"({"op":"event.post","room":"general","kind":"system","from":"bob","cid":"c-1","body":"hello","ts":)" +
      std::to_string(right_ms - 1000) + "}");
  EXPECT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 2; }));
}

}  // namespace
}  // namespace parley::plugin
