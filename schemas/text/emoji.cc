#include "schemas/text/emoji.h"

#include <algorithm>

#include "schemas/text/unicode.h"

namespace parley::text {
namespace {

constexpr char32_t kJoiner = 0x200d;
constexpr char32_t kTextStyle = 0xfe0e;
constexpr char32_t kEmojiStyle = 0xfe0f;
constexpr char32_t kKeycap = 0x20e3;
constexpr char32_t kBlackFlag = 0x1f3f4;
constexpr char32_t kCancelTag = 0xe007f;

constexpr std::size_t kMaxPoints = 32;

// Code points in place. What does not fit makes it too long for an emoji.
class Points {
 public:
  bool push(char32_t point) {
    if (size_ == points_.size()) return false;
    points_[size_++] = point;
    return true;
  }
  std::u32string_view view() const { return {points_.data(), size_}; }

 private:
  std::array<char32_t, kMaxPoints> points_{};
  std::size_t size_ = 0;
};

bool is_keycap_base(char32_t point) { return (point >= '0' && point <= '9') || point == '#' || point == '*'; }
bool is_tag(char32_t point) { return point >= 0xe0020 && point <= 0xe007e; }

// The code points without variation selectors; false when one stands where there is nothing to vary.
bool read_plain(std::string_view utf8, Points& out) {
  bool may_vary = false;
  for (std::size_t at = 0; at < utf8.size();) {
    char32_t point = 0;
    if (!next_point(utf8, at, point)) return false;
    if (point == kTextStyle || point == kEmojiStyle) {
      if (!may_vary) return false;
      may_vary = false;
      continue;
    }
    if (!out.push(point)) return false;
    may_vary = is_emoji(point) || is_coming_emoji(point);
  }
  return true;
}

// With U+FE0F behind each picture that would be shown as text without.
bool qualify(std::u32string_view plain, Points& out) {
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (!out.push(plain[i])) return false;
    const char32_t next = i + 1 < plain.size() ? plain[i + 1] : 0;
    if (is_keycap_base(plain[i]) && next != kKeycap) continue;
    if (!is_emoji(plain[i]) || is_emoji_by_default(plain[i]) || is_emoji_modifier(next)) continue;
    if (!out.push(kEmojiStyle)) return false;
  }
  return true;
}

bool is_known(std::u32string_view plain) {
  Points qualified;
  return qualify(plain, qualified) && is_known_emoji(qualified.view());
}

// --- What came after the Unicode of our ICU, or is to come: by the patterns of the standard's section 2.

// Dancers with bunny ears and wrestlers take skin tones since Emoji 17.
bool takes_tone(char32_t point) {
  return takes_emoji_modifier(point) || is_coming_emoji(point) || point == 0x1f46f || point == 0x1f93c;
}

bool is_single(std::u32string_view plain) {
  if (is_known(plain)) return true;
  if (plain.size() == 1) return is_coming_emoji(plain[0]);
  if (plain.size() != 2) return false;
  if (is_emoji_modifier(plain[1])) return takes_tone(plain[0]);
  return plain == U"\U0001F1E8\U0001F1F6";  // Sark, in Emoji 16
}

struct Element {
  std::u32string_view points;
  char32_t first() const { return points[0]; }
  bool is(char32_t point) const { return points.size() == 1 && points[0] == point; }
};

bool is_adult(const Element& e) {
  return e.first() == 0x1f9d1 || e.first() == 0x1f468 || e.first() == 0x1f469;
}

bool is_gender(const Element& e) { return e.is(0x2640) || e.is(0x2642); }

bool is_listed_pair(const Element& a, const Element& b) {
  return (a.is(0x1f642) && (b.is(0x2194) || b.is(0x2195))) ||  // shaking and nodding heads
         (a.is(0x1f426) && b.is(0x1f525)) ||                   // phoenix
         (a.is(0x1f34b) && b.is(0x1f7e9)) ||                   // lime
         (a.is(0x26d3) && b.is(0x1f4a5));                      // broken chain
}

// Who may face right: walking, running, kneeling; on three wheels, or with a cane.
bool is_mover(const Element& e) {
  return e.first() == 0x1f6b6 || e.first() == 0x1f3c3 || e.first() == 0x1f9ce;
}
bool is_aid(const Element& e) { return e.is(0x1f9af) || e.is(0x1f9bc) || e.is(0x1f9bd); }

bool is_joined(std::u32string_view plain) {
  if (is_known(plain)) return true;
  std::array<Element, 4> elements{};
  std::size_t count = 0;
  bool coming = false;
  bool family = true;  // of people without a gender
  while (true) {
    const std::size_t end = plain.find(kJoiner);
    const Element element{plain.substr(0, end)};
    if (count == elements.size() || element.points.empty() || !is_single(element.points)) return false;
    if (!is_pictograph(element.first()))
      return false;  // a tone alone, a keycap, a country's flag: none is joined
    coming = coming || is_coming_emoji(element.first());
    family = family && (element.is(0x1f9d1) || element.is(0x1f9d2));
    elements[count++] = element;
    if (end == std::u32string_view::npos) break;
    plain.remove_prefix(end + 1);
  }
  if (count < 2) return false;
  const auto& [a, b, c, d] = elements;
  if (coming || (family && elements[count - 1].is(0x1f9d2))) return true;
  if (count == 2) {
    const bool role = is_adult(a) && b.points.size() == 1 && !takes_tone(b.first());
    return role || is_listed_pair(a, b) || (is_mover(a) && b.is(0x27a1));
  }
  if (count != 3) return false;
  if (c.is(0x27a1)) return (is_mover(a) && is_gender(b)) || (is_adult(a) && is_aid(b));
  return is_adult(a) && b.is(0x1f430) && is_adult(c);
}

}  // namespace

bool is_coming_emoji(char32_t point) {
  const bool kept = (point >= 0x1f680 && point <= 0x1f6ff) || (point >= 0x1fa70 && point <= 0x1faff);
  return kept && is_pictograph(point) && class_of(point) == Class::unassigned;
}

std::size_t subdivision_flag(std::u32string_view points) {
  if (points.empty() || points[0] != kBlackFlag) return 0;
  std::size_t end = 1;
  while (end < points.size() && is_tag(points[end])) {
    const char32_t c = points[end] - 0xe0000;
    const bool letter = c >= 'a' && c <= 'z';
    // Two letters of the country, then one to three letters or digits (ISO 3166-2).
    if (!letter && !(end > 2 && c >= '0' && c <= '9')) return 0;
    ++end;
  }
  const std::size_t tags = end - 1;
  if (tags < 3 || tags > 5 || end == points.size() || points[end] != kCancelTag) return 0;
  return end + 1;
}

std::string_view qualified_emoji(std::string_view utf8, EmojiBuffer& buffer) {
  Points plain;
  if (utf8.empty() || !read_plain(utf8, plain)) return {};
  const std::u32string_view points = plain.view();
  const bool flag = subdivision_flag(points) == points.size();
  if (points.empty() || (!flag && !is_single(points) && !is_joined(points))) return {};
  Points qualified;
  if (!qualify(points, qualified)) return {};
  std::size_t size = 0;
  for (const char32_t point : qualified.view()) {
    if (size + 4 > buffer.size()) return {};
    size += encode_point(point, buffer.data() + size);
  }
  return {buffer.data(), size};
}

}  // namespace parley::text
