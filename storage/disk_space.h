// Watches a folder's free space, so that we stop writing before the engine under us hits the wall: what it
// has accepted it must still be able to flush and compact.
#ifndef PARLEY_STORAGE_DISK_SPACE_H_
#define PARLEY_STORAGE_DISK_SPACE_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>

namespace parley::storage {

// allows() belongs to one thread; look() and low() may be called by any.
class DiskSpace {
 public:
  DiskSpace(std::filesystem::path folder, std::uint64_t reserve_bytes);

  // May `bytes` more be written? Asks the file system (statvfs, a microsecond) every 100 ms, and when an
  // eighth of the reserve has been written since; in between it answers from memory.
  bool allows(std::size_t bytes) {
    written_ += bytes;
    if (written_ < recheck_bytes_ && coarse_now() < next_check_) return !low();
    return check();
  }
  // Asks the file system now, so that low() is up to date: is more free than the reserve?
  bool look();
  bool low() const { return low_.load(std::memory_order_relaxed); }

 private:
  static std::chrono::nanoseconds coarse_now();
  bool check();

  const std::filesystem::path folder_;
  const std::uint64_t reserve_bytes_;
  const std::uint64_t recheck_bytes_;
  std::uint64_t written_ = 0;
  std::chrono::nanoseconds next_check_{0};
  std::atomic<bool> low_{false};
};

}  // namespace parley::storage

#endif
