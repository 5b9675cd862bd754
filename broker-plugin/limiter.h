// How fast somebody may do something: token buckets.
//
// Pure: the time is passed in (Clock::steady_ns). A bucket belongs to one thread (the
// broker's).
#ifndef PARLEY_BROKER_PLUGIN_LIMITER_H_
#define PARLEY_BROKER_PLUGIN_LIMITER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace parley::plugin {

// What waits for ever: a rate of nothing.
inline constexpr std::chrono::nanoseconds kNever = std::chrono::nanoseconds::max();

// A value-initialized bucket is full. Its rate is kept by the caller and may change from call to call: the
// tokens gathered so far stay, up to the new burst.
struct TokenBucket {
  double tokens = 0;
  std::uint64_t last_ns = 0;  // of the latest refill; 0: never used
};
static_assert(sizeof(TokenBucket) == 16);

struct Rate {
  double per_s = 0;  // not above zero: nothing is ever admitted
  double burst = 1;  // taken as 1 when below, or nothing could ever be admitted
};

// How long until one token is there; zero: now. Refills, takes nothing. A clock that went back counts as
// standing still for that once.
std::chrono::nanoseconds wait_for_token(TokenBucket& bucket, Rate rate, std::uint64_t now_ns);

// Takes one token. Zero: admitted. Otherwise nothing was taken, and the answer is how long until one is
// there.
std::chrono::nanoseconds take(TokenBucket& bucket, Rate rate, std::uint64_t now_ns);
inline std::chrono::nanoseconds take(TokenBucket& bucket, double rate_per_s, double burst,
                                     std::uint64_t now_ns) {
  return take(bucket, Rate{rate_per_s, burst}, now_ns);
}

// One token from both or from neither: a user who is held back by a room does not spend the user's own. The
// answer is the longer of the two waits.
std::chrono::nanoseconds take_both(TokenBucket& a, Rate rate_a, TokenBucket& b, Rate rate_b,
                                   std::uint64_t now_ns);

// Gives back what a take() that was admitted had taken.
void refund(TokenBucket& bucket, Rate rate);

}  // namespace parley::plugin

#endif
