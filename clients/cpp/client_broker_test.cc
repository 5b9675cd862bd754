// The SDK over Paho against a real, bare mosquitto; the test itself plays the server as a second client.
#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "clients/cpp/client.h"
#include "clients/cpp/testing/events.h"
#include "tests/support/broker.h"
#include "tests/support/raw_client.h"

namespace parley::client {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

// Notes everything, and lets the test wait for it.
class Watcher : public Listener {
 public:
  void on_status(const Status& status) override {
    note([&] { states.push_back(status.state); });
  }
  void on_event(const Event& event) override {
    note([&] { bodies.emplace_back(event.send.body); });
  }
  void on_gap(const Gap&) override {
    note([&] { ++gaps; });
  }
  void on_typing(const std::string&, const std::string& user, bool typing) override {
    note([&] { typings.push_back((typing ? "+" : "-") + user); });
  }
  void on_joined(const std::string&, const Refusal* refusal) override {
    note([&] { joined += refusal == nullptr ? 1 : 0; });
  }

  template <class F>
  bool wait(F&& ready) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, test::kPatience, ready);
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<State> states;
  std::vector<std::string> bodies;
  std::vector<std::string> typings;
  int gaps = 0;
  int joined = 0;

 private:
  template <class F>
  void note(F&& change) {
    std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
};

class ClientBrokerTest : public testing::Test {
 protected:
  Options options() {
    Options out{
        .port = broker.port(), .user = *UserName::parse("alice"), .device = *DeviceName::parse("laptop")};
    out.token = fixed_token("secret");
    out.backoff_first = 20ms;
    out.backoff_ceiling = 100ms;
    return out;
  }
  test::RawClient server() {
    auto peer = test::RawClient::connected(broker.port(), {.client_id = "server"});
    peer.subscribe("rooms/+/send");
    peer.subscribe("rooms/+/typing");
    return peer;
  }
  static std::string cid_of(const test::Received& publish) {
    SendDecoder decoder;
    const auto send = decoder.decode(
        {reinterpret_cast<const std::uint8_t*>(publish.payload.data()), publish.payload.size()});
    return send ? std::string(send->cid) : "not a message";
  }
  static std::string ack(const std::string& cid, int seq) {
    return R"({"type":"ack","room":"general","cid":")" + cid + R"(","seq":)" + std::to_string(seq) +
           R"(,"id":"5","ts":1763683200123,"duplicate":false})";
  }
  static Outgoing message(const std::string& body) {
    Outgoing out;
    out.room = "general";
    out.body = body;
    return out;
  }

  test::Broker broker{{.bare = true}};
};

TEST_F(ClientBrokerTest, SendsAndLearnsTheSeq) {
  auto peer = server();
  Watcher watcher;
  Client client(options(), watcher);
  client.connect();
  auto result = client.send_future(message("hello"));
  const auto publish = peer.expect_on("rooms/general/send");
  EXPECT_EQ(publish.qos, 1);
  peer.publish("users/alice/events", ack(cid_of(publish), 9));
  ASSERT_EQ(result.wait_for(test::kPatience), std::future_status::ready);
  const SendResult got = result.get();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->seq, Seq{9});
  EXPECT_TRUE(client.drain(test::kPatience));
}

TEST_F(ClientBrokerTest, ReadsFramesOfARoom) {
  auto peer = server();
  Watcher watcher;
  Client client(options(), watcher);
  client.join("general");
  client.connect();
  ASSERT_TRUE(watcher.wait([&] { return watcher.joined == 1; }));
  peer.publish("rooms/general/messages",
               frame_payload("general", {{.seq = 1, .body = "one"}, {.seq = 2, .prev = 1, .body = "two"}}));
  peer.publish("rooms/general/messages", frame_payload("general", {{.seq = 5, .prev = 4, .body = "five"}}));
  ASSERT_TRUE(watcher.wait([&] { return watcher.bodies.size() == 3; }));
  EXPECT_THAT(watcher.bodies, ElementsAre("one", "two", "five"));
  EXPECT_EQ(watcher.gaps, 1);
}

TEST_F(ClientBrokerTest, ResendsWithTheSameCidAfterTheBrokerDied) {
  Watcher watcher;
  Client client(options(), watcher);
  client.connect();
  std::string cid;
  {
    auto peer = server();
    cid = client.send(message("first"));
    EXPECT_EQ(cid_of(peer.expect_on("rooms/general/send")), cid);
  }
  broker.kill9();
  ASSERT_TRUE(
      watcher.wait([&] { return !watcher.states.empty() && watcher.states.back() == State::waiting; }));
  auto second = client.send_future(message("second"));
  broker.start();
  // Nothing answers yet, so that the resend of "first" cannot be missed: it is repeated until it is
  // acknowledged.
  auto peer = server();
  client.disconnect();
  client.connect();
  EXPECT_EQ(cid_of(peer.expect_on("rooms/general/send")), cid);
  peer.publish("users/alice/events", ack(cid, 1));
  const std::string next = cid_of(peer.expect_message(
      [&](const test::Received& r) { return r.topic == "rooms/general/send" && cid_of(r) != cid; },
      "the second"));
  peer.publish("users/alice/events", ack(next, 2));
  EXPECT_EQ(second.wait_for(test::kPatience), std::future_status::ready);
  EXPECT_TRUE(client.drain(test::kPatience));
}

TEST_F(ClientBrokerTest, KeepsTryingUntilTheBrokerIsThere) {
  broker.kill9();
  Watcher watcher;
  Client client(options(), watcher);
  client.connect();
  ASSERT_TRUE(watcher.wait(
      [&] { return std::count(watcher.states.begin(), watcher.states.end(), State::waiting) >= 3; }));
  broker.start();
  ASSERT_TRUE(watcher.wait([&] { return watcher.states.back() == State::online; }));
}

TEST_F(ClientBrokerTest, TypingGoesBothWays) {
  auto peer = server();
  Watcher watcher;
  Client client(options(), watcher);
  client.join("general");
  client.connect();
  ASSERT_TRUE(watcher.wait([&] { return watcher.joined == 1; }));
  client.typing("general", true);
  EXPECT_EQ(peer.expect_on("rooms/general/typing").payload, R"({"typing":true})");
  // A bare broker does not wait with the second SUBACK, but it may come after the first one was told.
  peer.ping();
  client.typing("general", true);
  peer.publish("rooms/general/typing", R"({"user":"bob","typing":true})");
  ASSERT_TRUE(watcher.wait([&] { return !watcher.typings.empty(); }));
  EXPECT_EQ(watcher.typings[0], "+bob");
}

TEST_F(ClientBrokerTest, CallsFromCallbacksAreWelcome) {
  struct Echo : Watcher {
    void on_event(const Event& event) override {
      if (event.stamp.from == "bob")
        client->send({.room = "general", .body = "re: " + std::string(event.send.body)});
      Watcher::on_event(event);
    }
    Client* client = nullptr;
  } echo;
  auto peer = server();
  Client client(options(), echo);
  echo.client = &client;
  client.join("general");
  client.connect();
  ASSERT_TRUE(echo.wait([&] { return echo.joined == 1; }));
  peer.publish("rooms/general/messages", frame_payload("general", {{.seq = 1, .body = "ping"}}));
  EXPECT_NE(cid_of(peer.expect_on("rooms/general/send")), "not a message");
}

TEST_F(ClientBrokerTest, DestructionTellsWhoeverStillWaits) {
  Watcher watcher;
  std::future<SendResult> result;
  {
    Client client(options(), watcher);
    result = client.send_future(message("never"));
  }
  ASSERT_EQ(result.wait_for(0s), std::future_status::ready);
  EXPECT_EQ(result.get().error().code, Code::unavailable);
}

TEST_F(ClientBrokerTest, ManyClientsComeAndGo) {
  for (int i = 0; i < 20; ++i) {
    Watcher watcher;
    Client client(options(), watcher);
    client.join("general");
    client.connect();
    if (i % 2 == 0) {
      ASSERT_TRUE(watcher.wait([&] { return watcher.joined == 1; })) << i;
    }
  }
}

}  // namespace
}  // namespace parley::client
