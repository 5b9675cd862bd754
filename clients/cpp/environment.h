// What the SDK takes from outside, so that tests decide it: time and chance.
#ifndef PARLEY_CLIENTS_CPP_ENVIRONMENT_H_
#define PARLEY_CLIENTS_CPP_ENVIRONMENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace parley::client {

using TimePoint = std::chrono::steady_clock::time_point;
using Millis = std::chrono::milliseconds;

struct Environment {
  std::function<TimePoint()> now;            // steady: for waiting
  std::function<std::int64_t()> unix_now_s;  // wall clock, seconds: for token expiry
  std::function<double()> random;            // in [0, 1)
};
// The machine's. Its `random` belongs to one thread.
Environment system_environment();

// A random UUID (RFC 9562, version 4). Any thread.
std::string make_uuid();

// The earlier of two deadlines, either of which may be missing.
inline std::optional<TimePoint> earlier(std::optional<TimePoint> a, std::optional<TimePoint> b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

}  // namespace parley::client

#endif
