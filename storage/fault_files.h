// A file system for tests that forgets what was not synced when the power goes, and fails on demand. Files
// lie on the real one below; syncs are only noted, which keeps hundreds of rounds quick.
#ifndef PARLEY_STORAGE_FAULT_FILES_H_
#define PARLEY_STORAGE_FAULT_FILES_H_

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

namespace parley::storage {

enum class Fault : std::uint8_t { none, no_space, io_error };

// Any thread.
class FaultFiles final : public rocksdb::FileSystemWrapper {
 public:
  FaultFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "parley.fault"; }

  // From now on writes and new files (or syncs) fail so. A file whose sync has failed never gets those bytes
  // to the disk, even if a later sync says so: that is what kernels do.
  void fail_writes(Fault fault) { writes_ = fault; }
  void fail_syncs(Fault fault) { syncs_ = fault; }
  // The next `bytes` still succeed.
  void fail_writes_after(std::uint64_t bytes, Fault fault);

  // Every operation that changes anything fails from now on, as if the process had stopped here.
  void cut_power() { power_ = false; }
  // With nothing open any more: what was not synced is lost, torn or zeroed; then the power is back and
  // faults gone.
  void restore_power(std::mt19937_64& random);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;

 private:
  friend class FaultFile;
  friend class FaultDirectory;

  struct Entry {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
    bool spoiled = false;  // a sync failed: `synced` moves no more
    bool named = false;    // its folder was synced since it was made
  };

  rocksdb::IOStatus check(std::atomic<Fault>& kind);
  rocksdb::IOStatus before_write(std::uint64_t bytes);
  void wrote(const std::string& name, std::uint64_t bytes);
  rocksdb::IOStatus sync(const std::string& name);
  rocksdb::IOStatus sync_folder(const std::string& name);

  std::atomic<Fault> writes_{Fault::none};
  std::atomic<Fault> syncs_{Fault::none};
  std::atomic<bool> power_{true};

  std::mutex mutex_;
  std::uint64_t budget_ = ~std::uint64_t{0};
  Fault after_budget_ = Fault::none;
  std::map<std::string, Entry> entries_;  // by path
};

// The engine's clock without its waits: it sleeps a second after each failed flush.
class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  ImpatientClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  const char* Name() const override { return "parley.impatient"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, 1000));
  }
};

}  // namespace parley::storage

#endif
