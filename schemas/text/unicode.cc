#include "schemas/text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace parley::text {
namespace {

UChar32 icu(char32_t point) { return static_cast<UChar32>(point); }

UScriptCode script_of(char32_t point) {
  UErrorCode error = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(icu(point), &error);
  return U_FAILURE(error) != 0 ? USCRIPT_UNKNOWN : script;
}

bool of_no_script(UScriptCode script) {
  return script == USCRIPT_COMMON || script == USCRIPT_INHERITED || script == USCRIPT_UNKNOWN;
}

std::u16string to_utf16(std::u32string_view points) {
  std::u16string out;
  out.reserve(points.size());
  for (const char32_t point : points) {
    if (point > 0xffff) {
      out += static_cast<char16_t>(U16_LEAD(icu(point)));
      out += static_cast<char16_t>(U16_TRAIL(icu(point)));
    } else {
      out += static_cast<char16_t>(point);
    }
  }
  return out;
}

std::u32string to_points(std::u16string_view units) {
  std::u32string out;
  out.reserve(units.size());
  const auto length = static_cast<std::int32_t>(units.size());
  for (std::int32_t at = 0; at < length;) {
    UChar32 point = 0;
    U16_NEXT(units.data(), at, length, point);
    out += static_cast<char32_t>(point);
  }
  return out;
}

bool has(char32_t point, UProperty property) { return u_hasBinaryProperty(icu(point), property) != 0; }

}  // namespace

bool next_point(std::string_view utf8, std::size_t& at, char32_t& point) {
  auto next = static_cast<std::int64_t>(at);
  UChar32 read = 0;
  U8_NEXT(utf8.data(), next, static_cast<std::int64_t>(utf8.size()), read);
  if (read < 0) return false;
  at = static_cast<std::size_t>(next);
  point = static_cast<char32_t>(read);
  return true;
}

std::size_t encode_point(char32_t point, char* out) {
  std::array<std::uint8_t, U8_MAX_LENGTH> bytes{};
  std::int32_t length = 0;
  U8_APPEND_UNSAFE(bytes.data(), length, icu(point));
  std::memcpy(out, bytes.data(), static_cast<std::size_t>(length));
  return static_cast<std::size_t>(length);
}

bool decode(std::string_view utf8, std::u32string& out) {
  out.clear();
  out.reserve(utf8.size());
  char32_t point = 0;
  for (std::size_t at = 0; at < utf8.size(); out += point) {
    if (!next_point(utf8, at, point)) return false;
  }
  return true;
}

std::string encode(std::u32string_view points) {
  std::string out;
  out.reserve(points.size());
  std::array<char, 4> bytes{};
  for (const char32_t point : points) out.append(bytes.data(), encode_point(point, bytes.data()));
  return out;
}

std::u32string normalize(std::u32string_view points, Form form) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* normalizer =
      form == Form::composed ? unorm2_getNFCInstance(&error) : unorm2_getNFDInstance(&error);
  const std::u16string in = to_utf16(points);
  const auto length = static_cast<std::int32_t>(in.size());
  // U+FDFA and its like grow most in forms that are not used here; three times is the most in these (UAX 15,
  // 12).
  std::u16string out(in.size() * 4 + 16, u'\0');
  const std::int32_t used = unorm2_normalize(normalizer, in.data(), length, out.data(),
                                             static_cast<std::int32_t>(out.size()), &error);
  if (U_FAILURE(error) != 0) throw std::runtime_error(std::string("ICU: ") + u_errorName(error));
  out.resize(static_cast<std::size_t>(used));
  return to_points(out);
}

Class class_of(char32_t point) {
  switch (u_charType(icu(point))) {
    case U_UPPERCASE_LETTER:
    case U_LOWERCASE_LETTER:
    case U_TITLECASE_LETTER:
    case U_MODIFIER_LETTER:
    case U_OTHER_LETTER:
      return Class::letter;
    case U_NON_SPACING_MARK:
    case U_ENCLOSING_MARK:
    case U_COMBINING_SPACING_MARK:
      return Class::mark;
    case U_DECIMAL_DIGIT_NUMBER:
    case U_LETTER_NUMBER:
    case U_OTHER_NUMBER:
      return Class::number;
    case U_SPACE_SEPARATOR:
      return Class::space;
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR:
      return Class::line_break;
    case U_CONTROL_CHAR:
      return Class::control;
    case U_FORMAT_CHAR:
      return Class::format;
    case U_PRIVATE_USE_CHAR:
      return Class::private_use;
    case U_SURROGATE:
    case U_UNASSIGNED:
      return Class::unassigned;
    default:
      return Class::visible;
  }
}

bool is_white_space(char32_t point) { return has(point, UCHAR_WHITE_SPACE); }
bool is_default_ignorable(char32_t point) { return has(point, UCHAR_DEFAULT_IGNORABLE_CODE_POINT); }
bool is_bidi_control(char32_t point) { return has(point, UCHAR_BIDI_CONTROL); }
bool is_right_to_left(char32_t point) {
  const UCharDirection direction = u_charDirection(icu(point));
  return direction == U_RIGHT_TO_LEFT || direction == U_RIGHT_TO_LEFT_ARABIC;
}
bool is_ideographic(char32_t point) { return has(point, UCHAR_IDEOGRAPHIC); }
bool is_virama(char32_t point) { return u_getCombiningClass(icu(point)) == 9; }
bool is_prepended(char32_t point) { return has(point, UCHAR_PREPENDED_CONCATENATION_MARK); }
bool is_shared_mark(char32_t point) {
  return class_of(point) == Class::mark && of_no_script(script_of(point));
}

bool has_joiners(char32_t point) {
  switch (u_getIntPropertyValue(icu(point), UCHAR_JOINING_TYPE)) {
    case U_JT_DUAL_JOINING:
    case U_JT_LEFT_JOINING:
    case U_JT_RIGHT_JOINING:
      return true;
    default:
      break;
  }
  const UScriptCode script = script_of(point);
  if (script == USCRIPT_ARABIC) return true;  // also letters that join nothing, such as hamza
  if (of_no_script(script) || script == USCRIPT_LATIN) return false;
  return u_getIntPropertyValue(icu(point), UCHAR_INDIC_SYLLABIC_CATEGORY) != U_INSC_OTHER;
}

bool has_variants(char32_t point) {
  const UScriptCode script = script_of(point);
  if (of_no_script(script) || script == USCRIPT_LATIN || script == USCRIPT_GREEK ||
      script == USCRIPT_CYRILLIC)
    return false;
  return class_of(point) == Class::letter;
}

bool is_mongolian(char32_t point) { return script_of(point) == USCRIPT_MONGOLIAN; }
bool is_emoji(char32_t point) { return has(point, UCHAR_EMOJI); }
bool is_pictograph(char32_t point) { return has(point, UCHAR_EXTENDED_PICTOGRAPHIC); }
bool is_emoji_by_default(char32_t point) { return has(point, UCHAR_EMOJI_PRESENTATION); }
bool is_emoji_modifier(char32_t point) { return has(point, UCHAR_EMOJI_MODIFIER); }
bool takes_emoji_modifier(char32_t point) { return has(point, UCHAR_EMOJI_MODIFIER_BASE); }

bool is_known_emoji(std::u32string_view points) {
  std::array<char16_t, 64> units{};
  std::int32_t length = 0;
  if (points.empty() || points.size() > units.size() / 2) return false;
  for (const char32_t point : points) U16_APPEND_UNSAFE(units.data(), length, icu(point));
  return u_stringHasBinaryProperty(units.data(), length, UCHAR_RGI_EMOJI) != 0;
}

}  // namespace parley::text
