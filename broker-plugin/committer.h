// Group commit and frames: one thread that makes what was appended durable, all that has gathered at once,
// and only then lets it be seen.
//
// take a batch -> sync the log -> (followers' pages, acknowledgments, each room's lane) -> frames that are
// due -> delivery queue. When a sync fails nothing of the batch becomes visible until the log has recovered.
#ifndef PARLEY_BROKER_PLUGIN_COMMITTER_H_
#define PARLEY_BROKER_PLUGIN_COMMITTER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <queue>
#include <string>
#include <thread>
#include <vector>

#include "broker-plugin/clock.h"
#include "broker-plugin/commit_queue.h"
#include "broker-plugin/delivery_queue.h"
#include "broker-plugin/frames.h"
#include "broker-plugin/metrics.h"
#include "broker-plugin/pacer.h"
#include "schemas/message.h"
#include "storage/log.h"

namespace parley::plugin {

// How the broker's thread is doing; it writes, the committer reads.
struct BrokerLoad {
  std::atomic<std::int64_t> delivery_ns{0};  // one delivery, measured over the latest fan-out; 0: none yet
  std::atomic<std::int64_t> lag_ns{0};       // how late the latest frame was taken
  std::atomic<clockid_t> cpu_clock{0};       // its CPU clock; 0: not known
  std::atomic<bool> degraded{false};         // committer: the log takes no writes
};

struct CommitterOptions {
  FrameLimits frames;
  std::chrono::nanoseconds max_pace = std::chrono::milliseconds(20);
  std::uint16_t node = 0;
};

class Committer {
 public:
  Committer(storage::Log& log, CommitQueue& queue, DeliveryQueue& delivery, BrokerLoad& load,
            const Clock& clock, Metrics& metrics, const CommitterOptions& options);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  void start();
  // Commits and packs all that was accepted, then ends the thread. Frames that are left are in the delivery
  // queue.
  void stop();

 private:
  // Events of one room that are durable and wait for the room's next frame.
  struct Lane {
    LaneEvents events;
    std::array<std::uint32_t, kFormats> listeners{};
    std::uint64_t last_frame_ns = 0;
    bool scheduled = false;
  };
  struct Due {
    std::uint64_t at_ns;
    RoomIndex room;
    bool operator>(const Due& other) const { return at_ns > other.at_ns; }
  };

  void run();
  std::uint64_t next_wake_ns() const;
  void gather();
  void commit(const CommitBatch& batch);
  bool recover();
  void report_degraded(storage::LogError reason);
  void release(const CommitBatch& batch);
  void acknowledge(const CommitBatch& batch, const Pending& item);
  void place(const CommitBatch& batch, const Pending& item, std::uint64_t now_ns);
  void flush_due(std::uint64_t now_ns);
  void watch_load(std::uint64_t now_ns);

  storage::Log& log_;
  CommitQueue& queue_;
  DeliveryQueue& delivery_;
  BrokerLoad& load_;
  const Clock& clock_;
  Metrics& metrics_;
  CommitterOptions options_;
  Pacer pacer_;
  FramePacker packer_;
  TailPacker tail_;

  std::vector<Lane> lanes_;  // by RoomIndex
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::vector<Outgoing> out_;
  std::int64_t paced_events_ = 0;
  std::uint64_t last_commit_ns_ = 0;
  std::uint64_t last_recover_ns_ = 0;
  std::uint64_t last_report_ns_ = 0;  // of being degraded; 0: not reported
  std::uint64_t last_watch_ns_ = 0;
  std::int64_t last_cpu_ns_ = 0;
  std::thread thread_;
};

}  // namespace parley::plugin

#endif
