#include "schemas/snowflake.h"

#include <gtest/gtest.h>

namespace parley {
namespace {

constexpr std::uint64_t kNow = 1'763'683'200'000;

TEST(Snowflake, HoldsTimeAndNode) {
  Snowflake ids(777);
  const MessageId id = ids.next(kNow);
  EXPECT_EQ(snowflake_ms(id), kNow);
  EXPECT_EQ(snowflake_node(id), 777);
  EXPECT_EQ(ids.last(), id);
}

TEST(Snowflake, RisesWhileTheClockStandsStill) {
  Snowflake ids(1);
  MessageId last{0};
  for (int i = 0; i < 20'000; ++i) {
    const MessageId id = ids.next(kNow);
    ASSERT_GT(raw(id), raw(last));
    ASSERT_EQ(snowflake_node(id), 1);
    last = id;
  }
  // 4,096 ids a millisecond: 20,000 of them borrow four milliseconds.
  EXPECT_EQ(snowflake_ms(last), kNow + 4);
}

TEST(Snowflake, GivesExactlyAllIdsOfAMillisecond) {
  Snowflake ids(1023);
  for (int i = 0; i < 4096; ++i) ASSERT_EQ(snowflake_ms(ids.next(kNow)), kNow);
  EXPECT_EQ(snowflake_ms(ids.next(kNow)), kNow + 1);
  EXPECT_EQ(snowflake_node(ids.last()), 1023);
}

TEST(Snowflake, RisesWhenTheClockJumpsBack) {
  Snowflake ids(5);
  const MessageId before = ids.next(kNow);
  const MessageId after = ids.next(kNow - 3'600'000);
  EXPECT_GT(raw(after), raw(before));
  EXPECT_EQ(snowflake_ms(after), kNow);
  EXPECT_GT(raw(ids.next(0)), raw(after));
  EXPECT_EQ(snowflake_ms(ids.next(kNow + 1)), kNow + 1);
}

TEST(Snowflake, TellsHowFarItIsAheadOfTheClock) {
  constexpr std::uint64_t kDays40 = 40ull * 86'400'000;
  Snowflake ids(5);
  EXPECT_EQ(ids.ahead_ms(0), 0u);
  ids.next(kNow + kDays40);
  EXPECT_EQ(ids.ahead_ms(kNow + kDays40), 0u);
  EXPECT_EQ(ids.ahead_ms(kNow), kDays40);
  EXPECT_EQ(ids.ahead_ms(kNow + 1000), kDays40 - 1000);
  EXPECT_EQ(ids.ahead_ms(kNow + kDays40 + 1), 0u);
  EXPECT_EQ(Snowflake(5, ids.last()).ahead_ms(kNow), kDays40);
}

// Twenty thousand a second for as long as it takes the clock to catch up with 40 days would borrow 5 ms of
// each second.
TEST(Snowflake, ManyIdsWhileTheClockIsBehindBorrowLittle) {
  constexpr std::uint64_t kDays40 = 40ull * 86'400'000;
  Snowflake ids(5);
  MessageId last = ids.next(kNow + kDays40);
  for (int i = 0; i < 1'000'000; ++i) {
    const MessageId id = ids.next(kNow + static_cast<std::uint64_t>(i) / 20);
    ASSERT_GT(raw(id), raw(last));
    ASSERT_EQ(snowflake_node(id), 5);
    last = id;
  }
  EXPECT_LE(ids.ahead_ms(kNow), kDays40 + 1'000'000 / 4096 + 1);
  EXPECT_EQ(snowflake_ms(ids.next(kNow + kDays40 + 1000)), kNow + kDays40 + 1000);
}

TEST(Snowflake, GoesOnAfterARestartWithTheLastIdInTheFuture) {
  Snowflake before(5);
  const MessageId future = before.next(kNow + 60'000);
  Snowflake after(5, future);
  EXPECT_EQ(after.last(), future);
  const MessageId next = after.next(kNow);
  EXPECT_GT(raw(next), raw(future));
  EXPECT_EQ(snowflake_ms(next), kNow + 60'000);
}

TEST(Snowflake, RisesWhenTheNodeWasRenumbered) {
  Snowflake high(1000);
  const MessageId last = high.next(kNow);
  Snowflake low(2, last);
  const MessageId next = low.next(kNow);
  EXPECT_GT(raw(next), raw(last));
  EXPECT_EQ(snowflake_node(next), 2);
}

TEST(Snowflake, NeverGivesOutZeroNorLetsANodeSpillOver) {
  Snowflake zero(0);
  EXPECT_NE(raw(zero.next(0)), 0u);
  EXPECT_GT(raw(zero.next(0)), 1u);
  Snowflake wide(0xffff);
  EXPECT_EQ(snowflake_node(wide.next(kNow)), 1023);
  EXPECT_EQ(snowflake_ms(wide.last()), kNow);
}

}  // namespace
}  // namespace parley
