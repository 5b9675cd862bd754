// Rate limits: who sends too much is told so and when to come back; others do not notice.
#include <gtest/gtest.h>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

TEST(LimitsTest, UserIsLimitedAndRecovers) {
  World world;
  auto lena = world.listener("lena");  // 2 a second, 3 at once
  int accepted = 0;
  int refused = 0;
  std::uint64_t retry_after = 0;
  for (int i = 0; i < 10; ++i) {
    if (lena.publish("rooms/general/send", message("hi", "l" + std::to_string(i))) == 0) {
      ++accepted;
      continue;
    }
    ++refused;
    const auto error = expect_error(lena, "lena", "rate_limited");
    EXPECT_EQ(text(error, "cid"), "l" + std::to_string(i));
    EXPECT_EQ(text(error, "room"), "general");
    retry_after = number(error, "retry_after_ms");
    EXPECT_GT(retry_after, 0u);
    EXPECT_LE(retry_after, 1000u) << "two a second: the next is never further away than half of one, roughly";
  }
  EXPECT_GE(accepted, 3);
  EXPECT_GT(refused, 0);
  // Each refusal says how long to wait, and waiting that long is enough in the end.
  Deadline deadline(kPatience);
  std::uint8_t reason = 1;
  while (reason != 0 && !deadline.passed()) {
    reason = lena.publish("rooms/general/send", message("again", "again"));
    if (reason != 0) lena.next(std::chrono::milliseconds(retry_after));
  }
  EXPECT_EQ(reason, 0);
}

TEST(LimitsTest, OthersAreNotAffected) {
  World world;
  auto lena = world.connect("lena");
  auto alice = world.connect("alice");
  for (int i = 0; i < 20; ++i) lena.publish("rooms/general/send", message("spam"));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(alice.publish("rooms/general/send", message("ham")), 0);
}

TEST(LimitsTest, DevicesOfOneUserShareTheLimit) {
  World world;
  auto phone = world.connect("lena", "phone");
  auto laptop = world.connect("lena", "laptop");
  int accepted = 0;
  for (int i = 0; i < 6; ++i) {
    accepted += phone.publish("rooms/general/send", message("p")) == 0;
    accepted += laptop.publish("rooms/general/send", message("l")) == 0;
  }
  EXPECT_LE(accepted, 6);
  EXPECT_GE(accepted, 3);
}

TEST(LimitsTest, RoomIsLimited) {
  World world;
  world.admin.apply(
      {LimitsPut{.name = "calm", .room_messages_per_s = 0.1}, RoomPut{.room = "general", .limits = "calm"}});
  auto alice = world.listener("alice");
  auto olga = world.connect("olga");
  int accepted = 0;
  for (int i = 0; i < 40; ++i) {
    accepted += (i % 2 == 0 ? alice : olga).publish("rooms/general/send", message("hi")) == 0;
  }
  EXPECT_LT(accepted, 40) << "the room's limit holds for all its people together";
  expect_error(alice, "alice", "rate_limited");
  // Another room is another bucket.
  EXPECT_EQ(olga.publish("rooms/attic/send", message("hi")), 0);
}

TEST(LimitsTest, RefusedMessagesCanBeSentAgainWithTheirCid) {
  World world;
  auto lena = world.listener("lena");
  std::string refused;
  for (int i = 0; i < 10; ++i) {
    const std::string cid = "n" + std::to_string(i);
    if (lena.publish("rooms/general/send", message("hi", cid)) != 0) refused = cid;
  }
  ASSERT_FALSE(refused.empty());
  world.admin.put_user("lena", "unlimited");
  EXPECT_EQ(lena.publish("rooms/general/send", message("hi", refused)), 0);
  EXPECT_FALSE(expect_ack(lena, "lena", refused).at("duplicate").as_bool());
}

TEST(LimitsTest, DefaultsComeFromTheConfiguration) {
  World world({.settings = {"limits.messages_per_s = 1", "limits.burst = 2", "limits.connections = 1"}});
  world.admin.put_user("alice", "default");
  auto alice = world.connect("alice");
  int accepted = 0;
  for (int i = 0; i < 10; ++i) accepted += alice.publish("rooms/general/send", message("hi")) == 0;
  EXPECT_GE(accepted, 2);
  EXPECT_LE(accepted, 4);
  RawClient second(world.broker.port());
  EXPECT_NE(second.connect(world.as("alice", "laptop")).reason, 0);
}

}  // namespace
}  // namespace parley::test
