#include "storage/fault_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace parley::storage {

using rocksdb::FileOptions;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultFile(std::unique_ptr<FSWritableFile> file, std::string name, FaultFiles& files)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)), files_(files) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_.before_write(data.size());
    if (status.ok()) status = target()->Append(data, options, debug);
    if (status.ok()) files_.wrote(name_, data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return files_.sync(name_); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.sync(name_); }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  const std::string name_;
  FaultFiles& files_;
};

class FaultDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string name, FaultFiles& files)
      : FSDirectoryWrapper(std::move(directory)), name_(std::move(name)), files_(files) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return files_.sync_folder(name_); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*, const rocksdb::DirFsyncOptions&) override {
    return files_.sync_folder(name_);
  }

 private:
  const std::string name_;
  FaultFiles& files_;
};

namespace {

std::string clean(const std::string& name) { return std::filesystem::path(name).lexically_normal().string(); }
std::string folder_of(const std::string& name) { return std::filesystem::path(name).parent_path().string(); }

IOStatus as_status(Fault fault) {
  if (fault == Fault::no_space) return IOStatus::NoSpace("injected: no space left on device");
  if (fault == Fault::io_error) return IOStatus::IOError("injected: input/output error");
  return IOStatus::OK();
}

void zero(const std::string& path, std::uint64_t from, std::uint64_t to) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(from));
  file << std::string(to - from, '\0');
}

}  // namespace

void FaultFiles::fail_writes_after(std::uint64_t bytes, Fault fault) {
  const std::lock_guard lock(mutex_);
  budget_ = bytes;
  after_budget_ = fault;
}

IOStatus FaultFiles::check(std::atomic<Fault>& kind) {
  if (!power_) return IOStatus::IOError("injected: the power is out");
  return as_status(kind);
}

IOStatus FaultFiles::before_write(std::uint64_t bytes) {
  IOStatus status = check(writes_);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (bytes > budget_) {
    budget_ = 0;
    writes_ = after_budget_;
    return as_status(after_budget_);
  }
  if (after_budget_ != Fault::none) budget_ -= bytes;
  return status;
}

void FaultFiles::wrote(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  entries_[name].written += bytes;
}

IOStatus FaultFiles::sync(const std::string& name) {
  IOStatus status = check(syncs_);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  if (!status.ok()) entry.spoiled = true;
  if (!entry.spoiled) entry.synced = entry.written;
  return status;
}

IOStatus FaultFiles::sync_folder(const std::string& name) {
  IOStatus status = check(syncs_);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  for (auto& [path, entry] : entries_) {
    if (folder_of(path) == name) entry.named = true;
  }
  return status;
}

IOStatus FaultFiles::NewWritableFile(const std::string& name, const FileOptions& options,
                                     std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = check(writes_);
  if (status.ok()) status = target()->NewWritableFile(name, options, result, debug);
  if (!status.ok()) return status;
  const std::string path = clean(name);
  {
    const std::lock_guard lock(mutex_);
    entries_[path] = {};
  }
  *result = std::make_unique<FaultFile>(std::move(*result), path, *this);
  return status;
}

IOStatus FaultFiles::ReopenWritableFile(const std::string& name, const FileOptions& options,
                                        std::unique_ptr<FSWritableFile>* result, IODebugContext* debug) {
  IOStatus status = check(writes_);
  if (status.ok()) status = target()->ReopenWritableFile(name, options, result, debug);
  if (!status.ok()) return status;
  *result = std::make_unique<FaultFile>(std::move(*result), clean(name), *this);
  return status;
}

IOStatus FaultFiles::NewDirectory(const std::string& name, const IOOptions& options,
                                  std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext* debug) {
  IOStatus status = target()->NewDirectory(name, options, result, debug);
  if (status.ok()) *result = std::make_unique<FaultDirectory>(std::move(*result), clean(name), *this);
  return status;
}

IOStatus FaultFiles::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  if (!power_) return IOStatus::IOError("injected: the power is out");
  const std::lock_guard lock(mutex_);
  entries_.erase(clean(name));
  return target()->DeleteFile(name, options, debug);
}

IOStatus FaultFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                IODebugContext* debug) {
  IOStatus status = check(writes_);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  status = target()->RenameFile(from, to, options, debug);
  if (auto moved = entries_.extract(clean(from)); status.ok() && !moved.empty()) {
    moved.key() = clean(to);
    entries_.erase(moved.key());
    entries_.insert(std::move(moved));
  }
  return status;
}

void FaultFiles::restore_power(std::mt19937_64& random) {
  const std::lock_guard lock(mutex_);
  const auto upto = [&](std::uint64_t n) {
    return std::uniform_int_distribution<std::uint64_t>(0, n)(random);
  };
  for (auto& [path, entry] : entries_) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    if (!entry.named && entry.synced == 0 && upto(1) == 0) {
      std::filesystem::remove(path, error);
      continue;
    }
    const std::uint64_t kept = entry.synced + upto(entry.written - entry.synced);
    std::filesystem::resize_file(path, kept, error);
    // Pages reach the disk in any order: some of what came later is there, and zeros stand for what is not.
    if (upto(3) == 0 && kept > entry.synced) zero(path, entry.synced + upto(kept - entry.synced - 1), kept);
  }
  entries_.clear();
  budget_ = ~std::uint64_t{0};
  after_budget_ = Fault::none;
  writes_ = Fault::none;
  syncs_ = Fault::none;
  power_ = true;
}

}  // namespace parley::storage
