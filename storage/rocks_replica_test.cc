// The replica when disks fail, the power goes and snapshots break off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "storage/fault_files.h"
#include "storage/replica_bytes.h"
#include "storage/rocks_replica.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

TEST(ReplicaBytes, AStateFromBeforeIsReadAndIsAtNoChange) {
  const std::string version("\x01\0\0\0\0\0\0\0\x07", 9);
  const std::string mark("\0\0\0\0\0\0\0\x09", 8);
  for (const std::string& before : {version, version + mark, version + mark + '\0'}) {
    const auto state = parse_state(before);
    ASSERT_TRUE(state) << before.size();
    EXPECT_EQ(state->generation, 1);
    EXPECT_EQ(state->position, FeedPosition(7, kMarkOfNoChange)) << "so that the feed brings everything anew";
  }
  EXPECT_EQ(parse_state(state_value({.generation = 1, .position = {7, 9}}))->position, FeedPosition(7, 9));
  EXPECT_FALSE(parse_state(std::string("\x01\0\0\0\0\0\0\x07", 8)));
  EXPECT_FALSE(parse_state(version + mark + "\x01\x01"));
}

class RocksReplicaFaults : public testing::Test {
 protected:
  std::unique_ptr<ReplicaStore> open() {
    auto replica =
        open_rocks_replica_on({.path = folder_.path() / "replica", .memory_budget_bytes = 512 << 10}, files_,
                              std::make_shared<ImpatientClock>());
    if (!replica) throw std::runtime_error(replica.error());
    return std::move(*replica);
  }
  static std::vector<ControlOp> members(std::size_t from, std::size_t count) {
    std::vector<ControlOp> ops;
    for (std::size_t i = from; i < from + count; ++i) {
      ops.push_back(MemberPut{.room = "room-" + std::to_string(i % 10), .user = "user-" + std::to_string(i)});
    }
    return ops;
  }
  static std::size_t count(ReplicaStore& replica) {
    std::size_t facts = 0;
    EXPECT_TRUE(replica.load([&](ControlOp&&) { ++facts; }));
    return facts;
  }
  // What is refused because the disk is behind is accepted in a moment.
  static void eventually(const std::function<ReplicaResult<void>()>& change) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    auto done = change();
    while (!done && Clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      done = change();
    }
    EXPECT_TRUE(done) << done.error();
  }
  void cut_power(std::unique_ptr<ReplicaStore>& replica) {
    files_->cut_power();
    replica.reset();
    files_->restore_power(random_);
    replica = open();
  }

  TestFolder folder_;
  std::shared_ptr<FaultFiles> files_ = std::make_shared<FaultFiles>();
  std::mt19937_64 random_{7};
};

TEST_F(RocksReplicaFaults, AnUnfinishedSnapshotIsGoneAfterARestart) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 5)));
  ASSERT_TRUE(replica->snapshot_begin());
  ASSERT_TRUE(replica->snapshot_add(members(100, 1000)));
  replica.reset();
  replica = open();
  EXPECT_EQ(count(*replica), 5u);
  EXPECT_FALSE(replica->snapshot_commit(2)) << "what was gathered is gone";
  ASSERT_TRUE(replica->snapshot_begin());
  ASSERT_TRUE(replica->snapshot_add(members(0, 3)));
  ASSERT_TRUE(replica->snapshot_commit(2));
  EXPECT_EQ(count(*replica), 3u);
}

TEST_F(RocksReplicaFaults, ACommittedSnapshotSurvivesAPowerLossAtOnce) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 5)));
  ASSERT_TRUE(replica->snapshot_begin());
  ASSERT_TRUE(replica->snapshot_add(members(0, 2000)));
  ASSERT_TRUE(replica->snapshot_commit(9));
  cut_power(replica);
  EXPECT_EQ(replica->version(), 9u);
  EXPECT_EQ(count(*replica), 2000u);
}

// What serves is what the caller has been told.
TEST_F(RocksReplicaFaults, ASnapshotThatCannotBeSyncedServesAndComesAgainAfterAPowerLoss) {
  for (const bool power_lost : {false, true}) {
    SCOPED_TRACE(power_lost);
    auto replica = open();
    const std::uint64_t before = replica->version();
    ASSERT_TRUE(replica->apply(before + 1, members(0, 5)));
    ASSERT_TRUE(replica->sync());
    const std::size_t facts = count(*replica);
    ASSERT_TRUE(replica->snapshot_begin());
    ASSERT_TRUE(replica->snapshot_add(members(100, 20)));
    files_->fail_syncs(Fault::io_error);
    EXPECT_TRUE(replica->snapshot_commit(before + 2));
    EXPECT_EQ(replica->version(), before + 2);
    EXPECT_EQ(count(*replica), 20u);
    files_->fail_syncs(Fault::none);
    EXPECT_FALSE(replica->sync()) << "the bytes may be gone";
    if (power_lost) {
      cut_power(replica);
      EXPECT_EQ(replica->version(), before + 1) << "the feed brings the rest again";
      EXPECT_EQ(count(*replica), facts);
      continue;
    }
    ASSERT_TRUE(replica->apply(before + 3, members(200, 1)));
    ASSERT_TRUE(replica->sync());
    cut_power(replica);
    EXPECT_EQ(replica->version(), before + 3);
    EXPECT_EQ(count(*replica), 21u);
  }
}

TEST_F(RocksReplicaFaults, VersionAndFactsAgreeAfterAPowerLoss) {
  auto replica = open();
  std::uint64_t version = 0;
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t synced = version;
    const std::uint64_t steps = random_() % 200;
    for (std::uint64_t i = 0; i < steps; ++i, ++version) {
      ASSERT_TRUE(replica->apply(version + 1, members(version, 1)));
    }
    const bool sync = random_() % 2 == 0;
    if (sync) {
      ASSERT_TRUE(replica->sync());
    }
    cut_power(replica);
    ASSERT_LE(replica->version(), version);
    ASSERT_GE(replica->version(), sync ? version : std::min(synced, version));
    ASSERT_EQ(count(*replica), replica->version()) << "one member came with each version";
    version = replica->version();
    ASSERT_TRUE(replica->sync());
  }
}

TEST_F(RocksReplicaFaults, GoesOnByItselfOnceTheDiskHasSpaceAgain) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 5)));
  files_->fail_writes(Fault::no_space);
  const auto refused = replica->apply(2, members(5, 5));
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error(), testing::HasSubstr("disk is full"));
  EXPECT_EQ(replica->version(), 1u);
  EXPECT_EQ(count(*replica), 5u) << "reading goes on, and nothing of what was refused is there";
  files_->fail_writes(Fault::none);
  eventually([&] { return replica->apply(2, members(5, 5)); });
  EXPECT_EQ(count(*replica), 10u);
  ASSERT_TRUE(replica->sync());
  cut_power(replica);
  EXPECT_EQ(count(*replica), 10u);
}

TEST_F(RocksReplicaFaults, AFailedSyncIsNoSuccessLater) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 5)));
  files_->fail_syncs(Fault::io_error);
  EXPECT_FALSE(replica->sync());
  files_->fail_syncs(Fault::none);
  EXPECT_FALSE(replica->sync()) << "the bytes may be gone";
  ASSERT_TRUE(replica->apply(2, members(5, 5)));
  ASSERT_TRUE(replica->sync());
  cut_power(replica);
  EXPECT_EQ(count(*replica), 10u);
}

TEST_F(RocksReplicaFaults, LoadBesideACommitSeesTheOldOrTheNew) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 1000)));
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) {
      std::size_t facts = 0;
      ASSERT_TRUE(replica->load([&](ControlOp&&) { ++facts; }));
      ASSERT_EQ(facts % 1000, 0u) << facts;
      ASSERT_GT(facts, 0u);
    }
  });
  for (std::size_t round = 2; round < 40; ++round) {
    eventually([&] { return replica->snapshot_begin(); });
    for (std::size_t chunk = 0; chunk < 1 + round % 3; ++chunk) {
      eventually([&] { return replica->snapshot_add(members(chunk * 1000, 1000)); });
    }
    EXPECT_TRUE(replica->snapshot_commit(round));
  }
  done = true;
  reader.join();
}

TEST_F(RocksReplicaFaults, OpeningTwiceSaysWhoHoldsIt) {
  const auto replica = open();
  const auto second = open_rocks_replica({.path = folder_.path() / "replica"});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), testing::HasSubstr("in use by another process"));
}

TEST_F(RocksReplicaFaults, ADamagedFactSaysWhatToDo) {
  auto replica = open();
  ASSERT_TRUE(replica->apply(1, members(0, 5)));
  replica.reset();
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "replica")) {
    if (file.path().filename().string().starts_with("MANIFEST")) {
      std::ofstream(file.path(), std::ios::trunc) << "this is no manifest at all, not even close to one";
    }
  }
  const auto damaged = open_rocks_replica({.path = folder_.path() / "replica"});
  ASSERT_FALSE(damaged.has_value());
  EXPECT_THAT(damaged.error(), testing::HasSubstr("move the folder away"));
}

}  // namespace
}  // namespace parley::storage
