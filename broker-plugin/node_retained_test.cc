// Retained messages and kept sessions over the end of the node, behind a fake broker. With a real one:
// tests/e2e/restart_test.cc.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "broker-plugin/node_fixture.h"

namespace parley::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NodeRetainedTest : public NodeTest {
 protected:
  std::vector<std::string> stored() {
    std::vector<std::string> out;
    EXPECT_TRUE(retained_->load([&](const storage::RetainedMessage& m) {
      out.push_back(std::string(m.topic) + "=" + std::string(m.payload) + " " + std::string(m.owner));
    }));
    return out;
  }
  std::string last_error_text(const FakeBroker::Client& client) {
    last_error(client);
    const auto events = account_events(client);
    return events.empty() ? std::string() : std::string(events.back().at("message").as_string().c_str());
  }
};

TEST_F(NodeRetainedTest, IsStoredWhenItIsAcknowledged) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.publish(alice, "devices/alice/lamp", "on", 1, true));
  EXPECT_THAT(stored(), ElementsAre("devices/alice/lamp=on alice"));
  ASSERT_TRUE(broker_.publish(alice, "devices/alice/lamp", "passing", 1, false));
  EXPECT_THAT(stored(), ElementsAre("devices/alice/lamp=on alice")) << "not retained";
  ASSERT_TRUE(broker_.publish(alice, "devices/alice/lamp", "", 1, true));
  EXPECT_THAT(stored(), IsEmpty());
  ASSERT_TRUE(broker_.publish(alice, "devices/alice/lamp", "", 1, true)) << "taking away what is not there";
}

TEST_F(NodeRetainedTest, NothingIsStoredOfWhatIsRefused) {
  auto& mallory = join("mallory");
  EXPECT_FALSE(broker_.publish(mallory, "devices/alice/lamp", "on", 1, true));
  EXPECT_FALSE(broker_.publish(mallory, "rooms/general/send", "hello", 1, true));
  EXPECT_FALSE(broker_.publish(mallory, "users/mallory/status", "{}", 1, true));
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(NodeRetainedTest, AServicesAreKeptWithoutLimit) {
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(broker_.publish(*admin_, "news/" + std::to_string(i), "x", 1, true));
  EXPECT_EQ(stored().size(), 10u);
}

TEST_F(NodeRetainedTest, LastWillsAreKeptToo) {
  auto& alice = join("alice");
  broker_.disconnect(alice);
  EXPECT_TRUE(broker_.send_will(alice, "devices/alice/online", "no", false));
  EXPECT_THAT(stored(), IsEmpty());
  EXPECT_TRUE(broker_.send_will(alice, "devices/alice/online", "no", true));
  EXPECT_THAT(stored(), ElementsAre("devices/alice/online=no alice"));
  EXPECT_FALSE(broker_.send_will(alice, "rooms/general/wills/alice", "gone", true));
  EXPECT_EQ(stored().size(), 1u) << "that one becomes an event";
}

TEST_F(NodeRetainedTest, AUserHasABoundedNumber) {
  auto& alice = join("alice");
  broker_.subscribe(alice, "users/alice/events");
  for (const char* topic : {"devices/alice/1", "devices/alice/2", "devices/alice/3"})
    ASSERT_TRUE(broker_.publish(alice, topic, "x", 1, true)) << topic;
  EXPECT_FALSE(broker_.publish(alice, "devices/alice/4", "x", 1, true));
  EXPECT_EQ(last_error(alice), "too_large");
  EXPECT_THAT(last_error_text(alice), HasSubstr("3 retained messages"));
  EXPECT_THAT(last_error_text(alice), HasSubstr("empty retained message"));
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/3", "another", 1, true)) << "one in another's place";
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/4", "x", 1, false)) << "not retained";
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/1", "", 1, true));
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/4", "x", 1, true));
  auto& bob = join("bob");
  EXPECT_TRUE(broker_.publish(bob, "devices/bob/1", "x", 1, true)) << "each has their own";
  broker_.disconnect(alice);
  EXPECT_FALSE(broker_.send_will(alice, "devices/alice/5", "x", true));
}

TEST_F(NodeRetainedTest, AUserHasABoundedSize) {
  auto& alice = join("alice");
  broker_.subscribe(alice, "users/alice/events");
  ASSERT_TRUE(broker_.publish(alice, "devices/alice/1", std::string(900, 'x'), 1, true));
  EXPECT_FALSE(broker_.publish(alice, "devices/alice/2", std::string(100, 'x'), 1, true));
  EXPECT_THAT(last_error_text(alice), HasSubstr("1000 bytes"));
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/1", "short", 1, true));
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/2", std::string(100, 'x'), 1, true));
}

TEST_F(NodeRetainedTest, AFullDiskRefusesIt) {
  auto& alice = join("alice");
  broker_.subscribe(alice, "users/alice/events");
  retained_->full = true;
  EXPECT_FALSE(broker_.publish(alice, "devices/alice/lamp", "on", 1, true));
  EXPECT_EQ(last_error(alice), "unavailable");
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/lamp", "on", 1, false));
  retained_->full = false;
  EXPECT_TRUE(broker_.publish(alice, "devices/alice/lamp", "on", 1, true));
}

// What the broker is given at the start, for what is in the store and what it has from its file.
struct RestoreTest : public testing::Test {
  using Had = storage::BrokerSnapshot::Retained;
  RestoreTest() {
    auto store = storage::make_memory_retained();
    store_ = store.get();
    messages =
        std::make_unique<RetainedMessages>(std::move(store), RetainedConfig{}, std::chrono::milliseconds(1));
    put({.topic = "a", .payload = "1", .properties = "p", .owner = "alice", .qos = 1});
    put({.topic = "b", .payload = "2", .properties = {}, .owner = "bob", .qos = 0, .expires_s = 1060});
    put({.topic = "gone", .payload = "3", .properties = {}, .owner = "bob", .qos = 0, .expires_s = 1000});
    EXPECT_TRUE(messages->load());
  }
  void put(const storage::RetainedMessage& message) { ASSERT_TRUE(store_->put(message)); }
  std::vector<std::string> given() {
    std::vector<std::string> out;
    for (const auto& r : broker.retained)
      out.push_back(r.topic + "=" + r.payload + " q" + std::to_string(r.qos) + " " + r.properties + " " +
                    std::to_string(r.expires_in_s));
    std::sort(out.begin(), out.end());
    return out;
  }
  std::vector<std::string> topics() {
    std::vector<std::string> out;
    EXPECT_TRUE(store_->load(
        [&](const auto& m) { out.push_back(std::string(m.topic) + "=" + std::string(m.payload)); }));
    return out;
  }

  FakeBroker broker;
  storage::RetainedStore* store_ = nullptr;
  std::unique_ptr<RetainedMessages> messages;
};

TEST_F(RestoreTest, AfterACrashItGetsAll) {
  ASSERT_TRUE(messages->restore(broker, nullptr, 1000));
  EXPECT_THAT(given(), ElementsAre("a=1 q1 p 0", "b=2 q0  60"));
  EXPECT_THAT(topics(), ElementsAre("a=1", "b=2")) << "what has expired is forgotten";
  EXPECT_EQ(messages->size(), 2u);
}

TEST_F(RestoreTest, WhatItHasIsNotPublishedAgain) {
  storage::BrokerSnapshot had;
  had.retained = {
      Had{.topic = "a", .payload = "1", .properties = "p", .username = {}, .qos = 1},
      Had{.topic = "b", .payload = "2", .properties = {}, .username = {}, .qos = 0, .expires_s = 1060}};
  ASSERT_TRUE(messages->restore(broker, &had, 1000));
  EXPECT_THAT(given(), IsEmpty());
}

TEST_F(RestoreTest, TheStoreWins) {
  storage::BrokerSnapshot had;
  had.retained = {Had{.topic = "a", .payload = "older", .properties = "p", .username = {}, .qos = 1},
                  Had{.topic = "deleted", .payload = "x", .properties = {}, .username = {}, .qos = 0},
                  Had{.topic = "$SYS/x", .payload = "x", .properties = {}, .username = {}, .qos = 0}};
  ASSERT_TRUE(messages->restore(broker, &had, 1000));
  EXPECT_THAT(given(), ElementsAre("a=1 q1 p 0", "b=2 q0  60", "deleted= q0  0"));
}

TEST_F(RestoreTest, AtTheEndItFollowsTheBroker) {
  storage::BrokerSnapshot has;
  has.retained = {
      Had{.topic = "a", .payload = "will", .properties = {}, .username = "alice", .qos = 1},
      Had{.topic = "c", .payload = "new", .properties = {}, .username = "carol", .qos = 0, .expires_s = 2000},
      Had{.topic = "rooms/general/wills/alice",
          .payload = "x",
          .properties = {},
          .username = "alice",
          .qos = 0},
      Had{.topic = "$SYS/x", .payload = "x", .properties = {}, .username = {}, .qos = 0}};
  ASSERT_TRUE(messages->follow(has));
  EXPECT_THAT(topics(), ElementsAre("a=will", "c=new"));
  EXPECT_EQ(messages->size(), 2u);
}

}  // namespace
}  // namespace parley::plugin
