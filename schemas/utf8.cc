#include "schemas/utf8.h"

#include <cstdint>
#include <cstring>

namespace parley {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;
constexpr std::uint64_t kOnes = 0x0101010101010101;

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

// Length of the well-formed sequence starting at `at` with a byte above 0x7f, or 0 (RFC 3629, section 4).
std::size_t sequence_length(std::string_view text, std::size_t at) {
  const std::size_t left = text.size() - at;
  const std::uint8_t lead = byte_at(text, at);
  const auto tail = [&](std::size_t i, std::uint8_t low = 0x80, std::uint8_t high = 0xbf) {
    const std::uint8_t b = byte_at(text, at + i);
    return b >= low && b <= high;
  };
  if (lead >= 0xc2 && lead <= 0xdf) return left >= 2 && tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (left < 3) return 0;
    const std::uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;   // no overlong form
    const std::uint8_t high = lead == 0xed ? 0x9f : 0xbf;  // no surrogate
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (left < 4) return 0;
    const std::uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
    const std::uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;  // not above U+10FFFF
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

Utf8Scan scan_utf8(std::string_view text) {
  Utf8Scan scan;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data() + at, 8);
      if ((word & kHighBits) == 0) {
        // For ASCII bytes, subtracting one borrows into the high bit only of a zero byte (or of one after
        // it).
        scan.has_nul |= ((word - kOnes) & kHighBits) != 0;
        scan.characters += 8;
        at += 8;
        continue;
      }
    }
    const std::uint8_t lead = byte_at(text, at);
    if (lead < 0x80) {
      scan.has_nul |= lead == 0;
      ++at;
    } else {
      const std::size_t length = sequence_length(text, at);
      if (length == 0) return {};
      at += length;
    }
    ++scan.characters;
  }
  scan.valid = true;
  return scan;
}

}  // namespace parley
