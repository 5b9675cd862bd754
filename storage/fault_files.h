// A file system for tests that forgets what was not synced when the power goes, and fails on demand. Files
// lie on the real one below; syncs are only noted, which keeps hundreds of rounds quick.
#ifndef PARLEY_STORAGE_FAULT_FILES_H_
#define PARLEY_STORAGE_FAULT_FILES_H_

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

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
  // ... from just before the first one of which this is true. Called with a lock held; once the power is out,
  // no more.
  enum class Op : std::uint8_t { write, sync, rename, remove, sync_folder };
  using Moment = std::function<bool(Op, const std::string& path)>;
  void cut_power_when(Moment moment);
  bool power_is_out() const { return !power_; }

  // With nothing open any more: of what was not synced each file keeps what `loss` leaves of it, and folders
  // the names that they had at some moment since they were synced. Then the power is back and faults gone.
  using Loss = std::function<void(const std::string& path, std::uint64_t synced)>;
  void restore_power(std::mt19937_64& random);  // any loss that may be (torn_file.h)
  void restore_power(std::mt19937_64& random, const Loss& loss);

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

  // A name that was taken away, or given to another file, since its folder was synced.
  struct Undo {
    std::string path;  // the name
    std::string kept;  // where the file it stood for is now; empty: it stood for none
    std::string from;  // what the file that has it now was called before; empty: none has it
    Entry entry;       // of the file in `kept`
  };

  rocksdb::IOStatus check(std::atomic<Fault>& kind);
  rocksdb::IOStatus check(std::atomic<Fault>& kind, Op op, const std::string& path);
  rocksdb::IOStatus before_write(const std::string& name, std::uint64_t bytes);
  void keep_aside(Undo& undo);
  void undo_names(std::mt19937_64& random);
  void wrote(const std::string& name, std::uint64_t bytes);
  rocksdb::IOStatus sync(const std::string& name);
  rocksdb::IOStatus sync_folder(const std::string& name);

  std::atomic<Fault> writes_{Fault::none};
  std::atomic<Fault> syncs_{Fault::none};
  std::atomic<bool> power_{true};

  std::mutex mutex_;
  std::uint64_t budget_ = ~std::uint64_t{0};
  Fault after_budget_ = Fault::none;
  Moment moment_;
  std::map<std::string, Entry> entries_;  // by path
  std::vector<Undo> undos_;               // in order
  std::uint64_t next_kept_ = 0;
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
