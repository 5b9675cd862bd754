// What passes through a room without being stored: typing and receipts; and the wills that are stored after
// all.
#include <gtest/gtest.h>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

TEST(TypingTest, IsStampedWithTheUser) {
  World world;
  auto bob = world.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/typing", 0), 0x80);
  auto alice = world.connect("alice");
  alice.publish("rooms/general/typing", R"({"typing":true,"user":"olga"})", {.qos = 0});
  const auto typing = parse_object(bob.expect_on("rooms/general/typing").payload);
  EXPECT_EQ(text(typing, "user"), "alice");
  EXPECT_TRUE(typing.at("typing").as_bool());
  EXPECT_TRUE(world.admin.read_log().empty()) << "typing is not stored";
}

TEST(TypingTest, OutsidersNeitherSendNorHear) {
  World world;
  auto bob = world.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/typing", 0), 0x80);
  auto mallory = world.listener("mallory");
  EXPECT_GE(mallory.subscribe("rooms/general/typing", 0), 0x80);
  EXPECT_EQ(mallory.publish("rooms/general/typing", R"({"typing":true})"), 0x87);
  expect_error(mallory, "mallory", "not_member");
  EXPECT_TRUE(bob.silent());
  world.admin.remove_member("general", "bob");
  auto alice = world.connect("alice");
  alice.publish("rooms/general/typing", R"({"typing":true})", {.qos = 0});
  alice.ping();
  EXPECT_FALSE(bob.next(kSilence).has_value()) << "removed a moment ago";
}

TEST(TypingTest, GarbageAndRetainAreRefused) {
  World world;
  auto bob = world.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/typing", 0), 0x80);
  auto alice = world.listener("alice");
  for (const char* payload : {"", "yes", "{", R"({"typing":1})", R"({"typed":true})"}) {
    EXPECT_EQ(alice.publish("rooms/general/typing", payload), 0x87) << payload;
    expect_error(alice, "alice", "bad_payload");
  }
  EXPECT_EQ(alice.publish("rooms/general/typing", R"({"typing":true})", {.retain = true}), 0x87);
  EXPECT_TRUE(bob.silent());
}

TEST(TypingTest, MoreThanOnceASecondIsLeftOut) {
  World world;
  auto bob = world.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/typing", 0), 0x80);
  auto lena = world.connect("lena");
  for (int i = 0; i < 20; ++i) lena.publish("rooms/general/typing", R"({"typing":true})", {.qos = 0});
  lena.ping();
  bob.expect_on("rooms/general/typing");
  EXPECT_LE(bob.inbox().size(), 1u);
  bob.ping();
  EXPECT_LE(bob.inbox().size(), 1u);
}

// Receipts go to the bridge, which coalesces them: members hear only what it publishes on .../receipts.
TEST(ReceiptTest, ReachesAServiceStamped) {
  World world;
  auto service = RawClient::connected(
      world.broker.port(), {.client_id = "probe:bridge", .password = world.broker.service_token("bridge")});
  ASSERT_LT(service.subscribe("rooms/+/receipt"), 0x80);
  auto alice = world.listener("alice");
  EXPECT_EQ(alice.publish("rooms/general/receipt", R"({"delivered":7,"read":5,"user":"olga"})"), 0);
  const auto receipt = parse_object(service.expect_on("rooms/general/receipt").payload);
  EXPECT_EQ(text(receipt, "user"), "alice");
  EXPECT_EQ(number(receipt, "delivered"), 7u);
  EXPECT_EQ(number(receipt, "read"), 5u);
  EXPECT_EQ(alice.publish("rooms/general/receipt", R"({"read":-1})"), 0x87);
  expect_error(alice, "alice", "bad_payload");
  auto mallory = world.listener("mallory");
  EXPECT_EQ(mallory.publish("rooms/general/receipt", R"({"read":1})"), 0x87);
  expect_error(mallory, "mallory", "not_member");
  EXPECT_TRUE(service.silent());

  auto bob = world.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/receipts", 0), 0x80);
  service.publish("rooms/general/receipts", R"({"alice":{"read":5}})", {.qos = 0});
  bob.expect_on("rooms/general/receipts");
}

TEST(RequestTest, ReachesTheServiceAndTheAnswerComesBack) {
  World world;
  auto service = RawClient::connected(
      world.broker.port(), {.client_id = "probe:bridge", .password = world.broker.service_token("bridge")});
  ASSERT_LT(service.subscribe("users/+/request/#"), 0x80);
  auto alice = world.connect("alice");
  auto bob = world.connect("bob");
  ASSERT_LT(alice.subscribe("users/alice/replies/phone"), 0x80);
  EXPECT_EQ(alice.publish("users/alice/request/sync", R"({"req":"1"})"), 0);
  EXPECT_EQ(service.expect_on("users/alice/request/sync").payload, R"({"req":"1"})");
  service.publish("users/alice/replies/phone", R"({"req":"1","ok":true})");
  EXPECT_EQ(alice.expect_on("users/alice/replies/phone").payload, R"({"req":"1","ok":true})");
  EXPECT_EQ(bob.publish("users/alice/request/sync", "{}"), 0x87);
  EXPECT_TRUE(service.silent());
}

class WillTest : public testing::TestWithParam<Version> {
 protected:
  ConnectOptions dying(std::string_view user, std::string_view topic, std::string_view payload) {
    auto options = world_.as(user, "device", GetParam());
    options.will = WillOptions{.topic = std::string(topic), .payload = std::string(payload)};
    return options;
  }
  World world_;
};

TEST_P(WillTest, IsPostedAsTheUser) {
  auto reader = world_.reader("bob", "general");
  for (const char* payload : {"the battery died", R"({"cid":"w","body":"the battery died"})"}) {
    auto device =
        RawClient::connected(world_.broker.port(), dying("alice", "rooms/general/wills/alice", payload));
    device.abort();
    const auto event = expect_event(reader, "general");
    EXPECT_EQ(text(event, "from"), "alice");
    EXPECT_EQ(text(event, "body"), "the battery died");
  }
  EXPECT_EQ(world_.admin.read_log("general").size(), 2u);
}

TEST_P(WillTest, IsNotPostedAfterADisconnect) {
  auto reader = world_.reader("bob", "general");
  auto device =
      RawClient::connected(world_.broker.port(), dying("alice", "rooms/general/wills/alice", "bye"));
  device.disconnect();
  EXPECT_TRUE(reader.silent());
}

TEST_P(WillTest, IsSubjectToTheRulesOfTheRoom) {
  auto reader = world_.reader("bob", "general");
  for (const auto& [user, topic] : std::vector<std::pair<const char*, const char*>>{
           {"mallory", "rooms/general/wills/mallory"},  // no member
           {"gus", "rooms/general/wills/gus"},          // a guest
           {"mallory", "rooms/general/wills/alice"},    // somebody else's name
           {"mallory", "rooms/general/send"},           // around the will topic
           {"alice", "rooms/general/send"},
           {"alice", "rooms/general/messages/json"},
           {"mallory", "$CONTROL/parley/v1"},
           {"mallory", "users/bob/events"}}) {
    SCOPED_TRACE(topic);
    RawClient device(world_.broker.port(), GetParam());
    // The broker may refuse such a will with the CONNECT.
    if (device.connect(dying(user, topic, R"({"body":"boo"})")).reason == 0) device.abort();
  }
  auto alice = world_.connect("alice");
  alice.publish("rooms/general/send", message("first"));
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "first");
  EXPECT_EQ(world_.admin.read_log().size(), 1u);
}

// Whoever connects again with the same client id brings the first connection's will about.
TEST_P(WillTest, IsNoWayAroundTheChecksWhenTakenOver) {
  auto bob = world_.connect("bob");
  ASSERT_LT(bob.subscribe("rooms/general/typing", 0), 0x80);
  for (const char* user : {"alice", "mallory"}) {
    RawClient first(world_.broker.port(), GetParam());
    if (first.connect(dying(user, "rooms/general/typing", R"({"typing":true,"user":"olga"})")).reason != 0)
      continue;
    auto second = RawClient::connected(world_.broker.port(), world_.as(user, "device", GetParam()));
    second.ping();
    EXPECT_TRUE(bob.silent()) << user;
  }
}

TEST_P(WillTest, WillTopicIsForWillsAlone) {
  auto reader = world_.reader("bob", "general");
  auto alice = world_.listener("alice", "phone", GetParam());
  EXPECT_EQ(alice.publish("rooms/general/wills/alice", "I am not dead"),
            GetParam() == Version::v5 ? 0x87 : 0);
  expect_error(alice, "alice", "forbidden");
  EXPECT_TRUE(reader.silent());
}

INSTANTIATE_TEST_SUITE_P(Versions, WillTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

// The broker keeps such a will and repeats it to whoever subscribes: also to the node, whenever its own
// connection begins anew.
TEST(RetainedWillTest, IsPostedOnce) {
  World world;
  auto reader = world.reader("bob", "general");
  const auto die = [&](std::string_view payload, bool retain) {
    auto options = world.as("alice", "device");
    options.will =
        WillOptions{.topic = "rooms/general/wills/alice", .payload = std::string(payload), .retain = retain};
    RawClient::connected(world.broker.port(), options).abort();
  };
  die("once", true);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "once");
  ControlRequest kick{};
  kick.cmd = "kick";
  kick.client = "$parley-doorbell";
  EXPECT_FALSE(world.admin.command(kick).contains("error"));
  // What dies while the node does not listen is not heard, so until it does.
  std::optional<Received> heard;
  for (int tries = 0; tries < 50 && !heard; ++tries) {
    die("again", false);
    heard = reader.next(kSilence);
  }
  ASSERT_TRUE(heard);
  EXPECT_EQ(text(parse_object(heard->payload), "body"), "again");
}

TEST(WillDelayTest, IsPostedAfterItsDelay) {
  World world;
  auto reader = world.reader("bob", "general");
  auto options = world.as("alice", "device");
  options.session_expiry_s = 60;
  options.will = WillOptions{.topic = "rooms/general/wills/alice", .payload = "late", .delay_s = 1};
  RawClient::connected(world.broker.port(), options).abort();
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "late");
  EXPECT_EQ(world.admin.read_log("general").size(), 1u);
}

}  // namespace
}  // namespace parley::test
