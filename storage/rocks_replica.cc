#include "storage/rocks_replica.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>

#include <atomic>

#include "storage/replica_batch.h"
#include "storage/replica_bytes.h"
#include "storage/rocks_errors.h"
#include "storage/rocks_files.h"
#include "storage/rocks_options.h"

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

Slice slice(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kReadAheadBytes = 1 << 20;
constexpr std::string_view kDamaged =
    "a fact in the replica is damaged; remove the replica's folder, the feed brings all facts again";

// Facts live in generations, told apart by the first byte of their keys. One serves. A snapshot is gathered
// in another, and the commit is one small write that names the new one and drops the old.
class RocksReplica final : public ReplicaStore {
 public:
  RocksReplica(RocksReplicaOptions options, std::shared_ptr<rocksdb::FileSystem> files)
      : options_(std::move(options)),
        files_(std::make_shared<RocksFiles>(std::move(files))),
        env_(rocksdb::NewCompositeEnv(files_)),
        memory_(options_.memory_budget_bytes) {
    write_options_.no_slowdown = true;
  }
  ~RocksReplica() override {
    if (db_) db_->Close().PermitUncheckedError();
  }
  RocksReplica(const RocksReplica&) = delete;
  RocksReplica& operator=(const RocksReplica&) = delete;

  Status open();

  std::uint64_t version() const override { return version_.load(std::memory_order_acquire); }
  ReplicaResult<void> load(const std::function<void(ControlOp&&)>& visit) override;
  ReplicaResult<void> apply(std::uint64_t new_version, std::span<const ControlOp> ops) override;
  ReplicaResult<void> snapshot_begin() override;
  ReplicaResult<void> snapshot_add(std::span<const ControlOp> ops) override;
  ReplicaResult<void> snapshot_commit(std::uint64_t version) override;
  ReplicaResult<void> sync() override;

 private:
  Status load_state();
  Status drop_all_but(Generation generation);
  Status write(rocksdb::WriteBatch& batch);
  Generation after(Generation generation) const {
    return generation == kLastGeneration ? kFirstGeneration : static_cast<Generation>(generation + 1);
  }
  static std::string explain(const Status& status);

  const RocksReplicaOptions options_;
  const std::shared_ptr<RocksFiles> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  const RocksMemory memory_;
  rocksdb::WriteOptions write_options_;
  std::unique_ptr<rocksdb::DB> db_;

  std::atomic<std::uint64_t> version_{0};
  std::atomic<Generation> serving_{kFirstGeneration};
  Generation gathering_ = 0;  // 0: no snapshot is being gathered
};

std::string range_start(Generation generation) { return std::string(1, static_cast<char>(generation)); }
std::string range_end(Generation generation) { return std::string(1, static_cast<char>(generation + 1)); }

Status RocksReplica::open() {
  rocksdb::DB* db = nullptr;
  const Status status = rocksdb::DB::Open(replica_options(memory_, env_.get()), options_.path.string(), &db);
  db_.reset(db);
  return status.ok() ? load_state() : status;
}

Status RocksReplica::load_state() {
  std::string value;
  Status status = db_->Get(rocksdb::ReadOptions(), kStateKey, &value);
  if (status.ok()) {
    const auto state = parse_state(value);
    if (!state) return Status::Corruption("bad state of the replica");
    version_.store(state->version);
    serving_.store(state->generation);
  } else if (!status.IsNotFound()) {
    return status;
  }
  return drop_all_but(serving_.load());
}

// What an unfinished snapshot, or a crash just after a commit, has left.
Status RocksReplica::drop_all_but(Generation generation) {
  rocksdb::WriteBatch batch;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(range_start(kFirstGeneration)); it->Valid();) {
    const auto found = static_cast<Generation>(static_cast<unsigned char>(it->key()[0]));
    if (found != generation) {
      const Status status = batch.DeleteRange(range_start(found), range_end(found));
      if (!status.ok()) return status;
    }
    it->Seek(range_end(found));
  }
  if (!it->status().ok()) return it->status();
  return batch.Count() == 0 ? Status::OK() : write(batch);
}

Status RocksReplica::write(rocksdb::WriteBatch& batch) { return db_->Write(write_options_, &batch); }

std::string RocksReplica::explain(const Status& status) {
  if (status.IsIncomplete()) return "the replica's disk is behind; try again in a moment";
  if (is_disk_full(status)) return "the replica's disk is full; free some space (" + status.ToString() + ")";
  if (status.IsInvalidArgument()) return "not a valid operation: " + status.ToString();
  return "the replica cannot be written: " + status.ToString();
}

// One iterator sees one state of everything, so a commit on another thread meanwhile does no harm.
ReplicaResult<void> RocksReplica::load(const std::function<void(ControlOp&&)>& visit) {
  rocksdb::ReadOptions options;
  options.readahead_size = kReadAheadBytes;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options));
  ReplicaState state;
  it->Seek(kStateKey);
  if (it->Valid() && it->key() == kStateKey) {
    const auto stored = parse_state(it->value().ToStringView());
    if (!stored) return std::string(kDamaged);
    state = *stored;
  }
  FactKey end;
  end.set(state.generation, kFirstIndex, "");
  for (it->Seek(range_start(state.generation)); it->Valid() && it->key().compare(slice(end.view())) < 0;
       it->Next()) {
    auto fact = parse_fact(it->key().ToStringView(), it->value().ToStringView());
    if (!fact) return std::string(kDamaged);
    visit(std::move(*fact));
  }
  if (!it->status().ok()) return "the replica cannot be read: " + it->status().ToString();
  return {};
}

ReplicaResult<void> RocksReplica::apply(std::uint64_t new_version, std::span<const ControlOp> ops) {
  const Generation generation = serving_.load();
  ReplicaBatch batch(*db_, generation);
  Status status = batch.add(ops);
  if (status.ok()) {
    status = batch.batch().Put(kStateKey, state_value({.generation = generation, .version = new_version}));
  }
  if (status.ok()) status = write(batch.batch());
  if (!status.ok()) return explain(status);
  version_.store(new_version, std::memory_order_release);
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_begin() {
  gathering_ = 0;
  if (const Status status = drop_all_but(serving_.load()); !status.ok()) return explain(status);
  gathering_ = after(serving_.load());
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_add(std::span<const ControlOp> ops) {
  if (gathering_ == 0) return "no snapshot has been begun; begin one first";
  ReplicaBatch batch(*db_, gathering_);
  Status status = batch.add(ops);
  if (status.ok()) status = write(batch.batch());
  if (!status.ok()) return explain(status);
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_commit(std::uint64_t version) {
  if (gathering_ == 0) return "no snapshot has been begun; begin one first";
  const Generation old = serving_.load();
  const std::string begin = range_start(old);
  const std::string end = range_end(old);
  rocksdb::WriteBatch batch;
  Status status = batch.Put(kStateKey, state_value({.generation = gathering_, .version = version}));
  if (status.ok()) status = batch.DeleteRange(begin, end);
  if (status.ok()) status = write(batch);
  if (!status.ok()) return explain(status);
  serving_.store(std::exchange(gathering_, Generation{0}), std::memory_order_release);
  version_.store(version, std::memory_order_release);

  // A million facts are worth not asking for again. And the old ones' tables go at once, not when compaction
  // comes.
  status = files_->sync_wals();
  const Slice first = begin;
  const Slice last = end;
  if (status.ok())
    status = rocksdb::DeleteFilesInRange(db_.get(), db_->DefaultColumnFamily(), &first, &last, false);
  if (!status.ok()) return explain(status);
  return {};
}

ReplicaResult<void> RocksReplica::sync() {
  const Status status = files_->sync_wals();
  if (!status.ok()) return explain(status);
  return {};
}

}  // namespace

ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica_on(
    const RocksReplicaOptions& options, std::shared_ptr<rocksdb::FileSystem> files) {
  std::error_code error;
  std::filesystem::create_directories(options.path, error);
  if (error) {
    return "cannot create the folder of the replica, " + options.path.string() + ": " + error.message() +
           "; make its parent writable for the user this process runs as";
  }
  auto replica = std::make_unique<RocksReplica>(options, std::move(files));
  if (const Status status = replica->open(); !status.ok()) {
    return open_error_message(status, options.path, "replica of the ACL facts");
  }
  return std::unique_ptr<ReplicaStore>(std::move(replica));
}

ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica(const RocksReplicaOptions& options) {
  return open_rocks_replica_on(options, rocksdb::FileSystem::Default());
}

}  // namespace parley::storage
