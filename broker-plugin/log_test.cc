// What the plugin and the broker around it write to the log: lines that nobody else can forge, and not too
// many.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/broker_log.h"
#include "broker-plugin/fake_broker.h"
#include "broker-plugin/log_line.h"
#include "broker-plugin/log_sink.h"
#include "tests/support/temp_dir.h"

namespace parley::plugin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kSecond = 1'000'000'000;

class HandClock final : public Clock {
 public:
  std::uint64_t unix_ms() const override { return 1'763'683'200'000; }
  std::uint64_t steady_ns() const override { return now_ns; }
  std::uint64_t now_ns = 100 * kSecond;
};

TEST(LogLine, HoldsItsFieldsApart) {
  const LogLine line = LogLine(LogLevel::notice, "connect_refused")
                           .text("client", "x\" user=admin event=kick")
                           .text("address", "127.0.0.1")
                           .reason("bad_token")
                           .prose("detail", "no user a\nb")
                           .number("n", -7);
  EXPECT_EQ(line.line(),
            R"(event=connect_refused client="x\" user=admin event=kick" address=127.0.0.1 reason=bad_token )"
            R"(detail="no user a\nb" n=-7)");
  EXPECT_EQ(line.kind(), "connect_refused/bad_token");
}

TEST(LogLine, FitsIntoMosquittosBufferWhateverIsInIt) {
  for (const std::string& id : {std::string(65535, 'x'), std::string(65535, '"'), std::string(60000, '\n')}) {
    const LogLine line = LogLine(LogLevel::notice, "connect_refused")
                             .text("client", id)
                             .text("address", id)
                             .reason("foreign_client_id")
                             .prose("detail", "client id " + id + " is held by another user");
    EXPECT_LT(line.line().size(), 900u);
    EXPECT_THAT(line.line(), HasSubstr("...[6"));
    EXPECT_EQ(line.line().back(), '"');
  }
}

TEST(BrokerLog, WritesOneInNAndSaysHowManyItLeftOut) {
  FakeBroker broker;
  HandClock clock;
  Metrics metrics;
  BrokerLog log(broker, clock, metrics);
  for (int i = 0; i < 500; ++i) log.write(LogLine(LogLevel::notice, "connect_refused").reason("bad_token"));
  log.write(LogLine(LogLevel::notice, "connect_refused").reason("expired_token"));
  EXPECT_EQ(broker.logs.size(), 11u);
  EXPECT_EQ(metrics.log_lines_left_out.get(), 490u);
  broker.logs.clear();
  clock.now_ns += kSecond;
  log.write(LogLine(LogLevel::notice, "connect_refused").reason("bad_token"));
  log.write(LogLine(LogLevel::notice, "connect_refused").reason("bad_token"));
  EXPECT_THAT(broker.logs, ElementsAre("event=connect_refused reason=bad_token left_out=490"));
  broker.logs.clear();
  log.tell_left_out();
  EXPECT_THAT(broker.logs, ElementsAre());
  clock.now_ns += kSecond;
  log.tell_left_out();
  log.tell_left_out();
  EXPECT_THAT(broker.logs, ElementsAre("event=lines_left_out of=connect_refused/bad_token left_out=1"));
}

class LogSinkTest : public testing::Test {
 protected:
  LogSinkTest()
      : fd_(::open((folder_.path() / "log").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600)) {}
  ~LogSinkTest() override { ::close(fd_); }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::string rest = test::read_file(folder_.path() / "log");
    while (!rest.empty()) {
      out.push_back(rest.substr(0, rest.find('\n')));
      rest.erase(0, out.back().size() + 1);
    }
    return out;
  }

  test::TempDir folder_;
  HandClock clock_;
  const int fd_;
};

TEST_F(LogSinkTest, TheBrokersOwnLinesAreQuotedAndOursPassAsTheyAre) {
  {
    const auto sink = LogSink::install(fd_, clock_);
    ASSERT_NE(sink, nullptr);
    std::fprintf(stderr, "%s\n", "mosquitto version 2.0.11 starting");
    {
      const LogSink::Own own;
      std::fprintf(stderr, "%s\n", "2026-11-27T23:54:17: parley: event=node_started node=0");
    }
    std::fprintf(stderr, "%s\n",
                 "2026-11-27T23:54:18: Outgoing messages are being dropped for client x\" user=a.");
    std::fprintf(stderr, "%s\n",
                 "2026-11-27T23:54:18: Expiring client \u202e\u2028parley: event=kick due to timeout.");
    std::fprintf(stderr, "no time: %d", 7);
  }
  EXPECT_THAT(lines(), ElementsAre(R"(mosquitto: text="mosquitto version 2.0.11 starting")",
                                   "2026-11-27T23:54:17: parley: event=node_started node=0",
                                   "2026-11-27T23:54:18: mosquitto: "
                                   R"(text="Outgoing messages are being dropped for client x\" user=a.")",
                                   "2026-11-27T23:54:18: mosquitto: "
                                   R"(text="Expiring client \u202e\u2028parley: event=kick due to timeout.")",
                                   R"(mosquitto: text="no time: 7")"));
}

TEST_F(LogSinkTest, AFloodOfTheBrokersIsLeftOutAndTold) {
  const auto sink = LogSink::install(fd_, clock_);
  ASSERT_NE(sink, nullptr);
  for (int i = 0; i < 3000; ++i)
    std::fprintf(stderr, "Warning: Received PUBACK from %d for an unknown packet identifier %d.\n", i, i);
  // Another kind has its own lines.
  std::fprintf(stderr, "Warning: Unable to accept new connection\n");
  EXPECT_EQ(lines().size(), 11u);
  EXPECT_EQ(sink->total_left_out(), 2990u);
  EXPECT_TRUE(sink->take_left_out().empty());
  clock_.now_ns += 2 * kSecond;
  const auto left_out = sink->take_left_out();
  ASSERT_EQ(left_out.size(), 1u);
  EXPECT_EQ(left_out[0].kind, "Warning: Received");
  EXPECT_EQ(left_out[0].lines, 2990u);
}

TEST_F(LogSinkTest, TheStreamThatWasThereComesBack) {
  std::FILE* const before = stderr;
  {
    const auto sink = LogSink::install(fd_, clock_);
    EXPECT_NE(stderr, before);
  }
  EXPECT_EQ(stderr, before);
}

}  // namespace
}  // namespace parley::plugin
