// The log when disks fail and the power goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "storage/fault_files.h"
#include "storage/log_test_support.h"
#include "storage/rocks_log.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

class RocksLogFaults : public testing::Test {
 protected:
  // Memory so small that flushes and compactions happen within a test.
  std::unique_ptr<Log> open() {
    auto log = open_rocks_log_on({.path = folder_.path() / "log",
                                  .memory_budget_bytes = 256 << 10,
                                  .reserve_bytes = 0,
                                  .info_log_level = "error"},
                                 files_, std::make_shared<ImpatientClock>());
    if (!log) throw std::runtime_error(log.error());
    return std::move(*log);
  }
  // As the i-th of a log: room, cid and event follow from i.
  Message message(std::size_t i, std::size_t event_bytes = 100) const {
    return {.room = "room-" + std::to_string(i % 7),
            .seq = i / 7 + 1,
            .id = id_at(i),
            .sender = "user-" + std::to_string(i % 3),
            .cid = "cid-" + std::to_string(i),
            .event = std::string(event_bytes, static_cast<char>('a' + i % 26))};
  }
  // Appends from `next_` on until an append fails for good; the error, and next_ tells the first that was
  // refused.
  LogError append_until_refused(Log& log) {
    for (const auto end = Clock::now() + std::chrono::seconds(2); Clock::now() < end;) {
      const auto done = append(log, message(next_, 1000));
      if (done) {
        ++next_;
        continue;
      }
      if (done.error() != LogError::stalled) return done.error();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return LogError::stalled;
  }
  // Appends `count` more, each within ten seconds.
  void append_more(Log& log, std::size_t count) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    for (const std::size_t end = next_ + count; next_ < end;) {
      const auto done = append(log, message(next_, 1000));
      if (done) {
        ++next_;
      } else {
        ASSERT_LT(Clock::now(), deadline);
        // A stall that turned out to be an error after all: its writer recovers then.
        if (done.error() != LogError::stalled) (void)log.recover();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
  // Everything below `count` is there, in every way of asking, and nothing else.
  void expect_exactly(Log& log, std::size_t count) {
    const auto records = read_all(log);
    ASSERT_EQ(records.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const Message m = message(i);
      ASSERT_EQ(records[i].offset, m.id);
      ASSERT_EQ(records[i].room, m.room);
      ASSERT_EQ(records[i].seq, m.seq);
      const auto found = log.find_cid(m.room, m.sender, m.cid);
      ASSERT_TRUE(found && *found) << i;
      ASSERT_EQ((*found)->id, m.id);
    }
    for (std::size_t i = count; i < count + 50; ++i) {
      const Message m = message(i);
      const auto found = log.find_cid(m.room, m.sender, m.cid);
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(*found, std::nullopt) << i;
    }
    const auto tails = log.room_tails();
    ASSERT_TRUE(tails.has_value());
    for (const auto& tail : *tails) {
      std::uint64_t last = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if (message(i).room == tail.room) last = message(i).seq;
      }
      ASSERT_EQ(raw(tail.last), last) << tail.room;
    }
    ASSERT_EQ(log.last_id(), count == 0 ? MessageId{0} : id_at(count - 1));
  }

  TestFolder folder_;
  std::shared_ptr<FaultFiles> files_ = std::make_shared<FaultFiles>();
  std::mt19937_64 random_{42};
  std::size_t next_ = 0;
};

TEST_F(RocksLogFaults, AFullDiskRefusesAppendsAndRecoversWhenThereIsSpace) {
  auto log = open();
  for (; next_ < 100; ++next_) ASSERT_TRUE(append(*log, message(next_)));
  files_->fail_writes(Fault::no_space);
  EXPECT_EQ(append_until_refused(*log), LogError::disk_full);
  EXPECT_EQ(append(*log, message(next_)).error(), LogError::disk_full) << "and goes on so";
  EXPECT_TRUE(log->stats().write_stopped);
  EXPECT_EQ(log->recover().error(), LogError::disk_full) << "the cause lasts";
  expect_exactly(*log, next_);

  files_->fail_writes(Fault::none);
  ASSERT_TRUE(log->recover());
  EXPECT_FALSE(log->stats().write_stopped);
  for (std::size_t end = next_ + 100; next_ < end; ++next_) ASSERT_TRUE(append(*log, message(next_)));
  ASSERT_TRUE(log->sync());
  expect_exactly(*log, next_);
}

TEST_F(RocksLogFaults, AFailedSyncHoldsUntilRecoveryAlthoughTheNextWouldLie) {
  auto log = open();
  for (; next_ < 100; ++next_) ASSERT_TRUE(append(*log, message(next_)));
  files_->fail_syncs(Fault::io_error);
  EXPECT_EQ(log->sync().error(), LogError::io_error);
  files_->fail_syncs(Fault::none);
  EXPECT_EQ(log->sync().error(), LogError::io_error)
      << "the kernel would say yes now, and the bytes are gone";
  EXPECT_EQ(append(*log, message(next_)).error(), LogError::io_error);
  expect_exactly(*log, next_);

  ASSERT_TRUE(log->recover());
  files_->cut_power();
  log.reset();
  files_->restore_power(random_);
  log = open();
  expect_exactly(*log, next_);  // recover() made all that was accepted durable
}

TEST_F(RocksLogFaults, AFullDiskAtASyncIsNamedSo) {
  auto log = open();
  ASSERT_TRUE(append(*log, message(next_++)));
  files_->fail_syncs(Fault::no_space);
  EXPECT_EQ(log->sync().error(), LogError::disk_full);
  EXPECT_EQ(log->recover().error(), LogError::disk_full);
  files_->fail_syncs(Fault::none);
  ASSERT_TRUE(log->recover());
  ASSERT_TRUE(append(*log, message(next_++)));
  ASSERT_TRUE(log->sync());
  expect_exactly(*log, next_);
}

TEST_F(RocksLogFaults, AFlushThatFailsInTheBackgroundLosesNothing) {
  auto log = open();
  files_->fail_writes_after(3 << 20, Fault::no_space);
  // Stalled, when it is compactions that the engine waits for: they go on by themselves.
  EXPECT_THAT(append_until_refused(*log), testing::AnyOf(LogError::disk_full, LogError::stalled));
  expect_exactly(*log, next_);
  files_->fail_writes_after(~std::uint64_t{0}, Fault::none);
  files_->fail_writes(Fault::none);
  ASSERT_TRUE(log->recover());
  ASSERT_NO_FATAL_FAILURE(append_more(*log, 100));
  ASSERT_TRUE(log->sync());
  files_->cut_power();
  log.reset();
  files_->restore_power(random_);
  log = open();
  expect_exactly(*log, next_);
}

TEST_F(RocksLogFaults, ATornLastRecordEndsTheLogThere) {
  auto log = open();
  for (; next_ < 50; ++next_) ASSERT_TRUE(append(*log, message(next_)));
  log.reset();
  std::filesystem::path wal;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "log")) {
    if (file.path().extension() == ".log" && (wal.empty() || file.path() > wal)) wal = file.path();
  }
  ASSERT_FALSE(wal.empty());
  std::filesystem::resize_file(wal, std::filesystem::file_size(wal) - 5);
  log = open();
  expect_exactly(*log, 49);
  next_ = 49;
  ASSERT_TRUE(append(*log, message(next_++)));
  log.reset();
  log = open();
  expect_exactly(*log, 50);
}

TEST_F(RocksLogFaults, OpeningTwiceSaysWhoHoldsIt) {
  const auto log = open();
  const auto second = open_rocks_log({.path = folder_.path() / "log"});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), testing::HasSubstr("in use by another process"));
}

TEST_F(RocksLogFaults, OpeningWhatIsNoFolderSaysWhatToDo) {
  const auto file = folder_.path() / "file";
  std::ofstream(file) << "not a folder";
  const auto log = open_rocks_log({.path = file});
  ASSERT_FALSE(log.has_value());
  EXPECT_THAT(log.error(), testing::HasSubstr(file.string()));
  const auto below = open_rocks_log({.path = file / "log"});
  ASSERT_FALSE(below.has_value());
  EXPECT_THAT(below.error(), testing::HasSubstr("make its parent a folder"));
}

TEST_F(RocksLogFaults, OpeningADamagedLogSaysWhatToDo) {
  auto log = open();
  for (; next_ < 50; ++next_) ASSERT_TRUE(append(*log, message(next_)));
  log.reset();
  for (const auto& file : std::filesystem::directory_iterator(folder_.path() / "log")) {
    if (file.path().filename().string().starts_with("MANIFEST")) {
      std::ofstream(file.path(), std::ios::trunc) << "this is no manifest at all, not even close to one";
    }
  }
  const auto damaged = open_rocks_log({.path = folder_.path() / "log"});
  ASSERT_FALSE(damaged.has_value());
  EXPECT_THAT(damaged.error(), testing::HasSubstr("restore a backup"));
}

// Hundreds of lives of one log, each ended by a power cut at a random moment while another thread syncs and
// the engine flushes and compacts as it likes. PARLEY_SEED and PARLEY_ROUNDS replay and lengthen it.
TEST_F(RocksLogFaults, PowerLossAlwaysLeavesAPrefixWithAllThatWasSynced) {
  const char* given = std::getenv("PARLEY_SEED");
  const char* length = std::getenv("PARLEY_ROUNDS");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  const std::size_t rounds = length != nullptr ? std::strtoull(length, nullptr, 10) : 200;
  SCOPED_TRACE("PARLEY_SEED=" + std::to_string(seed));
  RecordProperty("seed", std::to_string(seed));
  random_.seed(seed);
  const auto upto = [&](std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n)(random_);
  };

  for (std::size_t round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    auto log = open();
    std::atomic<std::size_t> appended{next_};
    std::atomic<std::size_t> synced{next_};
    std::atomic<bool> done{false};
    const bool with_sync = upto(3) != 0;
    std::thread syncer([&] {
      while (with_sync && !done) {
        const std::size_t covered = appended;
        if (log->sync()) synced = covered;
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
    });
    const std::size_t count = upto(400);
    const std::size_t cut_at = upto(count);
    const std::size_t size = upto(2) == 0 ? 3000 : 50;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == cut_at && upto(1) == 0) files_->cut_power();
      const auto accepted = append(*log, message(next_, upto(size)));
      if (!accepted) break;
      appended = ++next_;
    }
    files_->cut_power();
    done = true;
    syncer.join();
    log.reset();
    files_->restore_power(random_);

    log = open();
    const std::size_t survived = read_all(*log).size();
    ASSERT_GE(survived, synced);
    ASSERT_LE(survived, next_);
    ASSERT_NO_FATAL_FAILURE(expect_exactly(*log, survived));
    next_ = survived;
    if (upto(9) == 0) {  // a quiet end now and then, and a new beginning, so that the rounds stay quick
      log.reset();
      std::filesystem::remove_all(folder_.path() / "log");
      next_ = 0;
    }
  }
}

}  // namespace
}  // namespace parley::storage
