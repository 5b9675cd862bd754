#include "schemas/ids.h"

#include <limits>

#include "schemas/utf8.h"

namespace parley {
namespace {

constexpr std::size_t kMaxUser = 32;
constexpr std::size_t kMaxDevice = 64;
constexpr std::size_t kMaxRoom = 64;
constexpr std::size_t kMaxCidCharacters = 64;

constexpr bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

bool is_user_name(std::string_view text) {
  if (text.size() < 2 || text.size() > kMaxUser || !is_lower_or_digit(text[0])) return false;
  for (const char c : text) {
    if (!is_lower_or_digit(c) && c != '_' && c != '.' && c != '-') return false;
  }
  return true;
}

bool is_device_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxDevice) return false;
  for (const char c : text) {
    if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && c != '_' && c != '-') return false;
  }
  return true;
}

bool is_room_name(std::string_view text) {
  if (text.size() < 2 || text.size() > kMaxRoom || !is_lower_or_digit(text[0])) return false;
  for (const char c : text) {
    if (!is_lower_or_digit(c) && c != '_' && c != '-') return false;
  }
  return true;
}

bool is_cid(std::string_view text) {
  if (text.empty() || text.size() > kMaxCidCharacters * 4) return false;
  const Utf8Scan scan = scan_utf8(text);
  if (!scan.valid || scan.characters > kMaxCidCharacters) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(text[at]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // U+0080 to U+009F, the second block of controls, are C2 80 to C2 9F.
    if (byte == 0xc2 && static_cast<std::uint8_t>(text[at + 1]) < 0xa0) return false;
  }
  return true;
}

std::optional<MessageId> parse_message_id(std::string_view text) {
  if (text.empty() || text.size() > 20 || (text[0] == '0' && text.size() > 1)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return MessageId{value};
}

std::optional<ClientId> parse_client_id(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const ClientId id{text.substr(0, colon), text.substr(colon + 1)};
  if (!is_user_name(id.user) || !is_device_name(id.device)) return std::nullopt;
  return id;
}

}  // namespace parley
