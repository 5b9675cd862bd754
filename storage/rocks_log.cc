#include "storage/rocks_log.h"

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

#include <atomic>
#include <mutex>

#include "storage/disk_space.h"
#include "storage/log_bytes.h"
#include "storage/retention.h"
#include "storage/rocks_cid_filter.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_errors.h"
#include "storage/rocks_options.h"
#include "storage/rocks_room_tails.h"

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
// Column families, in the order opened.
enum Family : std::size_t { kMeta, kEvents, kCids, kRooms };
constexpr std::size_t kShortRead = 64;  // records; not worth reading ahead for

class RocksLog final : public Log {
 public:
  RocksLog(RocksLogOptions options, std::shared_ptr<rocksdb::FileSystem> files,
           std::shared_ptr<rocksdb::SystemClock> clock)
      : options_(std::move(options)),
        memory_(options_.memory_budget_bytes),
        engine_(options_.path, std::move(files), std::move(clock)),
        space_(options_.path, options_.reserve_bytes) {
    write_options_.no_slowdown = true;
  }

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
  static constexpr auto kLongestStall = std::chrono::seconds(2);
  static constexpr std::uint64_t kTailsEvery = 2048;    // events; about a millisecond of the syncing thread
  static constexpr std::size_t kMostScanned = 500'000;  // events in one trim()
  static constexpr int kNone = -1;                      // no error holds writing up

  using Hold = RocksEngine::Hold;

  Status load();
  Status load_meta(const Hold& db);
  Status check_format(const Hold& db);
  static Status newest_event(const Hold& db, std::uint64_t& offset);
  bool has_last_event();
  MessageId low() const override { return MessageId{low_->load(std::memory_order_acquire)}; }
  std::unique_ptr<rocksdb::Iterator> events_after(const Hold& db, MessageId after, std::size_t max_records);
  LogResult<MessageId> first_from(const Hold& db, MessageId bound);
  LogResult<void> drop_below(const Hold& db, MessageId bound);
  LogResult<void> save_tails();
  LogError cause_of_stall();
  LogError fail(LogError error);
  LogError fail(const Status& status) { return fail(to_log_error(status)); }
  LogError fail_sync(const Status& status);

  const RocksLogOptions options_;
  const RocksMemory memory_;
  RocksEngine engine_;
  RocksRoomTails room_tails_{engine_, {.meta = kMeta, .events = kEvents, .rooms = kRooms}};
  rocksdb::WriteOptions write_options_;

  // The writer's thread only: reused, so that the steady state allocates nothing.
  rocksdb::WriteBatch batch_;
  std::string cid_key_;
  rocksdb::PinnableSlice found_;

  // A value looked up into found_, and let go of with the engine.
  class Found {
   public:
    Found(RocksLog& log, const Hold& db, std::size_t family, std::string_view key)
        : value_(log.found_),
          status_(db->Get(rocksdb::ReadOptions(), db.family(family), slice(key), &value_)) {}
    ~Found() { value_.Reset(); }
    Found(const Found&) = delete;
    Found& operator=(const Found&) = delete;
    const Status& status() const { return status_; }
    std::string_view value() const { return value_.ToStringView(); }

   private:
    rocksdb::PinnableSlice& value_;
    const Status status_;
  };

  DiskSpace space_;

  std::atomic<std::uint64_t> last_{0};
  // Events below are gone. Shared with the compaction filter, which outlives a closing engine's last job.
  const std::shared_ptr<std::atomic<std::uint64_t>> low_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::atomic<std::uint64_t> writes_{0};  // counts what a sync has to cover
  std::atomic<std::uint64_t> synced_{0};
  std::uint64_t tails_at_ = 0;  // writes_ when they were saved last; the syncing thread only
  // After a failed sync the kernel may call the next one a success although the bytes are lost: the first
  // failure holds until recover() has written everything anew. A LogError or kNone.
  std::atomic<int> failed_{kNone};
  std::atomic<bool> sync_failed_{false};
  std::optional<std::chrono::steady_clock::time_point> stalled_since_;  // the writer's thread only

  std::mutex recovering_;  // one recover() at a time; taken before nothing else
  std::mutex admin_;       // cursors and trim
  Cursors cursors_;        // guarded by admin_
  MessageId scanned_{0};   // by trim(), guarded by admin_
};

Status RocksLog::open() {
  const Status status = engine_.open(log_db_options(memory_, options_.info_log_level),
                                     {{rocksdb::kDefaultColumnFamilyName, meta_options(memory_)},
                                      {"events", events_options(memory_)},
                                      {"cids", cids_options(memory_, make_cid_filter(low_))},
                                      {"rooms", rooms_options(memory_)}},
                                     options_.notice);
  return status.ok() ? load() : status;
}

Status RocksLog::load() {
  const Hold db = engine_.hold();
  Status status = check_format(db);
  if (status.ok()) status = load_meta(db);
  if (status.ok()) status = room_tails_.load();
  if (!status.ok()) return status;
  std::uint64_t newest = 0;
  status = newest_event(db, newest);
  last_.store(std::max(last_.load(), newest));
  return status;
}

// Its offset; zero when there is none.
Status RocksLog::newest_event(const Hold& db, std::uint64_t& offset) {
  offset = 0;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions(), db.family(kEvents)));
  it->SeekToLast();
  if (!it->Valid()) return it->status();
  const auto id = parse_fixed64(it->key().ToStringView());
  if (!id) return Status::Corruption("an event's key is not an offset");
  offset = *id;
  return Status::OK();
}

Status RocksLog::check_format(const Hold& db) {
  std::string format;
  Status status = db->Get(rocksdb::ReadOptions(), db.family(kMeta), slice(kFormatKey), &format);
  if (status.IsNotFound()) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    return db->Put(durable, db.family(kMeta), slice(kFormatKey), slice(kFormat));
  }
  if (status.ok() && format != kFormat) return Status::InvalidArgument("unknown format of the log");
  return status;
}

Status RocksLog::load_meta(const Hold& db) {
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions(), db.family(kMeta)));
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

// A stall passes within the time of a flush. One that lasts is waiting for a flush that has failed, and the
// engine need not say so: that is an error, for recover() to end. Of append() alone: what others write comes
// seldom, so that two of their stalls far apart would look like one.
LogError RocksLog::cause_of_stall() {
  const auto now = std::chrono::steady_clock::now();
  if (!stalled_since_) stalled_since_ = now;
  if (now - *stalled_since_ < kLongestStall) return LogError::stalled;
  stalled_since_.reset();
  std::error_code unknown;
  const auto space = std::filesystem::space(options_.path, unknown);
  return !unknown && space.available < options_.memory_budget_bytes ? LogError::disk_full
                                                                    : LogError::io_error;
}

LogError RocksLog::fail(LogError error) {
  if (error != LogError::stalled) {
    int none = kNone;
    failed_.compare_exchange_strong(none, static_cast<int>(error));
  }
  return error;
}

LogError RocksLog::fail_sync(const Status& status) {
  sync_failed_.store(true);
  return fail(status);
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
  const Hold db = engine_.try_hold();
  if (!db) return LogError::stalled;
  batch_.Clear();
  const Slice event_key = slice(id.view());
  const Slice event_value[] = {slice(header.view()), slice(record.event)};
  Status status =
      batch_.Put(db.family(kEvents), rocksdb::SliceParts(&event_key, 1), rocksdb::SliceParts(event_value, 2));
  if (status.ok() && !record.cid.empty()) {
    make_cid_key(record.room, record.sender, record.cid, cid_key_);
    const Slice key = slice(cid_key_);
    const Slice value[] = {slice(id.view()), slice(seq.view())};
    status = batch_.Put(db.family(kCids), rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2));
  }
  if (status.ok()) status = db->Write(write_options_, &batch_);
  if (!status.ok()) {
    const LogError error = to_log_error(status);
    return fail(error == LogError::stalled ? cause_of_stall() : error);
  }
  stalled_since_.reset();
  last_.store(raw(record.id), std::memory_order_release);
  writes_.fetch_add(1, std::memory_order_release);
  return {};
}

LogResult<std::optional<Stored>> RocksLog::find_cid(std::string_view room, std::string_view sender,
                                                    std::string_view cid) {
  if (cid.empty()) return std::optional<Stored>();
  const Hold db = engine_.try_hold();
  if (!db) return LogError::stalled;
  make_cid_key(room, sender, cid, cid_key_);
  const Found found(*this, db, kCids, cid_key_);
  if (found.status().IsNotFound()) return std::optional<Stored>();
  if (!found.status().ok()) return to_log_error(found.status());
  const auto entry = parse_cid_value(found.value());
  if (!entry) return LogError::corrupt;
  if (entry->id < low()) return std::optional<Stored>();
  return std::optional<Stored>(Stored{.id = entry->id, .seq = entry->seq});
}

LogResult<void> RocksLog::find_id(MessageId id, std::string& out) {
  if (id < low()) return LogError::not_found;
  const Hold db = engine_.try_hold();
  if (!db) return LogError::stalled;
  const Fixed64 key(id);
  const Found found(*this, db, kEvents, key.view());
  if (!found.status().ok()) return to_log_error(found.status());
  const auto value = parse_event_value(found.value());
  if (!value) return LogError::corrupt;
  out.assign(reinterpret_cast<const char*>(value->event.data()), value->event.size());
  return {};
}

LogResult<void> RocksLog::sync() {
  const std::uint64_t writes = writes_.load(std::memory_order_acquire);
  if (const int failed = failed_.load(); failed != kNone) return static_cast<LogError>(failed);
  if (writes == synced_.load()) return {};
  const Status status = engine_.sync();
  if (!status.ok()) return fail_sync(status);
  synced_.store(writes);
  if (writes - tails_at_ < kTailsEvery) return {};
  tails_at_ = writes;
  return save_tails();
}

// What has been synced stays so: a stall only means later.
LogResult<void> RocksLog::save_tails() {
  const Status status = room_tails_.save(last_id());
  if (status.ok() || to_log_error(status) == LogError::stalled) return {};
  return fail(status);
}

LogResult<std::vector<RoomTail>> RocksLog::room_tails() {
  std::vector<RoomTail> tails;
  if (const Status status = room_tails_.all(tails); !status.ok()) return to_log_error(status);
  return tails;
}

std::unique_ptr<rocksdb::Iterator> RocksLog::events_after(const Hold& db, MessageId after,
                                                          std::size_t max_records) {
  rocksdb::ReadOptions options;
  if (max_records > kShortRead) {
    options.readahead_size = kReadAheadBytes;
    options.fill_cache = false;  // a follower that catches up must not push the filters out
  }
  std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, db.family(kEvents)));
  const Fixed64 start(std::max(raw(after) + 1, raw(low())));
  it->Seek(slice(start.view()));
  return it;
}

LogResult<MessageId> RocksLog::read(MessageId after, std::size_t max_records,
                                    const std::function<bool(const LogRecordView&)>& visit) {
  MessageId at = after;
  const MessageId last = last_id();  // no further: what append() is writing now it has not accepted yet
  if (at >= last) return at;
  const Hold db = engine_.hold();
  if (!db) return LogError::io_error;
  std::size_t visited = 0;
  while (visited < max_records) {
    const auto it = events_after(db, at, max_records - visited);
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
  const Hold db = engine_.hold();
  if (!db) return LogError::io_error;
  const std::string key = std::string(kCursorPrefix).append(consumer);
  const Status status = db->Put(write_options_, db.family(kMeta), key, slice(Fixed64(offset).view()));
  if (!status.ok()) return fail(status);
  writes_.fetch_add(1, std::memory_order_release);
  cursors_[std::string(consumer)] = offset;
  return {};
}

LogResult<void> RocksLog::remove_cursor(std::string_view consumer) {
  const std::lock_guard lock(admin_);
  const auto known = cursors_.find(consumer);
  if (known == cursors_.end()) return LogError::not_found;
  const Hold db = engine_.hold();
  if (!db) return LogError::io_error;
  const std::string key = std::string(kCursorPrefix).append(consumer);
  const Status status = db->Delete(write_options_, db.family(kMeta), key);
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
LogResult<MessageId> RocksLog::first_from(const Hold& db, MessageId bound) {
  const auto it = events_after(db, MessageId{std::max<std::uint64_t>(raw(bound), 1) - 1}, 1);
  if (!it->status().ok()) return to_log_error(it->status());
  if (!it->Valid()) return MessageId{0};
  const auto id = parse_fixed64(it->key().ToStringView());
  if (!id) return LogError::corrupt;
  return MessageId{*id};
}

// First the new bound is made durable, then whole tables below it are dropped: a crash in between leaves
// bytes that nobody sees. A table that reaches over the bound stays until the bound has passed it.
LogResult<void> RocksLog::drop_below(const Hold& db, MessageId bound) {
  rocksdb::WriteBatch batch;
  Status status = batch.Put(db.family(kMeta), slice(kLowKey), slice(Fixed64(bound).view()));
  if (status.ok()) status = batch.Put(db.family(kMeta), slice(kHighKey), slice(Fixed64(last_id()).view()));
  if (status.ok()) status = db->Write(write_options_, &batch);
  if (!status.ok()) return fail(status);
  if (status = engine_.sync(); !status.ok()) return fail_sync(status);
  low_->store(raw(bound), std::memory_order_release);
  const Fixed64 from(std::uint64_t{0});
  const Fixed64 to(raw(bound) - 1);
  const Slice begin = slice(from.view());
  const Slice end = slice(to.view());
  status = rocksdb::DeleteFilesInRange(&*db, db.family(kEvents), &begin, &end, true);
  if (!status.ok()) return fail(status);
  return {};
}

LogResult<MessageId> RocksLog::trim(std::uint64_t now_ms_unix, const RetentionPolicy& policy) {
  if (const int failed = failed_.load(); failed != kNone) return static_cast<LogError>(failed);
  const std::lock_guard lock(admin_);
  // Before the database is held: read() holds it as well.
  const MessageId bound = retention_bound_by_times(
      std::max(low(), retention_bound(now_ms_unix, policy, cursors_, last_id())), now_ms_unix, policy,
      scanned_, [this](MessageId from, const EventVisitor& visit) {
        (void)read(MessageId{std::max<std::uint64_t>(raw(from), 1) - 1}, kMostScanned,
                   [&](const LogRecordView& record) { return visit(record.offset, record.event); });
      });
  const Hold db = engine_.hold();
  if (!db) return LogError::io_error;
  if (bound <= low()) return first_from(db, low());
  if (room_tails_.saved() < bound) {  // counters outlive their events
    if (const Status saved = room_tails_.save(last_id()); !saved.ok()) return to_log_error(saved);
  }
  const auto first = first_from(db, bound);
  if (!first) return first.error();
  if (const auto dropped = drop_below(db, bound); !dropped) return dropped.error();
  return *first;
}

// Recovery that lost what had been accepted must not be taken for one that worked.
bool RocksLog::has_last_event() {
  const Hold db = engine_.hold();
  std::uint64_t newest = 0;
  if (!db || !newest_event(db, newest).ok()) return false;
  const std::uint64_t last = last_.load();
  return newest == last || last < raw(low());  // or it has been trimmed
}

LogResult<void> RocksLog::recover() {
  const std::lock_guard lock(recovering_);
  // The engine itself has not failed: only the reserve holds writing up, and opening anew gives no space.
  if (failed_.load() == kNone && !sync_failed_.load())
    return space_.look() ? sync() : LogResult<void>(LogError::disk_full);
  const Status status = engine_.recover(sync_failed_.load());
  if (!status.ok())
    return to_log_error(status) == LogError::disk_full ? LogError::disk_full : LogError::io_error;
  if (!has_last_event() || !room_tails_.load().ok()) return LogError::corrupt;
  sync_failed_.store(false);
  failed_.store(kNone);
  return {};
}

LogStats RocksLog::stats() {
  LogStats stats;
  stats.high = last_id();
  stats.write_stopped = failed_.load() != kNone || space_.low();
  const Hold db = engine_.try_hold();
  if (!db) return stats;
  const auto property = [&](rocksdb::ColumnFamilyHandle* family, const std::string& name) {
    std::uint64_t value = 0;
    db->GetIntProperty(family, name, &value);
    return value;
  };
  for (auto* family : db.families()) {
    stats.disk_bytes += property(family, rocksdb::DB::Properties::kTotalSstFilesSize);
    stats.memory_bytes += property(family, rocksdb::DB::Properties::kEstimateTableReadersMem);
  }
  rocksdb::VectorLogPtr wals;
  if (db->GetSortedWalFiles(wals).ok()) {
    for (const auto& wal : wals) stats.disk_bytes += wal->SizeFileBytes();
  }
  stats.memory_bytes += memory_.cache->GetUsage();  // memtables are charged to it
  stats.records_estimate = property(db.family(kEvents), rocksdb::DB::Properties::kEstimateNumKeys);
  const auto first = first_from(db, low());
  stats.low = first ? *first : MessageId{0};
  if (property(db.family(kEvents), rocksdb::DB::Properties::kIsWriteStopped) != 0) stats.write_stopped = true;
  return stats;
}

}  // namespace

boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log_on(
    const RocksLogOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
    std::shared_ptr<rocksdb::SystemClock> clock) {
  auto log = std::make_unique<RocksLog>(options, std::move(files), std::move(clock));
  if (const Status status = log->open(); !status.ok()) return open_error_message(status, options.path, "log");
  return std::unique_ptr<Log>(std::move(log));
}

boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log(const RocksLogOptions& options) {
  return open_rocks_log_on(options, nullptr);
}

}  // namespace parley::storage
