// HTTP load by wrk (Debian's package), and what it says of it.
#ifndef PARLEY_TESTS_BENCH_WRK_H_
#define PARLEY_TESTS_BENCH_WRK_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace parley::bench {

struct HttpRequest {
  std::string method = "GET";
  std::string path;
  std::string token;  // empty: none
  std::string body;   // application/json; empty: none
};

struct WrkResult {
  double requests_per_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double longest_ms = 0;
  std::uint64_t answers = 0;
  std::uint64_t bad = 0;  // another status than 2xx, or none
};

// Starts upon construction: one thread, `connections` connections, each with its next request as soon as it
// has the last one's answer; all the given requests in turn.
class Wrk {
 public:
  Wrk(std::uint16_t port, const std::vector<HttpRequest>& requests, int connections, double seconds,
      int pause_ms = 0);
  WrkResult wait();  // throws std::runtime_error with what wrk said

 private:
  test::TempDir folder_;
  double seconds_;
  std::unique_ptr<test::Process> process_;
};

}  // namespace parley::bench

#endif
