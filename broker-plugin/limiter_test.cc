#include "broker-plugin/limiter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace parley::plugin {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr std::uint64_t kStart = 1'000'000'000'000;
std::uint64_t at(nanoseconds t) { return kStart + static_cast<std::uint64_t>(t.count()); }

TEST(TokenBucket, ANewOneHoldsTheWholeBurst) {
  TokenBucket bucket;
  for (int i = 0; i < 30; ++i) EXPECT_EQ(take(bucket, 10, 30, kStart), 0ns) << i;
  EXPECT_EQ(take(bucket, 10, 30, kStart), 100ms);
}

TEST(TokenBucket, RefillsWithTimeUpToTheBurst) {
  TokenBucket bucket;
  for (int i = 0; i < 30; ++i) take(bucket, 10, 30, kStart);
  EXPECT_GT(take(bucket, 10, 30, at(99ms)), 0ns);
  EXPECT_EQ(take(bucket, 10, 30, at(100ms)), 0ns);
  EXPECT_EQ(take(bucket, 10, 30, at(100ms)), 100ms);
  int admitted = 0;
  while (take(bucket, 10, 30, at(1h)) == 0ns) ++admitted;
  EXPECT_EQ(admitted, 30);
}

TEST(TokenBucket, WhoWaitsAsToldIsAdmitted) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    const Rate rate{std::exp2(static_cast<double>(random() % 40) - 15) * 1.1,
                    1.0 + static_cast<double>(random() % 5)};
    TokenBucket bucket;
    std::uint64_t now = kStart + random() % 1'000'000'000;
    nanoseconds wait{0};
    while (wait == 0ns) wait = take(bucket, rate, now);
    EXPECT_GT(wait, 0ns);
    now += static_cast<std::uint64_t>(wait.count());
    EXPECT_EQ(take(bucket, rate, now), 0ns) << rate.per_s;
  }
}

TEST(TokenBucket, InTheLongRunTheRateHolds) {
  TokenBucket bucket;
  const Rate rate{1000.0 / 60, 5};
  int admitted = 0;
  // Asks every 137 us for 60 s: rounding must neither eat tokens nor make any.
  for (std::uint64_t t = 0; t < 60'000'000'000; t += 137'000)
    if (take(bucket, rate, kStart + t) == 0ns) ++admitted;
  EXPECT_GE(admitted, 1004);
  EXPECT_LE(admitted, 1005);
}

TEST(TokenBucket, AClockThatGoesBackNeitherGivesNorLocks) {
  TokenBucket bucket;
  for (int i = 0; i < 3; ++i) take(bucket, 10, 3, at(1h));
  EXPECT_EQ(take(bucket, 10, 3, kStart), 100ms);
  EXPECT_EQ(take(bucket, 10, 3, at(100ms)), 0ns) << "goes on from the earlier time";
}

TEST(TokenBucket, RateOfNothingAdmitsNothing) {
  TokenBucket bucket;
  for (const double rate : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(take(bucket, rate, 30, kStart), kNever);
    EXPECT_EQ(take(bucket, rate, 30, at(1h)), kNever);
  }
  EXPECT_EQ(take(bucket, 10, 30, at(2h)), 0ns) << "and is usable once there is a rate";
  TokenBucket slow;
  EXPECT_EQ(take(slow, 1e-12, 1, kStart), 0ns);
  EXPECT_EQ(take(slow, 1e-12, 1, kStart), kNever) << "longer than can be told";
}

TEST(TokenBucket, ABurstBelowOneStillAdmitsOne) {
  TokenBucket bucket;
  EXPECT_EQ(take(bucket, 10, 0, kStart), 0ns);
  EXPECT_EQ(take(bucket, 10, 0, kStart), 100ms);
}

TEST(TokenBucket, FollowsAChangedRate) {
  TokenBucket bucket;
  EXPECT_EQ(take(bucket, 10, 30, kStart), 0ns);
  int admitted = 0;
  while (take(bucket, 1, 2, kStart) == 0ns) ++admitted;
  EXPECT_EQ(admitted, 2) << "a smaller burst cuts what had been gathered";
  EXPECT_EQ(take(bucket, 1, 2, kStart), 1s);
  EXPECT_EQ(take(bucket, 100, 200, kStart), 10ms);
}

TEST(TokenBucket, TakingBothIsAllOrNothing) {
  TokenBucket user, room;
  const Rate user_rate{10, 3}, room_rate{1, 1};
  EXPECT_EQ(take_both(user, user_rate, room, room_rate, kStart), 0ns);
  EXPECT_EQ(take_both(user, user_rate, room, room_rate, kStart), 1s);
  EXPECT_EQ(take_both(user, user_rate, room, room_rate, kStart), 1s);
  EXPECT_EQ(take(user, user_rate, kStart), 0ns);
  EXPECT_EQ(take(user, user_rate, kStart), 0ns) << "the refused ones did not spend the user's tokens";
  EXPECT_EQ(take(user, user_rate, kStart), 100ms);
  EXPECT_EQ(take_both(user, user_rate, room, {0, 1}, at(1h)), kNever);
}

TEST(TokenBucket, RefundGivesBackButNotMoreThanTheBurst) {
  TokenBucket bucket;
  const Rate rate{1, 2};
  take(bucket, rate, kStart);
  take(bucket, rate, kStart);
  refund(bucket, rate);
  EXPECT_EQ(take(bucket, rate, kStart), 0ns);
  for (int i = 0; i < 5; ++i) refund(bucket, rate);
  EXPECT_EQ(take(bucket, rate, kStart), 0ns);
  EXPECT_EQ(take(bucket, rate, kStart), 0ns);
  EXPECT_EQ(take(bucket, rate, kStart), 1s);
}

}  // namespace
}  // namespace parley::plugin
