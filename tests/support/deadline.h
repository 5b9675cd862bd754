// How long tests wait for things. Nothing in the tests sleeps; everything waits for an event until a
// Deadline.
#ifndef PARLEY_TESTS_SUPPORT_DEADLINE_H_
#define PARLEY_TESTS_SUPPORT_DEADLINE_H_

#include <algorithm>
#include <chrono>

namespace parley::test {

using namespace std::chrono_literals;

// Long enough for a loaded machine and a broker under a sanitizer; a test that passes never waits for it.
inline constexpr std::chrono::milliseconds kPatience = 20s;
// For showing that something does NOT arrive, where there is no later event that would prove it. Kept short,
// since such a test always waits for it.
inline constexpr std::chrono::milliseconds kSilence = 300ms;

class Deadline {
 public:
  // A duration reads well where a deadline is wanted, hence no explicit.
  template <class Rep, class Period>
  // NOLINTNEXTLINE(google-explicit-constructor)
  Deadline(std::chrono::duration<Rep, Period> from_now) : at_(std::chrono::steady_clock::now() + from_now) {}
  bool passed() const { return std::chrono::steady_clock::now() >= at_; }
  // For poll(): never negative, rounded up so that a caller does not spin in the last millisecond.
  int remaining_ms() const {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<long long>(left.count(), 0, 1'000'000));
  }

 private:
  std::chrono::steady_clock::time_point at_;
};

}  // namespace parley::test

#endif
