#include "schemas/text/field_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "schemas/text/emoji.h"
#include "schemas/text/unicode.h"

namespace parley::text {
namespace {

constexpr char32_t kNonJoiner = 0x200c;
constexpr char32_t kJoiner = 0x200d;
constexpr char32_t kKeycap = 0x20e3;
constexpr char32_t kEmojiStyle = 0xfe0f;

// Marks on one character. Scripts that stack (Tibetan, Hebrew with its points and accents) need some; of the
// marks that belong to no script four are what Unicode Technical Standard 39, 5.4, takes for the most.
constexpr std::size_t kMaxSharedMarks = 4;
constexpr std::size_t kMaxMarks = 8;

constexpr std::string_view kNothingSeen = "must hold something that can be seen";

bool is_braille(char32_t point) { return point > 0x2800 && point <= 0x28ff; }
bool is_direction_mark(char32_t point) { return point == 0x200e || point == 0x200f || point == 0x61c; }

// Symbols and letters that are drawn as nothing: the empty Braille cell, a note without a head, hieroglyphs'
// blanks.
bool is_drawn_empty(char32_t point) {
  return point == 0x2800 || point == 0x1d159 || point == 0x13441 || point == 0x13442;
}

// At either end as good as a space.
bool is_padding(char32_t point) {
  return is_white_space(point) || is_direction_mark(point) || point == 0x200b || point == 0x2060 ||
         point == 0xfeff || point == 0x2800;
}
bool is_joiner(char32_t point) { return point == kJoiner || point == kNonJoiner; }

bool is_seen(char32_t point) {
  if (is_drawn_empty(point) || is_default_ignorable(point) || is_white_space(point)) return false;
  switch (class_of(point)) {
    case Class::mark:
    case Class::space:
    case Class::line_break:
    case Class::control:
      return false;
    case Class::format:
      return is_prepended(point);
    default:
      return true;
  }
}

// Characters newer than our Unicode, where it is known what they will be: pictures, ideographs of people's
// names.
bool is_coming(char32_t point) {
  return is_coming_emoji(point) || (point >= 0x2ebf0 && point <= 0x2ee5d) ||
         (point >= 0x323b0 && point <= 0x33479);
}

std::string name_of(char32_t point) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "U+%04X", static_cast<unsigned>(point));
  return text.data();
}

struct Fault {
  std::size_t at = 0;
  std::string problem;
};

// Looks at a text from left to right and finds the first thing in it that is wrong.
class Walk {
 public:
  Walk(std::u32string_view points, FieldKind kind)
      : points_(points),
        kind_(kind),
        right_to_left_(std::any_of(points.begin(), points.end(), is_right_to_left)),
        braille_(std::any_of(points.begin(), points.end(), is_braille)) {}

  std::optional<Fault> first_fault() {
    for (at_ = 0; at_ < points_.size(); at_ += step_) {
      step_ = 1;
      if (std::string problem = look(points_[at_]); !problem.empty()) return Fault{at_, std::move(problem)};
    }
    return std::nullopt;
  }

 private:
  char32_t before() const { return at_ == 0 ? 0 : points_[at_ - 1]; }
  char32_t after() const { return at_ + 1 < points_.size() ? points_[at_ + 1] : 0; }

  // Empty: nothing is wrong with it here.
  std::string look(char32_t point) {
    const Class what = class_of(point);
    if (what == Class::mark && !is_default_ignorable(point)) return look_at_mark(point);
    marks_ = shared_marks_ = 0;
    if (what == Class::control || what == Class::line_break) return look_at_control(point);
    if (what == Class::private_use)
      return "must not hold " + name_of(point) + ", which has a meaning only where it was typed";
    if (what == Class::unassigned && !is_coming(point) && !is_default_ignorable(point))
      return "must not hold " + name_of(point) + ", which is no character";
    if (is_bidi_control(point) && !is_direction_mark(point))
      return "must not hold " + name_of(point) + ", which turns the direction of the text around it";
    if (const std::size_t flag = subdivision_flag(points_.substr(at_)); flag > 0) step_ = flag;
    const bool unseen = is_default_ignorable(point) || is_direction_mark(point) || is_drawn_empty(point) ||
                        point == 0xfffc || (what == Class::format && !is_prepended(point));
    if (unseen && !is_needed(point))
      return "must not hold " + name_of(point) + " there, which cannot be seen";
    return {};
  }

  std::string look_at_mark(char32_t point) {
    ++marks_;
    if (is_shared_mark(point)) ++shared_marks_;
    if (at_ == 0) return "must not begin with a combining mark (" + name_of(point) + ")";
    if (marks_ > kMaxMarks || shared_marks_ > kMaxSharedMarks)
      return "must not heap more than " + std::to_string(kMaxSharedMarks) + " combining marks on a character";
    return {};
  }

  std::string look_at_control(char32_t point) const {
    if (kind_ == FieldKind::longer && (point == '\n' || point == '\t')) return {};
    if ((point >= '\n' && point <= '\r') || point == 0x85 || point == 0x2028 || point == 0x2029) {
      return kind_ == FieldKind::one_line ? "must be one line: it holds a line break"
                                          : "must not hold " + name_of(point) + "; a line ends with U+000A";
    }
    return "must not hold control characters (" + name_of(point) + ")";
  }

  // What cannot be seen itself, but shapes what is beside it.
  bool is_needed(char32_t point) const {
    const char32_t last = before();
    if (is_joiner(point)) return joins(point);
    if (point == kEmojiStyle || point == 0xfe0e) {
      const bool digit = last < 0x80;
      return last != 0 && (is_emoji(last) || is_coming_emoji(last)) && (!digit || after() == kKeycap);
    }
    if (point >= 0xfe00 && point <= 0xfe0d) return has_variants(last);
    if (point >= 0xe0100 && point <= 0xe01ef) return is_ideographic(last);
    if (point >= 0x180b && point <= 0x180f) return is_mongolian(last);
    if (is_direction_mark(point)) return right_to_left_;
    if (point == 0x2800) return braille_;
    return false;
  }

  bool joins(char32_t point) const {
    const char32_t last = before();
    const char32_t next = after();
    if (is_virama(last)) return true;  // RFC 5892, A.1 and A.2
    if (point == kJoiner && is_pictograph(next)) {
      const bool tag = last == 0xe007f;  // step_ skipped the rest of the flag
      return tag || last == kEmojiStyle || is_emoji_modifier(last) || (is_emoji(last) && last >= 0x80) ||
             is_coming_emoji(last);
    }
    std::size_t base = at_;
    while (base > 0 && is_shared_mark(points_[base - 1])) --base;
    if (base == 0 || !has_joiners(points_[base - 1]) || next == 0) return false;
    const Class following = class_of(next);
    if (following == Class::letter) return has_joiners(next);
    return (following == Class::mark && !is_default_ignorable(next)) || following == Class::number;
  }

  const std::u32string_view points_;
  const FieldKind kind_;
  const bool right_to_left_;  // something in it is written so
  const bool braille_;
  std::size_t at_ = 0;
  std::size_t step_ = 1;
  std::size_t marks_ = 0;
  std::size_t shared_marks_ = 0;
};

std::u32string_view trimmed(std::u32string_view points) {
  while (!points.empty() && (is_padding(points.front()) || is_joiner(points.front())))
    points.remove_prefix(1);
  while (!points.empty()) {
    const char32_t last = points.back();
    const bool shapes = points.size() > 1 && is_virama(points[points.size() - 2]);
    if (!is_padding(last) && !(is_joiner(last) && !shapes)) break;
    points.remove_suffix(1);
  }
  return points;
}

std::u32string prepared(std::u32string_view points) {
  const std::u32string normal = normalize(points, Form::composed);
  return std::u32string(trimmed(normal));
}

void unify_line_ends(std::u32string& points) {
  std::size_t to = 0;
  for (std::size_t from = 0; from < points.size(); ++from) {
    const bool pair = points[from] == '\r' && from + 1 < points.size() && points[from + 1] == '\n';
    if (pair) continue;
    points[to++] = points[from] == '\r' ? U'\n' : points[from];
  }
  points.resize(to);
}

}  // namespace

FieldText check_field(std::string_view utf8, FieldKind kind) {
  FieldText out;
  std::u32string points;
  if (!decode(utf8, points)) {
    out.problem = "must be UTF-8";
    return out;
  }
  if (kind == FieldKind::longer) unify_line_ends(points);
  points = prepared(points);
  if (auto fault = Walk(points, kind).first_fault()) {
    out.problem = std::move(fault->problem);
  } else if (std::none_of(points.begin(), points.end(), is_seen)) {
    out.problem = kNothingSeen;
    out.nothing_seen = true;
  } else {
    out.text = encode(points);
    out.characters = points.size();
  }
  return out;
}

std::string clean_line(std::string_view utf8, std::size_t max_characters) {
  std::u32string points;
  // Each fault costs a walk, and nobody's name is that long. What is no UTF-8 ends it.
  (void)decode(utf8.substr(0, 16 * max_characters), points);
  points = prepared(points);
  while (true) {
    if (points.size() > max_characters)
      points = prepared(std::u32string_view(points).substr(0, max_characters));
    const auto fault = Walk(points, FieldKind::one_line).first_fault();
    if (!fault) break;
    if (is_white_space(points[fault->at])) {
      points[fault->at] = ' ';
    } else {
      points.erase(fault->at, 1);
    }
    points = prepared(points);
  }
  return std::any_of(points.begin(), points.end(), is_seen) ? encode(points) : std::string();
}

bool is_harmless(std::string_view utf8) {
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto byte = [&](std::size_t i) {
      return at + i < utf8.size() ? static_cast<std::uint8_t>(utf8[at + i]) : std::uint8_t{0};
    };
    if (byte(0) < 0x20 || byte(0) == 0x7f) return false;
    if (byte(0) == 0xc2 && byte(1) < 0xa0) return false;  // U+0080 to U+009F
    if (byte(0) != 0xe2) continue;
    // U+2028 to U+202E, U+2066 to U+2069
    if (byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae) return false;
    if (byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9) return false;
  }
  return true;
}

std::string composed(std::string_view utf8) {
  std::u32string points;
  return decode(utf8, points) ? encode(normalize(points, Form::composed)) : std::string(utf8);
}

}  // namespace parley::text
