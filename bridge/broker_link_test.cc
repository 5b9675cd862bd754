// The link over wires that the test plays, and over Paho to a real node.
#include "bridge/broker_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "bridge/log.h"
#include "tests/support/admin.h"
#include "tests/support/broker.h"

namespace parley::bridge {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

BrokerLink::Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

// All wires that a link has made; the newest is the one that matters.
class Switchboard {
 public:
  class FakeWire final : public Wire {
   public:
    explicit FakeWire(Switchboard& board) : board_(board) {}
    bool publish(const std::string& topic, std::string_view payload) override {
      board_.note([&] { board_.sent_.emplace_back(topic, payload); });
      return true;
    }

   private:
    Switchboard& board_;
  };

  WireFactory factory() {
    return [this](const WireRequest& request, WireEvents events) {
      note([&] {
        requests_.push_back(request);
        events_ = std::move(events);
      });
      return std::make_unique<FakeWire>(*this);
    };
  }
  // Waits for the next connection, and lets it come up.
  void accept() {
    wait([this] { return requests_.size() > accepted_; });
    ++accepted_;
    events().up();
  }
  WireEvents events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  std::pair<std::string, std::string> next_sent() {
    wait([this] { return sent_.size() > taken_; });
    const std::lock_guard lock(mutex_);
    return sent_[taken_++];
  }
  // Answers the next request with its `req` and these fields.
  void answer(const std::string& fields) {
    const std::string payload = next_sent().second;
    const std::string req = payload.substr(8, payload.find('"', 8) - 8);
    events().answer(R"({"req":")" + req + "\"," + fields + "}");
  }
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }
  WireRequest last_request() {
    const std::lock_guard lock(mutex_);
    return requests_.back();
  }
  template <class Ready>
  void wait(Ready&& ready) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 10s, ready));
  }

 private:
  template <class F>
  void note(F&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WireRequest> requests_;
  std::size_t accepted_ = 0;
  WireEvents events_;
  std::vector<std::pair<std::string, std::string>> sent_;
  std::size_t taken_ = 0;
};

class BrokerLinkTest : public testing::Test {
 protected:
  BrokerLinkTest() {
    BrokerLinkOptions options;
    options.nodes = {{"broker.example", 1883}};
    options.token = [this](std::string_view device) {
      return std::string(device) + std::to_string(++tokens_);
    };
    options.token_ttl = token_ttl_;
    options.min_delay = 1ms;
    options.max_delay = 4ms;
    link_ = make_broker_link(std::move(options), board_.factory());
    link_->on_change([this](std::size_t, bool up) { up_ = up; });
  }
  ~BrokerLinkTest() override { link_->stop(); }
  void connect() {
    link_->start();
    board_.accept();
    ASSERT_TRUE(soon([this] { return link_->connected(0); }));
  }
  template <class Ready>
  static bool soon(Ready&& ready) {
    const auto until = in(10s);
    while (!ready() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
    return ready();
  }

  std::chrono::seconds token_ttl_{3600};
  std::atomic<int> tokens_{0};
  std::atomic<bool> up_{false};
  Switchboard board_;
  std::unique_ptr<BrokerLink> link_;
};

TEST_F(BrokerLinkTest, IsAServiceWithItsOwnDevice) {
  connect();
  const WireRequest request = board_.last_request();
  EXPECT_EQ(request.host, "broker.example");
  EXPECT_EQ(request.user, "bridge");
  ASSERT_THAT(request.client_id, testing::StartsWith("bridge:"));
  EXPECT_EQ(request.password, request.client_id.substr(7) + "1") << "a token for that device";
  EXPECT_TRUE(soon([this] { return up_.load(); }));
}

TEST_F(BrokerLinkTest, BringsEachRequestItsAnswer) {
  connect();
  std::atomic<int> answers{0};
  for (int i = 0; i < 3; ++i)
    link_->request(0, "room.tail", R"("room":"general")", in(10s), [&answers, i](const BrokerAnswer& answer) {
      ASSERT_TRUE(answer);
      EXPECT_EQ(answered_number(*answer, "last"), static_cast<std::uint64_t>(i));
      ++answers;
    });
  const auto first = board_.next_sent();
  EXPECT_EQ(first.first, "$CONTROL/parley/v1");
  EXPECT_THAT(first.second, HasSubstr(R"("cmd":"room.tail","room":"general")"));
  const std::string req = first.second.substr(8, first.second.find('"', 8) - 8);
  board_.answer(R"("ok":true,"last":1)");
  board_.events().answer(R"({"req":"somebody-elses-1","ok":true,"last":99})");
  board_.events().answer("no JSON at all");
  board_.events().answer(R"({"req":")" + req + R"(","ok":true,"last":0})");
  board_.answer(R"("ok":true,"last":2)");
  EXPECT_TRUE(soon([&] { return answers == 3; }));
}

TEST_F(BrokerLinkTest, TheIdOfAnHttpRequestTravelsWithWhatItAsksTheBroker) {
  connect();
  std::atomic<bool> answered{false};
  {
    const RequestScope scope("req-77");
    link_->request(0, "room.tail", R"("room":"general")", in(10s),
                   [&](const BrokerAnswer&) { answered = true; });
  }
  link_->request(0, "version", "", in(10s), [](const BrokerAnswer&) {});
  const std::string first = board_.next_sent().second;
  const std::string req = first.substr(8, first.find('"', 8) - 8);
  EXPECT_THAT(req, EndsWith("/req-77"));
  EXPECT_THAT(board_.next_sent().second, Not(HasSubstr("req-77")));
  board_.events().answer(R"({"req":")" + req + R"(","ok":true,"last":1})");
  EXPECT_TRUE(soon([&] { return answered.load(); }));
}

TEST_F(BrokerLinkTest, TakesRefusalsApart) {
  connect();
  std::thread node([this] {
    board_.answer(R"("error":{"code":"rate_limited","message":"slower","retry_after_ms":140})");
    board_.answer(R"("error":{"code":"version_mismatch","message":"m"},"version":7)");
    board_.answer(R"("something":"else")");
  });
  const auto limited = link_->call(0, "send", "", in(10s));
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().code, "rate_limited");
  EXPECT_EQ(limited.error().message, "slower");
  EXPECT_EQ(limited.error().retry_after, 140ms);
  EXPECT_TRUE(limited.error().answered);
  const auto mismatch = link_->call(0, "apply", "", in(10s));
  ASSERT_FALSE(mismatch);
  EXPECT_EQ(answered_number(mismatch.error().json, "version"), 7u);
  const auto strange = link_->call(0, "apply", "", in(10s));
  ASSERT_FALSE(strange);
  EXPECT_EQ(strange.error().code, "unavailable");
  node.join();
}

TEST_F(BrokerLinkTest, SendsInAUsersName) {
  connect();
  std::thread node([this] {
    const auto sent = board_.next_sent();
    EXPECT_THAT(sent.second, HasSubstr(R"("cmd":"send","user":"alice","device":"web","role":"user",)"
                                       R"("room":"general","payload":{"cid":"c","body":"hi"}})"));
    const std::string req = sent.second.substr(8, sent.second.find('"', 8) - 8);
    board_.events().answer(
        R"({"req":")" + req +
        R"(","ok":true,"cid":"c","seq":42,"prev":41,"id":"382345579306418176","ts":1763683200123,)"
        R"("duplicate":true})");
  });
  const auto sent =
      link_->send_as({"alice", "web", TokenRole::user}, "general", R"({"cid":"c","body":"hi"})", in(10s));
  node.join();
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(sent->cid, "c");
  EXPECT_EQ(raw(sent->seq), 42u);
  EXPECT_EQ(raw(sent->id), 382345579306418176u);
  EXPECT_EQ(sent->ts_ms, 1763683200123);
  EXPECT_TRUE(sent->duplicate);
}

TEST_F(BrokerLinkTest, AnswersByTheDeadlineWithoutTheNode) {
  connect();
  const auto answer = link_->call(0, "version", "", in(20ms));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "unavailable");
  EXPECT_FALSE(answer.error().answered);
  board_.answer(R"("ok":true,"version":1)");  // too late, and nobody's
  std::thread node([this] { board_.answer(R"("ok":true,"version":2)"); });
  EXPECT_EQ(answered_number(*link_->call(0, "version", "", in(10s)), "version"), 2u);
  node.join();
}

TEST_F(BrokerLinkTest, ALossAnswersWhatWaitsAndIsMended) {
  connect();
  std::thread node([this] {
    board_.next_sent();
    board_.events().down("the line was cut");
  });
  const auto answer = link_->call(0, "version", "", in(10s));
  node.join();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("the line was cut"));
  EXPECT_TRUE(soon([this] { return !up_.load(); }));
  board_.accept();
  EXPECT_TRUE(soon([this] { return link_->connected(0); }));
}

TEST_F(BrokerLinkTest, KeepsTryingAndAnswersAtOnceMeanwhile) {
  link_->start();
  for (int i = 0; i < 5; ++i) {
    const auto so_far = static_cast<std::size_t>(i);
    board_.wait([&] { return true; });
    ASSERT_TRUE(soon([&] { return board_.connections() > so_far; }));
    board_.events().down("nobody there");
  }
  const auto answer = link_->call(0, "version", "", in(10s));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "unavailable");
  EXPECT_EQ(link_->call(7, "version", "", in(10s)).error().code, "unavailable") << "no such node";
}

TEST_F(BrokerLinkTest, StoppingAnswersWhatWaits) {
  connect();
  std::atomic<int> answers{0};
  for (int i = 0; i < 100; ++i)
    link_->request(0, "version", "", in(1h), [&](const BrokerAnswer& answer) {
      EXPECT_FALSE(answer);
      ++answers;
    });
  link_->stop();
  EXPECT_EQ(answers, 100);
  EXPECT_FALSE(link_->call(0, "version", "", in(10s))) << "and so it is afterwards";
}

TEST(BrokerLink, RenewsItsTokenInBand) {
  Switchboard board;
  BrokerLinkOptions options;
  options.nodes = {{"broker.example", 1883}};
  std::atomic<int> tokens{0};
  options.token = [&](std::string_view) { return "token" + std::to_string(++tokens); };
  options.token_ttl = 2s;
  const auto link = make_broker_link(std::move(options), board.factory());
  link->start();
  board.accept();
  const auto sent = board.next_sent();
  EXPECT_EQ(sent.first, "users/bridge/token");
  EXPECT_EQ(sent.second, "token2");
  link->stop();
}

TEST(BrokerLink, OutlivesAKeyThatIsAwayWhenItsTokenIsToBeRenewed) {
  Switchboard board;
  BrokerLinkOptions options;
  options.nodes = {{"broker.example", 1883}};
  std::atomic<int> tokens{0};
  options.token = [&](std::string_view) {
    if (++tokens == 2) throw std::runtime_error("no signing key");
    return "token" + std::to_string(tokens.load());
  };
  options.token_ttl = 1s;
  const auto link = make_broker_link(std::move(options), board.factory());
  link->start();
  board.accept();
  EXPECT_EQ(board.next_sent().second, "token3");
  EXPECT_TRUE(link->connected(0));
  link->stop();
}

TEST(BrokerLink, TalksToARealNodeAndSurvivesIt) {
  test::Broker broker;
  test::Admin admin(broker);
  admin.put_user("alice");
  admin.put_room("general");
  admin.put_member("general", "alice");
  BrokerLinkOptions options;
  options.nodes = {{"127.0.0.1", broker.port()}};
  options.token = [&](std::string_view device) {
    return broker.token("bridge", {.device = std::string(device), .role = TokenRole::service});
  };
  const auto link = make_broker_link(std::move(options));
  link->start();
  const auto up = [&] {
    const auto until = in(20s);
    while (!link->connected(0) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
    return link->connected(0);
  };
  ASSERT_TRUE(up());
  const auto sent =
      link->send_as({"alice", "web", TokenRole::user}, "general", R"({"cid":"c","body":"hi"})", in(10s));
  ASSERT_TRUE(sent) << sent.error().message;
  EXPECT_EQ(raw(sent->seq), 1u);
  EXPECT_EQ(raw(*link->room_tail("general", in(10s))), 1u);
  const auto refused = link->send_as({"alice", "web", TokenRole::user}, "attic", R"({"body":"hi"})", in(10s));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "room_not_found");

  broker.kill9();
  const auto until = in(20s);
  while (link->connected(0) && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
  EXPECT_FALSE(link->send_as({"alice", "web", TokenRole::user}, "general", R"({"body":"hi"})", in(10s)));
  broker.start();
  ASSERT_TRUE(up());
  const auto again =
      link->send_as({"alice", "web", TokenRole::user}, "general", R"({"cid":"c","body":"hi"})", in(10s));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(again->duplicate);
  link->stop();
}

}  // namespace
}  // namespace parley::bridge
