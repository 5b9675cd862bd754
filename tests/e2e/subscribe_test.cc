// Who may listen to what. A refused filter gets 0x80 (3.1.1) or a v5 reason above it, and brings nothing.
#include <gtest/gtest.h>

#include <set>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

class SubscribeTest : public testing::TestWithParam<Version> {
 protected:
  RawClient connect(std::string_view user) { return world_.connect(user, "phone", GetParam()); }
  World world_;
};

TEST_P(SubscribeTest, WhatAMemberMayHear) {
  auto bob = connect("bob");
  for (const char* filter :
       {"rooms/general/messages", "rooms/general/messages/json", "rooms/general/messages/ndjson",
        "rooms/general/typing", "rooms/general/receipts", "users/bob/events", "users/bob/replies/phone",
        "users/bob/replies/#", "users/bob/#", "users/bob/+", "users/alice/presence", "users/bob/presence"}) {
    EXPECT_LT(bob.subscribe(filter), 0x80) << filter;
  }
}

TEST_P(SubscribeTest, WhatNobodyMayHear) {
  auto bob = connect("bob");
  for (const char* filter : {"#",
                             "+",
                             "+/#",
                             "+/+/+",
                             "rooms/#",
                             "rooms/+/messages",
                             "rooms/general/#",
                             "rooms/general/+",
                             "rooms/+/send",
                             "rooms/general/send",
                             "rooms/general/wills/bob",
                             "rooms/general/receipt",
                             "users/#",
                             "users/+/events",
                             "users/alice/events",
                             "users/alice/#",
                             "users/alice/replies/phone",
                             "users/alice/token",
                             "users/bobby/#",
                             "$SYS/#",
                             "$SYS/broker/version",
                             "$CONTROL/#",
                             "$CONTROL/parley/v1",
                             "$CONTROL/parley/v1/response",
                             "$parley/#",
                             "$parley/log",
                             "$parley/sessions",
                             "$parley/doorbell",
                             "elsewhere",
                             "devices/alice/#",
                             "devices/+/x",
                             "devices/#"}) {
    EXPECT_GE(bob.subscribe(filter), 0x80) << filter;
  }
  bob.ping();  // still connected
}

TEST_P(SubscribeTest, SharedSubscriptionsReachNoFurther) {
  auto bob = connect("bob");
  auto mallory = connect("mallory");
  for (const char* filter : {"$share/g/rooms/general/messages", "$share/g/#", "$share/g/users/alice/events",
                             "$share/g/$parley/log", "$share/g/rooms/general/send"}) {
    EXPECT_GE(mallory.subscribe(filter), 0x80) << filter;
  }
  EXPECT_GE(bob.subscribe("$share/g/rooms/general/send"), 0x80);
  EXPECT_GE(bob.subscribe("$share/g/rooms/attic/messages"), 0x80);
}

TEST_P(SubscribeTest, OutsidersHearNothing) {
  auto mallory = connect("mallory");
  for (const char* filter : {"rooms/general/messages", "rooms/general/messages/json", "rooms/general/typing",
                             "rooms/general/receipts"}) {
    EXPECT_GE(mallory.subscribe(filter), 0x80) << filter;
  }
  EXPECT_GE(mallory.subscribe("rooms/no-such-room/messages"), 0x80);
  EXPECT_GE(mallory.subscribe("users/alice/presence"), 0x80) << "they share no room";
  auto alice = connect("alice");
  alice.publish("rooms/general/send", message("secret"));
  EXPECT_TRUE(mallory.silent());
}

TEST_P(SubscribeTest, SendIsDeliveredToNobody) {
  // Not even to a service, which may use wildcards: what arrives there is not yet checked nor durable.
  auto service = RawClient::connected(
      world_.broker.port(),
      {.client_id = "probe:spy", .password = world_.broker.service_token("spy"), .version = GetParam()});
  service.subscribe("rooms/+/send");
  service.subscribe("rooms/#");
  auto alice = connect("alice");
  alice.publish("rooms/general/send", message("hello"));
  std::set<std::string> heard;
  while (heard.size() < 3) heard.insert(service.next().value().topic);
  EXPECT_EQ(heard, (std::set<std::string>{"rooms/general/messages", "rooms/general/messages/json",
                                          "rooms/general/messages/ndjson"}));
  EXPECT_TRUE(service.silent());
}

TEST_P(SubscribeTest, OwnWildcardHearsOneself) {
  auto alice = connect("alice");
  ASSERT_LT(alice.subscribe("users/alice/#"), 0x80);
  alice.publish("rooms/general/send", message("hello", "w-1"));
  expect_ack(alice, "alice", "w-1");
}

TEST_P(SubscribeTest, UnsubscribeAlwaysWorks) {
  auto bob = connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/messages/json"), 0x80);
  bob.unsubscribe("rooms/general/messages/json");
  bob.unsubscribe("rooms/never/subscribed");
  bob.unsubscribe("#");
  auto alice = connect("alice");
  alice.publish("rooms/general/send", message("hello"));
  EXPECT_TRUE(bob.silent());
}

TEST_P(SubscribeTest, ReplicaLetsAFormerOutsiderInAtOnce) {
  auto mallory = connect("mallory");
  EXPECT_GE(mallory.subscribe("rooms/general/messages/json"), 0x80);
  world_.admin.put_member("general", "mallory");
  EXPECT_LT(mallory.subscribe("rooms/general/messages/json"), 0x80);
  auto alice = connect("alice");
  alice.publish("rooms/general/send", message("welcome"));
  EXPECT_EQ(text(expect_event(mallory, "general"), "body"), "welcome");
}

INSTANTIATE_TEST_SUITE_P(Versions, SubscribeTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

}  // namespace
}  // namespace parley::test
