#include "broker-plugin/log_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "schemas/log_text.h"

namespace parley::plugin {
namespace {

constexpr std::string_view kOurs = "parley: ";
constexpr std::size_t kMostPartial = std::size_t{8} * 1024;
constexpr std::size_t kMostText = 1000;

thread_local int own_lines = 0;

// Mosquitto's sentences begin with a word of its own, some with "Error:" or "Warning:" and another one.
std::string_view kind_of(std::string_view sentence) {
  std::size_t end = sentence.find(' ');
  if (end != std::string_view::npos && end > 0 && sentence[end - 1] == ':') end = sentence.find(' ', end + 1);
  return sentence.substr(0, std::min<std::size_t>(end, 40));
}

}  // namespace

LogSink::Own::Own() { ++own_lines; }
LogSink::Own::~Own() { --own_lines; }

std::unique_ptr<LogSink> LogSink::install(int fd, const Clock& clock) {
  std::unique_ptr<LogSink> sink(new LogSink(fd, clock));
  const cookie_io_functions_t functions{
      .read = nullptr,
      .write = [](void* self, const char* bytes, std::size_t size) -> ssize_t {
        static_cast<LogSink*>(self)->print({bytes, size});
        return static_cast<ssize_t>(size);
      },
      .seek = nullptr,
      .close = nullptr};
  sink->stream_ = fopencookie(sink.get(), "w", functions);
  if (sink->stream_ == nullptr) return nullptr;
  std::setvbuf(sink->stream_, nullptr, _IOLBF, BUFSIZ);
  std::fflush(stderr);
  sink->before_ = std::exchange(stderr, sink->stream_);
  return sink;
}

LogSink::~LogSink() {
  if (stream_ == nullptr) return;
  stderr = before_;
  std::fclose(stream_);
  if (!partial_.empty()) line(std::exchange(partial_, {}));
}

std::vector<LogLimiter::LeftOut> LogSink::take_left_out() {
  flockfile(stream_);
  auto taken = limiter_.take_left_out(clock_.steady_ns());
  funlockfile(stream_);
  return taken;
}

std::uint64_t LogSink::total_left_out() const {
  flockfile(stream_);
  const std::uint64_t total = limiter_.total_left_out();
  funlockfile(stream_);
  return total;
}

void LogSink::print(std::string_view bytes) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) break;
    if (partial_.empty()) {
      line(bytes.substr(0, end));
    } else {
      partial_.append(bytes.substr(0, end));
      line(std::exchange(partial_, {}));
    }
    bytes.remove_prefix(end + 1);
  }
  partial_.append(bytes);
  if (partial_.size() > kMostPartial) line(std::exchange(partial_, {}));
}

void LogSink::line(std::string_view line) {
  if (own_lines == 0) return foreign(line);
  // Our lines show with how much of a time the broker begins each.
  if (const std::size_t time = line.find(kOurs); time != std::string_view::npos) time_size_ = time;
  out(std::string(line) + '\n');
}

void LogSink::foreign(std::string_view line) {
  std::string_view time;
  if (time_size_ > 2 && line.size() > time_size_ && line.substr(time_size_ - 2, 2) == ": ") {
    time = line.substr(0, time_size_);
    line.remove_prefix(time_size_);
  }
  const auto verdict = limiter_.ask(kind_of(line), clock_.steady_ns());
  if (!verdict.write) return;
  std::string safe(time);
  safe += "mosquitto: text=";
  append_log_string(line, kMostText, safe);
  if (verdict.left_out > 0) safe.append(" left_out=").append(std::to_string(verdict.left_out));
  out(safe + '\n');
}

// As much as can be written: there is nowhere to complain to.
void LogSink::out(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace parley::plugin
