// What is measured: how many rooms, who listens, who publishes and how fast.
#ifndef PARLEY_TESTS_BENCH_WORK_H_
#define PARLEY_TESTS_BENCH_WORK_H_

#include <string>
#include <string_view>
#include <vector>

namespace parley::bench {

struct Work {
  enum class Kind { throughput, latency, idle };

  std::string name;
  Kind kind = Kind::throughput;
  int rooms = 0;
  int subscribers = 0;  // of each room; all connections, for idle
  int publishers = 0;   // of each room
  int window = 0;       // PUBLISHes of one publisher that wait for their PUBACK
  double rate = 0;      // messages per second into all rooms together; 0: as fast as the window allows

  std::string about() const;
};

// All that are known, in the order they are run.
const std::vector<Work>& all_works();

// A list of names with commas, or "all". Also any "{rooms}x{subscribers}", and "latency@{rate}" for another
// rate. Throws std::runtime_error naming what it does not know.
std::vector<Work> parse_works(std::string_view names);

std::vector<std::string> split_commas(std::string_view text);

}  // namespace parley::bench

#endif
