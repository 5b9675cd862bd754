// The test's side of fault_shim.c: switches a bad disk or clock on and off for a running broker, and plays
// what a power failure does to a data folder.
#ifndef PARLEY_TESTS_CHAOS_FAULT_SHIM_H_
#define PARLEY_TESTS_CHAOS_FAULT_SHIM_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace parley::test {

// Owns the journal and the switches, in `state` (a folder outside of the data folder). One thread.
class FaultShim {
 public:
  FaultShim(std::filesystem::path data, const std::filesystem::path& state);
  ~FaultShim();
  FaultShim(const FaultShim&) = delete;
  FaultShim& operator=(const FaultShim&) = delete;

  // For BrokerOptions::env.
  std::vector<std::pair<std::string, std::string>> environment() const;

  void set_disk_full(bool on);
  void set_sync_fails(bool on);
  void set_clock_offset(std::chrono::milliseconds offset);

  // After the broker was killed: what was never synced goes. A file is cut to a random length between what
  // was synced and what there is (a disk may have written more than it was asked to; half of the time it did
  // not); a file whose name was never made durable is removed. What is left counts as durable from then on.
  // Returns the bytes dropped.
  std::uint64_t drop_unsynced(std::mt19937_64& random);

 private:
  struct Switches {
    volatile std::int32_t disk_full;
    volatile std::int32_t sync_fails;
    volatile std::int64_t clock_offset_ms;
  };
  std::filesystem::path data_;
  std::filesystem::path journal_;
  std::filesystem::path switches_file_;
  Switches* switches_ = nullptr;
};

}  // namespace parley::test

#endif
