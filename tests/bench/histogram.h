// Latencies, counted in buckets whose width is at most 1/64 of their value.
#ifndef PARLEY_TESTS_BENCH_HISTOGRAM_H_
#define PARLEY_TESTS_BENCH_HISTOGRAM_H_

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace parley::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[bucket(nanoseconds)];
    ++total_;
  }
  std::uint64_t total() const { return total_; }

  // The value that `share` (0 to 1) of all lie at or below, in milliseconds; 0 when there are none.
  double percentile_ms(double share) const {
    const double wanted = share * static_cast<double>(total_);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return upper_bound(i) / 1e6;
    }
    return 0;
  }

 private:
  // Values below 64 have a bucket each; above, every power of two is cut into 64.
  static std::size_t bucket(std::uint64_t value) {
    if (value < 64) return value;
    const int shift = std::bit_width(value) - 7;
    return static_cast<std::size_t>(shift + 1) * 64 + ((value >> shift) & 63);
  }
  static double upper_bound(std::size_t index) {
    if (index < 64) return static_cast<double>(index);
    const int shift = static_cast<int>(index / 64) - 1;
    return std::ldexp(static_cast<double>(64 + index % 64 + 1), shift);
  }

  std::array<std::uint64_t, 64 * 60> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace parley::bench

#endif
