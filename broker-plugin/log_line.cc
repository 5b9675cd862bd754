#include "broker-plugin/log_line.h"

#include "schemas/log_text.h"

namespace parley::plugin {
namespace {

// Four of the former and one of the latter fit into a line of Mosquitto's.
constexpr std::size_t kMostText = 96;
constexpr std::size_t kMostProse = 360;

}  // namespace

LogLine::LogLine(LogLevel level, std::string_view event) : level_(level), line_("event="), kind_(event) {
  line_ += event;
}

void LogLine::begin(std::string_view key) { line_.append(" ").append(key).append("="); }

LogLine& LogLine::word(std::string_view key, std::string_view value) {
  begin(key);
  line_ += value;
  return *this;
}

LogLine& LogLine::text(std::string_view key, std::string_view value) {
  begin(key);
  append_log_value(value, kMostText, line_);
  return *this;
}

LogLine& LogLine::prose(std::string_view key, std::string_view value) {
  begin(key);
  append_log_string(value, kMostProse, line_);
  return *this;
}

LogLine& LogLine::reason(std::string_view word) {
  kind_.append("/").append(word);
  return this->word("reason", word);
}

LogLine& LogLine::rate(LogLimiter::Rate rate) {
  rate_ = rate;
  return *this;
}

}  // namespace parley::plugin
