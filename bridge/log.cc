// The only file that sees spdlog, which brings the lock, the level and the write of whole lines.
#include "bridge/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "schemas/json_text.h"

namespace parley::bridge {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};
constexpr std::array<spdlog::level::level_enum, 4> kLevels = {spdlog::level::debug, spdlog::level::info,
                                                              spdlog::level::warn, spdlog::level::err};

thread_local std::string current_request;

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

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  const auto at = static_cast<std::size_t>(level);
  if (!logger().should_log(kLevels[at])) return;
  std::string line;
  JsonObjectWriter json(line);
  json.text("ts", timestamp());
  json.text("level", kLevelNames[at]);
  json.text("msg", message);
  json.text_if("request_id", current_request);
  for (const LogField& field : fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      json.text(field.name, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      json.json_if(field.name, std::to_string(*number));
    } else if (const auto* decimal = std::get_if<double>(&field.value)) {
      json.decimal(field.name, *decimal);
    } else {
      json.json_if(field.name, std::get<bool>(field.value) ? "true" : "false");
    }
  }
  json.close();
  logger().log(kLevels[at], spdlog::string_view_t(line.data(), line.size()));
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
