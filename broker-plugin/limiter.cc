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

}  // namespace parley::plugin
