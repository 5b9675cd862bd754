#include "clients/cpp/backoff.h"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

TEST(Backoff, DoublesUpToTheCeiling) {
  Backoff backoff({Millis(100), Millis(1000)}, [] { return 0.999999; });
  EXPECT_EQ(backoff.next().count(), 99);
  EXPECT_EQ(backoff.next().count(), 199);
  EXPECT_EQ(backoff.next().count(), 399);
  EXPECT_EQ(backoff.next().count(), 799);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff.next().count(), 999);
}

TEST(Backoff, ChanceDecidesWithinTheUpperHalf) {
  double random = 0;
  Backoff backoff({Millis(100), Millis(1000)}, [&] { return random; });
  EXPECT_EQ(backoff.next().count(), 50);
  random = 0.5;
  EXPECT_EQ(backoff.next().count(), 150);
}

TEST(Backoff, ResetStartsShortAgain) {
  Backoff backoff({Millis(100), Millis(1000)}, [] { return 0.0; });
  backoff.next();
  backoff.next();
  backoff.reset();
  EXPECT_EQ(backoff.next().count(), 50);
}

}  // namespace
}  // namespace parley::client
