// What processes have used, read from /proc.
#ifndef PARLEY_TESTS_BENCH_USAGE_H_
#define PARLEY_TESTS_BENCH_USAGE_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace parley::bench {

// CPU seconds of the process, all its threads and its descendants that live now. 0 for a process that is
// gone.
double cpu_seconds(pid_t root);
double own_cpu_seconds();
// Resident bytes, summed likewise.
std::uint64_t resident_bytes(pid_t root);

// CPU seconds of each thread of one process, for the reader who wants to know which of them is busy.
struct ThreadUsage {
  std::string name;
  double cpu_s = 0;
};
std::vector<ThreadUsage> thread_usage(pid_t pid);

std::uint64_t now_ns();  // CLOCK_MONOTONIC

}  // namespace parley::bench

#endif
