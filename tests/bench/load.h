// One run: the subscribers and publishers of a work against one running broker, in one thread.
//
// The load shares the machine with the broker, so it must cost little: one subscriber of each room reads and
// checks everything (listener.h); the others' bytes are thrown away inside the kernel (recv with MSG_TRUNC),
// a few milliseconds' worth at a time, and counted. All subscribers of a room get the same bytes, so the
// number of bytes tells how many messages that was, and in the end all of them must have got as many bytes as
// the one that read them.
#ifndef PARLEY_TESTS_BENCH_LOAD_H_
#define PARLEY_TESTS_BENCH_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/histogram.h"
#include "tests/bench/listener.h"
#include "tests/bench/peer.h"
#include "tests/bench/usage.h"
#include "tests/bench/work.h"

namespace parley::bench {

struct LoadOptions {
  double warm_up_s = 1.5;
  double seconds = 6;        // the window that is measured
  std::uint8_t sub_qos = 0;  // with 1 every subscriber reads and acknowledges everything
  bool listen_all = false;   // every subscriber reads and checks everything
  double drain_s = 10;       // how long to wait in the end while no delivery comes any more
  // Publishers of a room wait while this many of its messages have not reached the reading subscriber.
  std::uint64_t max_lag = 4000;
};

struct LoadResult {
  // In the window.
  double seconds = 0;
  std::uint64_t delivered = 0;  // messages, each counted once for each subscriber it reached
  std::uint64_t published = 0;  // accepted
  Histogram latency;            // publish to delivery
  double broker_cpu_s = 0;
  double load_cpu_s = 0;
  // Of the whole run.
  std::uint64_t refused = 0;
  std::uint64_t late = 0;     // deliveries still missing one second after the last PUBACK
  std::uint64_t unacked = 0;  // PUBLISHes still without PUBACK when we stopped waiting
  std::uint64_t lost = 0;     // deliveries of accepted messages still missing when we stopped waiting
  std::uint64_t surplus = 0;  // deliveries of messages that were not accepted
  OrderFaults faults;         // of all who read
  double messages_per_packet = 0;
  std::uint64_t resident_bytes = 0;  // of the broker, at the end of the window
  std::vector<ThreadUsage> threads;  // the broker's, in the window

  double delivered_per_s() const { return seconds > 0 ? static_cast<double>(delivered) / seconds : 0; }
};

// Connects, loads, measures, drains. Throws std::runtime_error when the broker refuses or ends a connection.
LoadResult run_load(const Work& work, const Peer& peer, const LoadOptions& options);

}  // namespace parley::bench

#endif
