#include "schemas/log_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "schemas/json_text.h"
#include "schemas/utf8.h"

namespace parley {
namespace {

// Unicode 15, general categories Cc, Cf, Co, Zl and Zp, and the letters that are drawn as nothing at all
// (DerivedCoreProperties.txt, Default_Ignorable_Code_Point).
constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 37> kInvisible = {{
    {0x0000, 0x001f},   {0x007f, 0x009f},    {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x0600, 0x0605},
    {0x061c, 0x061c},   {0x06dd, 0x06dd},    {0x070f, 0x070f},   {0x0890, 0x0891},   {0x08e2, 0x08e2},
    {0x115f, 0x1160},   {0x17b4, 0x17b5},    {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0x2800, 0x2800},    {0x3164, 0x3164},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},    {0xffa0, 0xffa0},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},
    {0x110bd, 0x110bd}, {0x110cd, 0x110cd},  {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff},  {0x3fffe, 0x3ffff}, {0x4fffe, 0xdffff}, {0xe0000, 0xe0fff},
    {0xefffe, 0xeffff}, {0xf0000, 0x10ffff},
}};

bool is_invisible(std::uint32_t point) {
  const auto after =
      std::ranges::upper_bound(kInvisible, point, {}, &std::pair<std::uint32_t, std::uint32_t>::first);
  return after != kInvisible.begin() && point <= std::prev(after)->second;
}

struct Character {
  std::string_view bytes;
  std::uint32_t point = 0xfffd;
  bool valid = false;
};

Character first_of(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const std::string_view bytes = text.substr(0, size);
  if (bytes.size() < size || !scan_utf8(bytes).valid) return {text.substr(0, 1)};
  std::uint32_t point = size == 1 ? lead : lead & (0xffu >> (size + 1));
  for (const char c : bytes.substr(1)) point = point << 6 | (static_cast<std::uint8_t>(c) & 0x3fu);
  return {bytes, point, true};
}

void append_escape(std::uint32_t unit, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 0xf];
}

void append_character(const Character& character, std::string& out) {
  const std::uint32_t point = character.point;
  // What JSON escapes has its short forms: \n, \t, \".
  if (character.valid && (point < 0x20 || !is_invisible(point)))
    return append_json_escaped(character.bytes, out);
  if (point < 0x10000) return append_escape(point, out);
  append_escape(0xd800 + ((point - 0x10000) >> 10), out);
  append_escape(0xdc00 + ((point - 0x10000) & 0x3ff), out);
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
         std::string_view("-._:/@+#$~").find(c) != std::string_view::npos;
}

}  // namespace

void append_log_string(std::string_view text, std::size_t most, std::string& out) {
  out += '"';
  const std::size_t begin = out.size();
  const std::size_t whole = text.size();
  while (!text.empty()) {
    const std::size_t before = out.size();
    const Character character = first_of(text);
    append_character(character, out);
    if (out.size() - begin > most) {
      out.resize(before);
      out.append("...[").append(std::to_string(whole)).append(" bytes]");
      break;
    }
    text.remove_prefix(character.bytes.size());
  }
  out += '"';
}

void append_log_value(std::string_view text, std::size_t most, std::string& out) {
  if (!text.empty() && text.size() <= most && std::ranges::all_of(text, is_plain)) {
    out += text;
  } else {
    append_log_string(text, most, out);
  }
}

}  // namespace parley
