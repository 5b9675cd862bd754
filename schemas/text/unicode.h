// What the Unicode Character Database says of text, by ICU, which stays in the .cc. Pure; any thread. ICU
// reads most of its tables from its own code; those of emoji and scripts are mapped at the first question.
#ifndef PARLEY_SCHEMAS_TEXT_UNICODE_H_
#define PARLEY_SCHEMAS_TEXT_UNICODE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::text {

// False when `utf8` is not UTF-8; `out` then holds what came before.
bool decode(std::string_view utf8, std::u32string& out);
std::string encode(std::u32string_view points);
// One code point of it at a time, without allocating. The next one's start is `at`; false when it is not
// UTF-8.
bool next_point(std::string_view utf8, std::size_t& at, char32_t& point);
// Writes up to four bytes and says how many.
std::size_t encode_point(char32_t point, char* out);

enum class Form : std::uint8_t { composed, decomposed };  // NFC, NFD (Unicode Standard Annex 15)
std::u32string normalize(std::u32string_view points, Form form);

// The general category, as far as anybody here asks.
enum class Class : std::uint8_t {
  letter,
  mark,
  number,
  visible,  // punctuation and symbols
  space,    // Zs
  line_break,
  control,
  format,
  private_use,
  unassigned,  // in this version of Unicode; also what will never be a character
};
Class class_of(char32_t point);

bool is_white_space(char32_t point);
bool is_default_ignorable(char32_t point);
bool is_bidi_control(char32_t point);
bool is_right_to_left(char32_t point);
bool is_ideographic(char32_t point);
bool is_virama(char32_t point);
bool is_prepended(char32_t point);    // a format character that is seen, such as U+0600
bool is_shared_mark(char32_t point);  // a combining mark of no script of its own
bool has_joiners(char32_t point);     // of a script that is written with U+200C and U+200D
bool has_variants(char32_t point);    // a letter of a script of which single letters have variants
bool is_mongolian(char32_t point);
bool is_emoji(char32_t point);             // also 0 to 9, # and *, which begin keycaps
bool is_pictograph(char32_t point);        // also what is reserved for emoji to come
bool is_emoji_by_default(char32_t point);  // shown as a picture without U+FE0F
bool is_emoji_modifier(char32_t point);    // skin tones
bool takes_emoji_modifier(char32_t point);

// Recommended for general interchange (Unicode Technical Standard 51), in its qualified form: with U+FE0F
// where it belongs. At most 32 code points are looked at. Does not allocate.
bool is_known_emoji(std::u32string_view points);

}  // namespace parley::text

#endif
