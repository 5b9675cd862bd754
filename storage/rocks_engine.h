// One RocksDB as we use it: opened, held by many threads, and brought back after an error. Internal to
// storage/.
#ifndef PARLEY_STORAGE_ROCKS_ENGINE_H_
#define PARLEY_STORAGE_ROCKS_ENGINE_H_

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/system_clock.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "storage/rocks_files.h"
#include "storage/rocks_wal_order.h"

namespace parley::storage {

// Any thread.
class RocksEngine {
 public:
  // `files` and `clock` are what a test puts in their place; by default the real ones.
  explicit RocksEngine(std::filesystem::path path, std::shared_ptr<rocksdb::FileSystem> files = nullptr,
                       std::shared_ptr<rocksdb::SystemClock> clock = nullptr);
  ~RocksEngine();
  RocksEngine(const RocksEngine&) = delete;
  RocksEngine& operator=(const RocksEngine&) = delete;

  // Creates the folder too, and puts right what a power loss has left there, of which `notice`, which may be
  // empty, is told before this returns. Real damage is an error and stays as it is. What Hold::family()
  // counts are `families`, of which the first is the default one.
  using Notice = std::function<void(std::string_view)>;
  rocksdb::Status open(rocksdb::DBOptions options, std::vector<rocksdb::ColumnFamilyDescriptor> families,
                       const Notice& notice);

  // The engine while somebody uses it; false when it is closed, or (try_hold) being opened anew. Nothing that
  // the engine has handed out may outlive it.
  class Hold {
   public:
    explicit operator bool() const { return lock_.owns_lock() && engine_->db_ != nullptr; }
    rocksdb::DB& operator*() const { return *engine_->db_; }
    rocksdb::DB* operator->() const { return engine_->db_.get(); }
    rocksdb::ColumnFamilyHandle* family(std::size_t index) const { return engine_->handles_[index]; }
    const std::vector<rocksdb::ColumnFamilyHandle*>& families() const { return engine_->handles_; }

   private:
    friend class RocksEngine;
    Hold(RocksEngine& engine, std::shared_lock<std::shared_mutex> lock)
        : engine_(&engine), lock_(std::move(lock)) {}
    RocksEngine* engine_;
    std::shared_lock<std::shared_mutex> lock_;
  };
  Hold hold() { return {*this, std::shared_lock(mutex_)}; }
  Hold try_hold() { return {*this, std::shared_lock(mutex_, std::try_to_lock)}; }  // never waits

  // Makes all that was written before durable. After a failure only recover() helps: the kernel may call the
  // next sync a success although the bytes are gone.
  rocksdb::Status sync() { return files_->sync_wals(); }

  // After any error of a write or a sync: puts all that was accepted into tables and makes writing possible
  // again; fails, with the engine as it was, while the cause lasts. When a sync and a flush have both failed,
  // the last unsynced writes are what the kernel still has of the log: the caller checks that none is
  // missing. One thread at a time; the others may go on holding the engine between.
  rocksdb::Status recover(bool sync_failed);

 private:
  rocksdb::Status open_locked(const Notice& notice);
  void close_locked();
  rocksdb::Status flush();
  rocksdb::Status room_to_open();
  rocksdb::Status reopen();

  const std::filesystem::path path_;
  const std::shared_ptr<RocksFiles> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  WalOrder wal_order_;
  rocksdb::DBOptions options_;
  std::vector<rocksdb::ColumnFamilyDescriptor> families_;

  std::shared_mutex mutex_;  // shared by those who use db_, exclusive to open and close it
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace parley::storage

#endif
