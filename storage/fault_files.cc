#include "storage/fault_files.h"

#include <filesystem>
#include <utility>

#include "storage/testing/torn_file.h"

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
    IOStatus status = files_.before_write(name_, data.size());
    if (status.ok()) status = target()->Append(data, options, debug);
    if (status.ok()) files_.wrote(name_, data.size());
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = files_.before_write(name_, 0);
    return status.ok() ? target()->Truncate(size, options, debug) : status;
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

void FaultFiles::cut_power_when(Moment moment) {
  const std::lock_guard lock(mutex_);
  moment_ = std::move(moment);
}

IOStatus FaultFiles::check(std::atomic<Fault>& kind, Op op, const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    if (power_ && moment_ && moment_(op, path)) power_ = false;
  }
  return check(kind);
}

IOStatus FaultFiles::before_write(const std::string& name, std::uint64_t bytes) {
  IOStatus status = check(writes_, Op::write, name);
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
  IOStatus status = check(syncs_, Op::sync, name);
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[name];
  if (!status.ok()) entry.spoiled = true;
  if (!entry.spoiled) entry.synced = entry.written;
  return status;
}

IOStatus FaultFiles::sync_folder(const std::string& name) {
  IOStatus status = check(syncs_, Op::sync_folder, name);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  for (auto& [path, entry] : entries_) {
    if (folder_of(path) == name) entry.named = true;
  }
  std::erase_if(undos_, [&](const Undo& undo) {
    std::error_code ignored;
    const bool durable = folder_of(undo.path) == name;
    if (durable && !undo.kept.empty()) std::filesystem::remove(undo.kept, ignored);
    return durable;
  });
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

// The engine takes no notice of a name like this.
void FaultFiles::keep_aside(Undo& undo) {
  std::error_code none;
  const std::string aside = undo.path + ".gone-" + std::to_string(next_kept_++);
  std::filesystem::rename(undo.path, aside, none);
  if (!none) undo.kept = aside;
  if (auto entry = entries_.extract(undo.path); !entry.empty()) {
    undo.entry = entry.mapped();
  } else {
    undo.entry = {.spoiled = false, .named = true};  // from before the last loss: as it is
    undo.entry.synced = undo.entry.written = ~std::uint64_t{0};
  }
}

IOStatus FaultFiles::DeleteFile(const std::string& name, const IOOptions& options, IODebugContext* debug) {
  Undo undo{.path = clean(name), .kept = {}, .from = {}, .entry = {}};
  IOStatus status = check(writes_, Op::remove, undo.path);
  if (!power_) return status;  // a disk that is full or fails takes names away all the same
  const std::lock_guard lock(mutex_);
  if (status = target()->FileExists(name, options, debug); !status.ok()) return status;
  keep_aside(undo);
  undos_.push_back(std::move(undo));
  return status;
}

IOStatus FaultFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                IODebugContext* debug) {
  Undo undo{.path = clean(to), .kept = {}, .from = clean(from), .entry = {}};
  IOStatus status = check(writes_, Op::rename, undo.path);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (status = target()->FileExists(from, options, debug); !status.ok()) return status;
  keep_aside(undo);
  status = target()->RenameFile(from, to, options, debug);
  if (auto moved = entries_.extract(undo.from); status.ok() && !moved.empty()) {
    moved.key() = undo.path;
    entries_.insert(std::move(moved));
  }
  undos_.push_back(std::move(undo));
  return status;
}

// File systems journal names in order: those of a moment are there, and none that came later.
void FaultFiles::undo_names(std::mt19937_64& random) {
  std::size_t durable = std::uniform_int_distribution<std::size_t>(0, undos_.size())(random);
  if (random() % 2 == 0) durable = undos_.size();
  std::error_code ignored;
  while (undos_.size() > durable) {
    const Undo undo = std::move(undos_.back());
    undos_.pop_back();
    if (!undo.from.empty()) {
      std::filesystem::rename(undo.path, undo.from, ignored);
      if (auto moved = entries_.extract(undo.path); !moved.empty()) {
        moved.key() = undo.from;
        entries_.insert(std::move(moved));
      }
    }
    if (undo.kept.empty()) continue;
    std::filesystem::rename(undo.kept, undo.path, ignored);
    entries_[undo.path] = undo.entry;
  }
  for (const Undo& undo : undos_) {
    if (!undo.kept.empty()) std::filesystem::remove(undo.kept, ignored);
  }
  undos_.clear();
}

void FaultFiles::restore_power(std::mt19937_64& random) {
  restore_power(random, [&](const std::string& path, std::uint64_t synced) { tear(path, synced, random); });
}

void FaultFiles::restore_power(std::mt19937_64& random, const Loss& loss) {
  const std::lock_guard lock(mutex_);
  undo_names(random);
  for (auto& [path, entry] : entries_) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) continue;
    if (!entry.named && entry.synced == 0 && random() % 2 == 0) {
      std::filesystem::remove(path, error);
    } else if (entry.synced < entry.written) {
      loss(path, entry.synced);
    }
  }
  entries_.clear();
  moment_ = nullptr;
  budget_ = ~std::uint64_t{0};
  after_budget_ = Fault::none;
  writes_ = Fault::none;
  syncs_ = Fault::none;
  power_ = true;
}

}  // namespace parley::storage
