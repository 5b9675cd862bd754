// The log when disks fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "storage/log_fault_fixture.h"

namespace parley::storage {
namespace {

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

}  // namespace
}  // namespace parley::storage
