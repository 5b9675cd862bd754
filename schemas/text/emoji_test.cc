#include "schemas/text/emoji.h"

#include <gtest/gtest.h>

#include <string>

namespace parley::text {
namespace {

std::string qualified(std::string_view text) {
  EmojiBuffer buffer{};
  return std::string(qualified_emoji(text, buffer));
}

TEST(Emoji, OneIsOne) {
  for (const std::string_view emoji : {
           "👍",
           "😀",
           "🥲",
           "🫠",
           "🩷",
           "🪿",
           "❤️",
           "☺️",
           "✔️",
           "©️",
           "™️",
           "ℹ️",
           "Ⓜ️",
           "㊗️",
           "⌚",
           "⏏️",
           "🅰️",
           "🈚",
           "👍🏻",
           "👍🏽",
           "👍🏿",
           "☝🏼",
           "🧑🏾",
           "🫱🏻‍🫲🏿",
           "👨‍👩‍👧‍👦",
           "👩‍👩‍👦",
           "👩‍❤️‍💋‍👨",
           "👩🏻‍❤️‍💋‍👨🏿",
           "🧑🏻‍❤️‍🧑🏿",
           "👭🏻",
           "👩‍💻",
           "👨🏿‍🚀",
           "👩‍⚕️",
           "🧑‍🎄",
           "🕵️‍♀️",
           "🕵🏻‍♂️",
           "🤷🏽‍♀️",
           "🏃‍♂️",
           "👨‍🦰",
           "🧑🏽‍🦲",
           "🏳️‍🌈",
           "🏳️‍⚧️",
           "🏴‍☠️",
           "👁️‍🗨️",
           "❤️‍🔥",
           "🐻‍❄️",
           "🐈‍⬛",
           "😮‍💨",
           "😶‍🌫️",
           "🐦‍⬛",
           "🇩🇪",
           "🇬🇧",
           "🇺🇳",
           "🇪🇺",
           "🇯🇵",
           "🇽🇰",
           "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
           "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
           "🏴󠁧󠁢󠁷󠁬󠁳󠁿",
           "🏴󠁵󠁳󠁴󠁸󠁿",
           "#️⃣",
           "*️⃣",
           "0️⃣",
           "9️⃣",
           "🔟",
       }) {
    EXPECT_EQ(qualified(emoji), emoji) << emoji;
  }
}

// Devices are ahead of the Unicode of our ICU (15.0).
TEST(Emoji, NewerOnesAreTakenToo) {
  for (const std::string_view emoji : {
           "🙂‍↔️",
           "🙂‍↕️",
           "🐦‍🔥",
           "🍋‍🟩",
           "⛓️‍💥",
           "🧑‍🧑‍🧒",
           "🧑‍🧑‍🧒‍🧒",
           "🧑‍🧒",
           "🧑‍🧒‍🧒",  // 15.1
           "🚶‍➡️",
           "🏃🏽‍♀️‍➡️",
           "🧎‍♂️‍➡️",
           "👩🏿‍🦽‍➡️",
           "👨‍🦯‍➡️",  //
           "\U0001FAE9",
           "\U0001FADC",
           "\U0001F1E8\U0001F1F6",  // 16
           "\U0001FACD",
           "\U0001F6D8",
           "🧑‍🩰",
           "👯🏻",
           "🧑🏻‍🐰‍🧑🏼",
           "🧑🏻‍\U0001FAEF‍🧑🏼",  // 17
       }) {
    EXPECT_EQ(qualified(emoji), emoji) << emoji;
  }
}

TEST(Emoji, VariationSelectorsMakeNoDifference) {
  constexpr struct {
    std::string_view given, is;
  } kCases[] = {
      {"👍️", "👍"},
      {"👍︎", "👍"},
      {"❤", "❤️"},
      {"❤︎", "❤️"},
      {"☺", "☺️"},
      {"©", "©️"},
      {"👍🏽️", "👍🏽"},
      {"☝️🏼", "☝🏼"},
      {"1⃣", "1️⃣"},
      {"#⃣", "#️⃣"},
      {"🏳‍🌈", "🏳️‍🌈"},
      {"👁‍🗨", "👁️‍🗨️"},
      {"👁️‍🗨", "👁️‍🗨️"},
      {"👩‍❤‍💋‍👨", "👩‍❤️‍💋‍👨"},
      {"🕵‍♀", "🕵️‍♀️"},
      {"🤷🏽‍♀", "🤷🏽‍♀️"},
      {"🙂‍↔", "🙂‍↔️"},
      {"👩‍⚕", "👩‍⚕️"},
  };
  for (const auto& c : kCases) EXPECT_EQ(qualified(c.given), c.is) << c.given;
  EXPECT_NE(qualified("👍"), qualified("👍🏽")) << "a skin tone is another emoji";
}

TEST(Emoji, AnythingElseIsNone) {
  for (const std::string_view text : {
           "",
           " ",
           "a",
           "ab",
           "A",
           "1",
           "9",
           "#",
           "*",
           "+1",
           ":+1:",
           ":)",
           "é",
           "ß",
           "日",
           "ا",
           "⭒",
           "★",
           "→",
           "€",
           "👍👍",
           "👍 ",
           " 👍",
           "👍a",
           "a👍",
           "👍 👎",
           "👍\n",
           "❤️❤️",
           "😀😀😀",
           "🇩",
           "🇩🇪🇫",
           "🇩🇪🇫🇷",
           "🇽🇽",
           "🇦🇦",
           "🇩👍",
           "👍🏽🏽",
           "🚗🏽",
           "a🏽",
           "1️",
           "12⃣",
           "a⃣",
           "⃣",
           "1️⃣2️⃣",
           "\u200d",
           "\ufe0f",
           "\ufe0e",
           "\u200b",
           "👍\u200d",
           "\u200d👍",
           "👍\u200d\u200d👍",
           "👍\u200d👎",
           "🐶\u200d🐱",
           "👍\u200b",
           "👍\u200c",
           "👍\u202e",
           "👍\ufe0f\ufe0f",
           "👍\ufe00",
           "a\ufe0f",
           "👩\u200d👩",
           "👍\u200d♀️",
           "👍\u200d➡️",
           "🧑\u200d🧑",
           "🧑\u200d🇩🇪",
           "👩\u200d🏿",  // a tone alone
           "🏿\u200d👩",
           "🧑🏻\u200d🏼",
           "\U0001FAE9\u200d🏿",
           "🏿\u200d\U0001FAE9",
           "1️⃣\u200d\U0001FAE9",
           "\U0001FAE9\u200d1️⃣",
           "🇩🇪\u200d\U0001FAE9",
           "\U0001FAE9\u200d🇩🇪",
           "👨\u200d👩\u200d👧\u200d👦\u200d👦",
           "🏴󠁧󠁢",
           "🏴󠁧󠁿",
           "🏴󠁿",
           "🏴󠁧󠁢󠁥󠁮󠁧󠁿󠁿",
           "👍󠁧󠁢󠁥󠁮󠁧󠁿",
           "🏴󠀱󠀲󠀳󠁿",
           "󠁧󠁢󠁿",
           "\ue000",
           "\uffff",
           "\uf8ff",
           "\U000E0001",
           "\U0001F0AF",
           "<script>",
           "\x1b[31m",
           // not UTF-8
           "\xf0\x9f\x91",
           "\x80",
           "\xc0\x80",
           "\xed\xa0\xbd\xed\xb1\x8d",
           "\xff",
       }) {
    EXPECT_EQ(qualified(text), "") << text;
  }
  EXPECT_EQ(qualified(std::string_view("👍\0", 5)), "");
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "👍\u200d";
  EXPECT_EQ(qualified(many + "👍"), "");
}

}  // namespace
}  // namespace parley::text
