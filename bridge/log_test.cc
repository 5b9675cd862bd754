#include "bridge/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

namespace parley::bridge {
namespace {

boost::json::object written(const std::function<void()>& what) {
  testing::internal::CaptureStderr();
  what();
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find('\n'), text.size() - 1) << "one line: " << text;
  return boost::json::parse(text).as_object();
}

TEST(Log, WritesOneObjectALine) {
  const auto line = written([] {
    log(LogLevel::warning, "two\nlines",
        {{"text", "\"quoted\""},
         {"number", -7},
         {"decimal", 0.5},
         {"yes", true},
         {"large", std::uint64_t{1} << 40}});
  });
  EXPECT_EQ(line.at("level"), "warning");
  EXPECT_EQ(line.at("msg"), "two\nlines");
  EXPECT_EQ(line.at("text"), "\"quoted\"");
  EXPECT_EQ(line.at("number"), -7);
  EXPECT_EQ(line.at("decimal"), 0.5);
  EXPECT_EQ(line.at("yes"), true);
  EXPECT_EQ(line.at("large"), std::int64_t{1} << 40);
  const std::string ts(line.at("ts").as_string());
  EXPECT_EQ(ts.size(), std::string_view("2026-11-21T06:45:10.123Z").size()) << ts;
}

TEST(Log, CarriesTheRequestsId) {
  EXPECT_FALSE(written([] { log(LogLevel::info, "before"); }).contains("request_id"));
  const RequestScope outer("r-1");
  {
    const RequestScope inner("r-2");
    EXPECT_EQ(written([] { log(LogLevel::info, "inside"); }).at("request_id"), "r-2");
  }
  EXPECT_EQ(written([] { log(LogLevel::info, "outside"); }).at("request_id"), "r-1");
  EXPECT_EQ(RequestScope::current(), "r-1");
}

// Whatever comes from outside stays one value that can be seen.
TEST(Log, ShowsWhatIsInvisible) {
  const std::string hostile = "a\nb\x1b[2J\u2028\u202e\",\"user\":\"admin\xff" + std::string(100'000, 'x');
  const auto capture = [&] {
    testing::internal::CaptureStderr();
    const RequestScope scope(hostile);
    log(LogLevel::warning, "hostile", {{"path", hostile}});
    return testing::internal::GetCapturedStderr();
  };
  const std::string text = capture();
  EXPECT_LT(text.size(), 2500u);
  for (const char* invisible : {"\x1b", "\u2028", "\u202e", "\xff"})
    EXPECT_EQ(text.find(invisible), std::string::npos);
  const auto line = boost::json::parse(text).as_object();
  EXPECT_FALSE(line.contains("user"));
  EXPECT_TRUE(line.at("path").as_string().starts_with("a\nb\x1b[2J\u2028\u202e\",\"user"));
  EXPECT_TRUE(line.at("path").as_string().ends_with("bytes]"));
}

TEST(Log, OfAFloodOnlySomeIsWritten) {
  testing::internal::CaptureStderr();
  for (int i = 0; i < 5000; ++i)
    log(LogLevel::warning, "request", {{"path", i}},
        {.kind = "request 418", .rate = {.burst = 5, .per_second = 1}});
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_GE(tell_lines_left_out(), 4980u);
  // Lines of another kind are written meanwhile.
  EXPECT_EQ(written([] { log(LogLevel::warning, "another"); }).at("msg"), "another");
}

TEST(Log, LeavesOutWhatIsBelowItsLevel) {
  ASSERT_TRUE(set_log_level("error"));
  testing::internal::CaptureStderr();
  log(LogLevel::warning, "not this");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_FALSE(set_log_level("loud"));
  ASSERT_TRUE(set_log_level("info"));
}

}  // namespace
}  // namespace parley::bridge
