#include "bridge/api/limits.h"

#include <gtest/gtest.h>

namespace parley::api {
namespace {

using namespace std::chrono_literals;

constexpr Ticks kStart{std::chrono::hours(1)};

TEST(Buckets, GiveABurstThenARate) {
  Buckets buckets(2, 3);
  Ticks now = kStart;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.take("a", now), 0ms);
  EXPECT_EQ(buckets.take("a", now), 500ms);
  EXPECT_EQ(buckets.take("a", now), 500ms);  // asking costs nothing
  EXPECT_EQ(buckets.take("b", now), 0ms);
  EXPECT_EQ(buckets.wait("a", now), 500ms);
  EXPECT_EQ(buckets.wait("nobody", now), 0ms);
  now += 500ms;
  EXPECT_EQ(buckets.take("a", now), 0ms);
  EXPECT_EQ(buckets.take("a", now), 500ms);
  now += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(buckets.take("a", now), 0ms);
  EXPECT_NE(buckets.take("a", now), 0ms);
}

TEST(Buckets, GiveBackAndForget) {
  Buckets buckets(1, 1);
  EXPECT_EQ(buckets.take("a", kStart), 0ms);
  buckets.put_back("a");
  EXPECT_EQ(buckets.take("a", kStart), 0ms);
  EXPECT_EQ(buckets.take("a", kStart), 1000ms);
  buckets.reset("a");
  EXPECT_EQ(buckets.take("a", kStart), 0ms);
  buckets.put_back("nobody");
  EXPECT_EQ(buckets.size(), 1u);
}

TEST(Buckets, AClockThatStepsBackGivesNothing) {
  Buckets buckets(1, 1);
  EXPECT_EQ(buckets.take("a", kStart), 0ms);
  EXPECT_EQ(buckets.take("a", kStart - 1h), 1000ms);
}

TEST(Buckets, ARateOfZeroIsNoLimit) {
  Buckets buckets(0, 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(buckets.take("a", kStart), 0ms);
  EXPECT_EQ(buckets.size(), 0u);
}

TEST(Buckets, RememberNoMoreThanTheyMay) {
  Buckets buckets(0.001, 2);
  EXPECT_EQ(buckets.take("victim", kStart), 0ms);
  EXPECT_EQ(buckets.take("victim", kStart), 0ms);
  for (std::size_t i = 0; i < 3 * Buckets::kMaxKeys; ++i) buckets.take("flood" + std::to_string(i), kStart);
  EXPECT_LE(buckets.size(), Buckets::kMaxKeys);
  // Somebody who is held back is not freed by a flood of names.
  EXPECT_NE(buckets.take("victim", kStart), 0ms);
}

TEST(Buckets, ForgetWhoHasBeenQuiet) {
  Buckets buckets(10, 10);
  for (int i = 0; i < 1000; ++i) buckets.take("k" + std::to_string(i), kStart);
  for (int i = 0; i < 1000; ++i) buckets.take("l" + std::to_string(i), kStart + 1h);
  EXPECT_LT(buckets.size(), 1100u);
}

TEST(Limits, OpenRoutesAreCountedApart) {
  BridgeLimits config;
  config.burst = 2;
  Limits limits(config, [] { return kStart; });
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limits.open_request("203.0.113.7", "/login"), 0ms);
  EXPECT_NE(limits.open_request("203.0.113.7", "/login"), 0ms);
  EXPECT_EQ(limits.open_request("203.0.113.7", "/refresh"), 0ms);
  EXPECT_EQ(limits.open_request("203.0.113.8", "/login"), 0ms);
  EXPECT_EQ(limits.guess_wait("203.0.113.7"), 0ms);
  for (int i = 0; i < 5; ++i) limits.guess("203.0.113.7");
  EXPECT_NE(limits.guess_wait("203.0.113.7"), 0ms);
  EXPECT_EQ(limits.guess_wait("203.0.113.8"), 0ms);
  EXPECT_EQ(limits.open_request("203.0.113.7", "/refresh"), 0ms);
}

TEST(Limits, AUserWhoseNameIsAnAddressHoldsNobodyUpThere) {
  BridgeLimits config;
  config.burst = 1;
  Limits limits(config, [] { return kStart; });
  EXPECT_EQ(limits.request_of("203.0.113.7"), 0ms);
  EXPECT_NE(limits.request_of("203.0.113.7"), 0ms);
  EXPECT_EQ(limits.guess_wait("203.0.113.7"), 0ms);
  EXPECT_EQ(limits.open_request("203.0.113.7", "/login"), 0ms);
}

TEST(Limits, AnIpv6NetworkIsOneAddress) {
  BridgeLimits config;
  config.burst = 2;
  Limits limits(config, [] { return kStart; });
  EXPECT_EQ(limits.open_request("2001:db8:1:2::1", "/"), 0ms);
  EXPECT_EQ(limits.open_request("2001:db8:1:2:ffff::7", "/"), 0ms);
  EXPECT_NE(limits.open_request("2001:db8:1:2:3::9", "/"), 0ms);
  EXPECT_EQ(limits.open_request("2001:db8:1:3::1", "/"), 0ms);
  for (const char* each : {"::ffff:192.0.2.1", "::ffff:192.0.2.2", "::ffff:192.0.2.3"})
    EXPECT_EQ(limits.open_request(each, "/"), 0ms) << each;
}

}  // namespace
}  // namespace parley::api
