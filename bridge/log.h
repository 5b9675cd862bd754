// The bridge's log: one JSON object a line on stderr, {"ts","level","msg","request_id",...fields}.
//
// Values may come from anywhere: they are escaped so that nothing in a line is invisible, and bounded
// (schemas/log_text.h). Of each kind of line no more is written than its limit lets, so that nobody fills the
// log from outside.
//
// Thread-safe. A line never holds a password, a token, a key or a message's body: that is the caller's duty.
// The request id of the thread's RequestScope is put into every line written meanwhile.
#ifndef PARLEY_BRIDGE_LOG_H_
#define PARLEY_BRIDGE_LOG_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "schemas/log_limiter.h"

namespace parley::bridge {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

// A member of the line. Views need to live until log() returns.
struct LogField {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  LogField(std::string_view n, std::same_as<bool> auto v) : name(n), value(v) {}
  LogField(std::string_view n, double v) : name(n), value(v) {}
  LogField(std::string_view n, std::integral auto v) requires(!std::same_as<decltype(v), bool>)
      : name(n), value(static_cast<std::int64_t>(v)) {}
};

// What is counted together, and how much of it is written: a first few lines, then so many a second, each
// with how many were left out before it.
struct LogLimit {
  std::string_view kind{};  // empty: the message
  LogLimiter::Rate rate{.burst = 20, .per_second = 1};
};
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {},
         const LogLimit& limit = {});
// Once a second or so: tells what was left out at the end of a flood. Gives how many lines were, since the
// process began.
std::uint64_t tell_lines_left_out();
// "debug", "info", "warning" or "error"; false for anything else, and nothing changes. `info` at first.
bool set_log_level(std::string_view name);

// While it lives, this thread's lines carry the request id. They nest.
class RequestScope {
 public:
  explicit RequestScope(std::string_view request_id);
  ~RequestScope();
  RequestScope(const RequestScope&) = delete;
  RequestScope& operator=(const RequestScope&) = delete;
  static std::string_view current();  // empty outside of a scope

 private:
  std::string before_;
};

}  // namespace parley::bridge

#endif
