// The figures of all runs, as a table for people and as JSON for programs.
#ifndef PARLEY_TESTS_BENCH_REPORT_H_
#define PARLEY_TESTS_BENCH_REPORT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/idle.h"
#include "tests/bench/load.h"
#include "tests/bench/work.h"

namespace parley::bench {

// One run's figures, flat.
struct Figures {
  double delivered_per_s = 0;
  double published_per_s = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double p999_ms = 0;
  double broker_cpu_per_100k = 0;  // seconds for 100,000 deliveries
  double load_cpu_per_100k = 0;
  double broker_cores = 0;  // CPU seconds a second
  double load_cores = 0;
  double messages_per_packet = 0;
  double bytes_per_connection = 0;  // idle
  double connects_per_s = 0;        // idle
  double resident_mb = 0;
  double refused = 0, late = 0, unacked = 0, lost = 0, surplus = 0;
  double missing = 0, repeated = 0, broken_prev = 0, unreadable = 0;
};
Figures figures_of(const LoadResult& result);
Figures figures_of(const IdleResult& result);
// What must not have happened, in words; empty when all is well.
std::string faults_of(const Figures& figures);

// One line for a run, printed when it ends.
std::string describe(const Work& work, const Figures& figures);

struct RunRecord {
  std::string work;
  std::string peer;
  int round = 0;
  Figures figures;
  std::string error;  // the run failed
};

struct ReportHead {
  int sub_qos = 0;
  double seconds = 0;
  int rounds = 0;
  std::string baseline;  // the peer ratios are against
};

// Medians over the rounds; ratios are medians of each round's ratio.
std::string table(const ReportHead& head, const std::vector<Work>& works,
                  const std::vector<std::string>& peers, const std::vector<RunRecord>& runs);
std::string json(const ReportHead& head, const std::vector<RunRecord>& runs);

}  // namespace parley::bench

#endif
