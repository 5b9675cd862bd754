// What readers of a room see: one order, numbered, the same in each form, and only for who may see it now.
#include <gtest/gtest.h>

#include <map>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

// Reads until `count` events have come, whatever frames they come in.
std::vector<json::object> read_events(RawClient& reader, std::string_view topic, std::size_t count) {
  std::vector<json::object> events;
  while (events.size() < count) {
    for (auto& event : events_in(reader.expect_on(topic))) events.push_back(std::move(event));
  }
  return events;
}

void expect_chain(const std::vector<json::object>& events, std::uint64_t prev = 0) {
  for (const auto& event : events) {
    EXPECT_EQ(number(event, "prev"), prev);
    EXPECT_GT(number(event, "seq"), prev);
    prev = number(event, "seq");
  }
}

TEST(DeliverTest, ThreeFormsCarryTheSame) {
  World world;
  auto frames = world.reader("bob", "general", "r1", "");
  auto lines = world.reader("bob", "general", "r2", "ndjson");
  auto objects = world.reader("bob", "general", "r3", "json");
  auto alice = world.connect("alice");
  // Pipelined, so that frames of several events come up.
  constexpr int kCount = 300;
  for (int i = 0; i < kCount; ++i) {
    alice.send_publish("rooms/general/send", message("text " + std::to_string(i), "c" + std::to_string(i)));
  }
  const auto a = read_events(frames, "rooms/general/messages", kCount);
  const auto b = read_events(lines, "rooms/general/messages/ndjson", kCount);
  const auto c = read_events(objects, "rooms/general/messages/json", kCount);
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, c);
  expect_chain(a);
  for (int i = 0; i < kCount; ++i)
    EXPECT_EQ(text(a[static_cast<std::size_t>(i)], "cid"), "c" + std::to_string(i));
}

TEST(DeliverTest, OneOrderForAllReadersOfManyWriters) {
  World world;
  std::vector<RawClient> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(world.reader("bob", "general", "r" + std::to_string(i), ""));
  std::vector<RawClient> writers;
  for (const char* user : {"alice", "bob", "olga", "adam"}) writers.push_back(world.connect(user));
  constexpr std::size_t kEach = 100;
  for (std::size_t i = 0; i < kEach; ++i) {
    for (auto& writer : writers) writer.send_publish("rooms/general/send", message(std::to_string(i)));
  }
  const auto first = read_events(readers[0], "rooms/general/messages", 4 * kEach);
  expect_chain(first);
  for (auto& reader : readers) {
    if (&reader == &readers[0]) continue;
    EXPECT_EQ(read_events(reader, "rooms/general/messages", 4 * kEach), first);
  }
  std::map<std::string, std::size_t> next;  // each writer's own messages stay in order
  for (const auto& event : first) {
    EXPECT_EQ(text(event, "body"), std::to_string(next[text(event, "from")]++));
  }
}

TEST(DeliverTest, RoomsAreNumberedApart) {
  World world;
  auto general = world.reader("olga", "general", "r1");
  auto attic = world.reader("olga", "attic", "r2");
  auto olga = world.connect("olga");
  for (const char* room : {"general", "attic", "general", "attic"}) {
    olga.publish(send_topic(room), message("hi"));
  }
  for (auto* reader : {&general, &attic}) {
    const std::string_view room = reader == &general ? "general" : "attic";
    const auto first = expect_event(*reader, room);
    const auto second = expect_event(*reader, room);
    EXPECT_EQ(number(first, "prev"), 0u);
    EXPECT_EQ(number(second, "prev"), number(first, "seq"));
  }
}

TEST(DeliverTest, IdsRiseOverAllRooms) {
  World world;
  auto olga = world.listener("olga");
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    olga.publish(send_topic(i % 2 == 0 ? "general" : "attic"), message("hi", "i" + std::to_string(i)));
    const std::uint64_t id = std::stoull(text(expect_ack(olga, "olga", "i" + std::to_string(i)), "id"));
    EXPECT_GT(id, last);
    last = id;
  }
}

TEST(DeliverTest, DuplicateCidAfterRestartAndKill) {
  World world;
  json::object first;
  {
    auto alice = world.listener("alice");
    alice.publish("rooms/general/send", message("once", "keep"));
    first = expect_ack(alice, "alice", "keep");
  }
  for (const bool kill : {false, true}) {
    if (kill) {
      world.broker.kill9();
    } else {
      EXPECT_EQ(world.broker.terminate(), 0);
    }
    world.broker.start();
    auto alice = world.listener("alice");
    auto reader = world.reader("bob", "general");
    alice.publish("rooms/general/send", message("once", "keep"));
    const auto again = expect_ack(alice, "alice", "keep");
    EXPECT_EQ(number(again, "seq"), number(first, "seq"));
    EXPECT_EQ(text(again, "id"), text(first, "id"));
    EXPECT_TRUE(again.at("duplicate").as_bool());
    EXPECT_TRUE(reader.silent());
    // The chain goes on where it was.
    alice.publish("rooms/general/send", message("more", kill ? "more2" : "more1"));
    const auto next = expect_event(reader, "general");
    if (!kill) {
      EXPECT_EQ(number(next, "prev"), number(first, "seq"));
    }
    EXPECT_GT(number(next, "seq"), number(next, "prev"));
  }
  Admin admin(world.broker, "again");
  EXPECT_EQ(admin.read_log("general").size(), 3u);
}

TEST(DeliverTest, RemovedMemberHearsNothingMore) {
  World world;
  auto bob = world.reader("bob", "general", "r1");
  auto bob_frames = world.reader("bob", "general", "r2", "");
  auto alice = world.connect("alice");
  alice.publish("rooms/general/send", message("bob is here"));
  EXPECT_EQ(text(expect_event(bob, "general"), "body"), "bob is here");
  bob_frames.expect_on("rooms/general/messages");
  world.admin.remove_member("general", "bob");
  auto olga = world.reader("olga", "general");
  alice.publish("rooms/general/send", message("bob is gone"));
  EXPECT_EQ(text(expect_event(olga, "general"), "body"), "bob is gone");
  const auto heard = [](RawClient& client) {
    try {
      client.ping();
    } catch (const std::runtime_error&) {
      // Cut by closing the connection: right as well.
    }
    const auto message = client.next(kSilence);
    return message && message->topic.starts_with("rooms/");
  };
  EXPECT_FALSE(heard(bob));
  EXPECT_FALSE(heard(bob_frames));
  auto again = world.connect("bob", "again");
  EXPECT_GE(again.subscribe("rooms/general/messages"), 0x80);
  again.publish("rooms/general/send", message("let me in"));
  EXPECT_EQ(world.admin.read_log("general").size(), 2u);
}

TEST(DeliverTest, RemovedRoomIsGone) {
  World world;
  auto bob = world.reader("bob", "general");
  world.admin.apply({RoomRemove{.room = "general"}});
  auto alice = world.listener("alice");
  alice.publish("rooms/general/send", message("anyone?"));
  expect_error(alice, "alice", "room_not_found");
  EXPECT_FALSE(bob.next(kSilence).has_value());
}

TEST(DeliverTest, TwoDevicesOfOneUser) {
  World world;
  auto phone = world.reader("alice", "general", "phone");
  auto laptop = world.reader("alice", "general", "laptop");
  phone.publish("rooms/general/send", message("from my phone"));
  for (auto* device : {&phone, &laptop}) {
    const auto event = expect_event(*device, "general");
    EXPECT_EQ(text(event, "device"), "phone");
    EXPECT_EQ(text(event, "from"), "alice");
  }
}

TEST(DeliverTest, DurableSubscriberGetsWhatItMissed) {
  World world;
  auto options = world.as("bob", "tablet", Version::v311);
  options.clean = false;
  auto bob = RawClient::connected(world.broker.port(), options);
  ASSERT_EQ(bob.subscribe("rooms/general/messages/json", 1), 1);
  bob.disconnect();
  auto alice = world.connect("alice");
  for (int i = 0; i < 200; ++i) alice.publish("rooms/general/send", message("missed " + std::to_string(i)));
  // Each message becomes visible only once durable: wait for that before coming back.
  auto olga = world.reader("olga", "general");
  alice.publish("rooms/general/send", message("last"));
  expect_event(olga, "general");
  bob = RawClient(world.broker.port(), Version::v311);
  EXPECT_TRUE(bob.connect(options).session_present);
  auto events = read_events(bob, "rooms/general/messages/json", 201);
  expect_chain(events);
  EXPECT_EQ(text(events.front(), "body"), "missed 0");
  EXPECT_EQ(text(events.back(), "body"), "last");
}

TEST(DeliverTest, DurableSubscriberRemovedMeanwhileGetsNothing) {
  World world;
  auto options = world.as("bob", "tablet", Version::v311);
  options.clean = false;
  auto bob = RawClient::connected(world.broker.port(), options);
  ASSERT_EQ(bob.subscribe("rooms/general/messages/json", 1), 1);
  bob.disconnect();
  auto olga = world.reader("olga", "general");
  auto alice = world.connect("alice");
  alice.publish("rooms/general/send", message("for members"));
  expect_event(olga, "general");
  world.admin.remove_member("general", "bob");
  bob = RawClient(world.broker.port(), Version::v311);
  ASSERT_EQ(bob.connect(options).reason, 0);
  EXPECT_TRUE(bob.silent());
}

TEST(DeliverTest, OverlappingSubscriptionsAndQualities) {
  World world;
  auto bob = world.reader("bob", "general", "r1", "json");
  ASSERT_EQ(bob.subscribe("rooms/general/messages", 0), 0);
  auto alice = world.connect("alice");
  alice.publish("rooms/general/send", message("hello"));
  int json_count = 0;
  int frame_count = 0;
  for (int i = 0; i < 2; ++i) {
    const auto got = bob.next();
    ASSERT_TRUE(got.has_value());
    got->topic == "rooms/general/messages" ? ++frame_count : ++json_count;
    EXPECT_FALSE(got->retain);
  }
  EXPECT_EQ(json_count, 1);
  EXPECT_EQ(frame_count, 1);
  EXPECT_TRUE(bob.silent());
}

}  // namespace
}  // namespace parley::test
