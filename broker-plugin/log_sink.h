// What Mosquitto itself writes to its log, made safe: it prints client ids as they came, and a line for each
// malformed packet.
//
// Mosquitto 2.0.11 has no hook for its log, but with `log_dest stderr` it prints every line to `stderr`,
// which in glibc is a variable that a program may set ("Standard Streams" in its manual). While a LogSink
// lives, it is a stream of ours: the plugin's own lines pass as they are; any other line is written as
// `mosquitto: text="..."`, escaped, and of each kind no more than LogLimiter lets. With another log_dest
// nothing comes by here, and Mosquitto's lines are as it wrote them.
//
// Any thread may print: the stream's lock is ours.
#ifndef PARLEY_BROKER_PLUGIN_LOG_SINK_H_
#define PARLEY_BROKER_PLUGIN_LOG_SINK_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/clock.h"
#include "schemas/log_limiter.h"

namespace parley::plugin {

class LogSink {
 public:
  // Writes what remains to `fd`. Nothing when the stream cannot be made; then all stays as it was.
  static std::unique_ptr<LogSink> install(int fd, const Clock& clock);
  ~LogSink();  // the stream that was there before is there again
  LogSink(const LogSink&) = delete;
  LogSink& operator=(const LogSink&) = delete;

  // While one lives, what this thread prints is a line of the plugin's.
  class Own {
   public:
    Own();
    ~Own();
    Own(const Own&) = delete;
    Own& operator=(const Own&) = delete;
  };

  // See LogLimiter.
  std::vector<LogLimiter::LeftOut> take_left_out();
  std::uint64_t total_left_out() const;

 private:
  LogSink(int fd, const Clock& clock) : fd_(fd), clock_(clock) {}
  void print(std::string_view bytes);
  void line(std::string_view line);
  void foreign(std::string_view line);
  void out(std::string_view bytes) const;

  const int fd_;
  const Clock& clock_;
  std::FILE* stream_ = nullptr;
  std::FILE* before_ = nullptr;
  // Below: under the stream's lock.
  LogLimiter limiter_;
  std::string partial_;        // a line whose end has not come
  std::size_t time_size_ = 0;  // of what the broker begins each line with
};

}  // namespace parley::plugin

#endif
