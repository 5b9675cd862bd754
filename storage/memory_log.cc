#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>

#include "storage/log.h"
#include "storage/log_bytes.h"
#include "storage/retention.h"

namespace parley::storage {
namespace {

class MemoryLog final : public Log {
 public:
  LogResult<void> append(const AppendRecord& record) override {
    const std::lock_guard lock(mutex_);
    if (record.id <= last_ || record.room.size() > kMaxRoomBytes) return LogError::corrupt;
    events_.emplace(record.id, Entry{.room = std::string(record.room),
                                     .seq = record.seq,
                                     .event = {record.event.begin(), record.event.end()}});
    rooms_[std::string(record.room)] = record.seq;
    if (!record.cid.empty()) {
      make_cid_key(record.room, record.sender, record.cid, key_);
      cids_[key_] = Stored{.id = record.id, .seq = record.seq};
    }
    last_ = record.id;
    return {};
  }

  LogResult<std::optional<Stored>> find_cid(std::string_view room, std::string_view sender,
                                            std::string_view cid) override {
    const std::lock_guard lock(mutex_);
    make_cid_key(room, sender, cid, key_);
    const auto found = cids_.find(key_);
    if (found == cids_.end() || found->second.id < low_) return std::optional<Stored>();
    return std::optional<Stored>(found->second);
  }

  LogResult<void> find_id(MessageId id, std::string& out) override {
    const std::lock_guard lock(mutex_);
    const auto found = events_.find(id);
    if (found == events_.end()) return LogError::not_found;
    out.assign(found->second.event.begin(), found->second.event.end());
    return {};
  }

  LogResult<void> sync() override { return {}; }

  LogResult<std::vector<RoomTail>> room_tails() override {
    const std::lock_guard lock(mutex_);
    std::vector<RoomTail> tails;
    for (const auto& [room, seq] : rooms_) tails.push_back({.room = room, .last = seq});
    return tails;
  }

  MessageId last_id() const override {
    const std::lock_guard lock(mutex_);
    return last_;
  }

  LogResult<MessageId> read(MessageId after, std::size_t max_records,
                            const std::function<bool(const LogRecordView&)>& visit) override {
    MessageId at = after;
    for (std::size_t i = 0; i < max_records; ++i) {
      Entry entry;  // a copy, so that `visit` runs without the lock
      {
        const std::lock_guard lock(mutex_);
        const auto next = events_.upper_bound(at);
        if (next == events_.end()) break;
        at = next->first;
        entry = next->second;
      }
      if (!visit({.offset = at, .room = entry.room, .seq = entry.seq, .event = entry.event})) break;
    }
    return at;
  }

  LogResult<void> set_cursor(std::string_view consumer, MessageId offset) override {
    const std::lock_guard lock(mutex_);
    if (offset > last_) return LogError::not_found;
    MessageId& cursor = cursors_[std::string(consumer)];
    cursor = std::max(cursor, offset);
    return {};
  }

  LogResult<void> remove_cursor(std::string_view consumer) override {
    const std::lock_guard lock(mutex_);
    const auto known = cursors_.find(consumer);
    if (known == cursors_.end()) return LogError::not_found;
    cursors_.erase(known);
    return {};
  }

  LogResult<std::vector<std::pair<std::string, MessageId>>> cursors() override {
    const std::lock_guard lock(mutex_);
    return std::vector<std::pair<std::string, MessageId>>(cursors_.begin(), cursors_.end());
  }

  LogResult<MessageId> trim(std::uint64_t now_ms_unix, const RetentionPolicy& policy) override {
    const std::lock_guard lock(mutex_);
    const MessageId bound = retention_bound_by_times(
        std::max(low_, retention_bound(now_ms_unix, policy, cursors_, last_)), now_ms_unix, policy, scanned_,
        [this](MessageId from, const EventVisitor& visit) {
          for (auto at = events_.lower_bound(from); at != events_.end(); ++at)
            if (!visit(at->first, at->second.event)) return;
        });
    if (bound > low_) {
      low_ = bound;
      events_.erase(events_.begin(), events_.lower_bound(bound));
      std::erase_if(cids_, [&](const auto& entry) { return entry.second.id < bound; });
    }
    return events_.empty() ? MessageId{0} : events_.begin()->first;
  }

  MessageId low() const override {
    const std::lock_guard lock(mutex_);
    return low_;
  }

  LogResult<void> recover() override { return {}; }

  LogStats stats() override {
    const std::lock_guard lock(mutex_);
    LogStats stats;
    stats.records_estimate = events_.size();
    stats.low = events_.empty() ? MessageId{0} : events_.begin()->first;
    stats.high = last_;
    return stats;
  }

 private:
  struct Entry {
    std::string room;
    Seq seq{0};
    std::vector<std::uint8_t> event;
  };

  mutable std::mutex mutex_;
  std::string key_;
  std::map<MessageId, Entry> events_;
  std::unordered_map<std::string, Stored> cids_;
  std::unordered_map<std::string, Seq> rooms_;
  Cursors cursors_;
  MessageId last_{0};
  MessageId low_{0};
  MessageId scanned_{0};
};

}  // namespace

std::unique_ptr<Log> make_memory_log() { return std::make_unique<MemoryLog>(); }

}  // namespace parley::storage
