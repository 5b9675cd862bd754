// The file system as RocksDB sees it. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_FILES_H_
#define PARLEY_STORAGE_ROCKS_FILES_H_

#include <rocksdb/file_system.h>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace parley::storage {

// Three things the engine lacks:
//
// Failed writes and syncs are marked as worth retrying. RocksDB takes any other input/output error on its
// write path as fatal until the process restarts; with the mark, DB::Resume() can flush what is in memory to
// new files and go on, which is what Log::recover() promises.
//
// sync_wals() syncs the write-ahead log beside the engine. DB::SyncWAL() aborts the process (an assertion
// that Debian's build keeps) when an append fails on one thread while it runs on another.
//
// Each sync of a MANIFEST is noted beside it (rocks_manifest.h), so that what a power loss has torn is told
// from damage.
//
// A full disk keeps this in its text, because the mark and the engine's own NoSpace exclude each other.
inline constexpr std::string_view kNoSpaceText = "no space left";

// Any thread.
class RocksFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit RocksFiles(const std::shared_ptr<rocksdb::FileSystem>& base) : FileSystemWrapper(base) {}
  const char* Name() const override { return "parley.files"; }

  // Makes all durable that was written to write-ahead logs before the call, oldest first. Blocks for the
  // disk, but no writer.
  rocksdb::IOStatus sync_wals();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;

  // A MANIFEST's note goes with it.
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  // The engine's own log of what it does. Its ready-made one aborts the process (the same assertion) at the
  // second line that finds the disk full; ours leaves such lines out.
  rocksdb::IOStatus NewLogger(const std::string& name, const rocksdb::IOOptions& options,
                              std::shared_ptr<rocksdb::Logger>* result,
                              rocksdb::IODebugContext* debug) override;

  // A write-ahead log that is open. `file` is reset, under `mutex`, when it closes.
  struct Wal {
    std::string folder;
    std::mutex mutex;
    rocksdb::FSWritableFile* file = nullptr;
    std::atomic<std::uint64_t> written{0};
    std::uint64_t synced = 0;  // guarded by mutex
    bool name_synced = false;  // its entry in the folder is durable; guarded by mutex
  };

 private:
  rocksdb::IOStatus sync_wals(bool never_synced_only);
  rocksdb::IOStatus sync_folder(const std::string& folder);

  std::mutex mutex_;
  std::list<std::weak_ptr<Wal>> wals_;  // in the order made; guarded by mutex_
};

}  // namespace parley::storage

#endif
