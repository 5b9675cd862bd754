// Many clients, and some that do not keep up.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

std::uint64_t resident_kb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::string word;
  std::uint64_t kb = 0;
  while (status >> word) {
    if (word == "VmRSS:") status >> kb;
  }
  return kb;
}

TEST(CrowdTest, FiveThousandClients) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const int count = limit.rlim_max >= 6000 ? 5000 : static_cast<int>(limit.rlim_max) - 200;
  World world({.settings = {"limits.connections = 10000"}});
  world.admin.apply(
      {LimitsPut{.name = "crowd", .connections = 10'000}, UserPut{.user = "bob", .limits = "crowd"}});
  // One token for all: a signature each would be most of the test's time.
  const std::string token = world.broker.token("bob");
  std::vector<RawClient> crowd;
  for (int i = 0; i < count; ++i) {
    crowd.push_back(RawClient::connected(world.broker.port(),
                                         {.client_id = "bob:d" + std::to_string(i), .password = token}));
    ASSERT_LT(crowd.back().subscribe("rooms/general/messages", 0), 0x80);
  }
  auto alice = world.connect("alice");
  EXPECT_EQ(alice.publish("rooms/general/send", message("hello everybody")), 0);
  for (auto& client : crowd) {
    const auto events = events_in(client.expect_on("rooms/general/messages"));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(text(events[0], "body"), "hello everybody");
  }
}

TEST(CrowdTest, AStuckSubscriberCostsOnlyItself) {
  World world({.conf = {"max_queued_bytes 4194304"}});
  auto options = world.as("bob", "stuck");
  options.receive_buffer = 4096;
  auto stuck = RawClient::connected(world.broker.port(), options);
  ASSERT_EQ(stuck.subscribe("rooms/general/messages", 1), 1);
  auto reader = world.reader("bob", "general", "good", "");
  auto alice = world.connect("alice");
  const std::string body(20'000, 'x');
  constexpr int kCount = 3000;  // 60 MB that the stuck one never takes
  std::size_t heard = 0;
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(alice.publish("rooms/general/send", body), 0);
    while (auto frame = reader.next(0ms)) heard += events_in(*frame).size();
  }
  while (heard < kCount) heard += events_in(reader.expect_on("rooms/general/messages")).size();
  EXPECT_EQ(heard, static_cast<std::size_t>(kCount));
  EXPECT_LT(resident_kb(world.broker.pid()), 400u * 1024) << "what the stuck one did not take piles up";
  // It comes back and learns from `prev` that it has missed something.
  stuck.abort();
  auto back = world.reader("bob", "general", "stuck");
  alice.publish("rooms/general/send", message("now"));
  EXPECT_GT(number(expect_event(back, "general"), "prev"), 0u);
}

TEST(CrowdTest, ManyRooms) {
  World world;
  std::vector<ControlOp> ops;
  constexpr int kRooms = 500;
  for (int i = 0; i < kRooms; ++i) {
    const std::string room = "room-" + std::to_string(i);
    ops.push_back(RoomPut{.room = room, .limits = "unlimited"});
    ops.push_back(MemberPut{.room = room, .user = "alice"});
    ops.push_back(MemberPut{.room = room, .user = "bob"});
  }
  world.admin.apply(std::move(ops));
  auto bob = world.connect("bob");
  for (int i = 0; i < kRooms; ++i) {
    ASSERT_LT(bob.subscribe(messages_json_topic("room-" + std::to_string(i))), 0x80);
  }
  auto alice = world.connect("alice");
  for (int i = 0; i < kRooms; ++i)
    alice.send_publish(send_topic("room-" + std::to_string(i)), std::to_string(i));
  std::vector<bool> heard(kRooms, false);
  for (int i = 0; i < kRooms; ++i) {
    const auto publish = bob.next();
    ASSERT_TRUE(publish.has_value());
    const auto event = events_in(*publish).at(0);
    EXPECT_EQ(text(event, "room"), "room-" + text(event, "body"));
    heard[std::stoul(text(event, "body"))] = true;
  }
  EXPECT_EQ(std::count(heard.begin(), heard.end(), true), kRooms);
}

}  // namespace
}  // namespace parley::test
