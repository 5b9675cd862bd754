#include "bridge/log.h"

#include <gtest/gtest.h>

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
