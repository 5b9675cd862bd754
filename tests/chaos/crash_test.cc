// The broker dies again and again under load; what its clients remember must agree with its log.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdio>
#include <random>

#include "tests/chaos/chaos_options.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/fault_shim.h"
#include "tests/chaos/load.h"
#include "tests/support/admin.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

// Rounds of a plain run, so that it takes less than a minute; more by --rounds.
constexpr int kKillRounds = 25;
constexpr int kPowerRounds = 15;

std::vector<Seen> whole_log(const Broker& broker) {
  Admin admin(broker, "checker");
  std::vector<Seen> log;
  for (const auto& event : admin.read_log()) log.push_back(seen_of(event));
  return log;
}

class CrashTest : public testing::Test {
 protected:
  CrashTest() : shim_(broker_.data(), broker_.folder()) {}

  void begin(bool with_shim) {
    if (with_shim) broker_.set_env(shim_.environment());
    broker_.start();
    Admin admin(broker_);
    admin.apply(Load::facts(options_));
    version_ = admin.version();
    load_ = std::make_unique<Load>(broker_, options_);
  }

  // Lets some messages through, then kills; now and then kills a broker that is still starting.
  void live_and_die() {
    if (random_() % 8 == 0) {
      broker_.launch();
      poll(nullptr, 0, static_cast<int>(random_() % 60));
      broker_.kill9();
    } else {
      if (!broker_.running()) broker_.start();
      ASSERT_TRUE(load_->wait_acked(load_->acked() + 1 + random_() % 1500, 3 * kPatience))
          << "nothing was acknowledged";
      broker_.kill9();
    }
  }

  void finish_and_check(Loss loss) {
    if (!broker_.running()) broker_.start();
    ASSERT_TRUE(load_->finish(60s)) << "messages stay unacknowledged though the broker is up";
    EXPECT_EQ(Admin(broker_).version(), version_) << "facts that were answered for are lost";
    const auto log = whole_log(broker_);
    for (const auto& fault : check(log, load_->publishers(), load_->readers(), loss)) ADD_FAILURE() << fault;
    std::printf("%zu in the log, %llu acknowledged, %llu seen by readers\n", log.size(),
                static_cast<unsigned long long>(load_->acked()),
                static_cast<unsigned long long>(load_->seen()));
    EXPECT_GT(load_->seen(), 0u);
  }

  std::mt19937_64 random_{chaos_options().seed};
  LoadOptions options_;
  Broker broker_{{.start = false}};
  FaultShim shim_;
  std::uint64_t version_ = 0;
  std::unique_ptr<Load> load_;
};

TEST_F(CrashTest, KillNineAtRandomMoments) {
  begin(false);
  const int rounds = chaos_options().rounds.value_or(kKillRounds);
  for (int round = 0; round < rounds && !HasFatalFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    live_and_die();
  }
  finish_and_check(Loss::nothing);
}

TEST_F(CrashTest, PowerFailureAtRandomMoments) {
  begin(true);
  const int rounds = chaos_options().rounds.value_or(kPowerRounds);
  std::uint64_t dropped = 0;
  for (int round = 0; round < rounds && !HasFatalFailure(); ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    live_and_die();
    dropped += shim_.drop_unsynced(random_);
  }
  std::printf("%llu bytes dropped\n", static_cast<unsigned long long>(dropped));
  EXPECT_GT(dropped, 0u) << "the test dropped nothing, so it proves nothing";
  finish_and_check(Loss::unseen);
}

}  // namespace
}  // namespace parley::test
