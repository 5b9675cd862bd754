// The SDK's behaviour as an app and a server see it, without network and without waiting.
#include "clients/cpp/engine.h"

#include <gmock/gmock.h>

#include "clients/cpp/testing/events.h"
#include "clients/cpp/testing/fake_environment.h"
#include "clients/cpp/testing/fake_transport.h"
#include "schemas/base64url.h"

namespace parley::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Recorder : Listener {
  void on_status(const Status& status) override { statuses.push_back(status); }
  void on_event(const Event& event) override { events.push_back(raw(event.stamp.seq)); }
  void on_gap(const Gap& gap) override { gaps.push_back(gap); }
  void on_typing(const std::string&, const std::string& user, bool typing) override {
    typings.push_back((typing ? "+" : "-") + user);
  }
  void on_joined(const std::string& room, const Refusal* refusal) override {
    joined.push_back((refusal == nullptr ? "+" : "-") + room);
  }
  void on_delayed(const std::string&, const std::string& cid, const Refusal& refusal) override {
    delayed.emplace_back(cid, refusal);
  }
  void on_notice(const std::string& type, const std::string&) override { notices.push_back(type); }

  std::vector<Status> statuses;
  std::vector<std::uint64_t> events;
  std::vector<Gap> gaps;
  std::vector<std::string> typings;
  std::vector<std::string> joined;
  std::vector<std::pair<std::string, Refusal>> delayed;
  std::vector<std::string> notices;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() { make({}); }

  void make(const std::function<void(Options&)>& adjust) {
    Options options{.user = *UserName::parse("alice"), .device = *DeviceName::parse("laptop")};
    options.environment = time.environment();
    if (adjust) adjust(options);
    Engine::Hooks hooks;
    hooks.fetch_token = [this](std::uint64_t request) { token_request = request; };
    if (with_refetch) {
      hooks.refetch = [this](const Gap& gap, std::uint64_t request) { refetches.emplace_back(gap, request); };
    }
    engine = std::make_unique<Engine>(options, recorder, hooks);
    engine->use(std::make_unique<FakeTransport>(wire));
  }

  void go_online() {
    engine->connect();
    engine->token(token_request, "pk_token", "");
    engine->connected({});
    grant_all();
  }
  void grant_all() {
    for (const auto& s : std::exchange(wire.subscribed, {})) engine->subscribed(s.ticket, {s.qos, ""});
  }
  void come_back() {
    engine->lost({kNoReason, "cable"});
    advance(recorder.statuses.back().retry_in);
    engine->token(token_request, "pk_token", "");
    engine->connected({});
    grant_all();
  }
  void advance(Millis by) {
    time.advance(by);
    engine->on_time();
  }

  void send(const std::string& cid, const std::string& room = "general") {
    Outgoing message;
    message.room = room;
    message.cid = cid;
    message.body = "text of " + cid;
    engine->send(std::move(message), [this, cid](const SendResult& result) {
      results.emplace_back(cid, result.has_value() ? "seq " + std::to_string(raw(result->seq))
                                                   : std::string(to_string(result.error().code)));
    });
  }
  // cids of the chat messages published since the last call, in order; noting each one's ticket.
  std::vector<std::string> left() {
    std::vector<std::string> out;
    for (const auto& p : std::exchange(wire.published, {})) {
      if (p.topic.find("/send") == std::string::npos) continue;
      SendDecoder decoder;
      const auto sent =
          decoder.decode({reinterpret_cast<const std::uint8_t*>(p.payload.data()), p.payload.size()});
      EXPECT_TRUE(sent.has_value());
      EXPECT_EQ(p.qos, 1);
      out.emplace_back(sent->cid);
      tickets[out.back()] = p.ticket;
    }
    return out;
  }
  void puback(const std::string& cid, int reason = 0) {
    engine->published(tickets.at(cid), {reason, "reason"});
  }
  void notice(const std::string& json) { engine->received("users/alice/events", json); }
  void ack(const std::string& cid, int seq) {
    notice(R"({"type":"ack","room":"general","cid":")" + cid + R"(","seq":)" + std::to_string(seq) +
           R"(,"id":"77","ts":1763683200123,"duplicate":false})");
  }
  void error(const std::string& cid, const std::string& code, const std::string& retry_ms = "0") {
    notice(R"({"type":"error","room":"general","cid":")" + cid + R"(","code":")" + code +
           R"(","message":"why","retry_after_ms":)" + retry_ms + "}");
  }

  using Results = std::vector<std::pair<std::string, std::string>>;
  FakeTime time;
  FakeWire wire;
  Recorder recorder;
  bool with_refetch = false;
  std::uint64_t token_request = 0;
  std::vector<std::pair<Gap, std::uint64_t>> refetches;
  std::map<std::string, Ticket> tickets;
  Results results;
  std::unique_ptr<Engine> engine;
};

TEST_F(EngineTest, ConnectsWithTheClientIdItWasGiven) {
  make([](Options& options) { options.client_id = "alice:laptop-2"; });
  engine->connect();
  engine->token(token_request, "pk_token", "");
  ASSERT_EQ(wire.opened.size(), 1u);
  EXPECT_EQ(wire.opened[0].client_id, "alice:laptop-2");
}

TEST_F(EngineTest, StaysAwayWhenItsClientIdIsTakenOver) {
  for (const char* own : {"", "alice:laptop-2"}) {
    SCOPED_TRACE(own);
    make([&](Options& options) { options.client_id = own; });
    wire = {};
    go_online();
    const std::string mine = wire.opened[0].client_id;
    for (const std::string other : {"alice:phone", "alice:laptop-3", "alice:laptop-22", ""})
      notice(R"({"type":"session.replaced","client":")" + other + "\"}");
    EXPECT_EQ(recorder.statuses.back().state, State::online) << "of another connection of the user's";
    notice(R"({"type":"session.replaced","client":")" + mine + "\"}");
    EXPECT_EQ(recorder.statuses.back().state, State::replaced);
    EXPECT_THAT(recorder.statuses.back().reason, HasSubstr("same client id"));
    EXPECT_GT(wire.closed, 0);
    engine->lost({kNoReason, "closed"});
    advance(Millis(3'600'000));
    EXPECT_EQ(wire.opened.size(), 1u);
    EXPECT_EQ(recorder.statuses.back().state, State::replaced);
  }
  EXPECT_THAT(recorder.notices, IsEmpty());
}

TEST_F(EngineTest, WhatWasNotSentWaitsWhileReplaced) {
  go_online();
  send("a");
  left();
  notice(R"({"type":"session.replaced","client":"alice:laptop"})");
  EXPECT_THAT(results, IsEmpty());
  engine->connect();
  engine->token(token_request, "pk_token", "");
  engine->connected({});
  grant_all();
  EXPECT_THAT(left(), ElementsAre("a"));
}

TEST(ProcessClientId, IsItsOwnAndTheUsers) {
  const UserName user = *UserName::parse("alice");
  for (const std::string& name : {std::string("phone"), std::string(64, 'x')}) {
    const DeviceName device = *DeviceName::parse(name);
    const std::string first = process_client_id(user, device);
    EXPECT_NE(first, process_client_id(user, device));
    const auto id = parse_client_id(first);
    ASSERT_TRUE(id) << first;
    EXPECT_EQ(id->user, "alice");
    EXPECT_TRUE(id->device.starts_with(name.substr(0, 55)));
  }
}

TEST_F(EngineTest, ConnectsAsTheUsersDevice) {
  engine->join("general", Seq{0});
  engine->connect();
  engine->token(token_request, "pk_token", "");
  ASSERT_EQ(wire.opened.size(), 1u);
  EXPECT_EQ(wire.opened[0].client_id, "alice:laptop");
  EXPECT_EQ(wire.opened[0].username, "alice");
  EXPECT_EQ(wire.opened[0].password, "pk_token");
  engine->connected({});
  std::vector<std::string> filters;
  for (const auto& s : wire.subscribed) filters.push_back(s.filter + " " + std::to_string(s.qos));
  EXPECT_THAT(filters,
              ElementsAre("users/alice/events 1", "rooms/general/messages 0", "rooms/general/typing 0"));
  grant_all();
  EXPECT_THAT(recorder.joined, ElementsAre("+general"));
}

TEST_F(EngineTest, NothingLeavesBeforeAcksHaveAWayBack) {
  send("a");
  engine->connect();
  engine->token(token_request, "t", "");
  engine->connected({});
  EXPECT_THAT(left(), IsEmpty());
  grant_all();
  EXPECT_THAT(left(), ElementsAre("a"));
}

TEST_F(EngineTest, AckSettlesASend) {
  go_online();
  send("a");
  left();
  puback("a");
  EXPECT_THAT(results, IsEmpty()) << "accepted is not durable yet";
  ack("a", 42);
  EXPECT_EQ(results, (Results{{"a", "seq 42"}}));
  ack("a", 42);
  EXPECT_EQ(results.size(), 1u);
}

TEST_F(EngineTest, OwnCopySettlesASendToo) {
  engine->join("general", Seq{0});
  go_online();
  send("a");
  left();
  const TestEvent foreign{.seq = 6, .prev = 5, .from = "bob", .cid = "a"};
  engine->received("rooms/general/messages", frame_payload("general", {foreign}));
  EXPECT_THAT(results, IsEmpty()) << "somebody else's cid";
  const TestEvent own{.seq = 7, .prev = 6, .from = "alice", .cid = "a"};
  engine->received("rooms/general/messages", frame_payload("general", {own}));
  EXPECT_EQ(results, (Results{{"a", "seq 7"}}));
  EXPECT_THAT(recorder.events, ElementsAre(6, 7));
}

TEST_F(EngineTest, MessagesOfARoomLeaveInOrderOneAfterTheOther) {
  go_online();
  for (const char* cid : {"a", "b", "c"}) send(cid);
  send("x", "other");
  EXPECT_THAT(left(), ElementsAre("a", "x"));
  puback("a");
  EXPECT_THAT(left(), ElementsAre("b"));
  puback("b");
  EXPECT_THAT(left(), ElementsAre("c"));
}

// Brokers cut the line of whoever sends much more, and would do so at each attempt.
TEST_F(EngineTest, AMessageThatIsTooLargeNeverLeaves) {
  go_online();
  Outgoing large;
  large.room = "general";
  large.cid = "large";
  large.body = std::string(300'000, 'x');
  std::optional<Code> code;
  engine->send(std::move(large), [&](const SendResult& result) { code = result.error().code; });
  EXPECT_EQ(code, Code::too_large);
  send("small");
  EXPECT_THAT(left(), ElementsAre("small"));
}

TEST_F(EngineTest, ASubscriptionLostWithTheLineIsNoRefusal) {
  engine->join("general", Seq{0});
  engine->connect();
  engine->token(token_request, "pk_token", "");
  engine->connected({});
  for (const auto& s : std::exchange(wire.subscribed, {})) engine->subscribed(s.ticket, {kNoReason, "cable"});
  EXPECT_THAT(recorder.joined, IsEmpty());
  come_back();
  EXPECT_THAT(recorder.joined, ElementsAre("+general"));
}

TEST_F(EngineTest, NothingIsDoneAfterTheEnd) {
  go_online();
  engine->shut_down();
  engine->connect();
  send("late");
  EXPECT_THAT(left(), IsEmpty());
  EXPECT_THAT(results, ElementsAre(std::pair<std::string, std::string>("late", "unavailable")));
}

TEST_F(EngineTest, AfterALossEverythingUnsettledLeavesAgainWithTheSameCid) {
  go_online();
  for (const char* cid : {"a", "b", "c"}) send(cid);
  left();
  puback("a");
  left();
  engine->lost({kNoReason, "cable"});
  send("d");
  EXPECT_THAT(left(), IsEmpty());
  advance(recorder.statuses.back().retry_in);
  engine->token(token_request, "t", "");
  engine->connected({});
  grant_all();
  std::vector<std::string> order;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& cid : left()) {
      order.push_back(cid);
      puback(cid);
    }
  }
  EXPECT_THAT(order, ElementsAre("a", "b", "c", "d"));
  notice(R"({"type":"ack","room":"general","cid":"a","seq":3,"id":"1","ts":1,"duplicate":true})");
  EXPECT_EQ(results, (Results{{"a", "seq 3"}}));
}

TEST_F(EngineTest, RateLimitedIsWaitedOutAndNothingOvertakes) {
  go_online();
  for (const char* cid : {"a", "b"}) send(cid);
  left();
  puback("a", kReasonNotAuthorized);
  error("a", "rate_limited", "400");
  ASSERT_EQ(recorder.delayed.size(), 1u);
  EXPECT_EQ(recorder.delayed[0].second.code, Code::rate_limited);
  EXPECT_EQ(recorder.delayed[0].second.retry_after, Millis(400));
  advance(Millis(399));
  EXPECT_THAT(left(), IsEmpty());
  advance(Millis(1));
  EXPECT_THAT(left(), ElementsAre("a"));
  puback("a");
  EXPECT_THAT(left(), ElementsAre("b"));
  EXPECT_THAT(results, IsEmpty());
}

TEST_F(EngineTest, NoServerMakesAMessageWaitForEver) {
  for (const char* told : {"3600001", "9223372036854775", "4111111111111111100", "18446744073709551615",
                           "1e18", "1e300", "-1", "-1e300"}) {
    make({});
    go_online();
    send("a");
    left();
    puback("a", kReasonNotAuthorized);
    error("a", "rate_limited", told);
    advance(std::chrono::hours(1) + std::chrono::minutes(15));  // the jitter is a quarter
    EXPECT_THAT(left(), ElementsAre("a")) << told;
  }
}

TEST_F(EngineTest, RefusalsAreReportedAtOnceWhenTheAppWantsThem) {
  make([](Options& options) { options.retry_refused = false; });
  go_online();
  send("a");
  left();
  error("a", "rate_limited", "400");
  EXPECT_EQ(results, (Results{{"a", "rate_limited"}}));
}

TEST_F(EngineTest, AFinalRefusalSettlesAndTheNextFollows) {
  go_online();
  for (const char* cid : {"a", "b"}) send(cid);
  left();
  puback("a", kReasonNotAuthorized);
  EXPECT_THAT(results, IsEmpty()) << "the error event says more";
  error("a", "not_member");
  EXPECT_EQ(results, (Results{{"a", "not_member"}}));
  EXPECT_THAT(left(), ElementsAre("b"));
}

TEST_F(EngineTest, ARefusingPubackAloneIsEnoughAfterAWhile) {
  go_online();
  send("a");
  left();
  puback("a", kReasonNotAuthorized);
  advance(Millis(1000));
  EXPECT_EQ(results, (Results{{"a", "forbidden"}}));
}

TEST_F(EngineTest, AcceptedButNeverAcknowledgedIsSentAgain) {
  go_online();
  send("a");
  left();
  puback("a");
  advance(Millis(10'000));
  EXPECT_THAT(left(), ElementsAre("a"));
}

TEST_F(EngineTest, RefusesWhatCannotBeSent) {
  send("a", "Not A Room");
  send("", "general");
  EXPECT_EQ(results, (Results{{"a", "bad_payload"}, {"", "bad_payload"}}));
  results.clear();
  send("b");
  send("b");
  EXPECT_EQ(results, (Results{{"b", "bad_payload"}}));
}

TEST_F(EngineTest, AFullOutboxRefuses) {
  make([](Options& options) { options.outbox_capacity = 2; });
  for (const char* cid : {"a", "b", "c"}) send(cid);
  EXPECT_EQ(results, (Results{{"c", "unavailable"}}));
}

TEST_F(EngineTest, CancelTakesBack) {
  send("a");
  send("b");
  engine->cancel("general", "a");
  EXPECT_EQ(results, (Results{{"a", "unavailable"}}));
  go_online();
  EXPECT_THAT(left(), ElementsAre("b"));
}

TEST_F(EngineTest, ShuttingDownTellsEverySend) {
  send("a");
  engine->shut_down();
  EXPECT_EQ(results, (Results{{"a", "unavailable"}}));
}

TEST_F(EngineTest, ReadsFramesInOrderOnceAndTellsOfGaps) {
  engine->join("general", Seq{0});
  go_online();
  engine->received("rooms/general/messages",
                   frame_payload("general", {{.seq = 5, .prev = 4}, {.seq = 6, .prev = 5}}));
  engine->received("rooms/general/messages",
                   frame_payload("general", {{.seq = 6, .prev = 5}, {.seq = 9, .prev = 8}}));
  engine->received("rooms/general/messages", "garbage");
  engine->received("rooms/other/messages", frame_payload("other", {{.room = "other", .seq = 1}}));
  EXPECT_THAT(recorder.events, ElementsAre(5, 6, 9));
  ASSERT_EQ(recorder.gaps.size(), 1u);
  EXPECT_EQ(recorder.gaps[0].prev, Seq{8});
}

TEST_F(EngineTest, RefetchesWhatWasMissedWhileAway) {
  with_refetch = true;
  make({});
  engine->join("general", Seq{0});
  go_online();
  engine->received("rooms/general/messages", frame_payload("general", {{.seq = 5, .prev = 4}}));
  EXPECT_THAT(refetches, IsEmpty());
  come_back();
  ASSERT_EQ(refetches.size(), 1u);
  EXPECT_EQ(refetches[0].first.have, Seq{5});
  EXPECT_EQ(refetches[0].first.prev, Seq{0});
  engine->received("rooms/general/messages", frame_payload("general", {{.seq = 7, .prev = 6}}));
  engine->refetched("general", refetches[0].second, {event_bytes({.seq = 6, .prev = 5})});
  EXPECT_THAT(recorder.events, ElementsAre(5, 6, 7));
  EXPECT_THAT(recorder.gaps, IsEmpty());
}

TEST_F(EngineTest, TellsWhenARoomMayNotBeRead) {
  engine->join("secret", Seq{0});
  engine->connect();
  engine->token(token_request, "t", "");
  engine->connected({});
  for (const auto& s : std::exchange(wire.subscribed, {})) {
    engine->subscribed(s.ticket,
                       {s.filter.starts_with("rooms/") ? kReasonNotAuthorized : 1, "not authorized"});
  }
  EXPECT_THAT(recorder.joined, ElementsAre("-secret"));
  notice(R"({"type":"room.added","room":"secret"})");
  grant_all();
  EXPECT_THAT(recorder.joined, ElementsAre("-secret", "+secret"));
  EXPECT_THAT(recorder.notices, ElementsAre("room.added"));
}

TEST_F(EngineTest, LeavingUnsubscribes) {
  engine->join("general", Seq{0});
  go_online();
  engine->leave("general");
  EXPECT_THAT(wire.unsubscribed, ElementsAre("rooms/general/messages", "rooms/general/typing"));
  engine->received("rooms/general/messages", frame_payload("general", {{.seq = 5}}));
  EXPECT_THAT(recorder.events, IsEmpty());
}

TEST_F(EngineTest, TypingOfOthersEndsByMessageOrTime) {
  engine->join("general", Seq{0});
  go_online();
  engine->received("rooms/general/typing", R"({"user":"bob","typing":true})");
  engine->received("rooms/general/typing",
                   R"({"user":"alice","typing":true})");  // ourselves, on another device
  engine->received("rooms/general/typing", R"({"user":"carol","typing":true})");
  engine->received("rooms/general/typing", "nonsense");
  engine->received("rooms/general/messages", frame_payload("general", {{.seq = 5, .from = "bob"}}));
  advance(Millis(5000));
  EXPECT_THAT(recorder.typings, ElementsAre("+bob", "+carol", "-bob", "-carol"));
}

TEST_F(EngineTest, RenewsItsTokenOnItsOwnTopic) {
  engine->connect();
  const std::string encoded = encode_base64url(R"({"exp":)" + std::to_string(time.unix_s + 900) + "}");
  engine->token(token_request, "h." + encoded + ".s", "");
  engine->connected({});
  grant_all();
  advance(Millis(720'000));
  engine->token(token_request, "fresh", "");
  ASSERT_FALSE(wire.published.empty());
  EXPECT_EQ(wire.published.back().topic, "users/alice/token");
  EXPECT_EQ(wire.published.back().payload, "fresh");
}

TEST_F(EngineTest, BrokenNoticesDoNoHarm) {
  go_online();
  for (const char* text :
       {"", "[]", "{", R"({"type":7})", R"({"type":"ack"})", R"({"type":"ack","cid":1,"seq":"x"})",
        R"({"type":"error","cid":"zz","code":"nonsense"})", R"({"type":"error"})"}) {
    notice(text);
  }
  EXPECT_THAT(results, IsEmpty());
}

}  // namespace
}  // namespace parley::client
