// One client id, two connections: what the one that has to go hears, on the wire of a real broker.
#include <gtest/gtest.h>

#include <tuple>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

// Version of the connection that is taken over, whether its session is kept, and the QoS of its subscription.
using Old = std::tuple<Version, bool, int>;

class TakeOverTest : public testing::TestWithParam<Old> {
 protected:
  ConnectOptions options() const {
    auto out = world_.as("alice", "phone", std::get<Version>(GetParam()));
    out.clean = !std::get<bool>(GetParam());
    if (!out.clean && out.version == Version::v5) out.session_expiry_s = 60;
    return out;
  }
  std::uint8_t qos() const { return static_cast<std::uint8_t>(std::get<int>(GetParam())); }
  RawClient listening() {
    auto client = RawClient::connected(world_.broker.port(), options());
    EXPECT_LT(client.subscribe(events_topic("alice"), qos()), 0x80);
    return client;
  }
  static json::object replaced(RawClient& client) {
    return parse_object(client.expect_on(events_topic("alice")).payload);
  }
  World world_;
};

TEST_P(TakeOverTest, TheOldConnectionHearsItBeforeItsEnd) {
  auto old = listening();
  auto taker = RawClient::connected(world_.broker.port(), options());
  const auto event = replaced(old);
  EXPECT_EQ(text(event, "type"), "session.replaced");
  EXPECT_EQ(text(event, "client"), "alice:phone");
  EXPECT_TRUE(old.closed());
  // Not the new one: neither at once, though its session may have the subscription, nor by a resend.
  EXPECT_TRUE(taker.silent());
  EXPECT_LT(taker.subscribe(events_topic("alice"), qos()), 0x80);
  EXPECT_TRUE(taker.silent());
}

TEST_P(TakeOverTest, OtherDevicesLearnWhoseItIs) {
  auto laptop = world_.listener("alice", "laptop");
  auto old = listening();
  auto taker = RawClient::connected(world_.broker.port(), options());
  EXPECT_EQ(text(replaced(laptop), "client"), "alice:phone");
  laptop.ping();
}

TEST_P(TakeOverTest, EachInALongChainHearsItOnce) {
  std::vector<RawClient> chain;
  chain.push_back(listening());
  for (int i = 0; i < 8; ++i) {
    chain.push_back(listening());
    RawClient& old = chain[chain.size() - 2];
    EXPECT_EQ(text(replaced(old), "type"), "session.replaced");
    EXPECT_TRUE(old.closed());
    EXPECT_TRUE(old.inbox().empty());
  }
  EXPECT_TRUE(chain.back().silent());
}

TEST_P(TakeOverTest, ComingBackAfterADeadLineIsNoReplacement) {
  auto old = listening();
  old.abort();
  auto again = RawClient::connected(world_.broker.port(), options());
  EXPECT_LT(again.subscribe(events_topic("alice"), qos()), 0x80);
  EXPECT_TRUE(again.silent());
}

std::string name_of(const testing::TestParamInfo<Old>& info) {
  const auto& [version, kept, qos] = info.param;
  return std::string(version == Version::v5 ? "v5" : "v311") + (kept ? "Kept" : "Clean") + "Qos" +
         std::to_string(qos);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TakeOverTest,
                         testing::Combine(testing::Values(Version::v311, Version::v5), testing::Bool(),
                                          testing::Values(0, 1)),
                         name_of);

TEST(TakeOver, ARefusedConnectReplacesNobody) {
  World world;
  auto alice = world.listener("alice");
  RawClient thief(world.broker.port());
  auto options = world.as("mallory");
  options.client_id = "alice:phone";
  EXPECT_NE(thief.connect(options).reason, 0);
  EXPECT_TRUE(alice.silent());
}

// A kick while its user is out of the room takes nothing from a session that is kept.
class KeptSubscription : public testing::TestWithParam<Version> {};

TEST_P(KeptSubscription, SurvivesAKickWhileOutOfTheRoom) {
  World world;
  auto olga = world.connect("olga");
  auto options = world.as("bob", "phone", GetParam());
  options.clean = false;
  if (GetParam() == Version::v5) options.session_expiry_s = 60;
  const std::string topic = messages_json_topic("general");
  auto bob = RawClient::connected(world.broker.port(), options);
  ASSERT_LT(bob.subscribe(topic), 0x80);
  ASSERT_LT(bob.subscribe(events_topic("bob")), 0x80);
  world.admin.apply({MemberRemove{.room = "general", .user = "bob"}});
  ControlRequest kick{};
  kick.cmd = "kick";
  kick.client = "bob:phone";
  ASSERT_FALSE(world.admin.command(kick).contains("error"));
  ASSERT_TRUE(bob.closed());
  olga.publish("rooms/general/send", message("while out"));
  world.admin.apply({MemberPut{.room = "general", .user = "bob"}});
  olga.publish("rooms/general/send", message("while away"));
  auto reader = world.reader("alice", "general");
  olga.publish("rooms/general/send", message("at last"));
  expect_event(reader, "general");  // so it has left for bob too
  auto again = RawClient::connected(world.broker.port(), options);
  // The broker may send what it kept twice.
  for (const char* body : {"while away", "at last"}) {
    again.expect_message([&](const Received& m) { return m.payload.find(body) != std::string::npos; }, body);
  }
  // Out of the room again, and only resumed.
  again.abort();
  world.admin.apply({MemberRemove{.room = "general", .user = "bob"}});
  auto out = RawClient::connected(world.broker.port(), options);
  out.abort();
  world.admin.apply({MemberPut{.room = "general", .user = "bob"}});
  auto back = RawClient::connected(world.broker.port(), options);
  olga.publish("rooms/general/send", message("still here"));
  back.expect_message([](const Received& m) { return m.payload.find("still here") != std::string::npos; },
                      "still here");
}

INSTANTIATE_TEST_SUITE_P(Versions, KeptSubscription, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

}  // namespace
}  // namespace parley::test
