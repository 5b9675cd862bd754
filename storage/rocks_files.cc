#include "storage/rocks_files.h"

#include <filesystem>
#include <vector>

namespace parley::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus retryable(IOStatus status) {
  if (status.ok() || !status.IsIOError()) return status;
  if (status.IsNoSpace()) status = IOStatus::IOError(kNoSpaceText, status.ToString());
  status.SetRetryable(true);
  return status;
}

class RetryableFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using FSWritableFileOwnerWrapper::FSWritableFileOwnerWrapper;

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return retryable(target()->Append(data, options, info, debug));
  }
  IOStatus Flush(const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Flush(options, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Fsync(options, debug));
  }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t size, const IOOptions& options,
                     IODebugContext* debug) override {
    return retryable(target()->RangeSync(offset, size, options, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    return retryable(target()->Close(options, debug));
  }
};

class WalFile final : public RetryableFile {
 public:
  WalFile(std::unique_ptr<FSWritableFile> file, std::shared_ptr<RocksFiles::Wal> wal)
      : RetryableFile(std::move(file)), wal_(std::move(wal)) {
    wal_->file = target();
  }
  ~WalFile() override { retire(); }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return count(data, RetryableFile::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return count(data, RetryableFile::Append(data, options, info, debug));
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    retire();
    return RetryableFile::Close(options, debug);
  }

 private:
  IOStatus count(const Slice& data, IOStatus status) {
    if (status.ok()) wal_->written.fetch_add(data.size(), std::memory_order_release);
    return status;
  }
  void retire() {
    const std::lock_guard lock(wal_->mutex);
    wal_->file = nullptr;
  }

  const std::shared_ptr<RocksFiles::Wal> wal_;
};

bool is_wal(const std::filesystem::path& path) { return path.extension() == ".log"; }

}  // namespace

IOStatus RocksFiles::NewWritableFile(const std::string& name, const FileOptions& options,
                                     std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok()) return retryable(std::move(status));
  if (!is_wal(name)) {
    *result = std::make_unique<RetryableFile>(std::move(*result));
    return status;
  }
  auto wal = std::make_shared<Wal>();
  wal->folder = std::filesystem::path(name).parent_path().string();
  *result = std::make_unique<WalFile>(std::move(*result), wal);
  const std::lock_guard lock(mutex_);
  std::erase_if(wals_, [](const auto& known) { return known.expired(); });
  wals_.push_back(wal);
  return status;
}

IOStatus RocksFiles::sync_wals() {
  std::vector<std::shared_ptr<Wal>> open;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& known : wals_) {
      if (auto wal = known.lock()) open.push_back(std::move(wal));
    }
  }
  for (const auto& wal : open) {
    // One that closes has been synced by the engine, or all it holds is in tables.
    const std::lock_guard lock(wal->mutex);
    const std::uint64_t written = wal->written.load(std::memory_order_acquire);
    if (wal->file == nullptr || wal->synced == written) continue;
    IOStatus status = wal->file->Sync(IOOptions(), nullptr);
    if (status.ok() && !wal->name_synced) status = sync_folder(wal->folder);
    if (!status.ok()) return retryable(std::move(status));
    wal->synced = written;
    wal->name_synced = true;
  }
  return IOStatus::OK();
}

IOStatus RocksFiles::sync_folder(const std::string& folder) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = target()->NewDirectory(folder, IOOptions(), &directory, nullptr);
  if (!status.ok()) return status;
  status = directory->Fsync(IOOptions(), nullptr);
  directory->Close(IOOptions(), nullptr).PermitUncheckedError();
  return status;
}

}  // namespace parley::storage
