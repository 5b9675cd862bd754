#include "schemas/log_limiter.h"

#include <algorithm>
#include <utility>

namespace parley {
namespace {
constexpr std::string_view kOthers = "others";
}

LogLimiter::Kind& LogLimiter::find(std::string_view name, std::uint64_t now_ns, Rate rate) {
  auto found = std::ranges::find(kinds_, name, &Kind::name);
  if (found == kinds_.end() && kinds_.size() + 1 >= kKinds) {
    name = kOthers;
    found = std::ranges::find(kinds_, name, &Kind::name);
  }
  if (found != kinds_.end()) return *found;
  return kinds_.emplace_back(Kind{std::string(name), rate, rate.burst, now_ns, 0});
}

void LogLimiter::refill(Kind& kind, std::uint64_t now_ns) {
  if (now_ns <= kind.at_ns) return;
  const double seconds = static_cast<double>(now_ns - kind.at_ns) / 1e9;
  kind.tokens = std::min(kind.rate.burst, kind.tokens + seconds * kind.rate.per_second);
  kind.at_ns = now_ns;
}

LogLimiter::Verdict LogLimiter::ask(std::string_view name, std::uint64_t now_ns, Rate rate) {
  Kind& kind = find(name, now_ns, rate);
  refill(kind, now_ns);
  if (kind.tokens < 1) {
    ++kind.left_out;
    ++total_left_out_;
    return {};
  }
  kind.tokens -= 1;
  return {true, std::exchange(kind.left_out, 0)};
}

std::vector<LogLimiter::LeftOut> LogLimiter::take_left_out(std::uint64_t now_ns) {
  std::vector<LeftOut> out;
  for (Kind& kind : kinds_) {
    if (kind.left_out == 0) continue;
    refill(kind, now_ns);
    if (kind.tokens < 1) continue;
    kind.tokens -= 1;
    out.push_back({kind.name, std::exchange(kind.left_out, 0)});
  }
  return out;
}

}  // namespace parley
