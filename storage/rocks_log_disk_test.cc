// The log on disks as they are: one that fills up, and tables that are dropped.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "storage/disk_space.h"
#include "storage/log_test_support.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t free_bytes(const std::filesystem::path& path) {
  struct statvfs space {};
  ::statvfs(path.c_str(), &space);
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

std::unique_ptr<Log> open_log(const RocksLogOptions& options) {
  auto log = open_rocks_log(options);
  if (!log) throw std::runtime_error(log.error());
  return std::move(*log);
}

// 4,000 bytes that do not compress.
std::string noise(std::mt19937_64& random) {
  std::string text(4000, ' ');
  for (std::size_t i = 0; i < text.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(text.data() + i, &word, sizeof word);
  }
  return text;
}

// Appends until refused with something else than stalled; how many were accepted, at most `most`.
std::size_t append_until_refused(Log& log, std::size_t first, std::size_t most, LogError& error) {
  std::mt19937_64 random(first);
  std::size_t i = first;
  while (i < first + most) {
    const auto done =
        append(log, {.seq = i + 1, .id = id_at(i), .cid = "c" + std::to_string(i), .event = noise(random)});
    if (done) {
      ++i;
    } else if (done.error() == LogError::stalled) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    } else {
      error = done.error();
      break;
    }
  }
  return i;
}

TEST(RocksLogDisk, KeepsItsReserveAndGoesOnWhenThereIsSpaceAgain) {
  const TestFolder folder;
  // A reserve of more than is free, seen from here, stands for a full disk without filling one.
  const auto log = open_log({.path = folder.path() / "log", .reserve_bytes = free_bytes(folder.path()) * 2});
  EXPECT_EQ(append(*log, {}).error(), LogError::disk_full);
  EXPECT_TRUE(log->stats().write_stopped);
  EXPECT_TRUE(read_all(*log).empty()) << "reading goes on";
  EXPECT_TRUE(log->sync());
  EXPECT_EQ(log->recover().error(), LogError::disk_full) << "not while the reserve is not there";
  EXPECT_TRUE(log->stats().write_stopped);
}

TEST(DiskSpace, AnswersAgainWithinItsInterval) {
  const TestFolder folder;
  DiskSpace enough(folder.path(), 1);
  EXPECT_TRUE(enough.allows(1));
  EXPECT_FALSE(enough.low());
  DiskSpace none(folder.path(), ~std::uint64_t{0});
  EXPECT_FALSE(none.allows(1));
  EXPECT_FALSE(none.allows(1)) << "from memory";
  EXPECT_FALSE(none.look());
  EXPECT_TRUE(enough.look());
  DiskSpace off(folder.path(), 0);
  EXPECT_TRUE(off.allows(std::size_t{1} << 40));
  DiskSpace unknown("/nowhere/at/all", ~std::uint64_t{0});
  EXPECT_TRUE(unknown.allows(1)) << "the engine will say it itself";
}

// A file system of its own where this process may make one (root), else nothing can be filled safely and the
// injected errors of rocks_log_fault_test have to do. It has no name: it goes with this process, however that
// ends.
class SmallDisk {
 public:
  SmallDisk(const std::filesystem::path& at, const char* size) {
    std::filesystem::create_directories(at);
    const std::string options = std::string("size=") + size;
    if (::mount("tmpfs", at.c_str(), "tmpfs", 0, options.c_str()) != 0) return;
    folder_ = ::open(at.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::umount2(at.c_str(), MNT_DETACH);
  }
  ~SmallDisk() {
    if (folder_ >= 0) ::close(folder_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return folder_ >= 0; }
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(folder_); }

 private:
  int folder_ = -1;
};

TEST(RocksLogDisk, AFullDiskRefusesAndRecoversWithNothingLost) {
  const TestFolder folder;
  const SmallDisk disk(folder.path() / "disk", "48m");
  if (!disk.mounted()) {
    SUCCEED() << "not allowed to mount a file system here";
    return;
  }
  const auto path = disk.path();
  const auto ballast = path / "ballast";
  std::ofstream(ballast) << std::string(24 << 20, 'b');
  for (const std::uint64_t reserve : {std::uint64_t{8} << 20, std::uint64_t{0}}) {
    SCOPED_TRACE(reserve);
    std::filesystem::remove_all(path / "log");
    const RocksLogOptions options{
        .path = path / "log", .memory_budget_bytes = 4 << 20, .reserve_bytes = reserve};
    auto log = open_log(options);
    LogError error = LogError::not_found;
    std::size_t count = append_until_refused(*log, 0, 20'000, error);
    EXPECT_EQ(error, LogError::disk_full);
    EXPECT_EQ(read_all(*log).size(), count);

    std::filesystem::remove(ballast);
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    bool writes = false;
    while (!writes && Clock::now() < deadline) {
      if (log->recover()) {
        error = LogError::not_found;
        const std::size_t more = append_until_refused(*log, count, 100, error);
        writes = more == count + 100;
        count = more;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_TRUE(writes);
    EXPECT_TRUE(log->sync());
    log.reset();
    log = open_log(options);
    EXPECT_EQ(read_all(*log).size(), count);
    log.reset();
    std::filesystem::remove_all(path / "log");
    std::ofstream(ballast) << std::string(24 << 20, 'b');
  }
}

TEST(RocksLogDisk, TrimGivesSpaceBack) {
  const TestFolder folder;
  const auto log =
      open_log({.path = folder.path() / "log", .memory_budget_bytes = 4 << 20, .reserve_bytes = 0});
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < 15'000;) {
    const auto done =
        append(*log, {.seq = i + 1, .id = id_at(i), .cid = "c" + std::to_string(i), .event = noise(random)});
    if (done) {
      ++i;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  const auto before = log->stats().disk_bytes;
  EXPECT_GT(before, 50u << 20);
  ASSERT_TRUE(log->trim(unix_ms_at(15'000), {.max_age = std::chrono::milliseconds(1000)}));
  // What the engine still compacts is freed a moment later.
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (log->stats().disk_bytes > before / 2 && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ASSERT_TRUE(log->trim(unix_ms_at(15'000), {.max_age = std::chrono::milliseconds(1000)}));
  }
  EXPECT_LT(log->stats().disk_bytes, before / 2);
  EXPECT_EQ(read_all(*log).size(), 1000u);
}

}  // namespace
}  // namespace parley::storage
