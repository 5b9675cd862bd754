// The node's durable log of events.
//
// A record is one event. Its offset is its message id, so offsets rise strictly but not by one; in a read,
// each record tells the offset before it. Three things are written together, or not at all: the event, the
// entry (room, sender, cid) -> event that makes a resend idempotent, and the room's counter (which may be
// part of the event's record).
//
// Threads: append(), find_cid(), find_id() and room_tail() are called by one writer thread (the broker's) and
// never wait for the disk to sync nor for a compaction: where the engine would stall, append() fails with
// `stalled` at once and nothing is written. sync() may run on another thread at the same time; read(),
// trim(), cursors and stats() on any.
//
// Crash: after append() returned, a killed process loses nothing. After sync() returned, a power failure
// loses none of what was appended before sync() was called. What survives is always a prefix of what was
// appended.
#ifndef PARLEY_STORAGE_LOG_H_
#define PARLEY_STORAGE_LOG_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ids.h"
#include "schemas/message.h"

namespace parley::storage {

enum class LogError : std::uint8_t {
  stalled,    // the engine is behind; try again in a moment. Nothing was written
  disk_full,  // nothing was written; recover() once there is space
  io_error,   // nothing was made visible; recover() may help
  corrupt,  // found while opening or reading; or an append() whose id does not rise or room is over 255 bytes
  not_found,  // also: a cursor nobody set, or one ahead of the log
};
std::string_view to_string(LogError error);
template <class T>
using LogResult = boost::system::result<T, LogError>;

struct AppendRecord {
  std::string_view room;
  Seq seq{0};
  MessageId id{0};
  std::string_view sender;  // user
  std::string_view cid;     // empty: no idempotency entry is written
  Bytes event;
};

// What an earlier message with the same (room, sender, cid) became.
struct Stored {
  MessageId id{0};
  Seq seq{0};
};

struct RoomTail {
  std::string room;
  Seq last{0};
};

struct LogRecordView {
  MessageId offset{0};
  std::string_view room;
  Seq seq{0};
  Bytes event;
};

struct RetentionPolicy {
  std::chrono::milliseconds max_age{
      0};                          // 0: no limit by age; with one, older records go even if a consumer lags
  bool keep_for_consumers = true;  // what a registered consumer has not passed is kept (until max_age)
};

struct LogStats {
  std::uint64_t disk_bytes = 0;
  std::uint64_t memory_bytes = 0;  // caches, memtables, table readers
  std::uint64_t records_estimate = 0;
  MessageId low{0};   // oldest kept; zero when empty
  MessageId high{0};  // newest appended
  bool write_stopped = false;
};

class Log {
 public:
  virtual ~Log() = default;

  virtual LogResult<void> append(const AppendRecord& record) = 0;
  // Idempotency holds for as long as the event is kept.
  virtual LogResult<std::optional<Stored>> find_cid(std::string_view room, std::string_view sender,
                                                    std::string_view cid) = 0;
  // The event's bytes, copied to `out`; not_found when it is not (or no longer) in the log.
  virtual LogResult<void> find_id(MessageId id, std::string& out) = 0;

  // Makes all that was appended before the call durable. Blocks for the disk.
  virtual LogResult<void> sync() = 0;

  // Counters as of opening plus all appends; rooms in no order. For the start of the process.
  virtual LogResult<std::vector<RoomTail>> room_tails() = 0;
  virtual MessageId last_id() const = 0;  // newest appended, zero when none
  virtual MessageId low() const = 0;      // what was below is gone; zero when nothing was trimmed. Any thread

  // Calls `visit` for records with offset > after, oldest first, until it returns false, `max_records` were
  // visited, or the end. Views are valid during the call only. Returns the offset of the last record visited
  // (`after` when none).
  virtual LogResult<MessageId> read(MessageId after, std::size_t max_records,
                                    const std::function<bool(const LogRecordView&)>& visit) = 0;

  // A consumer's cursor: it has durably taken everything up to `offset`. Cursors only move forward.
  virtual LogResult<void> set_cursor(std::string_view consumer, MessageId offset) = 0;
  virtual LogResult<void> remove_cursor(std::string_view consumer) = 0;
  virtual LogResult<std::vector<std::pair<std::string, MessageId>>> cursors() = 0;

  // Drops whole records from the old end as far as the policy allows. Returns the new low offset. Room
  // counters outlive their events.
  virtual LogResult<MessageId> trim(std::uint64_t now_ms_unix, const RetentionPolicy& policy) = 0;

  // After disk_full or io_error: brings the engine back to writing; fails while the cause lasts. Everything
  // that append() had accepted is durable when this succeeds.
  virtual LogResult<void> recover() = 0;
  virtual LogStats stats() = 0;
};

struct RocksLogOptions {
  std::filesystem::path path;
  std::size_t memory_budget_bytes = 128u << 20;  // block cache, filters, memtables together
  std::uint64_t reserve_bytes = 64u << 20;  // appends are refused with disk_full below this much free space
  std::string info_log_level = "warn";
  // Told, while it opens, what a power loss had left to be put right.
  std::function<void(std::string_view)> notice = {};
};
// Opens or creates. The folder is locked: a second opener fails.
boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log(const RocksLogOptions& options);

// In memory and lost with the process: for tests of what stands above.
std::unique_ptr<Log> make_memory_log();

}  // namespace parley::storage

#endif
