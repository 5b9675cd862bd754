#include "broker-plugin/pacer.h"

#include <algorithm>

namespace parley::plugin {
namespace {

constexpr double kShare = 0.5;  // of the broker's thread that one room's fan-outs may take while it has time
constexpr double kBusyHigh = 0.85;  // above this the pace stretches,
constexpr double kBusyLow = 0.65;   // below this it relaxes
constexpr double kMaxPressure = 512;
constexpr double kHoldPressure = 32;  // nine looks in a row above the mark
constexpr double kStretch = 1.5;
constexpr double kRelax = 0.8;
constexpr std::chrono::nanoseconds kLagHigh = std::chrono::milliseconds(3);
constexpr std::chrono::nanoseconds kGatherCeiling = std::chrono::milliseconds(5);

}  // namespace

void Pacer::observe_delivery(std::chrono::nanoseconds one) {
  const double ns = std::clamp(static_cast<double>(one.count()), 500.0, 50'000.0);
  delivery_ns_ += (ns - delivery_ns_) * 0.05;
}

void Pacer::observe_load(double busy, std::chrono::nanoseconds lag) {
  if (busy > kBusyHigh || lag > kLagHigh) {
    pressure_ = std::min(pressure_ * kStretch, kMaxPressure);
  } else if (busy < kBusyLow) {
    pressure_ = std::max(pressure_ * kRelax, 1.0);
  }
}

std::chrono::nanoseconds Pacer::pace(std::uint32_t subscribers) const {
  const double ns = static_cast<double>(std::max(subscribers, 1u)) * delivery_ns_ / kShare * pressure_;
  if (ns >= static_cast<double>(ceiling_.count())) return ceiling_;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(ns));
}

std::chrono::nanoseconds Pacer::hold() const {
  if (pressure_ < kHoldPressure) return std::chrono::nanoseconds(0);
  return std::min(2 * ceiling_, std::chrono::nanoseconds(static_cast<std::int64_t>(pressure_ * 100'000)));
}

std::chrono::nanoseconds Pacer::commit_gather() const {
  if (pressure_ < 2) return std::chrono::nanoseconds(0);
  return std::min<std::chrono::nanoseconds>(
      kGatherCeiling, std::chrono::nanoseconds(static_cast<std::int64_t>(pressure_ * 50'000)));
}

}  // namespace parley::plugin
