#include "storage/rocks_engine.h"

#include <mutex>
#include <utility>

namespace parley::storage {
namespace {

using rocksdb::Status;

// The default environment, threads included, with our files (and a test's clock).
class Environment final : public rocksdb::EnvWrapper {
 public:
  Environment(std::shared_ptr<rocksdb::FileSystem> files, std::shared_ptr<rocksdb::SystemClock> clock)
      : EnvWrapper(rocksdb::Env::Default()) {
    file_system_ = std::move(files);
    if (clock != nullptr) system_clock_ = std::move(clock);
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

Status RocksEngine::open(rocksdb::DBOptions options, std::vector<rocksdb::ColumnFamilyDescriptor> families) {
  const std::lock_guard lock(mutex_);
  options_ = std::move(options);
  options_.env = env_.get();
  options_.wal_filter = &wal_order_;
  families_ = std::move(families);
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  if (error) return Status::IOError("While mkdir " + path_.string(), error.message());
  return open_locked();
}

Status RocksEngine::open_locked() {
  wal_order_.begin();
  rocksdb::DB* db = nullptr;
  const Status status = rocksdb::DB::Open(options_, path_.string(), families_, &handles_, &db);
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
  // The engine may know of no error: a sync that failed was ours.
  if (flush().ok()) return Status::OK();
  Status status;
  if (const Hold db = hold(); db) {
    status = db->Resume();
    if (!status.ok() && (status.severity() < Status::Severity::kFatalError || sync_failed)) return status;
  }
  // Either all is in tables now, or (a fatal error) it is in the write-ahead log, none of whose syncs has
  // failed. The engine may still hold a log whose append failed, and aborts the process at the next one:
  // begin anew.
  return reopen();
}

Status RocksEngine::reopen() {
  const std::lock_guard lock(mutex_);
  close_locked();
  return open_locked();
}

}  // namespace parley::storage
