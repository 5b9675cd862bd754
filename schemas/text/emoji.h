// One emoji, as Unicode Technical Standard 51 has them: a picture, perhaps with a skin tone; a flag; a
// keycap; several joined to one. Pure; any thread; nothing allocates.
#ifndef PARLEY_SCHEMAS_TEXT_EMOJI_H_
#define PARLEY_SCHEMAS_TEXT_EMOJI_H_

#include <array>
#include <cstddef>
#include <string_view>

namespace parley::text {

inline constexpr std::size_t kMaxEmojiBytes =
    64;  // of one in its qualified form; those there are have 41 at most
using EmojiBuffer = std::array<char, kMaxEmojiBytes>;

// The one emoji that `utf8` is, in its qualified form: with U+FE0F exactly where the standard puts it,
// whether or not it was given (nor U+FE0E, which asks for another look of the same). So two that differ in
// nothing but that are the same bytes; those that differ in skin tone are not. Lies in `buffer`. Empty when
// it is anything else: text, a digit, two emoji, half a flag.
std::string_view qualified_emoji(std::string_view utf8, EmojiBuffer& buffer);

// At points[0], the black flag: how many code points the flag of a country's part has, such as Scotland's; 0
// when it is none.
std::size_t subdivision_flag(std::u32string_view points);

// Of a block kept for pictures and not given out yet in our version of Unicode: newer devices have it
// already.
bool is_coming_emoji(char32_t point);

}  // namespace parley::text

#endif
