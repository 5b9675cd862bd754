#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "storage/disk_space.h"
#include "storage/retained_bytes.h"
#include "storage/retained_store.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_errors.h"
#include "storage/rocks_options.h"

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

constexpr std::chrono::seconds kRecoverEvery{1};

Slice slice(std::string_view text) { return {text.data(), text.size()}; }

class RocksRetained final : public RetainedStore {
 public:
  explicit RocksRetained(const RocksRetainedOptions& options)
      : memory_(options.memory_budget_bytes),
        engine_(options.path),
        space_(options.path, options.reserve_bytes) {
    write_options_.no_slowdown = true;
  }

  Status open(const RocksEngine::Notice& notice) {
    return engine_.open(replica_db_options(memory_),
                        {{rocksdb::kDefaultColumnFamilyName, facts_options(memory_)}}, notice);
  }

  RetainedResult<void> put(const RetainedMessage& message) override {
    if (message.topic.empty() || message.payload.empty()) return "not a retained message: it is empty";
    if (!space_.allows(message.topic.size() + message.payload.size() + message.properties.size()))
      return "the disk is full";
    make_retained_value(message, value_);
    return write([&](rocksdb::DB& db) { return db.Put(write_options_, slice(message.topic), value_); });
  }

  // Not held up by the reserve: it makes room.
  RetainedResult<void> remove(std::string_view topic) override {
    return write([&](rocksdb::DB& db) { return db.Delete(write_options_, slice(topic)); });
  }

  RetainedResult<void> load(const std::function<void(const RetainedMessage&)>& visit) override {
    const auto db = engine_.hold();
    if (!db) return "the retained messages cannot be read: they are closed after an error";
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      const auto message = parse_retained(it->key().ToStringView(), it->value().ToStringView());
      if (!message) {
        return "the retained message of " + it->key().ToString() +
               " is damaged; move the folder `retained` away to start without them";
      }
      visit(*message);
    }
    if (!it->status().ok()) return "the retained messages cannot be read: " + it->status().ToString();
    return {};
  }

  RetainedResult<void> sync() override {
    if (sync_failed_.load()) return "the retained messages could not be synced";
    const Status status = engine_.sync();
    if (status.ok()) return {};
    sync_failed_.store(true);
    failed_.store(true);
    return explain(status);
  }

 private:
  template <class Write>
  RetainedResult<void> write(Write&& change) {
    Status status = ready();
    if (status.ok()) {
      const auto db = engine_.try_hold();
      status = db ? change(*db) : Status::Incomplete("being opened");
      if (!status.ok() && !status.IsIncomplete()) failed_.store(true);
    }
    if (!status.ok()) return explain(status);
    return {};
  }

  // Before anything is written: a failure that lasts is met by refusing, one that has passed by going on.
  Status ready() {
    if (!failed_.load()) return Status::OK();
    const auto now = std::chrono::steady_clock::now();
    if (now < next_recovery_) return Status::Incomplete("recovering");
    next_recovery_ = now + kRecoverEvery;
    Status status = engine_.recover(sync_failed_.load());
    if (!status.ok()) return status;
    sync_failed_.store(false);
    failed_.store(false);
    return status;
  }

  static std::string explain(const Status& status) {
    if (status.IsIncomplete()) return "the disk is behind";
    if (is_disk_full(status)) return "the disk is full";
    return "the disk cannot be written (" + status.ToString() + ")";
  }

  const RocksMemory memory_;
  RocksEngine engine_;
  DiskSpace space_;
  rocksdb::WriteOptions write_options_;  // refuses where it would have to wait
  std::string value_;
  std::atomic<bool> failed_{false};
  std::atomic<bool> sync_failed_{false};
  std::chrono::steady_clock::time_point next_recovery_;  // the writer's thread
};

}  // namespace

RetainedResult<std::unique_ptr<RetainedStore>> open_rocks_retained(const RocksRetainedOptions& options) {
  auto store = std::make_unique<RocksRetained>(options);
  if (const Status status = store->open(options.notice); !status.ok())
    return open_error_message(status, options.path, "retained messages");
  return std::unique_ptr<RetainedStore>(std::move(store));
}

}  // namespace parley::storage
