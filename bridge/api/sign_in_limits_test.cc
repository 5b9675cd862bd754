#include "bridge/api/sign_in_limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "bridge/api/networks.h"

namespace parley::api {
namespace {

using namespace std::chrono_literals;

constexpr Ticks kStart{std::chrono::hours(1)};

TEST(Networks, AreWhatOneCustomerHas) {
  struct Case {
    const char* remote;
    const char* place;
    const char* network;
  };
  const Case cases[] = {
      {"203.0.113.7", "203.0.113.7", "203.0.113.0/24"},
      {"203.0.113.255", "203.0.113.255", "203.0.113.0/24"},
      {"203.0.114.7", "203.0.114.7", "203.0.114.0/24"},
      {"127.0.0.1", "127.0.0.1", "127.0.0.0/24"},
      {"::ffff:203.0.113.7", "203.0.113.7", "203.0.113.0/24"},
      {"::1", "::/64", "::/64"},
      {"2001:db8:1:2::1", "2001:db8:1:2::/64", "2001:db8:1:2::/64"},
      {"2001:DB8:1:2:ffff::7", "2001:db8:1:2::/64", "2001:db8:1:2::/64"},
      {"2001:db8:1:3::1", "2001:db8:1:3::/64", "2001:db8:1:3::/64"},
      {"unknown", "unknown", "unknown"},
      {"", "", ""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(place_of(each.remote), each.place) << each.remote;
    EXPECT_EQ(network_of(each.remote), each.network) << each.remote;
  }
}

class SignInLimitsTest : public testing::Test {
 protected:
  static BridgeLimits config() {
    BridgeLimits config;
    config.login_failures = 5;
    config.login_window = 300s;
    return config;
  }
  SignInLimits::Attempt begin(const std::string& user, const std::string& remote) {
    return limits_.begin(user, remote, [&] {
      ++asked_;
      return has_session_;
    });
  }
  // Gives whether the password was looked at; it is wrong.
  bool fail(const std::string& user, const std::string& remote) { return begin(user, remote).wait == 0ms; }
  bool succeed(const std::string& user, const std::string& remote) {
    const auto attempt = begin(user, remote);
    if (attempt.wait == 0ms) limits_.succeeded(attempt);
    return attempt.wait == 0ms;
  }
  int failures(const std::string& user, const std::string& remote, int tries) {
    int looked_at = 0;
    for (int i = 0; i < tries; ++i) looked_at += fail(user, remote);
    return looked_at;
  }
  static std::string address(int network, int host = 1) {
    return "10." + std::to_string(network / 256) + "." + std::to_string(network % 256) + "." +
           std::to_string(host);
  }

  Ticks now_ = kStart;
  bool has_session_ = false;
  int asked_ = 0;
  SignInLimits limits_{config(), [this] { return now_; }};
};

TEST_F(SignInLimitsTest, OnePlaceHasFiveGuessesAtOneUser) {
  EXPECT_EQ(failures("alice", "203.0.113.7", 20), 5);
  const auto refused = begin("alice", "203.0.113.7");
  EXPECT_EQ(refused.wait, 60s);
  EXPECT_EQ(failures("alice", "203.0.113.8", 20), 0) << "the network's other addresses are no others";
  EXPECT_EQ(failures("bob", "203.0.113.7", 20), 0) << "nor are other users, from this address";
  now_ += 60s;
  EXPECT_EQ(failures("alice", "203.0.113.7", 20), 1);
  now_ += 300s;
  EXPECT_EQ(failures("alice", "203.0.113.7", 20), 5);
}

TEST_F(SignInLimitsTest, StrangersLockNobodyOutWhereTheyAreAtHome) {
  ASSERT_TRUE(succeed("alice", "198.51.100.7"));
  for (int network = 0; network < 300; ++network) failures("alice", address(network), 5);
  EXPECT_FALSE(fail("alice", "192.0.2.1")) << "from everywhere together they have had enough";
  EXPECT_TRUE(succeed("alice", "198.51.100.7"));
  EXPECT_TRUE(succeed("alice", "198.51.100.99")) << "another address of home";
  EXPECT_EQ(failures("alice", "198.51.100.7", 20), 5) << "nobody guesses on from there";
}

TEST_F(SignInLimitsTest, AFewStrangersLockNobodyOutAnywhere) {
  for (int network = 0; network < 9; ++network) EXPECT_EQ(failures("alice", address(network), 9), 5);
  EXPECT_TRUE(succeed("alice", "192.0.2.1")) << "on a journey, never seen there before";
}

TEST_F(SignInLimitsTest, WhereASessionWasUsedIsHomeTooAfterARestart) {
  for (int network = 0; network < 300; ++network) failures("alice", address(network), 5);
  EXPECT_FALSE(succeed("alice", "198.51.100.7"));
  has_session_ = true;
  asked_ = 0;
  EXPECT_TRUE(succeed("alice", "198.51.100.7"));
  EXPECT_TRUE(succeed("alice", "198.51.100.7"));
  EXPECT_EQ(asked_, 1) << "and known from then on";
}

TEST_F(SignInLimitsTest, ManyUsersFromOnePlaceAreSoonEnough) {
  int looked_at = 0;
  for (int i = 0; i < 100; ++i) looked_at += fail("user" + std::to_string(i), "203.0.113.7");
  EXPECT_EQ(looked_at, 5) << "of one address";
  for (int i = 0; i < 2000; ++i) looked_at += fail("user" + std::to_string(i), address(1, i % 256));
  EXPECT_EQ(looked_at, 5 + 50) << "of one network";
  for (int i = 0; i < 100; ++i) looked_at += fail("u" + std::to_string(i), "2001:db8::" + std::to_string(i));
  EXPECT_EQ(looked_at, 5 + 50 + 5) << "of one IPv6 network, which is one address";
}

TEST_F(SignInLimitsTest, WhoSharesAnAddressWithAGuesserGoesOnSigningIn) {
  ASSERT_TRUE(succeed("alice", "203.0.113.7"));
  for (int i = 0; i < 100; ++i) fail("user" + std::to_string(i), "203.0.113.7");
  EXPECT_TRUE(succeed("alice", "203.0.113.7"));
  EXPECT_FALSE(succeed("carol", "203.0.113.7")) << "who was never seen here waits, as before";
}

TEST_F(SignInLimitsTest, AGuesserAmongTheKnownIsBoundedToo) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(succeed("user" + std::to_string(i), "203.0.113.7"));
  int looked_at = 0;
  for (int i = 0; i < 100; ++i) looked_at += fail("user" + std::to_string(i), "203.0.113.7");
  EXPECT_EQ(looked_at, 20);
}

TEST_F(SignInLimitsTest, ASuccessForgivesItsOwnFailuresAlone) {
  EXPECT_EQ(failures("alice", "203.0.113.7", 4), 4);
  EXPECT_TRUE(succeed("alice", "203.0.113.7"));
  EXPECT_EQ(failures("alice", "203.0.113.7", 9), 5);
  EXPECT_EQ(failures("bob", "203.0.113.7", 9), 1) << "this address has failed four times";
}

TEST_F(SignInLimitsTest, ManyRightPasswordsCostNothing) {
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(succeed("user" + std::to_string(i % 50), address(i % 3)));
}

TEST_F(SignInLimitsTest, AnAttemptThatComparedNothingChangesNothing) {
  EXPECT_TRUE(fail("alice", "203.0.113.7"));
  for (int i = 0; i < 500; ++i) {
    const auto attempt = begin("alice", "203.0.113.7");
    ASSERT_EQ(attempt.wait, 0ms);
    limits_.untried(attempt);
  }
  EXPECT_EQ(failures("alice", "203.0.113.7", 9), 4);
}

TEST_F(SignInLimitsTest, ARefusedAttemptIsNotCounted) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(fail("user" + std::to_string(i), "203.0.113.7"));
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(fail("alice", "203.0.113.7"));
  EXPECT_EQ(failures("alice", "203.0.113.8", 9), 5) << "neither for alice here";
  EXPECT_EQ(failures("alice", "192.0.2.1", 9), 5) << "nor for her everywhere";
}

// However they interleave, no more and no fewer are looked at than one after the other.
TEST_F(SignInLimitsTest, GuessesAtOnceAreCountedExactly) {
  for (int round = 0; round < 20; ++round) {
    const std::string user = "user" + std::to_string(round);
    std::atomic<int> looked_at = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10; ++n)
          looked_at += limits_.begin(user, address(round), [] { return false; }).wait == 0ms;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(looked_at, 5);
  }
}

TEST_F(SignInLimitsTest, WhatIsRememberedIsBounded) {
  for (std::size_t i = 0; i < SignInLimits::kMaxKnown + 10; ++i) {
    now_ += 1ms;
    ASSERT_TRUE(succeed("user" + std::to_string(i), "2001:db8::1"));
  }
  EXPECT_TRUE(begin("user" + std::to_string(SignInLimits::kMaxKnown + 9), "2001:db8::1").at_home);
  EXPECT_FALSE(begin("user0", "2001:db8::1").at_home);
}

}  // namespace
}  // namespace parley::api
