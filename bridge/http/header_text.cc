#include "bridge/http/header_text.h"

#include <algorithm>

namespace parley::http {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

}  // namespace

bool same_token(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(separator);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  text = text.substr(1, text.size() - 2);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    out += text[at];
  }
  return out;
}

bool has_token(std::string_view list, std::string_view token) {
  const auto parts = split(list, ',');
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return same_token(trim(part.substr(0, part.find(';'))), token);
  });
}

EntityTags parse_entity_tags(std::string_view value) {
  EntityTags out;
  while (!(value = trim(value)).empty()) {
    if (value.front() == ',') {
      value.remove_prefix(1);
      continue;
    }
    const bool weak = value.starts_with("W/\"");
    const std::string_view quoted = weak ? value.substr(2) : value;
    const std::size_t end = quoted.starts_with('"') ? quoted.find('"', 1) : std::string_view::npos;
    if (end != std::string_view::npos) {
      out.tags.push_back({weak, quoted.substr(0, end + 1)});
      value = quoted.substr(end + 1);
      continue;
    }
    const std::string_view other = trim(value.substr(0, value.find(',')));
    if (other == "*") out.any = true;
    value.remove_prefix(std::min(value.size(), value.find(',')));
  }
  return out;
}

}  // namespace parley::http
