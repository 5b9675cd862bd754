// The only file that sees spdlog, which brings the lock, the level and the write of whole lines.
#include "bridge/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "schemas/json_text.h"
#include "schemas/log_limiter.h"
#include "schemas/log_text.h"

namespace parley::bridge {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<spdlog::level::level_enum, 4> kLevels = {spdlog::level::debug, spdlog::level::info,
                                                              spdlog::level::warn, spdlog::level::err};

constexpr std::size_t kMostText = 1024;

thread_local std::string current_request;

struct Limiter {
  std::mutex mutex;
  LogLimiter limits;
};
Limiter& limiter() {
  static Limiter limiter;
  return limiter;
}

std::uint64_t steady_ns() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
}

void append_text(JsonObjectWriter& json, std::string_view name, std::string_view value, std::string& line) {
  json.key(name);
  append_log_string(value, kMostText, line);
}

spdlog::logger& logger() {
  static const auto kLogger = [] {
    auto made = std::make_shared<spdlog::logger>("parley", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *kLogger;
}

// RFC 3339 in UTC, with milliseconds.
std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::string out(text.data(), size);
  const std::string digits = std::to_string(1000 + ms);
  return out.append(".").append(digits, 1).append("Z");
}

}  // namespace

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields,
         const LogLimit& limit) {
  const auto at = static_cast<std::size_t>(level);
  if (!logger().should_log(kLevels[at])) return;
  const LogLimiter::Verdict verdict = [&] {
    const std::lock_guard lock(limiter().mutex);
    return limiter().limits.ask(limit.kind.empty() ? message : limit.kind, steady_ns(), limit.rate);
  }();
  if (!verdict.write) return;
  std::string line;
  JsonObjectWriter json(line);
  json.text("ts", timestamp());
  json.text("level", kLevelNames[at]);
  append_text(json, "msg", message, line);
  if (!current_request.empty()) append_text(json, "request_id", current_request, line);
  for (const LogField& field : fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_text(json, field.name, *text, line);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      json.json_if(field.name, std::to_string(*number));
    } else if (const auto* decimal = std::get_if<double>(&field.value)) {
      json.decimal(field.name, *decimal);
    } else {
      json.json_if(field.name, std::get<bool>(field.value) ? "true" : "false");
    }
  }
  json.number_if("left_out", verdict.left_out);
  json.close();
  logger().log(kLevels[at], spdlog::string_view_t(line.data(), line.size()));
}

std::uint64_t tell_lines_left_out() {
  std::vector<LogLimiter::LeftOut> left_out;
  std::uint64_t total = 0;
  {
    const std::lock_guard lock(limiter().mutex);
    left_out = limiter().limits.take_left_out(steady_ns());
    total = limiter().limits.total_left_out();
  }
  for (const LogLimiter::LeftOut& each : left_out)
    log(LogLevel::info, "lines were left out", {{"of", each.kind}, {"left_out", each.lines}},
        {.kind = {}, .rate = {.burst = 100, .per_second = 20}});
  return total;
}

bool set_log_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] != name) continue;
    logger().set_level(kLevels[i]);
    return true;
  }
  return false;
}

RequestScope::RequestScope(std::string_view request_id)
    : before_(std::exchange(current_request, std::string(request_id))) {}
RequestScope::~RequestScope() { current_request = std::move(before_); }
std::string_view RequestScope::current() { return current_request; }

}  // namespace parley::bridge
