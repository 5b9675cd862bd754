// How fast somebody may do something: token buckets, and a lock-out after failed logins.
//
// Pure: the time is passed in (Clock::steady_ns). A bucket or a FailedLogins belongs to one thread (the
// broker's).
#ifndef PARLEY_BROKER_PLUGIN_LIMITER_H_
#define PARLEY_BROKER_PLUGIN_LIMITER_H_

#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

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

// Counts failed logins by source address and refuses an address for a while after too many of them. The
// memory is bounded: of more addresses than fit, those that have not failed for longest are forgotten.
class FailedLogins {
 public:
  struct Options {
    std::size_t failures = 5;  // within the window; 0: never refuses
    std::chrono::nanoseconds window = std::chrono::minutes(5);
    std::size_t max_addresses = 10'000;
  };
  FailedLogins() : FailedLogins(Options{}) {}
  explicit FailedLogins(Options options) : options_(options) {}

  // Zero: may try. Otherwise how long until it may again: until the oldest of its failures leaves the window.
  // Ask before checking credentials; what is refused here is no failure to be counted.
  std::chrono::nanoseconds refused_for(std::string_view address, std::uint64_t now_ns) const;
  void failed(std::string_view address, std::uint64_t now_ns);
  std::size_t size() const { return by_address_.size(); }

 private:
  struct Entry {
    std::string address;
    std::vector<std::uint64_t> times_ns;  // the latest failures, oldest first, at most options_.failures
  };
  bool over(const Entry& entry, std::uint64_t now_ns) const;
  void drop_oldest();

  Options options_;
  std::list<Entry> entries_;  // the address that failed last at the end
  boost::unordered_flat_map<std::string_view, std::list<Entry>::iterator>
      by_address_;  // keys point into entries_
};

}  // namespace parley::plugin

#endif
