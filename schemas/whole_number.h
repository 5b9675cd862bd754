// The one reading of "a whole number" in JSON. Many languages have no other numbers than floating-point ones
// and write 60.0 or 6e1 for 60; that is as whole as 60, and 60.5 is not. Pure.
#ifndef PARLEY_SCHEMAS_WHOLE_NUMBER_H_
#define PARLEY_SCHEMAS_WHOLE_NUMBER_H_

#include <boost/json/value.hpp>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace parley {

struct WholeNumber {
  bool negative = false;  // never of zero
  std::uint64_t magnitude = 0;

  template <std::integral T>
  std::optional<T> as() const {
    if (!negative)
      return std::in_range<T>(magnitude) ? std::optional(static_cast<T>(magnitude)) : std::nullopt;
    constexpr std::uint64_t kLowest = std::uint64_t{1} << 63;
    if (magnitude > kLowest) return std::nullopt;
    const auto value = static_cast<std::int64_t>(~magnitude + 1);
    return std::in_range<T>(value) ? std::optional(static_cast<T>(value)) : std::nullopt;
  }
};

// From the spelling of a JSON number (RFC 8259, section 6), exact at any length: 60, 60.0, 6e1, 600E-1, -0.0.
// Nothing for a fraction, for more than 64 bits, and for what is no number.
std::optional<WholeNumber> parse_whole_number(std::string_view spelling);

// From a parsed number; exact below 2^53. Nothing when it is none, not whole, or beyond T.
template <std::integral T>
std::optional<T> whole_number(const boost::json::value& value) {
  if (const std::int64_t* number = value.if_int64())
    return std::in_range<T>(*number) ? std::optional(static_cast<T>(*number)) : std::nullopt;
  if (const std::uint64_t* number = value.if_uint64())
    return std::in_range<T>(*number) ? std::optional(static_cast<T>(*number)) : std::nullopt;
  const double* number = value.if_double();
  constexpr double kEnd = 18446744073709551616.0;  // 2^64
  if (number == nullptr || !(std::fabs(*number) < kEnd) || *number != std::trunc(*number))
    return std::nullopt;
  return WholeNumber{*number < 0, static_cast<std::uint64_t>(std::fabs(*number))}.as<T>();
}

}  // namespace parley

#endif
