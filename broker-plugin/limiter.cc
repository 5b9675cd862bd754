#include "broker-plugin/limiter.h"

#include <algorithm>
#include <cmath>

namespace parley::plugin {
namespace {

// A token less this much is a token: whoever waited as long as told must not be refused for a rounding.
constexpr double kAlmost = 1.0 - 1e-6;

double burst_of(Rate rate) { return rate.burst >= 1 ? rate.burst : 1; }

}  // namespace

std::chrono::nanoseconds wait_for_token(TokenBucket& bucket, Rate rate, std::uint64_t now_ns) {
  if (!(rate.per_s > 0)) return kNever;
  now_ns = std::max<std::uint64_t>(now_ns, 1);
  const double burst = burst_of(rate);
  if (bucket.last_ns == 0)
    bucket.tokens = burst;
  else if (now_ns > bucket.last_ns)
    bucket.tokens += static_cast<double>(now_ns - bucket.last_ns) * 1e-9 * rate.per_s;
  bucket.tokens = std::min(bucket.tokens, burst);
  bucket.last_ns = now_ns;
  if (bucket.tokens >= kAlmost) return std::chrono::nanoseconds{0};
  const double wait_ns = std::ceil((1 - bucket.tokens) / rate.per_s * 1e9);
  if (!(wait_ns < static_cast<double>(kNever.count()))) return kNever;
  return std::chrono::nanoseconds{std::max<std::int64_t>(static_cast<std::int64_t>(wait_ns), 1)};
}

std::chrono::nanoseconds take(TokenBucket& bucket, Rate rate, std::uint64_t now_ns) {
  const auto wait = wait_for_token(bucket, rate, now_ns);
  if (wait.count() == 0) bucket.tokens -= 1;
  return wait;
}

std::chrono::nanoseconds take_both(TokenBucket& a, Rate rate_a, TokenBucket& b, Rate rate_b,
                                   std::uint64_t now_ns) {
  const auto wait = std::max(wait_for_token(a, rate_a, now_ns), wait_for_token(b, rate_b, now_ns));
  if (wait.count() == 0) {
    a.tokens -= 1;
    b.tokens -= 1;
  }
  return wait;
}

void refund(TokenBucket& bucket, Rate rate) { bucket.tokens = std::min(bucket.tokens + 1, burst_of(rate)); }

std::chrono::nanoseconds FailedLogins::refused_for(std::string_view address, std::uint64_t now_ns) const {
  const auto it = by_address_.find(address);
  if (it == by_address_.end()) return std::chrono::nanoseconds{0};
  const Entry& entry = *it->second;
  if (entry.times_ns.size() < options_.failures) return std::chrono::nanoseconds{0};
  const std::uint64_t oldest = entry.times_ns.front();
  const auto passed = std::chrono::nanoseconds{now_ns > oldest ? now_ns - oldest : 0};
  return std::max(options_.window - passed, std::chrono::nanoseconds{0});
}

void FailedLogins::failed(std::string_view address, std::uint64_t now_ns) {
  if (options_.failures == 0 || options_.max_addresses == 0) return;
  while (!entries_.empty() && over(entries_.front(), now_ns)) drop_oldest();
  if (const auto it = by_address_.find(address); it != by_address_.end()) {
    entries_.splice(entries_.end(), entries_, it->second);
  } else {
    if (entries_.size() >= options_.max_addresses) drop_oldest();
    entries_.push_back({std::string(address), {}});
    by_address_.emplace(entries_.back().address, std::prev(entries_.end()));
  }
  auto& times = entries_.back().times_ns;
  if (times.size() == options_.failures) times.erase(times.begin());
  times.push_back(now_ns);
}

bool FailedLogins::over(const Entry& entry, std::uint64_t now_ns) const {
  const std::uint64_t last = entry.times_ns.back();
  return now_ns > last && std::chrono::nanoseconds{now_ns - last} >= options_.window;
}

void FailedLogins::drop_oldest() {
  by_address_.erase(entries_.front().address);
  entries_.pop_front();
}

}  // namespace parley::plugin
