#include "clients/parleyctl/chat/text.h"

#include <utf8proc.h>

#include <algorithm>

namespace parley::chat {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr utf8proc_int32_t kEmojiStyle = 0xfe0f;  // variation selector 16: shown as a picture, two columns

// The code point at the front and its length in bytes; -1 and 1 for what is not UTF-8.
std::pair<utf8proc_int32_t, std::size_t> first_code_point(std::string_view text) {
  utf8proc_int32_t point = -1;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &point);
  if (length <= 0) return {-1, 1};
  return {point, static_cast<std::size_t>(length)};
}

bool is_regional_indicator(utf8proc_int32_t point) { return point >= 0x1f1e6 && point <= 0x1f1ff; }

// Embeddings, overrides and isolates (Unicode Bidirectional Algorithm): they could make a line lie about
// itself.
bool turns_direction(utf8proc_int32_t point) {
  return (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) || point == 0x200e ||
         point == 0x200f || point == 0x061c;
}

// Between two code points of which both are so a cluster ends, whatever came before them (Unicode Standard
// Annex 29).
bool stands_alone(utf8proc_int32_t point) {
  if (point < 0) return true;
  switch (utf8proc_get_property(point)->boundclass) {
    case UTF8PROC_BOUNDCLASS_OTHER:
    case UTF8PROC_BOUNDCLASS_LF:
    case UTF8PROC_BOUNDCLASS_LV:
    case UTF8PROC_BOUNDCLASS_LVT:
    case UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC:
      return true;
    default:
      return false;
  }
}

// The last place before the last code point's end where a cluster begins for certain.
std::size_t certain_break_before(std::string_view text) {
  bool alone_after = false;
  std::size_t after = text.size();  // where the code point looked at before begins
  while (after > 0) {
    std::size_t at = after - 1;
    while (at > 0 && after - at < 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
    auto [point, length] = first_code_point(text.substr(at, after - at));
    if (at + length != after) {  // not UTF-8: goes byte by byte
      at = after - 1;
      point = -1;
    }
    const bool alone = stands_alone(point);
    if (alone && alone_after) return after;
    alone_after = alone;
    after = at;
  }
  return 0;
}

bool is_control(utf8proc_int32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029;
}

}  // namespace

Cluster first_cluster(std::string_view text) {
  Cluster cluster{text.substr(0, 0), 0};
  utf8proc_int32_t state = 0;
  utf8proc_int32_t previous = -1;
  std::size_t end = 0;
  while (end < text.size()) {
    const auto [point, length] = first_code_point(text.substr(end));
    const bool first = end == 0;
    if (!first &&
        (point < 0 || previous < 0 || utf8proc_grapheme_break_stateful(previous, point, &state) != 0))
      break;
    int width = point < 0 ? 1 : std::clamp(utf8proc_charwidth(point), 0, 2);
    if (is_regional_indicator(point)) width = 2;
    cluster.width = !first && point == kEmojiStyle ? 2 : std::max(cluster.width, width);
    previous = point;
    end += length;
  }
  cluster.bytes = text.substr(0, end);
  return cluster;
}

Cluster last_cluster(std::string_view text) {
  // From the nearest place to the left where one begins in any case.
  text.remove_prefix(certain_break_before(text));
  Cluster last = first_cluster(text);
  while (last.bytes.size() < text.size()) {
    text.remove_prefix(last.bytes.size());
    last = first_cluster(text);
  }
  return last;
}

std::vector<Cluster> clusters(std::string_view text) {
  std::vector<Cluster> out;
  while (!text.empty()) {
    out.push_back(first_cluster(text));
    text.remove_prefix(out.back().bytes.size());
  }
  return out;
}

int width_of(std::string_view text) {
  int width = 0;
  for (const Cluster& cluster : clusters(text)) width += cluster.width;
  return width;
}

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [point, length] = first_code_point(text);
    if (point < 0) {
      out += kReplacement;
    } else if (point == '\n') {
      out += '\n';
    } else if (point == '\t') {
      out += "    ";
    } else if (!is_control(point) && !turns_direction(point)) {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string clean_line(std::string_view text) {
  std::string out = clean(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string fit(std::string_view text, int width) {
  if (width_of(text) <= width) return std::string(text);
  std::string out;
  int used = 0;
  for (const Cluster& cluster : clusters(text)) {
    if (used + cluster.width > width - 1) break;
    out += cluster.bytes;
    used += cluster.width;
  }
  return width > 0 ? out + "…" : std::string();
}

std::string pad(std::string_view text, int width) {
  std::string out = fit(text, width);
  out.append(static_cast<std::size_t>(std::max(0, width - width_of(out))), ' ');
  return out;
}

namespace {

// Wraps one line without line feeds.
void wrap_line(std::string_view text, int width, std::vector<std::string>& lines) {
  std::string line;
  int used = 0;
  std::size_t break_at = std::string::npos;  // bytes of `line` before its last space
  for (const Cluster& cluster : clusters(text)) {
    if (used + cluster.width > width && used > 0) {
      std::string rest;
      if (cluster.bytes != " " && break_at != std::string::npos && break_at > 0) {
        rest = line.substr(break_at + 1);
        line.resize(break_at);
      }
      lines.push_back(std::move(line));
      line = std::move(rest);
      used = width_of(line);
      break_at = std::string::npos;
      if (cluster.bytes == " ") continue;  // the break stands for the space
    }
    if (cluster.bytes == " ") break_at = line.size();
    line += cluster.bytes;
    used += cluster.width;
  }
  lines.push_back(std::move(line));
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    wrap_line(text.substr(0, end), std::max(width, 1), lines);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

}  // namespace parley::chat
