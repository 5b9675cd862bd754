#include "storage/rocks_files.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <vector>

#include "storage/rocks_manifest.h"

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

// Any thread. A line that cannot be written is gone; nobody waits for it.
class InfoLog final : public rocksdb::Logger {
 public:
  explicit InfoLog(std::FILE* file) : file_(file) {}
  ~InfoLog() override { std::fclose(file_); }
  using Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    char line[1024];
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    if (length <= 0) return;
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    char when[32];
    std::strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    const int written = std::fprintf(file_, "%s %s\n", when, line);
    if (written > 0) size_ += static_cast<std::size_t>(written);
    if (std::fflush(file_) != 0) std::clearerr(file_);
  }
  std::size_t GetLogFileSize() const override { return size_; }

 private:
  std::FILE* const file_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace

IOStatus RocksFiles::NewLogger(const std::string& name, const rocksdb::IOOptions& /*options*/,
                               std::shared_ptr<rocksdb::Logger>* result, IODebugContext* /*debug*/) {
  std::FILE* file = std::fopen(name.c_str(), "ae");
  if (file == nullptr) return IOStatus::IOError(name, std::strerror(errno));
  *result = std::make_shared<InfoLog>(file);
  return IOStatus::OK();
}

IOStatus RocksFiles::NewWritableFile(const std::string& name, const FileOptions& options,
                                     std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  // Something of a log must be durable before the next one begins, or WalOrder would not see that it is
  // missing. Only where nobody syncs does this wait.
  IOStatus status = is_wal(name) ? sync_wals(true) : IOStatus::OK();
  if (status.ok()) status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok()) return retryable(std::move(status));
  if (!is_wal(name)) {
    if (is_manifest(name)) *result = with_notes(std::move(*result), name, *target());
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

IOStatus RocksFiles::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  IOStatus status = target()->DeleteFile(name, options, debug);
  if (status.ok() && is_manifest(name))
    target()->DeleteFile(manifest_note_path(name), options, debug).PermitUncheckedError();
  return status;
}

IOStatus RocksFiles::sync_wals() { return sync_wals(false); }

IOStatus RocksFiles::sync_wals(bool never_synced_only) {
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
    if (never_synced_only && wal->synced > 0) continue;
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
