#include "broker-plugin/metrics_exposer.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "broker-plugin/authenticate.h"
#include "schemas/snowflake.h"

namespace parley::plugin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// What the numbers in a Histogram are, and which of its buckets are worth a line.
struct Unit {
  double scale;       // of a recorded value, to what is shown
  bool whole;         // values are counted things: a bucket's bound is its largest value
  std::size_t first;  // buckets below are shown as one
  std::size_t last;   // buckets above are in +Inf
};
constexpr Unit kSeconds{1e-9, false, 9, 33};  // 1 us to 17 s, from nanoseconds
constexpr Unit kCount{1, true, 0, 15};        // 1 to 65,535
constexpr Unit kBytes{1, true, 6, 24};        // 127 B to 32 MiB

class Page {
 public:
  void counter(std::string name, std::string help, std::uint64_t value) {
    family(std::move(name), std::move(help), MetricType::Counter).metric.resize(1);
    last().counter.value = static_cast<double>(value);
  }
  void seconds_counter(std::string name, std::string help, double seconds) {
    family(std::move(name), std::move(help), MetricType::Counter).metric.resize(1);
    last().counter.value = seconds;
  }
  void gauge(std::string name, std::string help, double value) {
    family(std::move(name), std::move(help), MetricType::Gauge).metric.resize(1);
    last().gauge.value = value;
  }
  void gauge(std::string name, std::string help, const Gauge& value) {
    gauge(std::move(name), std::move(help), static_cast<double>(value.get()));
  }
  // One line for each reason; `name_of(i)` is its label, empty for an index that has none.
  template <class Counters, class NameOf>
  void by_reason(std::string name, std::string help, const Counters& counters, NameOf&& name_of) {
    family(std::move(name), std::move(help), MetricType::Counter);
    for (std::size_t i = 0; i < counters.size(); ++i) {
      const std::string_view label = name_of(i);
      if (label.empty()) continue;
      ClientMetric& line = families_.back().metric.emplace_back();
      line.label.push_back({"reason", std::string(label)});
      line.counter.value = static_cast<double>(counters[i].get());
    }
  }
  void histogram(std::string name, std::string help, const Histogram& values, const Unit& unit) {
    family(std::move(name), std::move(help), MetricType::Histogram).metric.resize(1);
    ClientMetric::Histogram& out = last().histogram;
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < Histogram::kBuckets; ++i) {
      count += values.bucket(i);
      if (i < unit.first || i > unit.last) continue;
      const double bound = static_cast<double>((std::uint64_t{2} << i) - (unit.whole ? 1 : 0));
      out.bucket.push_back({count, bound * unit.scale});
    }
    out.sample_count = count;
    out.sample_sum = static_cast<double>(values.sum()) * unit.scale;
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  MetricFamily& family(std::string name, std::string help, MetricType type) {
    return families_.emplace_back(MetricFamily{std::move(name), std::move(help), type, {}});
  }
  ClientMetric& last() { return families_.back().metric.back(); }
  std::vector<MetricFamily> families_;
};

std::string_view auth_reason(std::size_t i) {
  return i <= static_cast<std::size_t>(AuthError::too_many_connections) ? to_string(static_cast<AuthError>(i))
                                                                        : std::string_view{};
}

void add_broker_figures(Page& page, const Metrics& m) {
  page.counter("parley_connects_accepted_total", "Connections let in", m.connects_accepted.get());
  page.by_reason("parley_connects_refused_total", "Connections refused", m.connects_refused, auth_reason);
  page.gauge("parley_sessions", "Connections now", m.sessions);
  page.counter("parley_messages_admitted_total", "Messages accepted into the log", m.messages_admitted.get());
  page.counter("parley_messages_duplicate_total", "Resends answered with the first one's place",
               m.messages_duplicate.get());
  page.by_reason("parley_refused_total", "Publishes refused", m.refused,
                 [](std::size_t i) { return to_string(static_cast<Code>(i)); });
  page.counter("parley_typing_delivered_total", "Typing notices handed on", m.typing_delivered.get());
  page.counter("parley_typing_shed_total", "Typing notices dropped for their rate or the load",
               m.typing_shed.get());
  page.counter("parley_read_denied_total", "Deliveries withheld from a subscriber", m.acl_read_denied.get());
  page.counter("parley_subscribe_denied_total", "Subscriptions refused", m.subscribe_denied.get());
  page.counter("parley_deliveries_total", "PUBLISHes handed to subscribers", m.deliveries.get());
  page.counter("parley_event_deliveries_total", "Events handed to subscribers", m.event_deliveries.get());
  page.gauge("parley_ids_ahead_seconds",
             "How far message ids are ahead of the clock: it went back, or was ahead once",
             static_cast<double>(m.ids_ahead_ms.get()) / 1000);
  page.counter("parley_log_lines_left_out_total",
               "Lines of the log that were left out in a flood of their kind", m.log_lines_left_out.get());
  page.counter("parley_wills_posted_total", "Last wills posted to rooms", m.wills_posted.get());
  page.counter("parley_control_requests_total", "Requests on $CONTROL/parley/v1", m.control_requests.get());
  page.histogram("parley_control_seconds", "The broker's thread on one request of those", m.control_ns,
                 kSeconds);
  page.histogram("parley_control_cpu_seconds", "The same, only while it had a processor", m.control_cpu_ns,
                 kSeconds);
  page.histogram("parley_admit_seconds", "One publish: check, number, append", m.admit_ns, kSeconds);
  page.histogram("parley_fanout_seconds", "A frame's first to last subscriber", m.fanout_ns, kSeconds);
  page.histogram("parley_inject_lag_seconds", "Frame ready until handed to the broker", m.inject_lag_ns,
                 kSeconds);
  page.histogram("parley_drain_seconds", "One visit of the broker's thread to the delivery queue", m.drain_ns,
                 kSeconds);
  page.gauge("parley_broker_lag_seconds", "Latest doorbell until the broker's thread answered",
             static_cast<double>(m.broker_lag_ns.get()) * 1e-9);
  page.gauge("parley_broker_busy_ratio", "Part of its time the broker's thread works, 0 to 1",
             static_cast<double>(m.broker_busy_permille.get()) / 1000);
  page.counter("parley_doorbell_reconnects_total", "Times the doorbell had to connect again",
               m.doorbell_reconnects.get());
}

void add_commit_figures(Page& page, const Metrics& m) {
  page.counter("parley_commits_total", "Syncs of the log to disk", m.commits.get());
  page.counter("parley_commit_failures_total", "Syncs of the log that failed", m.commit_failures.get());
  page.histogram("parley_commit_batch_events", "Events made durable by one sync", m.batch_events, kCount);
  page.histogram("parley_fsync_seconds", "One sync of the log", m.fsync_ns, kSeconds);
  page.histogram("parley_commit_lag_seconds", "Appended until durable, the oldest of a batch",
                 m.commit_lag_ns, kSeconds);
  page.counter("parley_frames_total", "Frames made", m.frames.get());
  page.histogram("parley_frame_events", "Events in one frame", m.frame_events, kCount);
  page.histogram("parley_frame_bytes", "Size of one frame", m.frame_bytes, kBytes);
  page.histogram("parley_frame_pace_seconds", "Pace of the room a frame was for", m.frame_pace_ns, kSeconds);
  page.gauge("parley_uncommitted_bytes", "Appended, not yet durable", m.uncommitted_bytes);
  page.gauge("parley_paced_events", "Durable, waiting for their room's pace", m.paced_events);
  page.gauge("parley_undelivered_bytes", "Frames on their way to the broker's thread", m.undelivered_bytes);
  page.gauge("parley_degraded", "1 while the log takes no writes", m.degraded);
}

double seconds_of(MessageId id) { return raw(id) == 0 ? 0 : static_cast<double>(snowflake_ms(id)) / 1000; }

void add_log_figures(Page& page, const storage::LogStats& log) {
  page.gauge("parley_log_disk_bytes", "Disk used by the log", static_cast<double>(log.disk_bytes));
  page.gauge("parley_log_memory_bytes", "Memory used by the log's engine",
             static_cast<double>(log.memory_bytes));
  page.gauge("parley_log_records", "Events kept, about", static_cast<double>(log.records_estimate));
  page.gauge("parley_log_oldest_timestamp_seconds", "When the oldest event kept was sent, by its id; 0: none",
             seconds_of(log.low));
  page.gauge("parley_log_newest_timestamp_seconds", "When the newest event was sent, by its id; 0: none",
             seconds_of(log.high));
  page.gauge("parley_log_write_stopped", "1 while the log's engine refuses writes",
             log.write_stopped ? 1 : 0);
}

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

// The names that Prometheus's own client libraries give these.
void add_process_figures(Page& page) {
  std::uint64_t pages_total = 0, pages_resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages_total >> pages_resident)
    page.gauge("process_resident_memory_bytes", "Resident memory of the broker",
               static_cast<double>(pages_resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  std::error_code error;
  std::uint64_t open = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++open;
  if (!error) page.gauge("process_open_fds", "Open file descriptors", static_cast<double>(open));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
    page.gauge("process_max_fds", "Most file descriptors allowed", static_cast<double>(limit.rlim_cur));
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) == 0)
    page.seconds_counter("process_cpu_seconds_total", "CPU time of the broker",
                         seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime));
}

class Figures : public prometheus::Collectable {
 public:
  explicit Figures(MetricsExposer::Sources sources) : sources_(std::move(sources)) {}

  std::vector<MetricFamily> Collect() const override {
    Page page;
    if (sources_.metrics != nullptr) {
      add_broker_figures(page, *sources_.metrics);
      add_commit_figures(page, *sources_.metrics);
    }
    // The caller is the web server's C code, which no exception may reach.
    try {
      if (sources_.log_stats) add_log_figures(page, sources_.log_stats());
    } catch (const std::exception&) {
      page.gauge("parley_log_stats_unavailable", "1: the log did not tell its figures", 1);
    }
    add_process_figures(page);
    return page.take();
  }

 private:
  MetricsExposer::Sources sources_;
};

// Where to listen, as the system's calls and as the web server want it. IPv4: Debian's build of the web
// server knows no other.
class Address {
 public:
  // "host:port", a name or a number. May ask the name service. The error is for people.
  static boost::system::result<Address, std::string> parse(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return std::string("not of the form 127.0.0.1:9464");
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string host = text.substr(0, colon);
    if (const int error = getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found); error != 0)
      return "no IPv4 address: " + std::string(gai_strerror(error));
    Address address;
    std::memcpy(&address.where_, found->ai_addr, sizeof address.where_);
    freeaddrinfo(found);
    return address;
  }

  std::string text() const {
    char host[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &where_.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(port());
  }
  std::uint16_t port() const { return ntohs(where_.sin_port); }
  void set_port(std::uint16_t port) { where_.sin_port = htons(port); }

  // Errno; 0 when it can be done.
  int try_bind() const { return with_socket(bind); }
  int try_connect() const { return with_socket(connect); }

 private:
  int with_socket(int (*what)(int, const sockaddr*, socklen_t)) const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return errno;
    const int error = what(fd, reinterpret_cast<const sockaddr*>(&where_), sizeof where_) == 0 ? 0 : errno;
    close(fd);
    return error;
  }

  sockaddr_in where_{};
};

// Threads started while one of these lives leave all signals to the broker's own thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

struct MetricsExposer::Impl {
  std::shared_ptr<Figures> figures;  // the exposer holds it weakly
  std::unique_ptr<prometheus::Exposer> exposer;
  Address address;  // with the port that was given to us

  ~Impl() {
    if (!exposer) return;
    // The web server's acceptor (CivetWeb 1.15) looks up only when somebody connects, or every two seconds.
    // So that the broker stops at once, somebody connects until it has.
    const SignalsBlocked blocked;
    std::jthread waker;
    try {
      waker = std::jthread([this](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          address.try_connect();
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
      });
    } catch (const std::system_error&) {
      // No thread to be had: stopping takes its two seconds.
    }
    exposer.reset();
  }
};

MetricsExposer::MetricsExposer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsExposer::~MetricsExposer() = default;

boost::system::result<std::unique_ptr<MetricsExposer>, std::string> MetricsExposer::start(
    const std::string& address, Sources sources) {
  const auto error = [&address](const std::string& reason) {
    return "metrics cannot be served on " + address + ": " + reason +
           "; choose another [metrics] listen, or \"\" to turn it off";
  };
  auto where = Address::parse(address);
  if (!where) return error(where.error());
  auto impl = std::make_unique<Impl>();
  impl->address = *where;
  impl->figures = std::make_shared<Figures>(std::move(sources));
  try {
    const SignalsBlocked blocked;
    // Two workers, so that somebody who connects and says nothing keeps nobody from scraping.
    impl->exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", where->text(), "num_threads", "2", "request_timeout_ms", "5000"});
    impl->exposer->RegisterCollectable(impl->figures);
  } catch (const std::exception& e) {
    // The web server only says that it did not start; binding once more ourselves tells why.
    const int reason = where->try_bind();
    return error(reason == 0 ? e.what() : std::strerror(reason));
  }
  const std::vector<int> ports = impl->exposer->GetListeningPorts();
  if (!ports.empty()) impl->address.set_port(static_cast<std::uint16_t>(ports.front()));
  return std::unique_ptr<MetricsExposer>(new MetricsExposer(std::move(impl)));
}

std::uint16_t MetricsExposer::port() const { return impl_->address.port(); }

}  // namespace parley::plugin
