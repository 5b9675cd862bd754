// From the broker's thread to the committer: what has been appended to the log and waits for its sync.
//
// Two batches take turns: the broker's thread fills one while the committer works on the other, so the steady
// state allocates nothing and the lock is held for a swap or a copy of one event.
#ifndef PARLEY_BROKER_PLUGIN_COMMIT_QUEUE_H_
#define PARLEY_BROKER_PLUGIN_COMMIT_QUEUE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/facts.h"
#include "broker-plugin/rooms.h"
#include "schemas/message.h"

namespace parley::plugin {

// One accepted message on its way to being seen.
struct Pending {
  RoomIndex room = kNoRoom;
  std::string_view room_name;  // stable for the process's life (Directory), as is `sender`
  std::string_view sender;
  Seq seq{0};
  MessageId id{0};
  std::uint64_t ts_ms = 0;        // the event's own time
  std::uint64_t appended_ns = 0;  // Clock::steady_ns
  std::array<std::uint32_t, kFormats> listeners{};
  bool tail = false;                               // somebody follows the log
  bool ack = false;                                // the sender listens to users/{sender}/events
  bool duplicate = false;                          // no event: only the acknowledgment of an earlier one
  std::uint32_t event_offset = 0, event_size = 0;  // in CommitBatch::bytes
  std::uint32_t cid_offset = 0, cid_size = 0;
};

struct CommitBatch {
  std::string bytes;
  std::vector<Pending> items;
  // To be run by the committer after the sync, in order with the events.
  std::vector<std::function<void()>> after_sync;

  Bytes event(const Pending& p) const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()) + p.event_offset, p.event_size};
  }
  std::string_view cid(const Pending& p) const {
    return std::string_view(bytes).substr(p.cid_offset, p.cid_size);
  }
  bool empty() const { return items.empty() && after_sync.empty(); }
  void clear();
};

class CommitQueue {
 public:
  // Broker thread. Copies the event (not for a duplicate) and the cid.
  void push(Pending pending, Bytes event, std::string_view cid);
  void push_after_sync(std::function<void()> action);
  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  // Committer: waits until something is there, `until` has come (steady clock) or stop() was called, then
  // takes all. The taken batch's memory is given back by the next call.
  void take(CommitBatch& batch, std::chrono::steady_clock::time_point until);
  void took_effect(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  void stop();
  bool stopping() const { return stopping_.load(); }

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  bool waiting_ = false;  // guarded by mutex_: the committer sleeps
  CommitBatch open_;      // guarded by mutex_
  std::atomic<std::size_t> bytes_{0};
  std::atomic<bool> stopping_{false};
};

}  // namespace parley::plugin

#endif
