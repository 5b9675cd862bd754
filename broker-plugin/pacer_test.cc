#include "broker-plugin/pacer.h"

#include <gtest/gtest.h>

namespace parley::plugin {
namespace {

using namespace std::chrono_literals;

TEST(Pacer, SmallRoomsHardlyWaitWhileTheBrokerHasTime) {
  const Pacer pacer(20ms);
  EXPECT_LT(pacer.pace(10), 200us);
  EXPECT_EQ(pacer.commit_gather(), 0ns);
  EXPECT_EQ(pacer.hold(), 0ns);
}

TEST(Pacer, LargeRoomsWaitForTheirFanOutButNeverPastTheCeiling) {
  const Pacer pacer(20ms);
  EXPECT_GT(pacer.pace(500), 2ms);
  EXPECT_LT(pacer.pace(500), 10ms);
  EXPECT_EQ(pacer.pace(100'000), 20ms);
}

TEST(Pacer, StretchesUnderLoadAndRelaxesAfter) {
  Pacer pacer(20ms);
  const auto idle = pacer.pace(10);
  for (int i = 0; i < 100; ++i) pacer.observe_load(0.99, 0ns);
  EXPECT_GT(pacer.pace(10), 10 * idle);
  EXPECT_LE(pacer.pace(10), 20ms);
  EXPECT_GT(pacer.commit_gather(), 0ns);
  EXPECT_EQ(pacer.hold(), 40ms);
  for (int i = 0; i < 200; ++i) pacer.observe_load(0.1, 0ns);
  EXPECT_EQ(pacer.pace(10), idle);
}

TEST(Pacer, ALateBrokerIsABusyBroker) {
  Pacer pacer(20ms);
  pacer.observe_load(0.2, 50ms);
  EXPECT_GT(pacer.pressure(), 1.0);
}

}  // namespace
}  // namespace parley::plugin
