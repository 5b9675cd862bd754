// Time, passed in so that tests own it. Any thread.
#ifndef PARLEY_BROKER_PLUGIN_CLOCK_H_
#define PARLEY_BROKER_PLUGIN_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace parley::plugin {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::uint64_t unix_ms() const = 0;    // the wall clock; may jump
  virtual std::uint64_t steady_ns() const = 0;  // never goes back
  std::int64_t unix_s() const { return static_cast<std::int64_t>(unix_ms() / 1000); }
};

class SystemClock final : public Clock {
 public:
  std::uint64_t unix_ms() const override {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
  }
  std::uint64_t steady_ns() const override {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(
        duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count());
  }
};

}  // namespace parley::plugin

#endif
