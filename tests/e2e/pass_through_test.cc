// Ordinary MQTT beside chat: topics the operator has opened are the broker's own business, untouched by us.
#include <gtest/gtest.h>

#include "tests/support/chat.h"

namespace parley::test {
namespace {

BrokerOptions options() {
  return {.settings = {"auth.anonymous = true",
                       R"(pass_through.patterns = [{pattern = "devices/%u/#", access = "readwrite"},)"
                       R"( {pattern = "own/%u/%d/state", access = "readwrite"},)"
                       R"( {pattern = "news/#", access = "read", anonymous = true},)"
                       R"( {pattern = "inbox/#", access = "write", anonymous = true}])"}};
}

class PassThroughTest : public testing::TestWithParam<Version> {
 protected:
  RawClient connect(std::string_view user, std::string_view device = "phone") {
    return world_.connect(user, device, GetParam());
  }
  RawClient anonymous(std::string_view id) {
    return RawClient::connected(world_.broker.port(), {.client_id = std::string(id), .version = GetParam()});
  }
  std::uint8_t denied() const { return GetParam() == Version::v5 ? 0x87 : 0; }
  World world_{options()};
};

TEST_P(PassThroughTest, OwnDevicesInAllQualities) {
  auto writer = connect("alice", "roof");
  auto reader = connect("alice", "phone");
  ASSERT_EQ(reader.subscribe("devices/alice/#", 2), 2);
  const std::string payload("\x00\x01 any bytes \xff", 14);
  for (std::uint8_t qos = 0; qos <= 2; ++qos) {
    EXPECT_EQ(writer.publish("devices/alice/roof/temperature", payload, {.qos = qos}), 0);
    const auto got = reader.expect_on("devices/alice/roof/temperature");
    EXPECT_EQ(got.payload, payload);
    EXPECT_EQ(got.qos, qos);
  }
  EXPECT_TRUE(world_.admin.read_log().empty());
}

TEST_P(PassThroughTest, RetainedMessagesStay) {
  auto writer = connect("alice", "roof");
  writer.publish("devices/alice/state", "on", {.retain = true});
  auto late = connect("alice", "phone");
  ASSERT_LT(late.subscribe("devices/alice/state"), 0x80);
  const auto got = late.expect_on("devices/alice/state");
  EXPECT_EQ(got.payload, "on");
  EXPECT_TRUE(got.retain);
}

TEST_P(PassThroughTest, LastWillsLeave) {
  auto reader = connect("alice", "phone");
  ASSERT_LT(reader.subscribe("devices/alice/#"), 0x80);
  ASSERT_LT(reader.subscribe("own/alice/phone/state"), 0x80);
  const auto die = [&](std::string_view user, std::string_view topic) {
    auto options = world_.as(user, "roof", GetParam());
    options.will = WillOptions{.topic = std::string(topic), .payload = "gone"};
    RawClient device(world_.broker.port(), GetParam());
    if (device.connect(options).reason == 0) device.abort();
  };
  die("bob", "devices/alice/roof");           // somebody else's
  die("alice", "own/alice/phone/state");      // another device's
  die("alice", "devices/alice/roof/online");  // its own
  EXPECT_EQ(reader.expect_on("devices/alice/roof/online").payload, "gone");
  EXPECT_TRUE(reader.silent());
}

TEST_P(PassThroughTest, SomebodyElsesDevicesAreClosed) {
  auto alice = connect("alice");
  ASSERT_LT(alice.subscribe("devices/alice/#"), 0x80);
  auto bob = connect("bob");
  EXPECT_EQ(bob.publish("devices/alice/x", "x"), denied());
  for (const char* filter : {"devices/alice/#", "devices/alice/x", "devices/+/x", "devices/#", "devices/bo/#",
                             "devices/bobby/#"}) {
    EXPECT_GE(bob.subscribe(filter), 0x80) << filter;
  }
  EXPECT_TRUE(alice.silent());
}

TEST_P(PassThroughTest, DevicePlaceholder) {
  auto roof = connect("alice", "roof");
  EXPECT_LT(roof.subscribe("own/alice/roof/state"), 0x80);
  EXPECT_GE(roof.subscribe("own/alice/cellar/state"), 0x80);
  EXPECT_EQ(roof.publish("own/alice/roof/state", "x"), 0);
  roof.expect_on("own/alice/roof/state");
  EXPECT_EQ(roof.publish("own/alice/cellar/state", "x"), denied());
}

TEST_P(PassThroughTest, AccessOneWay) {
  auto service = RawClient::connected(
      world_.broker.port(),
      {.client_id = "probe:news", .password = world_.broker.service_token("news"), .version = GetParam()});
  auto alice = connect("alice");
  ASSERT_LT(alice.subscribe("news/#"), 0x80);
  EXPECT_EQ(alice.publish("news/today", "fake"), denied());
  EXPECT_EQ(service.publish("news/today", "true"), 0);
  EXPECT_EQ(alice.expect_on("news/today").payload, "true");
  EXPECT_GE(alice.subscribe("inbox/#"), 0x80);
  EXPECT_EQ(alice.publish("inbox/a", "hello"), 0);
}

TEST_P(PassThroughTest, AnonymousClientsHaveThePatternsAlone) {
  auto bob = world_.reader("bob", "general");
  auto nobody = anonymous("sensor-1");
  EXPECT_LT(nobody.subscribe("news/#"), 0x80);
  for (const char* filter :
       {"#", "rooms/general/messages", "devices/alice/#", "devices/#", "inbox/#", "users/alice/#", "$SYS/#",
        "$parley/#", "$CONTROL/parley/v1/response", "own/+/+/state"}) {
    EXPECT_GE(nobody.subscribe(filter), 0x80) << filter;
  }
  EXPECT_EQ(nobody.publish("inbox/a", "hello"), 0);
  for (const char* topic : {"rooms/general/send", "rooms/general/typing", "users/alice/events", "devices//x",
                            "devices/alice/x", "$CONTROL/parley/v1"}) {
    EXPECT_EQ(nobody.publish(topic, "x"), denied()) << topic;
  }
  EXPECT_TRUE(bob.silent());
  // And they cannot be taken for somebody: a reserved client id needs that user's token.
  RawClient thief(world_.broker.port(), GetParam());
  EXPECT_NE(thief.connect({.client_id = "alice:phone", .version = GetParam()}).reason, 0);
}

INSTANTIATE_TEST_SUITE_P(Versions, PassThroughTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

}  // namespace
}  // namespace parley::test
