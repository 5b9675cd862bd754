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

  // After the broker was killed: of what was never synced, a file keeps what a disk may have of it
  // (storage/testing/torn_file.h); one whose name was never made durable is removed. What is left counts as
  // durable from then on. Returns by how many bytes files are shorter.
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
