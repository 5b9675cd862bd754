#include "schemas/text/field_text.h"

#include <gmock/gmock.h>

namespace parley::text {
namespace {

using testing::HasSubstr;

std::string line(std::string_view text) { return check_field(text, FieldKind::one_line).text; }
std::string why_not(std::string_view text, FieldKind kind = FieldKind::one_line) {
  return check_field(text, kind).problem;
}

std::string repeat(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

TEST(OneLine, NamesOfAllTheWorldPass) {
  for (const std::string_view name : {
           "Bob",
           "Jean-Luc O'Neill",
           "René",
           "Nguyễn Thị Hà",
           "Łukasz Żółć",
           "Дмитрий",
           "Ελένη",
           "Þórður",
           "דָּוִד בן־גוריון",
           "محمد بن سلمان",
           "مُحَمَّد",
           "עברית and English",
           "山田　太郎",
           "葛\U000E0100城",
           "김철수",
           "ᄒᆞᆫ글",
           "می‌خواهم",
           "کتاب‌ها",
           "نامه‌ای",
           "क्‍ष",
           "श्री राम",
           "ക്‍",
           "അവന്‍",
           "ශ්‍රී ලංකා",
           "র‍্যাব",
           "க்ஷ",
           "ತ್ಯಾಗ್‌ರಾಜ",
           "ไทย นี้",
           "မြန်မာ",
           "ខ្មែរ",
           "བོད་སྐད",
           "ཧཱུྃ",
           "ᠮᠣᠩᠭᠣᠯ",
           "ᠭ᠋",
           "አማርኛ",
           "ქართული",
           "Հայերեն",
           "ⴰⵎⴰⵣⵉⵖ",
           "ߒߞߏ",
           "⠃⠕⠃",
           "⠃⠀⠃",
           "👩‍💻 dev",
           "👨‍👩‍👧‍👦",
           "🏳️‍🌈 Pride",
           "❤️ me",
           "I ❤ NY",
           "#️⃣1️⃣",
           "🏴󠁧󠁢󠁳󠁣󠁴󠁿 Scot",
           "🇩🇪🇫🇷",
           "👍🏽",
           "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
           "C++ & C#",
           "<b>",
           "100 %",
           "a  b",
           "a\u00a0b",
           "®",
           "…",
           "—",
           "∑",
           "\u0600",
           "👻 \U0001FAE9",
           "\U0002EBF0",
           "א\u200fב!",
           "שלום (a\u200e)",
       }) {
    const FieldText checked = check_field(name, FieldKind::one_line);
    EXPECT_EQ(checked.problem, "") << name;
    EXPECT_EQ(checked.text, name);
    EXPECT_EQ(check_field(name, FieldKind::longer).text, name);
  }
}

TEST(OneLine, WhatCannotBeSeenIsNoName) {
  for (const std::string_view name : {
           "",
           " ",
           "   ",
           "\t",
           "\n",
           "\u00a0",
           "\u3000",
           "\u2003",
           "\u202f",
           "\u1680",
           "\u200b",
           "\u200b\u200b",
           "\u200c",
           "\u200d",
           "\u2060",
           "\ufeff",
           "\u200e",
           "\u200f",
           "\u061c",
           "\u2800",
           "\u2800\u2800",
           " \u200b \u200d ",
           "\r\n\r\n",
       }) {
    EXPECT_THAT(why_not(name), HasSubstr("something that can be seen")) << name;
    EXPECT_THAT(why_not(name, FieldKind::longer), HasSubstr("something that can be seen")) << name;
  }
  for (const std::string_view name : {
           "\u00ad",     "\u034f",     "\u115f",     "\u1160",       "\u3164",
           "\uffa0",     "\u17b4",     "\u180e",     "\u180b",       "\ufe0f",
           "\ufe00",     "\U000E0100", "\U000E0001", "\U000E0020",   "\U000E0041\U000E007F",
           "\U0001D159", "\U0001D173", "\u2061",     "\u2064",       "\u206a",
           "\ufff9",     "\ufffc",     "\U00013441", "\u3164\u3164", "\u0301",
           "\u20dd",
       }) {
    EXPECT_NE(why_not(name), "") << name;
    EXPECT_NE(why_not(name, FieldKind::longer), "") << name;
  }
}

TEST(OneLine, NothingHidesInsideOfOne) {
  constexpr struct {
    std::string_view name, why;
  } kCases[] = {
      {"Bob\nalice: I quit", "line break"},
      {"Bob\ralice", "line break"},
      {"Bob\r\nalice", "line break"},
      {"Bob\valice", "line break"},
      {"Bob\falice", "line break"},
      {"Bob\u0085alice", "line break"},
      {"Bob\u2028alice", "line break"},
      {"Bob\u2029alice", "line break"},
      {"Bob\talice", "control"},
      {"Bob\x1b[31m", "control characters (U+001B)"},
      {"Bob\x07", "control"},
      {"Bob\x7f", "control"},
      {"Bob\u009b31m", "control"},
      {"\u202emallory", "U+202E, which turns the direction"},
      {"mal\u202elory", "U+202E"},
      {"\u202amallory\u202c", "U+202A"},
      {"a\u202bb", "U+202B"},
      {"a\u202cb", "U+202C"},
      {"a\u202db", "U+202D"},
      {"a\u2066b\u2069", "U+2066"},
      {"a\u2067b", "U+2067"},
      {"a\u2068b", "U+2068"},
      {"a\u2069b", "U+2069"},
      {"ad\u200bmin", "U+200B there, which cannot be seen"},
      {"ad\u200cmin", "U+200C"},
      {"ad\u200dmin", "U+200D"},
      {"ad\u2060min", "U+2060"},
      {"ad\ufeffmin", "U+FEFF"},
      {"ad\u00admin", "U+00AD"},
      {"ad\u200emin", "U+200E"},
      {"ad\u034fmin", "U+034F"},
      {"ad\u115fmin", "U+115F"},
      {"ad\u3164min", "U+3164"},
      {"ad\uffa0min", "U+FFA0"},
      {"ad\u2800min", "U+2800"},
      {"ad\u180emin", "U+180E"},
      {"admin\ufe0f", "U+FE0F"},
      {"admin1\ufe0f", "U+FE0F"},
      {"admin\ufe00", "U+FE00"},
      {"admin\U000E0100", "U+E0100"},
      {"admin\U000E0061", "U+E0061"},
      {"admin\u3164", "U+3164"},
      {"👍󠁧󠁢x", "U+E0067"},
      {"👍\u200dx", "U+200D"},
      {"x\u200d👍", "U+200D"},
      {"می\u200c\u200cخواهم", "U+200C"},
      {"\u06a9\u200cx", "U+200C"},
      {"a\ue000", "U+E000"},
      {"a\U000F0000", "U+F0000"},
      {"\uf8ff", "U+F8FF"},
      {"a\u0378", "U+0378, which is no character"},
      {"a\uffff", "no character"},
      {"a\ufdd0", "no character"},
      {"a\U0010FFFF", "no character"},
      {"\u0301a", "begin with a combining mark"},
      {"\ufffc", "U+FFFC"},
      {"a\xff", "UTF-8"},
      {"a\xed\xa0\x80", "UTF-8"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(why_not(c.name), HasSubstr(c.why)) << c.name;
    EXPECT_EQ(line(c.name), "") << c.name;
  }
}

TEST(OneLine, MarksAreNotHeaped) {
  EXPECT_EQ(why_not("Z" + repeat("\u0321", 4)), "");
  EXPECT_THAT(why_not("Z" + repeat("\u0321", 5)), HasSubstr("combining marks"));
  EXPECT_THAT(why_not("Z\u0335\u0321\u0327\u0328\u0334algo"), HasSubstr("combining marks"));
  EXPECT_THAT(why_not("\u05d3" + repeat("\u05b0", 9)), HasSubstr("combining marks"));
  EXPECT_EQ(why_not("e\u0301o\u0308" + repeat("a\u0301", 20)), "");
}

TEST(OneLine, IsTrimmedAndComposed) {
  EXPECT_EQ(line("  Bob \t\n"), "Bob");
  EXPECT_EQ(line("\u200bBob\u200b\u3000"), "Bob");
  EXPECT_EQ(line("\ufeffBob\u200e\u200d"), "Bob");
  EXPECT_EQ(line("Rene\u0301"), "Ren\u00e9");
  EXPECT_EQ(line("می\u200c"), "می");
  EXPECT_EQ(check_field(" Rene\u0301 ", FieldKind::one_line).characters, 4u);
}

TEST(LongerText, HasLinesAndTabs) {
  EXPECT_EQ(check_field("one\n\n\ttwo\r\nthree\rfour\n", FieldKind::longer).text,
            "one\n\n\ttwo\nthree\nfour");
  for (const std::string_view text :
       {"a\vb", "a\x1b[2J", "a\u2028b", "a\u202eb", "a\u200bb", "a\u009bb", "a\u0085b", "a\ue000"})
    EXPECT_NE(why_not(text, FieldKind::longer), "") << text;
}

TEST(CleanLine, KeepsWhatCanStay) {
  constexpr struct {
    std::string_view given, left;
  } kCases[] = {
      {"Bob", "Bob"},
      {"  Bob\nBuilder\t", "Bob Builder"},
      {"\u202emallory", "mallory"},
      {"Bob\u2028alice", "Bob alice"},
      {"ad\u200bmin", "admin"},
      {"\x1b[31mred", "[31mred"},
      {"\u0301a", "a"},
      {"Rene\u0301", "Ren\u00e9"},
      {"e\u200b\u0301", "\u00e9"},
      {"می‌خواهم", "می‌خواهم"},
      {"👩‍💻", "👩‍💻"},
      {"\u3164", ""},
      {" \u200b ", ""},
      {"", ""},
      {"Bob\xff rest", "Bob"},
  };
  for (const auto& c : kCases) EXPECT_EQ(clean_line(c.given, 100), c.left) << c.given;
  EXPECT_EQ(clean_line("abc def", 4), "abc");
  EXPECT_EQ(clean_line("Z" + repeat("\u0321", 9), 100), "Z" + repeat("\u0321", 4));
  EXPECT_EQ(clean_line(repeat("x", 100'000), 100), repeat("x", 100));
}

TEST(Harmless, NamesOfFiles) {
  for (const std::string_view name :
       {"", "a.png", "résumé.pdf", "שלום.txt", "日本.txt", "a\u200db", "“q”", "a\u2030", "\u2065"})
    EXPECT_TRUE(is_harmless(name)) << name;
  for (const std::string_view name :
       {"a\nb", "a\x1b", "a\x7f", "a\u0085", "a\u009b", "photo\u202egpj.exe", "\u2028", "\u2029", "\u202a",
        "\u202b", "\u202c", "\u202d", "\u2066", "\u2067", "\u2068", "\u2069"})
    EXPECT_FALSE(is_harmless(name)) << name;
}

}  // namespace
}  // namespace parley::text
