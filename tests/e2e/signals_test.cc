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
  for (const char* whole :
       {R"({"delivered":7.0,"read":5e0})", R"({"read":50e-1,"delivered":null})",
        "\xef\xbb\xbf{\"read\":5.0}\r\n", R"({"read":"5"})", R"({"delivered":"5","read":"5.0"})"}) {
    EXPECT_EQ(alice.publish("rooms/general/receipt", whole), 0) << whole;
    EXPECT_EQ(number(parse_object(service.expect_on("rooms/general/receipt").payload), "read"), 5u) << whole;
  }
  for (const char* bad :
       {R"({"read":5.5})", R"({"read":1e400})", R"({"read":"five"})", R"({"read":""})", R"({"read":"5.5"})",
        R"({"read":9007199254740992})", R"({"read":"9007199254740992"})"}) {
    EXPECT_EQ(alice.publish("rooms/general/receipt", bad), 0x87) << bad;
    expect_error(alice, "alice", "bad_payload");
  }
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

TEST_P(WillTest, EachDeathIsPostedThoughTheCidIsTheSame) {
  auto reader = world_.reader("bob", "general");
  for (int death = 0; death < 3; ++death) {
    RawClient::connected(world_.broker.port(),
                         dying("alice", "rooms/general/wills/alice", R"({"cid":"w","body":"gone"})"))
        .abort();
    const auto event = expect_event(reader, "general");
    EXPECT_EQ(text(event, "body"), "gone");
    EXPECT_TRUE(text(event, "cid").starts_with("w~")) << text(event, "cid");
  }
}

TEST_P(WillTest, IsPostedWhenAnAdministratorClosesTheConnection) {
  auto reader = world_.reader("bob", "general");
  auto device =
      RawClient::connected(world_.broker.port(), dying("alice", "rooms/general/wills/alice", "kicked"));
  ControlRequest kick{};
  kick.cmd = "kick";
  kick.client = "alice:device";
  ASSERT_FALSE(world_.admin.command(kick).contains("error"));
  EXPECT_TRUE(device.closed());
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "kicked");
}

TEST_P(WillTest, IsNotPostedForTheBlockedAndTheLoggedOut) {
  auto reader = world_.reader("bob", "general");
  auto options = dying("alice", "rooms/general/wills/alice", "boo");
  options.password = world_.broker.token("alice", {.device = "device", .sid = "s-out"});
  auto device = RawClient::connected(world_.broker.port(), options);
  world_.admin.apply({SessionRevoke{.sid = "s-out", .until_s = unix_now() + 900}});
  EXPECT_TRUE(device.closed());
  auto second =
      RawClient::connected(world_.broker.port(), dying("alice", "rooms/general/wills/alice", "boo"));
  world_.admin.apply({UserPut{.user = "alice", .limits = "unlimited", .status = UserStatus::blocked}});
  EXPECT_TRUE(second.closed());
  EXPECT_TRUE(reader.silent());
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
  // The node's own connection is of no account for wills: none is lost while it is away, none is repeated to
  // it.
  ControlRequest kick{};
  kick.cmd = "kick";
  kick.client = "$parley-doorbell";
  for (int i = 0; i < 5; ++i) {
    world.admin.command(kick);  // refused when it is away already, which is as good
    die(std::to_string(i), false);
    EXPECT_EQ(text(expect_event(reader, "general"), "body"), std::to_string(i));
  }
  EXPECT_TRUE(reader.silent());
}

TEST(ExpiredWillTest, IsPostedWhenTheTokenHasEnded) {
  World world({.settings = {"auth.connections_grace_s = 0"}});
  auto reader = world.reader("bob", "general");
  auto options = world.as("alice", "device");
  options.password = world.broker.token("alice", {.device = "device", .ttl = 2s});
  options.will = WillOptions{.topic = "rooms/general/wills/alice", .payload = "expired"};
  auto device = RawClient::connected(world.broker.port(), options);
  EXPECT_TRUE(device.closed());
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "expired");
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

// A delayed will says what may be said when its time has come.
TEST(WillDelayTest, IsJudgedWhenItIsSent) {
  World world;
  auto reader = world.reader("bob", "general");
  const std::vector<std::pair<std::string, ControlOp>> silenced{
      {"alice", SessionRevoke{.sid = "s-out", .until_s = unix_now() + 900}},
      {"adam", UserPut{.user = "adam", .limits = "unlimited", .status = UserStatus::blocked}},
      {"lena", MemberRemove{.room = "general", .user = "lena"}}};
  for (const std::string user : {"alice", "adam", "lena", "olga"}) {
    auto options = world.as(user, "device");
    options.password = world.broker.token(user, {.device = "device", .sid = "s-out"});
    if (user != "alice")
      options.password = world.broker.token(user, {.device = "device", .sid = "s-" + user});
    options.session_expiry_s = 60;
    options.will = WillOptions{.topic = "rooms/general/wills/" + user, .payload = user, .delay_s = 3};
    RawClient::connected(world.broker.port(), options).abort();
  }
  for (const auto& [user, op] : silenced) world.admin.apply({op});
  // olga's is the last in line.
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "olga");
  EXPECT_TRUE(reader.silent());
}

}  // namespace
}  // namespace parley::test
