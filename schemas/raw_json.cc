#include "schemas/raw_json.h"

#include <algorithm>
#include <cstdint>

namespace parley {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void skip_space(std::string_view& text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
}

// How long the string is that starts here, its quotes included.
std::size_t string_length(std::string_view text) {
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.size();
}

// How long the value is that starts here.
std::size_t value_length(std::string_view text) {
  std::size_t depth = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at += string_length(text.substr(at));
      if (depth == 0) return at;
      continue;
    }
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') {
      if (depth == 0) return at;  // the end of what a scalar stands in
      if (--depth == 0) return at + 1;
    }
    if (depth == 0 && (c == ',' || is_space(c))) return at;
    ++at;
  }
  return at;
}

std::string_view take(std::string_view& text, std::size_t count) {
  count = std::min(count, text.size());
  const std::string_view taken = text.substr(0, count);
  text.remove_prefix(count);
  return taken;
}

// To the first entry of an object or array.
std::string_view enter(std::string_view text) {
  skip_space(text);
  take(text, 1);
  return text;
}

// Past the comma between two entries; false at the closing bracket.
bool to_entry(std::string_view& text) {
  skip_space(text);
  if (text.starts_with(',')) {
    text.remove_prefix(1);
    skip_space(text);
  }
  return !text.empty() && text.front() != '}' && text.front() != ']';
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 0;
}

// Whether an escaped key is this name. Names are ASCII without quotes, backslashes and slashes, so \uXXXX is
// the only escape that can make one of their characters.
bool is_named(std::string_view key, std::string_view name) {
  if (key.find('\\') == std::string_view::npos) return key == name;
  while (!key.empty() && !name.empty()) {
    int unit = static_cast<unsigned char>(key.front());
    std::size_t used = 1;
    if (key.front() == '\\') {
      if (key.size() < 6 || key[1] != 'u') return false;
      unit = 0;
      for (std::size_t i = 2; i < 6; ++i) unit = unit * 16 + hex_digit(key[i]);
      used = 6;
    }
    if (unit != static_cast<unsigned char>(name.front())) return false;
    key.remove_prefix(used);
    name.remove_prefix(1);
  }
  return key.empty() && name.empty();
}

}  // namespace

std::string_view skip_byte_order_mark(std::string_view text) {
  return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

bool is_compact_json(std::string_view json) {
  while (!json.empty()) {
    if (is_space(json.front())) return false;
    json.remove_prefix(json.front() == '"' ? string_length(json) : 1);
  }
  return true;
}

void append_compact_json(std::string_view json, std::string& out) {
  while (!json.empty()) {
    if (json.front() == '"') {
      out += take(json, string_length(json));
      continue;
    }
    const auto end = std::find_if(json.begin(), json.end(), [](char c) { return c == '"' || is_space(c); });
    out += take(json, static_cast<std::size_t>(end - json.begin()));
    skip_space(json);
  }
}

std::string compact_json(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  append_compact_json(json, out);
  return out;
}

RawMembers::RawMembers(std::string_view object) : rest_(enter(object)) {}

std::optional<RawMember> RawMembers::next() {
  if (!to_entry(rest_)) return std::nullopt;
  const std::string_view quoted = take(rest_, string_length(rest_));
  if (quoted.size() < 2) return std::nullopt;
  skip_space(rest_);
  take(rest_, 1);  // the colon
  skip_space(rest_);
  return RawMember{quoted.substr(1, quoted.size() - 2), take(rest_, value_length(rest_))};
}

RawElements::RawElements(std::string_view array) : rest_(enter(array)) {}

std::optional<std::string_view> RawElements::next() {
  if (!to_entry(rest_)) return std::nullopt;
  return take(rest_, value_length(rest_));
}

std::optional<std::string_view> raw_member(std::string_view object, std::string_view name) {
  std::optional<std::string_view> found;
  RawMembers members(object);
  while (const auto member = members.next()) {
    if (is_named(member->key, name)) found = member->value;
  }
  return found;
}

bool is_json_deeper_than(std::string_view json, std::size_t depth) {
  std::size_t open = 0;
  while (!json.empty()) {
    if (json.front() == '{' || json.front() == '[') ++open;
    if (json.front() == '}' || json.front() == ']') open -= open > 0 ? 1 : 0;
    if (open > depth) return true;
    json.remove_prefix(json.front() == '"' ? string_length(json) : 1);
  }
  return false;
}

}  // namespace parley
