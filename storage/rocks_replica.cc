#include "storage/rocks_replica.h"

#include <rocksdb/convenience.h>

#include <atomic>
#include <chrono>

#include "storage/replica_batch.h"
#include "storage/replica_bytes.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_errors.h"
#include "storage/rocks_options.h"

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

Slice slice(std::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kReadAheadBytes = 1 << 20;
constexpr std::chrono::seconds kRecoverEvery{1};
constexpr std::string_view kDamaged =
    "a fact in the replica is damaged; remove the replica's folder, the feed brings all facts again";

std::string range_start(Generation generation) { return std::string(1, static_cast<char>(generation)); }
std::string range_end(Generation generation) { return std::string(1, static_cast<char>(generation + 1)); }

// Facts live in generations, told apart by the first byte of their keys. One serves. A snapshot is gathered
// in another, and the commit is one small write that names the new one and drops the old.
class RocksReplica final : public ReplicaStore {
 public:
  RocksReplica(RocksReplicaOptions options, std::shared_ptr<rocksdb::FileSystem> files,
               std::shared_ptr<rocksdb::SystemClock> clock)
      : options_(std::move(options)),
        memory_(options_.memory_budget_bytes),
        engine_(options_.path, std::move(files), std::move(clock)) {
    write_options_.no_slowdown = true;
  }

  Status open();

  std::uint64_t version() const override { return version_.load(std::memory_order_acquire); }
  ReplicaResult<void> load(const std::function<void(ControlOp&&)>& visit) override;
  FeedPosition position() const override { return {version(), mark_.load(std::memory_order_acquire)}; }
  ReplicaResult<void> apply(FeedPosition to, std::span<const ControlOp> ops) override;
  ReplicaResult<void> snapshot_begin() override;
  ReplicaResult<void> snapshot_add(std::span<const ControlOp> ops) override;
  ReplicaResult<void> snapshot_commit(FeedPosition to) override;
  ReplicaResult<void> sync() override;

 private:
  Status load_state();
  Status drop_all_but(Generation generation);
  using Hold = RocksEngine::Hold;
  Status write(const Hold& db, rocksdb::WriteBatch& batch) { return write(db, batch, write_options_); }
  Status write(const Hold& db, rocksdb::WriteBatch& batch, const rocksdb::WriteOptions& options);
  Status ready();
  Generation after(Generation generation) const {
    return generation == kLastGeneration ? kFirstGeneration : static_cast<Generation>(generation + 1);
  }
  static std::string explain(const Status& status);

  const RocksReplicaOptions options_;
  const RocksMemory memory_;
  RocksEngine engine_;
  rocksdb::WriteOptions write_options_;  // refuses where it would have to wait
  const rocksdb::WriteOptions patient_;

  // Writing has failed: the next write first tries to recover, at most once in kRecoverEvery.
  std::atomic<bool> failed_{false};
  std::atomic<bool> sync_failed_{false};
  std::chrono::steady_clock::time_point next_recovery_;  // the writer's thread

  void arrive_at(FeedPosition to) {
    mark_.store(to.mark, std::memory_order_release);
    version_.store(to.version, std::memory_order_release);
  }
  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint64_t> mark_{0};
  std::atomic<Generation> serving_{kFirstGeneration};
  Generation gathering_ = 0;  // 0: no snapshot is being gathered
};

Status RocksReplica::open() {
  Status status =
      engine_.open(replica_db_options(memory_), {{rocksdb::kDefaultColumnFamilyName, facts_options(memory_)}},
                   options_.notice);
  return status.ok() ? load_state() : status;
}

Status RocksReplica::load_state() {
  {
    const auto db = engine_.hold();
    std::string value;
    Status status = db->Get(rocksdb::ReadOptions(), kStateKey, &value);
    if (status.ok()) {
      const auto state = parse_state(value);
      if (!state) return Status::Corruption("bad state of the replica");
      arrive_at(state->position);
      serving_.store(state->generation);
    } else if (!status.IsNotFound()) {
      return status;
    }
  }
  return drop_all_but(serving_.load());
}

// What an unfinished snapshot, or a crash just after a commit, has left.
Status RocksReplica::drop_all_but(Generation generation) {
  const auto db = engine_.hold();
  if (!db) return Status::IOError("closed");
  rocksdb::WriteBatch batch;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(range_start(kFirstGeneration)); it->Valid();) {
    const auto found = static_cast<Generation>(static_cast<unsigned char>(it->key()[0]));
    if (found != generation) {
      Status status = batch.DeleteRange(range_start(found), range_end(found));
      if (!status.ok()) return status;
    }
    it->Seek(range_end(found));
  }
  if (!it->status().ok()) return it->status();
  return batch.Count() == 0 ? Status::OK() : write(db, batch);
}

Status RocksReplica::write(const Hold& db, rocksdb::WriteBatch& batch, const rocksdb::WriteOptions& options) {
  Status status = db->Write(options, &batch);
  if (!status.ok() && !status.IsIncomplete()) failed_.store(true);
  return status;
}

// Before anything is written: a failure that lasts is met by refusing, one that has passed by going on.
Status RocksReplica::ready() {
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
  const auto db = engine_.hold();
  if (!db) return "the replica cannot be read: it is closed after an error";
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options));
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

ReplicaResult<void> RocksReplica::apply(FeedPosition to, std::span<const ControlOp> ops) {
  Status status = ready();
  if (!status.ok()) return explain(status);
  const auto db = engine_.hold();
  const Generation generation = serving_.load();
  ReplicaBatch batch(*db, generation);
  status = batch.add(ops);
  if (status.ok()) {
    status = batch.batch().Put(kStateKey, state_value({.generation = generation, .position = to}));
  }
  if (status.ok()) status = write(db, batch.batch());
  if (!status.ok()) return explain(status);
  arrive_at(to);
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_begin() {
  gathering_ = 0;
  Status status = ready();
  if (status.ok()) status = drop_all_but(serving_.load());
  if (!status.ok()) return explain(status);
  gathering_ = after(serving_.load());
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_add(std::span<const ControlOp> ops) {
  if (gathering_ == 0) return "no snapshot has been begun; begin one first";
  Status status = ready();
  if (!status.ok()) return explain(status);
  const auto db = engine_.hold();
  ReplicaBatch batch(*db, gathering_);
  status = batch.add(ops);
  if (status.ok()) status = write(db, batch.batch(), patient_);
  if (!status.ok()) return explain(status);
  return {};
}

ReplicaResult<void> RocksReplica::snapshot_commit(FeedPosition to) {
  if (gathering_ == 0) return "no snapshot has been begun; begin one first";
  Status status = ready();
  if (!status.ok()) return explain(status);
  const auto db = engine_.hold();
  const Generation old = serving_.load();
  const std::string begin = range_start(old);
  const std::string end = range_end(old);
  rocksdb::WriteBatch batch;
  status = batch.Put(kStateKey, state_value({.generation = gathering_, .position = to}));
  if (status.ok()) status = batch.DeleteRange(begin, end);
  if (status.ok()) status = write(db, batch, patient_);  // it may take long, so it may wait too
  if (!status.ok()) return explain(status);
  serving_.store(std::exchange(gathering_, Generation{0}), std::memory_order_release);
  arrive_at(to);

  // From here on the new facts serve, so the caller must hear that they do, whatever the disk says. A million
  // facts are worth not asking for again; but what a power loss takes with an unsynced commit is the version
  // too, and the feed brings both again. Until it is synced the old ones' tables are needed; else they go at
  // once, not when compaction comes, which has them if it cannot be done now.
  if (!sync()) return {};
  const Slice first = begin;
  const Slice last = end;
  rocksdb::DeleteFilesInRange(&*db, db->DefaultColumnFamily(), &first, &last, false).PermitUncheckedError();
  return {};
}

ReplicaResult<void> RocksReplica::sync() {
  if (sync_failed_.load()) return "the replica could not be synced; the next change tries to put that right";
  Status status = engine_.sync();
  if (status.ok()) return {};
  sync_failed_.store(true);
  failed_.store(true);
  return explain(status);
}

}  // namespace

ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica_on(
    const RocksReplicaOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
    std::shared_ptr<rocksdb::SystemClock> clock) {
  auto replica = std::make_unique<RocksReplica>(options, std::move(files), std::move(clock));
  if (Status status = replica->open(); !status.ok()) {
    return open_error_message(status, options.path, "replica of the ACL facts");
  }
  return std::unique_ptr<ReplicaStore>(std::move(replica));
}

ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica(const RocksReplicaOptions& options) {
  return open_rocks_replica_on(options, nullptr);
}

}  // namespace parley::storage
