// The plugin's lines in the broker's log: event=what_happened key=value ... Any thread makes one; BrokerLog
// (broker_log.h) writes it.
//
// What comes from outside goes through text() and prose(): it stays one value of one line, and is bounded,
// because Mosquitto cuts a line off at 1,000 bytes.
#ifndef PARLEY_BROKER_PLUGIN_LOG_LINE_H_
#define PARLEY_BROKER_PLUGIN_LOG_LINE_H_

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

#include "broker-plugin/broker_port.h"
#include "schemas/log_limiter.h"

namespace parley::plugin {

class LogLine {
 public:
  // `event` and the keys are words of ours.
  LogLine(LogLevel level, std::string_view event);

  // A name, an id, an address: a word as it is, anything else in quotes.
  LogLine& text(std::string_view key, std::string_view value);
  // A sentence, always in quotes.
  LogLine& prose(std::string_view key, std::string_view value);
  LogLine& number(std::string_view key, std::integral auto value) { return word(key, std::to_string(value)); }
  // Why, in a word of ours. Lines of the same event with another reason are counted apart (LogLimiter).
  LogLine& reason(std::string_view word);
  // How many such lines may be written, if not as many as of any kind.
  LogLine& rate(LogLimiter::Rate rate);

  LogLevel level() const { return level_; }
  const std::string& line() const { return line_; }
  const std::string& kind() const { return kind_; }
  LogLimiter::Rate rate() const { return rate_; }

 private:
  LogLine& word(std::string_view key, std::string_view value);
  void begin(std::string_view key);

  LogLevel level_;
  std::string line_;
  std::string kind_;
  LogLimiter::Rate rate_;
};

}  // namespace parley::plugin

#endif
