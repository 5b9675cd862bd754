#include "clients/parleyctl/chat/text.h"

#include <gmock/gmock.h>

#include <random>

namespace parley::chat {
namespace {

using testing::ElementsAre;

TEST(Text, ClustersAreWhatPeopleCallCharacters) {
  const auto bytes = [](std::string_view text) {
    std::vector<std::string> out;
    for (const Cluster& cluster : clusters(text)) out.emplace_back(cluster.bytes);
    return out;
  };
  EXPECT_THAT(bytes("añb"), ElementsAre("a", "ñ", "b"));
  EXPECT_THAT(bytes("e\u0301x"), ElementsAre("e\u0301", "x"));          // combining accent
  EXPECT_THAT(bytes("👩‍💻!"), ElementsAre("👩‍💻", "!"));  // joined emoji
  EXPECT_THAT(bytes("🇩🇪🇫🇷"), ElementsAre("🇩🇪", "🇫🇷"));
  EXPECT_THAT(bytes("\xff\xfe"), ElementsAre("\xff", "\xfe"));  // what is no UTF-8 goes byte by byte
}

TEST(Text, TheLastClusterIsFoundWithoutTheOthers) {
  const std::string_view parts[] = {"a",        "\u0301", "\n", "日", "👩", "\u200d", "💻", "🇩",      "🇪",
                                    "\u1112",   "\u1161", "한", "하", "क", "\u094d", "ा", "\u0600", "\xff",
                                    "\xe6\x97", "\xa5",   " ",  "\r", "❤", "\ufe0f"};
  std::minstd_rand random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto left = random() % 12; left > 0; --left) text += parts[random() % std::size(parts)];
    const std::vector<Cluster> all = clusters(text);
    const Cluster expected = all.empty() ? Cluster{} : all.back();
    const Cluster found = last_cluster(text);
    ASSERT_EQ(found.bytes, expected.bytes) << testing::PrintToString(text);
    ASSERT_EQ(found.width, expected.width) << testing::PrintToString(text);
  }
}

TEST(Text, WidthsAreColumns) {
  EXPECT_EQ(width_of("hello"), 5);
  EXPECT_EQ(width_of("日本"), 4);
  EXPECT_EQ(width_of("🎉"), 2);
  EXPECT_EQ(width_of("❤\ufe0f"), 2);
  EXPECT_EQ(width_of("e\u0301"), 1);
  EXPECT_EQ(width_of("🇩🇪"), 2);
  EXPECT_EQ(width_of(""), 0);
}

TEST(Text, CleanTakesAwayWhatCouldHarmATerminal) {
  EXPECT_EQ(clean("a\x1b[31mb\x07\x7f"), "a[31mb");
  EXPECT_EQ(clean("a\u009b2Jb"), "a2Jb") << "CSI as one C1 character";
  EXPECT_EQ(clean("abc\u202edef"), "abcdef") << "writing direction turned around";
  EXPECT_EQ(clean("a\tb\nc"), "a    b\nc");
  EXPECT_EQ(clean("a\xff\xc3"), "a\ufffd\ufffd");
  EXPECT_EQ(clean("Grüße 🎉 👩‍💻"), "Grüße 🎉 👩‍💻");
  EXPECT_EQ(clean(std::string_view("a\0b", 3)), "ab");
}

TEST(Text, FitCutsWithAnEllipsis) {
  EXPECT_EQ(fit("hello", 5), "hello");
  EXPECT_EQ(fit("hello", 4), "hel…");
  EXPECT_EQ(fit("日本語", 5), "日本…");
  EXPECT_EQ(fit("日本語", 4), "日…");
  EXPECT_EQ(fit("hello", 0), "");
  EXPECT_EQ(pad("日", 4), "日  ");
  EXPECT_EQ(pad("hello", 3), "he…");
}

TEST(Text, WrapBreaksAtSpaces) {
  EXPECT_THAT(wrap("the quick brown fox", 10), ElementsAre("the quick", "brown fox"));
  EXPECT_THAT(wrap("the quick brown", 9), ElementsAre("the quick", "brown"));
  EXPECT_THAT(wrap("a b", 1), ElementsAre("a", "b"));
  EXPECT_THAT(wrap("", 10), ElementsAre(""));
  EXPECT_THAT(wrap("one\n\ntwo", 10), ElementsAre("one", "", "two"));
}

TEST(Text, WrapCutsWordsThatAreTooLong) {
  EXPECT_THAT(wrap("abcdefghij", 4), ElementsAre("abcd", "efgh", "ij"));
  EXPECT_THAT(wrap("日本語日本語", 5), ElementsAre("日本", "語日", "本語"));
  EXPECT_THAT(wrap("see https://example.org/x now", 12),
              ElementsAre("see", "https://exam", "ple.org/x", "now"));
}

TEST(Text, NoLineIsEverTooWide) {
  const std::string text =
      "日本語 with a long-ish mix of 🎉🎉🎉 wordsandwordsandwords e\u0301e\u0301 and   spaces";
  for (int width = 2; width < 40; ++width) {
    for (const std::string& line : wrap(text, width)) EXPECT_LE(width_of(line), width) << line;
  }
}

}  // namespace
}  // namespace parley::chat
