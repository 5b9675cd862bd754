#include "storage/rocks_log.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <mutex>

#include "storage/disk_space.h"
#include "storage/log_bytes.h"
#include "storage/retention.h"
#include "storage/rocks_cid_filter.h"
#include "storage/rocks_errors.h"
#include "storage/rocks_files.h"
#include "storage/rocks_options.h"

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

Slice slice(std::string_view text) { return {text.data(), text.size()}; }
Slice slice(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// An iterator pins memtables and tables that could be freed otherwise, so a long read takes a new one now and
// then.
constexpr std::size_t kRecordsPerIterator = 2048;
constexpr std::size_t kReadAheadBytes = 256 << 10;
constexpr std::size_t kShortRead = 64;  // records; not worth reading ahead for

class RocksLog final : public Log {
 public:
  RocksLog(RocksLogOptions options, std::shared_ptr<rocksdb::FileSystem> files)
      : options_(std::move(options)),
        files_(std::make_shared<RocksFiles>(std::move(files))),
        env_(rocksdb::NewCompositeEnv(files_)),
        memory_(options_.memory_budget_bytes),
        space_(options_.path, options_.reserve_bytes) {
    write_options_.no_slowdown = true;
  }
  ~RocksLog() override { close(); }
  RocksLog(const RocksLog&) = delete;
  RocksLog& operator=(const RocksLog&) = delete;

  Status open();

  LogResult<void> append(const AppendRecord& record) override;
  LogResult<std::optional<Stored>> find_cid(std::string_view room, std::string_view sender,
                                            std::string_view cid) override;
  LogResult<void> find_id(MessageId id, std::string& out) override;
  LogResult<void> sync() override;
  LogResult<std::vector<RoomTail>> room_tails() override;
  MessageId last_id() const override { return MessageId{last_.load(std::memory_order_acquire)}; }
  LogResult<MessageId> read(MessageId after, std::size_t max_records,
                            const std::function<bool(const LogRecordView&)>& visit) override;
  LogResult<void> set_cursor(std::string_view consumer, MessageId offset) override;
  LogResult<void> remove_cursor(std::string_view consumer) override;
  LogResult<std::vector<std::pair<std::string, MessageId>>> cursors() override;
  LogResult<MessageId> trim(std::uint64_t now_ms_unix, const RetentionPolicy& policy) override;
  LogResult<void> recover() override;
  LogStats stats() override;

 private:
  static constexpr int kNone = -1;  // no error holds writing up

  void close();
  Status load();
  Status load_meta();
  Status check_format();
  MessageId low() const { return MessageId{low_->load(std::memory_order_acquire)}; }
  std::uint64_t property(rocksdb::ColumnFamilyHandle* family, const std::string& name);
  std::unique_ptr<rocksdb::Iterator> events_after(MessageId after, std::size_t max_records);
  LogResult<MessageId> first_from(MessageId bound);
  Status drop_below(MessageId bound);
  LogError fail(const Status& status);

  const RocksLogOptions options_;
  const std::shared_ptr<RocksFiles> files_;
  const std::unique_ptr<rocksdb::Env> env_;
  const RocksMemory memory_;
  rocksdb::WriteOptions write_options_;

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* events_ = nullptr;
  rocksdb::ColumnFamilyHandle* cids_ = nullptr;
  rocksdb::ColumnFamilyHandle* rooms_ = nullptr;

  // The writer's thread only: reused, so that the steady state allocates nothing.
  rocksdb::WriteBatch batch_;
  std::string cid_key_;
  rocksdb::PinnableSlice found_;
  DiskSpace space_;

  std::atomic<std::uint64_t> last_{0};
  // Events below are gone. Shared with the compaction filter, which outlives a closing engine's last job.
  const std::shared_ptr<std::atomic<std::uint64_t>> low_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::atomic<std::uint64_t> writes_{0};  // counts what a sync has to cover
  std::atomic<std::uint64_t> synced_{0};
  // After a failed sync the kernel may call the next one a success although the bytes are lost: the first
  // failure holds until recover() has written everything anew. A LogError or kNone.
  std::atomic<int> failed_{kNone};

  std::mutex admin_;  // cursors, trim, recover
  Cursors cursors_;   // guarded by admin_
};

Status RocksLog::open() {
  const auto db_options = log_db_options(memory_, options_.info_log_level, env_.get());
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, meta_options(memory_)},
      {"events", events_options(memory_)},
      {"cids", cids_options(memory_, make_cid_filter(low_))},
      {"rooms", rooms_options(memory_)},
  };
  rocksdb::DB* db = nullptr;
  Status status = rocksdb::DB::Open(db_options, options_.path.string(), descriptors, &families_, &db);
  if (!status.ok()) return status;
  db_.reset(db);
  meta_ = families_[0];
  events_ = families_[1];
  cids_ = families_[2];
  rooms_ = families_[3];
  return load();
}

void RocksLog::close() {
  if (!db_) return;
  found_.Reset();
  for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  db_->Close().PermitUncheckedError();
  db_.reset();
}

Status RocksLog::load() {
  Status status = check_format();
  if (status.ok()) status = load_meta();
  if (!status.ok()) return status;
  const std::unique_ptr<rocksdb::Iterator> newest(db_->NewIterator(rocksdb::ReadOptions(), events_));
  newest->SeekToLast();
  if (newest->Valid()) {
    const auto id = parse_fixed64(newest->key().ToStringView());
    if (!id) return Status::Corruption("an event's key is not an offset");
    last_.store(std::max(last_.load(), *id));
  }
  return newest->status();
}

Status RocksLog::check_format() {
  std::string format;
  Status status = db_->Get(rocksdb::ReadOptions(), meta_, slice(kFormatKey), &format);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    return db_->Put(durable, meta_, slice(kFormatKey), slice(kFormat));
  }
  if (status.ok() && format != kFormat) return Status::InvalidArgument("unknown format of the log");
  return status;
}

Status RocksLog::load_meta() {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), meta_));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const std::string_view key = it->key().ToStringView();
    if (key == kFormatKey) continue;
    const auto value = parse_fixed64(it->value().ToStringView());
    if (!value) return Status::Corruption("bad value of " + std::string(key));
    if (key == kLowKey) low_->store(*value);
    if (key == kHighKey) last_.store(*value);
    if (key.starts_with(kCursorPrefix))
      cursors_[std::string(key.substr(kCursorPrefix.size()))] = MessageId{*value};
  }
  return it->status();
}

LogError RocksLog::fail(const Status& status) {
  const LogError error = to_log_error(status);
  if (error != LogError::stalled) {
    int none = kNone;
    failed_.compare_exchange_strong(none, static_cast<int>(error));
  }
  return error;
}

LogResult<void> RocksLog::append(const AppendRecord& record) {
  if (const int failed = failed_.load(std::memory_order_relaxed); failed != kNone)
    return static_cast<LogError>(failed);
  if (raw(record.id) <= last_.load(std::memory_order_relaxed) || record.room.size() > kMaxRoomBytes) {
    return LogError::corrupt;
  }
  if (!space_.allows(record.event.size() + record.room.size() + record.cid.size()))
    return LogError::disk_full;

  const Fixed64 id(record.id);
  const Fixed64 seq(record.seq);
  const EventHeader header(record.seq, record.room);
  batch_.Clear();
  const Slice event_key = slice(id.view());
  const Slice event_value[] = {slice(header.view()), slice(record.event)};
  Status status =
      batch_.Put(events_, rocksdb::SliceParts(&event_key, 1), rocksdb::SliceParts(event_value, 2));
  if (status.ok()) status = batch_.Put(rooms_, slice(record.room), slice(seq.view()));
  if (status.ok() && !record.cid.empty()) {
    make_cid_key(record.room, record.sender, record.cid, cid_key_);
    const Slice key = slice(cid_key_);
    const Slice value[] = {slice(id.view()), slice(seq.view())};
    status = batch_.Put(cids_, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2));
  }
  if (status.ok()) status = db_->Write(write_options_, &batch_);
  if (!status.ok()) return fail(status);
  last_.store(raw(record.id), std::memory_order_release);
  writes_.fetch_add(1, std::memory_order_release);
  return {};
}

LogResult<std::optional<Stored>> RocksLog::find_cid(std::string_view room, std::string_view sender,
                                                    std::string_view cid) {
  if (cid.empty()) return std::optional<Stored>();
  make_cid_key(room, sender, cid, cid_key_);
  found_.Reset();
  const Status status = db_->Get(rocksdb::ReadOptions(), cids_, slice(cid_key_), &found_);
  if (status.IsNotFound()) return std::optional<Stored>();
  if (!status.ok()) return to_log_error(status);
  const auto entry = parse_cid_value(found_.ToStringView());
  if (!entry) return LogError::corrupt;
  if (entry->id < low()) return std::optional<Stored>();
  return std::optional<Stored>(Stored{.id = entry->id, .seq = entry->seq});
}

LogResult<void> RocksLog::find_id(MessageId id, std::string& out) {
  if (id < low()) return LogError::not_found;
  const Fixed64 key(id);
  found_.Reset();
  const Status status = db_->Get(rocksdb::ReadOptions(), events_, slice(key.view()), &found_);
  if (!status.ok()) return to_log_error(status);
  const auto value = parse_event_value(found_.ToStringView());
  if (!value) return LogError::corrupt;
  out.assign(reinterpret_cast<const char*>(value->event.data()), value->event.size());
  return {};
}

LogResult<void> RocksLog::sync() {
  const std::uint64_t writes = writes_.load(std::memory_order_acquire);
  if (const int failed = failed_.load(); failed != kNone) return static_cast<LogError>(failed);
  if (writes == synced_.load()) return {};
  const Status status = files_->sync_wals();
  if (!status.ok()) return fail(status);
  synced_.store(writes);
  return {};
}

LogResult<std::vector<RoomTail>> RocksLog::room_tails() {
  std::vector<RoomTail> tails;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = kReadAheadBytes;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, rooms_));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto seq = parse_fixed64(it->value().ToStringView());
    if (!seq) return LogError::corrupt;
    tails.push_back({.room = it->key().ToString(), .last = Seq{*seq}});
  }
  if (!it->status().ok()) return to_log_error(it->status());
  return tails;
}

std::unique_ptr<rocksdb::Iterator> RocksLog::events_after(MessageId after, std::size_t max_records) {
  rocksdb::ReadOptions options;
  if (max_records > kShortRead) {
    options.readahead_size = kReadAheadBytes;
    options.fill_cache = false;  // a follower that catches up must not push the filters out
  }
  std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, events_));
  const Fixed64 start(std::max(raw(after) + 1, raw(low())));
  it->Seek(slice(start.view()));
  return it;
}

LogResult<MessageId> RocksLog::read(MessageId after, std::size_t max_records,
                                    const std::function<bool(const LogRecordView&)>& visit) {
  MessageId at = after;
  const MessageId last = last_id();  // no further: what append() is writing now it has not accepted yet
  if (at >= last) return at;
  std::size_t visited = 0;
  while (visited < max_records) {
    const auto it = events_after(at, max_records - visited);
    std::size_t of_this = 0;
    for (; it->Valid() && visited < max_records && of_this < kRecordsPerIterator; it->Next()) {
      const auto id = parse_fixed64(it->key().ToStringView());
      const auto value = parse_event_value(it->value().ToStringView());
      if (!id || !value) return LogError::corrupt;
      if (MessageId{*id} > last) return at;
      at = MessageId{*id};
      ++visited;
      ++of_this;
      if (!visit({.offset = at, .room = value->room, .seq = value->seq, .event = value->event})) return at;
    }
    if (!it->status().ok()) return to_log_error(it->status());
    if (of_this < kRecordsPerIterator) break;
  }
  return at;
}

LogResult<void> RocksLog::set_cursor(std::string_view consumer, MessageId offset) {
  if (offset > last_id()) return LogError::not_found;
  const std::lock_guard lock(admin_);
  const auto known = cursors_.find(consumer);
  if (known != cursors_.end() && known->second >= offset) return {};
  const std::string key = std::string(kCursorPrefix).append(consumer);
  const Status status = db_->Put(write_options_, meta_, key, slice(Fixed64(offset).view()));
  if (!status.ok()) return fail(status);
  writes_.fetch_add(1, std::memory_order_release);
  cursors_[std::string(consumer)] = offset;
  return {};
}

LogResult<void> RocksLog::remove_cursor(std::string_view consumer) {
  const std::lock_guard lock(admin_);
  const auto known = cursors_.find(consumer);
  if (known == cursors_.end()) return LogError::not_found;
  const std::string key = std::string(kCursorPrefix).append(consumer);
  const Status status = db_->Delete(write_options_, meta_, key);
  if (!status.ok()) return fail(status);
  writes_.fetch_add(1, std::memory_order_release);
  cursors_.erase(known);
  return {};
}

LogResult<std::vector<std::pair<std::string, MessageId>>> RocksLog::cursors() {
  const std::lock_guard lock(admin_);
  return std::vector<std::pair<std::string, MessageId>>(cursors_.begin(), cursors_.end());
}

// The oldest event kept if all below `bound` go; zero when none is left.
LogResult<MessageId> RocksLog::first_from(MessageId bound) {
  const auto it = events_after(MessageId{std::max<std::uint64_t>(raw(bound), 1) - 1}, 1);
  if (!it->status().ok()) return to_log_error(it->status());
  if (!it->Valid()) return MessageId{0};
  const auto id = parse_fixed64(it->key().ToStringView());
  if (!id) return LogError::corrupt;
  return MessageId{*id};
}

// First the new bound is made durable, then whole tables below it are dropped: a crash in between leaves
// bytes that nobody sees. A table that reaches over the bound stays until the bound has passed it.
Status RocksLog::drop_below(MessageId bound) {
  rocksdb::WriteBatch batch;
  Status status = batch.Put(meta_, slice(kLowKey), slice(Fixed64(bound).view()));
  if (status.ok()) status = batch.Put(meta_, slice(kHighKey), slice(Fixed64(last_id()).view()));
  if (status.ok()) status = db_->Write(write_options_, &batch);
  if (status.ok()) status = files_->sync_wals();
  if (!status.ok()) return status;
  low_->store(raw(bound), std::memory_order_release);
  const Fixed64 from(std::uint64_t{0});
  const Fixed64 to(raw(bound) - 1);
  const Slice begin = slice(from.view());
  const Slice end = slice(to.view());
  return rocksdb::DeleteFilesInRange(db_.get(), events_, &begin, &end, true);
}

LogResult<MessageId> RocksLog::trim(std::uint64_t now_ms_unix, const RetentionPolicy& policy) {
  if (const int failed = failed_.load(); failed != kNone) return static_cast<LogError>(failed);
  const std::lock_guard lock(admin_);
  const MessageId bound = retention_bound(now_ms_unix, policy, cursors_, last_id());
  if (bound > low()) {
    const auto first = first_from(bound);
    if (!first) return first.error();
    if (const Status status = drop_below(bound); !status.ok()) return fail(status);
    return *first;
  }
  return first_from(low());
}

LogResult<void> RocksLog::recover() {
  const std::lock_guard lock(admin_);
  Status status = db_->Resume();
  if (!status.ok()) return to_log_error(status);
  // Into tables of their own, whatever became of the bytes of the WAL.
  rocksdb::FlushOptions flush;
  flush.wait = true;
  flush.allow_write_stall = true;
  status = db_->Flush(flush, families_);
  if (!status.ok()) return to_log_error(status);
  failed_.store(kNone);
  return {};
}

std::uint64_t RocksLog::property(rocksdb::ColumnFamilyHandle* family, const std::string& name) {
  std::uint64_t value = 0;
  db_->GetIntProperty(family, name, &value);
  return value;
}

LogStats RocksLog::stats() {
  LogStats stats;
  for (auto* family : families_) {
    stats.disk_bytes += property(family, rocksdb::DB::Properties::kTotalSstFilesSize);
    stats.memory_bytes += property(family, rocksdb::DB::Properties::kEstimateTableReadersMem);
  }
  rocksdb::VectorLogPtr wals;
  if (db_->GetSortedWalFiles(wals).ok()) {
    for (const auto& wal : wals) stats.disk_bytes += wal->SizeFileBytes();
  }
  stats.memory_bytes += memory_.cache->GetUsage();  // memtables are charged to it
  stats.records_estimate = property(events_, rocksdb::DB::Properties::kEstimateNumKeys);
  const auto first = first_from(low());
  stats.low = first ? *first : MessageId{0};
  stats.high = last_id();
  stats.write_stopped = failed_.load() != kNone || space_.low() ||
                        property(events_, rocksdb::DB::Properties::kIsWriteStopped) != 0;
  return stats;
}

}  // namespace

boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log_on(
    const RocksLogOptions& options, std::shared_ptr<rocksdb::FileSystem> files) {
  std::error_code error;
  std::filesystem::create_directories(options.path, error);
  if (error) {
    return "cannot create the folder of the log, " + options.path.string() + ": " + error.message() +
           "; make its parent writable for the user this process runs as";
  }
  auto log = std::make_unique<RocksLog>(options, std::move(files));
  if (const Status status = log->open(); !status.ok()) return open_error_message(status, options.path, "log");
  return std::unique_ptr<Log>(std::move(log));
}

boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log(const RocksLogOptions& options) {
  return open_rocks_log_on(options, rocksdb::FileSystem::Default());
}

}  // namespace parley::storage
