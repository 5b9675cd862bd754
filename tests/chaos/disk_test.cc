// A disk that is full, and one that fails to sync: refusals that say so, reading goes on, and nothing
// accepted is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/chaos/chaos_options.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/faulty_world.h"

namespace parley::test {
namespace {

class DiskTest : public testing::Test {
 protected:
  void expect_all_kept(Load& load) {
    ASSERT_TRUE(load.finish(60s)) << "messages stay unacknowledged though the disk is well again";
    for (const auto& fault : check(world_.log(), load.publishers(), load.readers(), Loss::nothing)) {
      ADD_FAILURE() << fault;
    }
  }
  // Sends messages, as many as it takes, until one is refused (or accepted); returns how many were accepted.
  int publish_until(RawClient& client, bool refused) {
    int accepted = 0;
    const Deadline deadline(kPatience);
    while (!deadline.passed()) {
      const std::string cid = "d" + std::to_string(next_++);
      const bool ok = client.publish("rooms/general/send", message(text_for(cid), cid)) == 0;
      if (ok) {
        ++accepted;
        acked_.push_back(cid);
      }
      if (ok != refused) return accepted;
    }
    ADD_FAILURE() << (refused ? "never refused" : "never accepted again");
    return accepted;
  }
  void expect_log_holds_what_was_acked() {
    std::vector<std::string> cids;
    for (const auto& event : world_.log()) cids.push_back(event.cid);
    for (const auto& cid : acked_) EXPECT_EQ(std::count(cids.begin(), cids.end(), cid), 1) << cid;
  }
  FaultyWorld world_;
  std::vector<std::string> acked_;
  int next_ = 0;
};

TEST_F(DiskTest, FullRefusesAndRecovers) {
  auto alice = world_.connect("alice");
  alice.subscribe("users/alice/events");
  auto old = world_.connect("alice", "old", Version::v311);
  old.subscribe("users/alice/events");
  for (int i = 0; i < 20; ++i) publish_until(alice, false);
  world_.shim.set_disk_full(true);
  publish_until(alice, true);
  auto error = expect_error(alice, "alice", "unavailable");
  EXPECT_GT(number(error, "retry_after_ms"), 0u);
  EXPECT_EQ(old.publish("rooms/general/send", message("3.1.1", "old")), 0);
  error = expect_error(old, "alice", "unavailable");

  // Reading goes on: the log, new connections, subscriptions, and facts from the replica.
  EXPECT_GE(world_.log().size(), acked_.size());
  auto bob = world_.connect("bob");
  EXPECT_LT(bob.subscribe("rooms/general/messages/json"), 0x80);

  world_.shim.set_disk_full(false);
  publish_until(alice, false);
  EXPECT_EQ(expect_event(bob, "general").at("cid"), json::value(acked_.back()));
  expect_log_holds_what_was_acked();
  world_.broker.kill9();
  world_.broker.start();
  expect_log_holds_what_was_acked();
}

TEST_F(DiskTest, FillsUpAgainAndAgainUnderLoad) {
  std::mt19937_64 random(chaos_options().seed);
  Load load(world_.broker, world_.options);
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE(load.wait_acked(load.acked() + 1 + random() % 1000, kPatience)) << "round " << round;
    world_.shim.set_disk_full(true);
    auto alice = world_.connect("alice");
    publish_until(alice, true);
    world_.shim.set_disk_full(false);
  }
  expect_all_kept(load);
}

TEST_F(DiskTest, FullDiskAndKill) {
  std::mt19937_64 random(chaos_options().seed);
  Load load(world_.broker, world_.options);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(load.wait_acked(load.acked() + 1 + random() % 1000, kPatience)) << "round " << round;
    world_.shim.set_disk_full(true);
    auto alice = world_.connect("alice");
    publish_until(alice, true);
    world_.broker.kill9();
    world_.shim.set_disk_full(false);
    world_.broker.start();
  }
  expect_all_kept(load);
}

// What could not be synced is shown to nobody; once syncing works again, all that was accepted is.
TEST_F(DiskTest, FailingSyncHoldsBackAndRecovers) {
  auto bob = world_.connect("bob");
  bob.subscribe("rooms/general/messages/json");
  auto alice = world_.connect("alice");
  publish_until(alice, false);
  expect_event(bob, "general");
  world_.shim.set_sync_fails(true);
  publish_until(alice, true);
  EXPECT_FALSE(bob.next(kSilence).has_value()) << "seen without being durable";
  world_.shim.set_sync_fails(false);
  publish_until(alice, false);
  for (std::size_t i = 1; i < acked_.size(); ++i) {
    EXPECT_EQ(text(expect_event(bob, "general"), "cid"), acked_[i]);
  }
  expect_log_holds_what_was_acked();
}

TEST_F(DiskTest, PowerFailsAfterSyncsFailed) {
  std::mt19937_64 random(chaos_options().seed);
  Load load(world_.broker, world_.options);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(load.wait_seen(load.seen() + 1 + random() % 1000, kPatience)) << "round " << round;
    world_.shim.set_sync_fails(true);
    auto alice = world_.connect("alice");
    publish_until(alice, true);
    world_.shim.set_sync_fails(false);
    ASSERT_TRUE(load.wait_seen(load.seen() + 1 + random() % 500, kPatience)) << "round " << round;
    world_.broker.kill9();
    world_.shim.drop_unsynced(random);
    world_.broker.start();
  }
  ASSERT_TRUE(load.finish(60s));
  for (const auto& fault : check(world_.log(), load.publishers(), load.readers(), Loss::unseen)) {
    ADD_FAILURE() << fault;
  }
}

}  // namespace
}  // namespace parley::test
