// Figures of the plugin: counters and latency histograms of every stage of a message's journey.
//
// Writers are plain relaxed atomics in one struct, cheap enough for the hot path; the Prometheus text is made
// from them only when somebody scrapes (metrics_exposer.h), on the exposer's own thread.
#ifndef PARLEY_BROKER_PLUGIN_METRICS_H_
#define PARLEY_BROKER_PLUGIN_METRICS_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "schemas/errors.h"

namespace parley::plugin {

// Written by one thread, read by any: an increment is a load and a store, no locked instruction.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Powers of two: bucket i counts values in [2^i, 2^(i+1)), bucket 0 also zero. One writing thread.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 40;
  void observe(std::uint64_t v) {
    const std::size_t i = v == 0 ? 0 : static_cast<std::size_t>(std::bit_width(v)) - 1;
    buckets_[i < kBuckets ? i : kBuckets - 1].add();
    sum_.add(v);
  }
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].get(); }
  std::uint64_t sum() const { return sum_.get(); }

 private:
  std::array<Counter, kBuckets> buckets_;
  Counter sum_;
};

// Durations are nanoseconds, sizes bytes; the exposer turns them into seconds.
struct Metrics {
  // Broker thread.
  Counter connects_accepted;
  std::array<Counter, 16> connects_refused;  // by AuthError
  Gauge sessions;
  Counter messages_admitted;
  Counter messages_duplicate;
  std::array<Counter, kCodeCount> refused;  // by Code
  Counter typing_delivered;
  Counter typing_shed;
  Counter acl_read_denied;
  Counter subscribe_denied;
  Counter deliveries;        // read checks granted: PUBLISHes handed to subscribers
  Counter event_deliveries;  // events within them
  Histogram admit_ns;        // one pass of the publish callback
  Histogram fanout_ns;       // first to last read check of a frame
  Histogram inject_lag_ns;   // frame queued -> handed to the broker
  Histogram drain_ns;        // one drain of the delivery queue on the broker's thread
  Counter wills_posted;
  Counter control_requests;
  Histogram control_ns;  // one request on $CONTROL/parley/v1: the broker's thread does nothing else meanwhile
  Histogram control_cpu_ns;  // the same without the time in which it had no processor

  // Committer thread.
  Counter commits;
  Counter commit_failures;
  Histogram batch_events;
  Histogram fsync_ns;
  Histogram commit_lag_ns;  // appended -> durable, of the oldest in a batch
  Histogram frame_events;
  Histogram frame_bytes;
  Histogram frame_pace_ns;
  Counter frames;

  // Either.
  Gauge uncommitted_bytes;
  Gauge paced_events;       // durable, waiting in a room for its pace
  Gauge undelivered_bytes;  // frames on the way to the broker's thread
  Gauge broker_lag_ns;      // of the latest doorbell
  Gauge broker_busy_permille;
  Gauge degraded;  // 1 while the log does not take writes
  Counter doorbell_reconnects;
  Counter log_lines_left_out;  // broker thread
  Gauge ids_ahead_ms;
};

}  // namespace parley::plugin

#endif
