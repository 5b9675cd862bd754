#include "storage/disk_space.h"

#include <sys/statvfs.h>
#include <time.h>

#include <algorithm>

namespace parley::storage {
namespace {
constexpr std::chrono::milliseconds kCheckEvery{100};
}

DiskSpace::DiskSpace(std::filesystem::path folder, std::uint64_t reserve_bytes)
    : folder_(std::move(folder)),
      reserve_bytes_(reserve_bytes),
      recheck_bytes_(std::max<std::uint64_t>(reserve_bytes / 8, 64 << 10)) {}

// The coarse clock costs a few nanoseconds and is a few milliseconds behind at most.
std::chrono::nanoseconds DiskSpace::coarse_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bool DiskSpace::check() {
  written_ = 0;
  next_check_ = coarse_now() + kCheckEvery;
  return look();
}

bool DiskSpace::look() {
  struct statvfs space {};
  // Not knowing is no reason to refuse: the engine reports a full disk itself.
  const bool low = reserve_bytes_ > 0 && ::statvfs(folder_.c_str(), &space) == 0 &&
                   static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize < reserve_bytes_;
  low_.store(low, std::memory_order_relaxed);
  return !low;
}

}  // namespace parley::storage
