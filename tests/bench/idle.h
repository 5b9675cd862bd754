// What connections cost that do nothing: phones in pockets.
#ifndef PARLEY_TESTS_BENCH_IDLE_H_
#define PARLEY_TESTS_BENCH_IDLE_H_

#include <cstdint>
#include <functional>

#include "tests/bench/peer.h"
#include "tests/bench/work.h"

namespace parley::bench {

struct IdleResult {
  int connections = 0;
  double connect_s = 0;            // to open them all
  std::uint64_t before_bytes = 0;  // resident memory of the broker: started, facts loaded
  std::uint64_t after_bytes = 0;   // with all connected, each with one subscription
  double bytes_per_connection() const {
    if (connections == 0 || after_bytes < before_bytes) return 0;
    return static_cast<double>(after_bytes - before_bytes) / connections;
  }
};

IdleResult run_idle(const Work& work, const Peer& peer, const std::function<void(std::size_t)>& progress);

}  // namespace parley::bench

#endif
