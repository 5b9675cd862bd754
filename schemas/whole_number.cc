#include "schemas/whole_number.h"

#include <algorithm>

namespace parley {
namespace {

constexpr std::int64_t kFar = std::int64_t{1} << 40;  // an exponent from here on is as good as any other

std::string_view take_digits(std::string_view& text) {
  const std::size_t count = std::min(text.size(), text.find_first_not_of("0123456789"));
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

std::optional<std::int64_t> take_exponent(std::string_view& text) {
  if (!text.starts_with('e') && !text.starts_with('E')) return 0;
  text.remove_prefix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const std::string_view digits = take_digits(text);
  if (digits.empty()) return std::nullopt;
  std::int64_t exponent = 0;
  for (const char digit : digits) exponent = std::min(exponent * 10 + (digit - '0'), kFar);
  return negative ? -exponent : exponent;
}

}  // namespace

std::optional<WholeNumber> parse_whole_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::string_view before = take_digits(text);
  std::string_view behind;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    behind = take_digits(text);
    if (behind.empty()) return std::nullopt;
  }
  const auto exponent = take_exponent(text);
  if (before.empty() || !exponent || !text.empty()) return std::nullopt;

  // Digits left of the point once the exponent has moved it; those right of it must be zeros.
  const auto size = static_cast<std::int64_t>(before.size());
  const auto all = size + static_cast<std::int64_t>(behind.size());
  const std::int64_t point = size + *exponent;
  const auto digit = [&](std::int64_t at) {
    return static_cast<unsigned>(
        (at < size ? before[static_cast<std::size_t>(at)] : behind[static_cast<std::size_t>(at - size)]) -
        '0');
  };
  WholeNumber out;
  for (std::int64_t at = 0; at < all; ++at) {
    if (at >= point) {
      if (digit(at) != 0) return std::nullopt;
      continue;
    }
    if (__builtin_mul_overflow(out.magnitude, 10U, &out.magnitude) ||
        __builtin_add_overflow(out.magnitude, digit(at), &out.magnitude))
      return std::nullopt;
  }
  for (std::int64_t at = all; at < point && out.magnitude != 0; ++at) {
    if (__builtin_mul_overflow(out.magnitude, 10U, &out.magnitude)) return std::nullopt;
  }
  out.negative = negative && out.magnitude != 0;
  return out;
}

}  // namespace parley
