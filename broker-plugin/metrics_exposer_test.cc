#include "broker-plugin/metrics_exposer.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <new>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "broker-plugin/authenticate.h"

namespace parley::plugin {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("no connection");
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  std::string request(const std::string& text) {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    std::string answer;
    char part[8192];
    for (ssize_t n; (n = recv(fd_, part, sizeof part, 0)) > 0;)
      answer.append(part, static_cast<std::size_t>(n));
    return answer;
  }

 private:
  int fd_;
};

std::string get(std::uint16_t port, const std::string& path = "/metrics") {
  return Client(port).request("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

// The samples of a scrape, by name with labels as written. Fails on any line that is not of the text format.
struct Scrape {
  std::map<std::string, double> samples;
  std::map<std::string, std::string> types;
};

Scrape scrape(std::uint16_t port) {
  const std::string answer = get(port);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  const std::size_t body = answer.find("\r\n\r\n");
  EXPECT_NE(body, std::string::npos);
  std::istringstream lines(answer.substr(body + 4));
  Scrape result;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("# TYPE ", 0) == 0) {
      const auto space = line.find(' ', 7);
      EXPECT_TRUE(result.types.emplace(line.substr(7, space - 7), line.substr(space + 1)).second) << line;
    } else if (line.rfind("# HELP ", 0) != 0) {
      const auto space = line.rfind(' ');
      std::size_t used = 0;
      const std::string value = line.substr(space + 1);
      EXPECT_TRUE(result.samples.emplace(line.substr(0, space), std::stod(value, &used)).second) << line;
      EXPECT_EQ(used, value.size()) << line;
    }
  }
  return result;
}

class MetricsExposerTest : public ::testing::Test {
 protected:
  void start(std::function<storage::LogStats()> log_stats = {}) {
    auto started = MetricsExposer::start("127.0.0.1:0", {&metrics_, std::move(log_stats)});
    ASSERT_TRUE(started) << started.error();
    exposer_ = std::move(*started);
    ASSERT_NE(exposer_->port(), 0);
  }
  Scrape scrape() { return plugin::scrape(exposer_->port()); }

  Metrics metrics_;
  std::unique_ptr<MetricsExposer> exposer_;
};

TEST_F(MetricsExposerTest, CountersAndGauges) {
  start();
  metrics_.messages_admitted.add(41);
  metrics_.messages_admitted.add();
  metrics_.sessions.set(-1);
  metrics_.broker_busy_permille.set(250);
  metrics_.broker_lag_ns.set(1'500'000);
  const Scrape s = scrape();
  EXPECT_EQ(s.samples.at("parley_messages_admitted_total"), 42);
  EXPECT_EQ(s.types.at("parley_messages_admitted_total"), "counter");
  EXPECT_EQ(s.samples.at("parley_sessions"), -1);
  EXPECT_EQ(s.types.at("parley_sessions"), "gauge");
  EXPECT_DOUBLE_EQ(s.samples.at("parley_broker_busy_ratio"), 0.25);
  EXPECT_DOUBLE_EQ(s.samples.at("parley_broker_lag_seconds"), 0.0015);
  metrics_.messages_admitted.add();
  EXPECT_EQ(scrape().samples.at("parley_messages_admitted_total"), 43) << "each scrape sees the present";
}

TEST_F(MetricsExposerTest, RefusalsCarryTheirReason) {
  start();
  metrics_.refused[static_cast<std::size_t>(Code::not_member)].add(3);
  metrics_.connects_refused[static_cast<std::size_t>(AuthError::expired_token)].add(5);
  const Scrape s = scrape();
  EXPECT_EQ(s.samples.at("parley_refused_total{reason=\"not_member\"}"), 3);
  EXPECT_EQ(s.samples.at("parley_refused_total{reason=\"unavailable\"}"), 0)
      << "present before it first happens";
  EXPECT_EQ(s.samples.at("parley_connects_refused_total{reason=\"expired_token\"}"), 5);
  EXPECT_FALSE(s.samples.contains("parley_connects_refused_total{reason=\"unknown\"}"));
}

// All buckets of a histogram in a scrape, by bound; +Inf last.
std::map<double, double> buckets(const Scrape& s, const std::string& name) {
  std::map<double, double> found;
  const std::string start = name + "_bucket{le=\"";
  for (const auto& [sample, value] : s.samples)
    if (sample.rfind(start, 0) == 0) found.emplace(std::stod(sample.substr(start.size())), value);
  return found;
}

TEST_F(MetricsExposerTest, LatenciesAreHistogramsInSeconds) {
  start();
  for (const std::uint64_t ns : {0u, 900u, 1'500u, 130'000u, 130'000u, 2'000'000u})
    metrics_.fsync_ns.observe(ns);
  metrics_.fsync_ns.observe(std::uint64_t{100} * 1'000'000'000);
  const Scrape s = scrape();
  EXPECT_EQ(s.types.at("parley_fsync_seconds"), "histogram");
  EXPECT_EQ(s.samples.at("parley_fsync_seconds_count"), 7);
  EXPECT_NEAR(s.samples.at("parley_fsync_seconds_sum"), 100.0022624, 1e-4);
  const auto le = buckets(s, "parley_fsync_seconds");
  ASSERT_GE(le.size(), 10u);
  ASSERT_LE(le.size(), 30u);
  EXPECT_NEAR(le.begin()->first, 1.024e-6, 1e-12);
  EXPECT_EQ(le.begin()->second, 2);
  EXPECT_TRUE(std::isinf(le.rbegin()->first));
  EXPECT_EQ(le.rbegin()->second, 7);
  EXPECT_EQ(std::next(le.rbegin())->second, 6) << "100 s is in +Inf only";
  double before = 0;
  for (const auto& [bound, count] : le) {
    EXPECT_GE(count, before) << "cumulative";
    before = count;
    double expected = 0;
    for (const double v : {0.0, 9e-7, 1.5e-6, 1.3e-4, 1.3e-4, 2e-3, 100.0}) expected += v <= bound ? 1 : 0;
    EXPECT_EQ(count, expected) << bound;
  }
}

TEST_F(MetricsExposerTest, CountedThingsHaveExactBounds) {
  start();
  for (const std::uint64_t n : {1u, 1u, 2u, 3u, 4u, 500u}) metrics_.batch_events.observe(n);
  const auto le = buckets(scrape(), "parley_commit_batch_events");
  EXPECT_EQ(le.at(1), 2);
  EXPECT_EQ(le.at(3), 4);
  EXPECT_EQ(le.at(7), 5);
  EXPECT_EQ(le.at(255), 5);
  EXPECT_EQ(le.at(511), 6);
}

TEST_F(MetricsExposerTest, EveryFigureIsShown) {
  start();
  // All fields of Metrics are made of 8-byte atomics: a counter or gauge is one, a histogram is one more than
  // buckets.
  static_assert(sizeof(Counter) == 8 && sizeof(Gauge) == 8);
  const std::size_t fields = sizeof(Metrics) / 8;
  const Scrape s = scrape();
  std::size_t shown = 0;
  for (const auto& [name, type] : s.types) {
    if (name.rfind("parley_", 0) != 0) continue;
    if (type == "histogram") shown += sizeof(Histogram) / 8;
  }
  for (const auto& [sample, value] : s.samples) {
    const auto type = s.types.find(sample.substr(0, sample.find('{')));
    shown += sample.rfind("parley_", 0) == 0 && type != s.types.end() ? 1 : 0;
  }
  const std::size_t unused_reasons =
      metrics_.connects_refused.size() - static_cast<std::size_t>(AuthError::too_many_connections) - 1;
  EXPECT_EQ(shown, fields - unused_reasons) << "a field of Metrics is missing in metrics_exposer.cc";
}

TEST_F(MetricsExposerTest, ProcessAndLog) {
  start([] {
    storage::LogStats stats;
    stats.disk_bytes = 1000;
    stats.memory_bytes = 2000;
    stats.high = MessageId{std::uint64_t{5'000} << 22};
    return stats;
  });
  const Scrape s = scrape();
  EXPECT_GT(s.samples.at("process_resident_memory_bytes"), 1e6);
  EXPECT_GT(s.samples.at("process_open_fds"), 3);
  EXPECT_GE(s.samples.at("process_max_fds"), s.samples.at("process_open_fds"));
  EXPECT_GT(s.samples.at("process_cpu_seconds_total"), 0);
  EXPECT_EQ(s.samples.at("parley_log_disk_bytes"), 1000);
  EXPECT_EQ(s.samples.at("parley_log_memory_bytes"), 2000);
  EXPECT_EQ(s.samples.at("parley_log_oldest_timestamp_seconds"), 0);
  EXPECT_DOUBLE_EQ(s.samples.at("parley_log_newest_timestamp_seconds"), 1'704'067'205);
}

TEST_F(MetricsExposerTest, ALogThatThrowsDoesNotTakeTheRestAway) {
  start([]() -> storage::LogStats { throw std::runtime_error("closed"); });
  const Scrape s = scrape();
  EXPECT_EQ(s.samples.at("parley_log_stats_unavailable"), 1);
  EXPECT_TRUE(s.samples.contains("parley_sessions"));
}

TEST_F(MetricsExposerTest, APortInUseIsToldAndTheOtherGoesOn) {
  start();
  const std::string address = "127.0.0.1:" + std::to_string(exposer_->port());
  const auto second = MetricsExposer::start(address, {&metrics_, {}});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error(), HasSubstr(address));
  EXPECT_THAT(second.error(), HasSubstr("in use"));
  EXPECT_THAT(second.error(), HasSubstr("[metrics] listen"));
  EXPECT_TRUE(scrape().samples.contains("parley_sessions"));
}

TEST_F(MetricsExposerTest, ListensOnANameAndOnAllAddresses) {
  for (const char* address : {"localhost:0", "0.0.0.0:0"}) {
    const auto started = MetricsExposer::start(address, {&metrics_, {}});
    ASSERT_TRUE(started) << started.error();
    EXPECT_NE((*started)->port(), 0) << address;
  }
}

TEST_F(MetricsExposerTest, NonsenseForAnAddressIsAnError) {
  for (const char* address :
       {"", "nonsense", "127.0.0.1:notaport", "300.1.1.1:9", "192.0.2.1:9464", "[::1]:9464"}) {
    const auto started = MetricsExposer::start(address, {&metrics_, {}});
    ASSERT_FALSE(started) << address;
    EXPECT_THAT(started.error(), HasSubstr("metrics cannot be served on " + std::string(address)));
  }
}

TEST_F(MetricsExposerTest, OtherPathsAndGarbageShowNothing) {
  start();
  EXPECT_THAT(get(exposer_->port(), "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(exposer_->port(), "/../../etc/passwd"), ::testing::Not(HasSubstr("root:")));
  Client(exposer_->port()).request("\x10\x0c garbage\r\n\r\n");
  EXPECT_TRUE(scrape().samples.contains("parley_sessions"));
}

TEST_F(MetricsExposerTest, SomebodySilentDoesNotBlockAScrape) {
  start();
  Client silent(exposer_->port());
  EXPECT_TRUE(scrape().samples.contains("parley_sessions"));
}

TEST_F(MetricsExposerTest, CanBeScrapedWhileFiguresChangeAndIsStartedAnew) {
  for (int round = 0; round < 3; ++round) {
    start();
    std::jthread writer([this](std::stop_token stop) {
      while (!stop.stop_requested()) metrics_.fsync_ns.observe(1000);
    });
    double before = 0;
    for (int i = 0; i < 5; ++i) {
      const Scrape s = scrape();
      const auto le = buckets(s, "parley_fsync_seconds");
      EXPECT_EQ(le.rbegin()->second, s.samples.at("parley_fsync_seconds_count"));
      EXPECT_GE(le.rbegin()->second, before);
      before = le.rbegin()->second;
    }
    exposer_.reset();
  }
}

}  // namespace
}  // namespace parley::plugin
