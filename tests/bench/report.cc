#include "tests/bench/report.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cstdarg>
#include <cstdio>

namespace parley::bench {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

// 1234567 as 1,234,567.
std::string grouped(double value) {
  std::string digits = format("%.0f", value);
  for (auto at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

struct Field {
  const char* name;
  double Figures::*value;
};
constexpr Field kFields[] = {
    {"delivered_per_s", &Figures::delivered_per_s},
    {"published_per_s", &Figures::published_per_s},
    {"p50_ms", &Figures::p50_ms},
    {"p99_ms", &Figures::p99_ms},
    {"p999_ms", &Figures::p999_ms},
    {"broker_cpu_s_per_100k", &Figures::broker_cpu_per_100k},
    {"load_cpu_s_per_100k", &Figures::load_cpu_per_100k},
    {"broker_cores", &Figures::broker_cores},
    {"load_cores", &Figures::load_cores},
    {"messages_per_packet", &Figures::messages_per_packet},
    {"bytes_per_connection", &Figures::bytes_per_connection},
    {"connects_per_s", &Figures::connects_per_s},
    {"resident_mb", &Figures::resident_mb},
    {"refused", &Figures::refused},
    {"late", &Figures::late},
    {"unacked", &Figures::unacked},
    {"lost", &Figures::lost},
    {"surplus", &Figures::surplus},
    {"missing", &Figures::missing},
    {"repeated", &Figures::repeated},
    {"broken_prev", &Figures::broken_prev},
    {"unreadable", &Figures::unreadable},
};

// The good runs of one peer at one work, by round.
std::map<int, Figures> runs_of(const std::vector<RunRecord>& runs, const std::string& work,
                               const std::string& peer) {
  std::map<int, Figures> found;
  for (const RunRecord& run : runs) {
    if (run.work == work && run.peer == peer && run.error.empty()) found[run.round] = run.figures;
  }
  return found;
}

double median_of(const std::map<int, Figures>& runs, double Figures::*value) {
  std::vector<double> values;
  for (const auto& [round, figures] : runs) values.push_back(figures.*value);
  return median(values);
}

double ratio_of(const std::map<int, Figures>& runs, const std::map<int, Figures>& base,
                double Figures::*value) {
  std::vector<double> ratios;
  for (const auto& [round, figures] : runs) {
    auto other = base.find(round);
    if (other != base.end() && other->second.*value > 0)
      ratios.push_back(figures.*value / (other->second.*value));
  }
  return median(ratios);
}

std::string load_row(const std::map<int, Figures>& runs, const std::map<int, Figures>& base) {
  auto of = [&](double Figures::*value) { return median_of(runs, value); };
  return format("%14s %10s %9.3f %9.3f %9.3f %9.3f %9.3f %7.1f %7.2fx",
                grouped(of(&Figures::delivered_per_s)).c_str(),
                grouped(of(&Figures::published_per_s)).c_str(), of(&Figures::p50_ms), of(&Figures::p99_ms),
                of(&Figures::p999_ms), of(&Figures::broker_cpu_per_100k), of(&Figures::load_cpu_per_100k),
                of(&Figures::messages_per_packet), ratio_of(runs, base, &Figures::delivered_per_s));
}

std::string idle_row(const std::map<int, Figures>& runs, const std::map<int, Figures>& base) {
  auto of = [&](double Figures::*value) { return median_of(runs, value); };
  const double mine = of(&Figures::bytes_per_connection);
  const double other = median_of(base, &Figures::bytes_per_connection);
  return format("%14s %12s %14s %12.0f", grouped(mine).c_str(),
                base.empty() ? "" : grouped(mine - other).c_str(),
                grouped(of(&Figures::connects_per_s)).c_str(), of(&Figures::resident_mb));
}

// One remark for each peer whose runs failed or showed faults.
std::string remarks(const std::vector<RunRecord>& runs, const std::string& work, const std::string& peer) {
  std::string text;
  for (const RunRecord& run : runs) {
    if (run.work != work || run.peer != peer) continue;
    const std::string faults =
        run.error.empty() ? faults_of(run.figures) : "FAILED: " + run.error.substr(0, run.error.find('\n'));
    if (!faults.empty()) text += format("    round %d: ", run.round + 1) + faults + "\n";
  }
  return text;
}

}  // namespace

Figures figures_of(const LoadResult& result) {
  const auto delivered = static_cast<double>(result.delivered);
  const double per_100k = delivered > 0 ? 100'000 / delivered : 0;
  Figures f;
  f.delivered_per_s = result.delivered_per_s();
  f.published_per_s = static_cast<double>(result.published) / result.seconds;
  f.p50_ms = result.latency.percentile_ms(0.5);
  f.p99_ms = result.latency.percentile_ms(0.99);
  f.p999_ms = result.latency.percentile_ms(0.999);
  f.broker_cpu_per_100k = result.broker_cpu_s * per_100k;
  f.load_cpu_per_100k = result.load_cpu_s * per_100k;
  f.broker_cores = result.broker_cpu_s / result.seconds;
  f.load_cores = result.load_cpu_s / result.seconds;
  f.messages_per_packet = result.messages_per_packet;
  f.resident_mb = static_cast<double>(result.resident_bytes) / (1 << 20);
  f.refused = static_cast<double>(result.refused);
  f.late = static_cast<double>(result.late);
  f.unacked = static_cast<double>(result.unacked);
  f.lost = static_cast<double>(result.lost);
  f.surplus = static_cast<double>(result.surplus);
  f.missing = static_cast<double>(result.faults.missing);
  f.repeated = static_cast<double>(result.faults.repeated);
  f.broken_prev = static_cast<double>(result.faults.broken_prev);
  f.unreadable = static_cast<double>(result.faults.unreadable);
  return f;
}

Figures figures_of(const IdleResult& result) {
  Figures f;
  f.bytes_per_connection = result.bytes_per_connection();
  f.connects_per_s = result.connect_s > 0 ? result.connections / result.connect_s : 0;
  f.resident_mb = static_cast<double>(result.after_bytes) / (1 << 20);
  return f;
}

std::string faults_of(const Figures& figures) {
  std::string text;
  auto add = [&](double count, const char* what) {
    if (count > 0) text += (text.empty() ? "" : ", ") + grouped(count) + " " + what;
  };
  add(figures.refused, "refused");
  add(figures.late, "late");
  add(figures.unacked, "never acknowledged");
  add(figures.lost, "lost");
  add(figures.surplus, "delivered but not accepted");
  add(figures.missing, "missing in the order");
  add(figures.repeated, "delivered twice or out of order");
  add(figures.broken_prev, "with a wrong prev");
  add(figures.unreadable, "unreadable");
  return text;
}

std::string describe(const Work& work, const Figures& figures) {
  if (work.kind == Work::Kind::idle) {
    return grouped(figures.bytes_per_connection) + " bytes a connection, " + grouped(figures.connects_per_s) +
           " connects/s";
  }
  std::string text = grouped(figures.delivered_per_s) + " delivered/s";
  text += format(", p50 %.2f p99 %.2f ms, cores: broker %.2f load %.2f", figures.p50_ms, figures.p99_ms,
                 figures.broker_cores, figures.load_cores);
  const std::string faults = faults_of(figures);
  return faults.empty() ? text : text + " [" + faults + "]";
}

std::string table(const ReportHead& head, const std::vector<Work>& works,
                  const std::vector<std::string>& peers, const std::vector<RunRecord>& runs) {
  std::string out = format(
      "\nPublishers QoS 1, subscribers QoS %d, texts of 100 bytes; medians of %d round%s of %.0f s.\n"
      "p50, p99, p99.9: publish to delivery, ms. cpu: seconds for 100,000 deliveries. m/pkt: messages in one "
      "PUBLISH.\n",
      head.sub_qos, head.rounds, head.rounds == 1 ? "" : "s", head.seconds);
  for (const Work& work : works) {
    const bool idle = work.kind == Work::Kind::idle;
    out += "\n" + work.name + ": " + work.about() + "\n";
    out += idle ? format("  %-10s %14s %12s %14s %12s\n", "", "bytes/conn.", "more than", "connects/s",
                         "resident MB")
                : format("  %-10s %14s %10s %9s %9s %9s %9s %9s %7s %8s\n", "", "delivered/s", "accepted",
                         "p50", "p99", "p99.9", "cpu brkr", "cpu load", "m/pkt", "ratio");
    if (idle) out += format("  %-10s %14s %12s\n", "", "", head.baseline.c_str());
    const auto base = runs_of(runs, work.name, head.baseline);
    for (const std::string& peer : peers) {
      const auto mine = runs_of(runs, work.name, peer);
      if (!mine.empty())
        out += format("  %-10s ", peer.c_str()) + (idle ? idle_row(mine, base) : load_row(mine, base)) + "\n";
      out += remarks(runs, work.name, peer);
    }
  }
  return out;
}

std::string json(const ReportHead& head, const std::vector<RunRecord>& runs) {
  boost::json::array list;
  for (const RunRecord& run : runs) {
    boost::json::object entry{{"work", run.work}, {"peer", run.peer}, {"round", run.round + 1}};
    if (!run.error.empty()) {
      entry["error"] = run.error;
    } else {
      for (const Field& field : kFields) entry[field.name] = run.figures.*field.value;
    }
    list.push_back(std::move(entry));
  }
  boost::json::object whole{{"sub_qos", head.sub_qos},
                            {"seconds", head.seconds},
                            {"rounds", head.rounds},
                            {"baseline", head.baseline},
                            {"runs", std::move(list)}};
  return boost::json::serialize(whole) + "\n";
}

}  // namespace parley::bench
