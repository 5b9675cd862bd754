// From any thread to the broker's thread: publishes that are due, log lines, and work that only that thread
// may do. The other end of the doorbell (doorbell.h).
#ifndef PARLEY_BROKER_PLUGIN_DELIVERY_QUEUE_H_
#define PARLEY_BROKER_PLUGIN_DELIVERY_QUEUE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "broker-plugin/broker_port.h"
#include "broker-plugin/facts.h"
#include "broker-plugin/log_line.h"
#include "broker-plugin/rooms.h"

namespace parley::plugin {

// A frame of one room in one format.
struct RoomFrame {
  RoomIndex room = kNoRoom;
  Format format = Format::binary;
  std::uint32_t events = 0;
};
// An `ack` for users/{user}/events.
struct AccountEvent {
  std::string_view user;  // stable
};
struct PlainTopic {
  std::string topic;
};

struct Outgoing {
  std::variant<RoomFrame, AccountEvent, PlainTopic> to;
  Payload payload;
  std::uint64_t queued_ns = 0;
};

class DeliveryQueue {
 public:
  // Any thread. Moves the contents of `out`, leaves it empty with its memory.
  void push(std::vector<Outgoing>& out);
  void push(Outgoing out);
  // Runs on the broker's thread at its next turn.
  void call(std::function<void()> work);
  void log(LogLine line);

  struct Taken {
    std::vector<Outgoing> publishes;
    std::vector<std::function<void()>> calls;
    std::vector<LogLine> logs;
  };
  // Broker thread. Takes everything; false when nothing was there (one atomic load).
  bool take(Taken& taken);

  std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  // Broker thread, once a publish has been handed to the broker.
  void handed_over(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  // What rings the doorbell; set once before the threads start. Called at most once between two take()s.
  void set_bell(std::function<void()> ring) { ring_ = std::move(ring); }

 private:
  void ring_once();

  std::mutex mutex_;
  Taken queued_;  // guarded by mutex_
  std::atomic<bool> rung_{false};
  std::atomic<std::size_t> bytes_{0};
  std::function<void()> ring_;
};

}  // namespace parley::plugin

#endif
