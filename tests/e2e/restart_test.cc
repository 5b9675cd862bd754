// What outlives the broker's process: an end in order (sessions, queues, retained messages) and kill -9
// (retained messages). The log's part of it: lifecycle_test.cc and tests/chaos.
#include <gtest/gtest.h>

#include <filesystem>

#include "schemas/mqtt_packet.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

enum class End { in_order, killed };

BrokerOptions options(std::vector<std::string> settings = {}) {
  settings.insert(settings.end(),
                  {"auth.anonymous = true",
                   R"(pass_through.patterns = [{pattern = "devices/%u/#", access = "readwrite"},)"
                   R"( {pattern = "open/#", access = "readwrite", anonymous = true}])"});
  return {.settings = std::move(settings), .keep_sessions = true};
}

class RestartTest : public testing::Test {
 protected:
  explicit RestartTest(BrokerOptions with = options()) : world_(std::move(with)) {}

  void restart(End end) {
    if (end == End::killed) {
      world_.broker.kill9();
    } else {
      EXPECT_EQ(world_.broker.terminate(), 0);
    }
    world_.broker.start();
  }
  // A client that keeps its session.
  RawClient keeping(std::string_view user, std::string_view device, Version version = Version::v5,
                    std::string client_id = {}) {
    auto options = kept(user, device, version, std::move(client_id));
    RawClient client(world_.broker.port(), version);
    session_present_ = false;
    const auto connack = client.connect(options);
    if (connack.reason != 0) throw std::runtime_error("refused: " + describe(connack));
    session_present_ = connack.session_present;
    return client;
  }
  ConnectOptions kept(std::string_view user, std::string_view device, Version version,
                      std::string client_id = {}) {
    auto options = world_.as(user, device, version);
    options.clean = false;
    options.session_expiry_s = session_expiry_s_;
    if (!client_id.empty()) options.client_id = std::move(client_id);
    return options;
  }
  // What a topic has retained for alice; "" when nothing.
  std::string retained(std::string_view topic) {
    auto reader = world_.connect("alice", "look");
    EXPECT_LT(reader.subscribe(topic, 2), 0x80);
    reader.ping();
    if (reader.inbox().empty()) return "";
    EXPECT_TRUE(reader.inbox().front().retain);
    last_ = reader.inbox().front();
    return last_.payload;
  }
  std::filesystem::path snapshot() { return world_.broker.data() / "mosquitto.db"; }

  World world_;
  std::uint32_t session_expiry_s_ = 3600;
  bool session_present_ = false;
  Received last_;
};

class RetainedTest : public RestartTest, public testing::WithParamInterface<std::pair<Version, End>> {
 protected:
  RawClient connect(std::string_view device = "roof") {
    return world_.connect("alice", device, GetParam().first);
  }
  void restart() { RestartTest::restart(GetParam().second); }
};

TEST_P(RetainedTest, WhatWasAcknowledgedIsThere) {
  {
    auto alice = connect();
    for (std::uint8_t qos = 0; qos <= 2; ++qos)
      alice.publish("devices/alice/q" + std::to_string(qos), "on", {.qos = qos, .retain = true});
    alice.publish("devices/alice/changed", "before", {.retain = true});
    alice.publish("devices/alice/changed", "after", {.retain = true});
    alice.publish("devices/alice/deleted", "x", {.retain = true});
    alice.publish("devices/alice/deleted", "", {.retain = true});
    alice.publish("devices/alice/passing", "x");
    alice.publish("devices/alice/big", std::string(200'000, 'b'), {.retain = true});
    alice.publish("devices/alice/bytes", std::string("\0\xff\r\n", 4), {.retain = true});
    alice.ping();
  }
  for (int round = 0; round < 2; ++round) {
    restart();
    for (int qos = 0; qos <= 2; ++qos) {
      EXPECT_EQ(retained("devices/alice/q" + std::to_string(qos)), "on");
      EXPECT_EQ(last_.qos, qos);
    }
    EXPECT_EQ(retained("devices/alice/changed"), "after");
    EXPECT_EQ(retained("devices/alice/deleted"), "");
    EXPECT_EQ(retained("devices/alice/passing"), "");
    EXPECT_EQ(retained("devices/alice/big").size(), 200'000u);
    EXPECT_EQ(retained("devices/alice/bytes"), std::string("\0\xff\r\n", 4));
  }
}

TEST_P(RetainedTest, WhatIsDeletedAfterARestartStaysSo) {
  connect().publish("devices/alice/lamp", "on", {.retain = true});
  restart();
  connect().publish("devices/alice/lamp", "", {.retain = true});
  restart();
  EXPECT_EQ(retained("devices/alice/lamp"), "");
}

TEST_P(RetainedTest, LastWillsThatAreRetained) {
  auto options = world_.as("alice", "roof", GetParam().first);
  options.will = WillOptions{.topic = "devices/alice/online", .payload = "no", .retain = true};
  auto device = RawClient::connected(world_.broker.port(), options);
  device.publish("devices/alice/online", "yes", {.retain = true});
  auto watcher = world_.connect("alice", "watch");
  ASSERT_LT(watcher.subscribe("devices/alice/online"), 0x80);
  EXPECT_EQ(watcher.expect_on("devices/alice/online").payload, "yes");
  device.abort();
  EXPECT_EQ(watcher.expect_on("devices/alice/online").payload, "no");
  restart();
  EXPECT_EQ(retained("devices/alice/online"), "no");
}

INSTANTIATE_TEST_SUITE_P(Ends, RetainedTest,
                         testing::Values(std::pair(Version::v311, End::in_order),
                                         std::pair(Version::v311, End::killed),
                                         std::pair(Version::v5, End::in_order),
                                         std::pair(Version::v5, End::killed)),
                         [](const auto& p) {
                           return std::string(p.param.first == Version::v5 ? "v5" : "v311") +
                                  (p.param.second == End::killed ? "Killed" : "InOrder");
                         });

TEST_F(RestartTest, PropertiesStay) {
  std::string properties;
  mqtt::append_property(properties, mqtt::PropertyId::payload_format, 1);
  mqtt::append_property(properties, mqtt::PropertyId::content_type, "application/json");
  mqtt::append_property(properties, mqtt::PropertyId::response_topic, "devices/alice/answers");
  mqtt::append_property(properties, mqtt::PropertyId::correlation_data, std::string_view("\0\1\2", 3));
  mqtt::append_user_property(properties, "unit", "lumen");
  mqtt::append_user_property(properties, "unit", "watt");
  world_.connect("alice", "roof")
      .publish("devices/alice/lamp", "{}", {.retain = true, .properties = properties});
  for (const End end : {End::killed, End::in_order, End::killed}) {
    restart(end);
    EXPECT_EQ(retained("devices/alice/lamp"), "{}");
    const auto property = [&](mqtt::PropertyId id) { return mqtt::find_property(last_.properties, id); };
    EXPECT_EQ(property(mqtt::PropertyId::payload_format)->number, 1u);
    EXPECT_EQ(property(mqtt::PropertyId::content_type)->text, "application/json");
    EXPECT_EQ(property(mqtt::PropertyId::response_topic)->text, "devices/alice/answers");
    EXPECT_EQ(property(mqtt::PropertyId::correlation_data)->text, std::string_view("\0\1\2", 3));
    int units = 0;
    std::string_view rest = last_.properties;
    while (const auto p = mqtt::next_property(rest))
      units += p->id == mqtt::PropertyId::user_property && p->text == "unit" ? 1 : 0;
    EXPECT_EQ(units, 2);
  }
}

// The wills of those who are connected when the broker ends are sent then.
TEST_F(RestartTest, TheWillsOfTheEndStay) {
  auto options = world_.as("alice", "roof");
  options.will = WillOptions{.topic = "devices/alice/online", .payload = "no", .retain = true};
  auto device = RawClient::connected(world_.broker.port(), options);
  device.publish("devices/alice/online", "yes", {.retain = true});
  restart(End::in_order);
  EXPECT_EQ(retained("devices/alice/online"), "no");
  restart(End::killed);
  EXPECT_EQ(retained("devices/alice/online"), "no");
}

TEST_F(RestartTest, ARetainedMessagesTimeGoesOn) {
  std::string properties;
  mqtt::append_property(properties, mqtt::PropertyId::message_expiry, 1000);
  world_.connect("alice").publish("devices/alice/door", "open", {.retain = true, .properties = properties});
  for (int round = 0; round < 2; ++round) {
    restart(End::in_order);
    EXPECT_EQ(retained("devices/alice/door"), "open");
    const auto left = mqtt::find_property(last_.properties, mqtt::PropertyId::message_expiry);
    ASSERT_TRUE(left) << "it would stay for ever";
    EXPECT_LE(left->number, 1000u);
    EXPECT_GT(left->number, 900u);
  }
}

class SessionsTest : public RestartTest, public testing::WithParamInterface<Version> {
 protected:
  RawClient keeping(std::string_view user, std::string_view device, std::string client_id = {}) {
    return RestartTest::keeping(user, device, GetParam(), std::move(client_id));
  }
  void send(std::string_view body) {
    auto reader = world_.reader("olga", "general");
    EXPECT_EQ(world_.connect("bob").publish("rooms/general/send", message(body)), 0);
    EXPECT_EQ(text(expect_event(reader, "general"), "body"), body);
  }
};

TEST_P(SessionsTest, SubscriptionsAndQueuesStay) {
  {
    auto alice = keeping("alice", "phone");
    ASSERT_EQ(alice.subscribe("rooms/general/messages/json"), 1);
    ASSERT_EQ(alice.subscribe("devices/alice/#"), 1);
    alice.disconnect();
  }
  send("before");
  world_.connect("alice", "roof").publish("devices/alice/x", "queued");
  for (const char* body : {"between", "after"}) {
    restart(End::in_order);
    send(body);
  }
  // Nobody else reads JSON now: it is made for her alone.
  restart(End::in_order);
  EXPECT_EQ(world_.connect("bob").publish("rooms/general/send", message("for her")), 0);
  auto alice = keeping("alice", "phone");
  EXPECT_TRUE(session_present_);
  for (const char* body : {"before", "between", "after", "for her"})
    EXPECT_EQ(text(expect_event(alice, "general"), "body"), body);
  send("live");
  EXPECT_EQ(text(expect_event(alice, "general"), "body"), "live");
  alice.publish("devices/alice/y", "echo");
  EXPECT_EQ(alice.expect_on("devices/alice/y").payload, "echo");
}

// No fact tells of services, and the JSON of a room is made only for those who read it.
TEST_P(SessionsTest, AServiceGoesOnReadingAllRooms) {
  const auto service = [&] {
    ConnectOptions with{.client_id = "probe:archive", .password = world_.broker.service_token("archive")};
    with.version = GetParam();
    with.clean = false;
    with.session_expiry_s = session_expiry_s_;
    RawClient client(world_.broker.port(), GetParam());
    const auto connack = client.connect(with);
    EXPECT_EQ(connack.reason, 0);
    session_present_ = connack.session_present;
    return client;
  };
  {
    auto archive = service();
    ASSERT_EQ(archive.subscribe("rooms/+/messages/json", 1), 1);
    archive.disconnect();
  }
  for (const char* body : {"between", "after"}) {
    restart(End::in_order);
    auto other = world_.reader("olga", "general", "reader", "ndjson");  // it has been delivered, but as JSON?
    EXPECT_EQ(world_.connect("bob").publish("rooms/general/send", message(body)), 0);
    EXPECT_EQ(text(expect_event(other, "general", "ndjson"), "body"), body);
  }
  auto archive = service();
  EXPECT_TRUE(session_present_);
  for (const char* body : {"between", "after"})
    EXPECT_EQ(text(expect_event(archive, "general"), "body"), body);
  EXPECT_EQ(world_.connect("bob").publish("rooms/general/send", message("live")), 0);
  EXPECT_EQ(text(expect_event(archive, "general"), "body"), "live");
}

// What is retained is not delivered once more to those who were there before.
TEST_P(SessionsTest, RetainedMessagesAreNotRepeated) {
  {
    auto alice = keeping("alice", "phone");
    ASSERT_EQ(alice.subscribe("devices/alice/#"), 1);
    alice.publish("devices/alice/lamp", "on", {.retain = true});
    EXPECT_EQ(alice.expect_on("devices/alice/lamp").payload, "on");
    alice.disconnect();
  }
  restart(End::in_order);
  auto alice = keeping("alice", "phone");
  EXPECT_TRUE(session_present_);
  EXPECT_TRUE(alice.silent());
  EXPECT_EQ(retained("devices/alice/lamp"), "on");
}

TEST_P(SessionsTest, AClientIdStaysItsOwners) {
  keeping("alice", "phone", "archive-1").subscribe("rooms/general/messages/json");
  restart(End::in_order);
  EXPECT_THROW(keeping("bob", "phone", "archive-1"), std::runtime_error);
  keeping("alice", "phone", "archive-1");
  EXPECT_TRUE(session_present_);
}

TEST_P(SessionsTest, WhoIsPutOutMeanwhileReadsNothing) {
  {
    auto alice = keeping("alice", "phone");
    ASSERT_EQ(alice.subscribe("rooms/general/messages/json"), 1);
    alice.disconnect();
  }
  send("not for her any more");
  restart(End::in_order);
  world_.admin = Admin(world_.broker, "again");
  world_.admin.remove_member("general", "alice");
  send("secret");
  auto alice = keeping("alice", "phone");
  EXPECT_TRUE(session_present_);
  EXPECT_TRUE(alice.silent());
  world_.admin.put_member("general", "alice");
  send("welcome back");
  EXPECT_EQ(text(expect_event(alice, "general"), "body"), "welcome back");
}

TEST_P(SessionsTest, WhoIsBlockedMeanwhileIsNotLetIn) {
  keeping("alice", "phone").subscribe("rooms/general/messages/json");
  restart(End::in_order);
  world_.admin = Admin(world_.broker, "again");
  world_.admin.apply({UserPut{.user = "alice", .limits = "unlimited", .status = UserStatus::blocked}});
  EXPECT_THROW(keeping("alice", "phone"), std::runtime_error);
}

// The file is good for one start: after a crash it would bring back subscriptions that have ended, and hide
// that others are missing.
TEST_P(SessionsTest, ACrashEndsThem) {
  keeping("alice", "phone").subscribe("rooms/general/messages/json");
  restart(End::in_order);
  const Deadline deadline(kPatience);
  while (std::filesystem::exists(snapshot()) && !deadline.passed()) world_.connect("bob").ping();
  EXPECT_FALSE(std::filesystem::exists(snapshot()));
  restart(End::killed);
  keeping("alice", "phone");
  EXPECT_FALSE(session_present_);
}

// Clients without a name among those with one: what Mosquitto 2.0.11 writes of them is another's.
TEST_P(SessionsTest, NobodysSessionsStayToo) {
  for (const char* user : {"alice", "bob"}) keeping(user, "phone").subscribe("rooms/general/messages/json");
  const auto nobody = [&](std::string id) {
    return ConnectOptions{.client_id = std::move(id),
                          .version = GetParam(),
                          .clean = false,
                          .session_expiry_s = session_expiry_s_};
  };
  for (int i = 0; i < 20; ++i) {
    auto sensor = RawClient::connected(world_.broker.port(), nobody("sensor-" + std::to_string(i)));
    ASSERT_LT(sensor.subscribe("open/#"), 0x80);
    sensor.disconnect();
  }
  restart(End::in_order);
  world_.connect("alice", "roof").publish("devices/alice/x", "x");
  RawClient publisher = RawClient::connected(world_.broker.port(), {.client_id = "p", .version = GetParam()});
  publisher.publish("open/news", "hello");
  for (int i = 0; i < 20; ++i) {
    RawClient sensor(world_.broker.port(), GetParam());
    EXPECT_TRUE(sensor.connect(nobody("sensor-" + std::to_string(i))).session_present) << i;
    EXPECT_EQ(sensor.expect_on("open/news").payload, "hello");
  }
  for (const char* user : {"alice", "bob"}) {
    keeping(user, "phone");
    EXPECT_TRUE(session_present_) << user;
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, SessionsTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& p) { return p.param == Version::v5 ? "v5" : "v311"; });

TEST_F(RestartTest, ASessionThatNobodyComesBackToEnds) {
  session_expiry_s_ = 1;
  keeping("alice", "phone").disconnect();
  restart(End::in_order);
  EXPECT_TRUE(world_.broker.logged("Expiring client alice:phone"));
  keeping("alice", "phone");
  EXPECT_FALSE(session_present_);
}

// Five of one user fill the disk for nobody; what is refused is said, in 3.1.1 by the event alone.
TEST(RetainedLimitTest, IsToldAndCounts) {
  World world(options({"pass_through.retained_messages = 5"}));
  auto alice = world.listener("alice");
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(alice.publish("devices/alice/" + std::to_string(i), "x", {.retain = true}), 0);
  EXPECT_EQ(alice.publish("devices/alice/more", "x", {.retain = true}), 0x87);
  EXPECT_NE(text(expect_error(alice, "alice", "too_large"), "message").find("5 retained messages"),
            std::string::npos);
  auto old = world.listener("alice", "old", Version::v311);
  old.publish("devices/alice/more", "x", {.retain = true});
  expect_error(old, "alice", "too_large");
  world.broker.kill9();
  world.broker.start();
  auto again = world.connect("alice");
  EXPECT_EQ(again.publish("devices/alice/more", "x", {.retain = true}), 0x87) << "counted over the restart";
  EXPECT_EQ(again.publish("devices/alice/0", "", {.retain = true}), 0);
  EXPECT_EQ(again.publish("devices/alice/more", "x", {.retain = true}), 0);
}

}  // namespace
}  // namespace parley::test
