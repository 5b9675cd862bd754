#include "storage/rocks_engine.h"

#include <mutex>
#include <utility>

#include "storage/rocks_manifest.h"

namespace parley::storage {
namespace {

using rocksdb::Status;

// Beside the tables made of its write-ahead logs, opening writes a manifest, options and a new log.
constexpr std::uint64_t kOpeningBytes = 2 << 20;

// The default environment, threads included, with our files (and a test's clock). What the engine asks of the
// environment instead of the files, it has to pass on itself: it deletes old MANIFESTs so.
class Environment final : public rocksdb::EnvWrapper {
 public:
  Environment(std::shared_ptr<rocksdb::FileSystem> files, std::shared_ptr<rocksdb::SystemClock> clock)
      : EnvWrapper(rocksdb::Env::Default()) {
    file_system_ = std::move(files);
    if (clock != nullptr) system_clock_ = std::move(clock);
  }
  Status DeleteFile(const std::string& name) override {
    return file_system_->DeleteFile(name, rocksdb::IOOptions(), nullptr);
  }
  Status RenameFile(const std::string& from, const std::string& to) override {
    return file_system_->RenameFile(from, to, rocksdb::IOOptions(), nullptr);
  }
};

}  // namespace

RocksEngine::RocksEngine(std::filesystem::path path, std::shared_ptr<rocksdb::FileSystem> files,
                         std::shared_ptr<rocksdb::SystemClock> clock)
    : path_(std::move(path)),
      files_(
          std::make_shared<RocksFiles>(files != nullptr ? std::move(files) : rocksdb::FileSystem::Default())),
      env_(std::make_unique<Environment>(files_, std::move(clock))) {}

RocksEngine::~RocksEngine() {
  const std::lock_guard lock(mutex_);
  close_locked();
}

Status RocksEngine::open(rocksdb::DBOptions options, std::vector<rocksdb::ColumnFamilyDescriptor> families,
                         const Notice& notice) {
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  options_.env = env_.get();
  options_.wal_filter = &wal_order_;
  families_ = std::move(families);
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return Status::IOError("While mkdir " + path_.string(), error.message());
  return open_locked(notice);
}

Status RocksEngine::open_locked(const Notice& notice) {
  std::string put_right;
  Status status = settle_manifest(*files_, path_.string(), put_right);
  if (notice && !put_right.empty()) notice(put_right);
  if (!status.ok()) return status;
  wal_order_.begin();
  rocksdb::DB* db = nullptr;
  status = rocksdb::DB::Open(options_, path_.string(), families_, &handles_, &db);
  db_.reset(db);
  return status;
}

void RocksEngine::close_locked() {
  if (!db_) return;
  for (auto* handle : handles_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  handles_.clear();
  db_->Close().PermitUncheckedError();
  db_.reset();
}

Status RocksEngine::flush() {
  const Hold db = hold();
  if (!db) return Status::Aborted("closed");
  rocksdb::FlushOptions flush;
  flush.wait = true;
  flush.allow_write_stall = true;
  return db->Flush(flush, db.families());
}

Status RocksEngine::recover(bool sync_failed) {
  // Without a failed sync the write-ahead log holds all that was accepted. After one it may not, whatever the
  // kernel shows of it: what is in memory must go into tables first.
  if (sync_failed && flush().ok()) return Status::OK();
  // Not DB::Resume(): a flush that was about to begin when another job failed is forgotten by the engine (its
  // slot is taken and its request stays queued), and Resume() waits for that flush for ever. Nor may writing
  // go on: at the next append to a log whose last one failed, the engine aborts the process.
  if (Status status = room_to_open(); !status.ok()) return status;
  return reopen();
}

// Opening closes first, and what is closed cannot be read: so only where opening will find what it needs.
Status RocksEngine::room_to_open() {
  std::uint64_t needed = kOpeningBytes;
  if (const Hold db = hold(); db) {
    rocksdb::VectorLogPtr wals;
    if (Status status = db->GetSortedWalFiles(wals); !status.ok()) return status;
    for (const auto& wal : wals) needed += wal->SizeFileBytes();  // becomes tables
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(path_, unknown);
  if (!unknown && space.available < needed) {
    return Status::NoSpace(path_.string(), std::to_string(needed >> 20) + " MiB are needed to recover");
  }
  const std::string probe = (path_ / "recovery.probe").string();
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = files_->NewWritableFile(probe, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(std::string(4096, 'p'), rocksdb::IOOptions(), nullptr);
  if (status.ok()) status = file->Sync(rocksdb::IOOptions(), nullptr);
  file.reset();
  files_->DeleteFile(probe, rocksdb::IOOptions(), nullptr).PermitUncheckedError();
  return status;
}

Status RocksEngine::reopen() {
  const std::lock_guard lock(mutex_);
  close_locked();
  return open_locked({});  // what there is to put right a failed write has left, and that was told
}

}  // namespace parley::storage
