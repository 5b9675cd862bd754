#include "schemas/text/password_text.h"

#include <gtest/gtest.h>

namespace parley::text {
namespace {

TEST(PasswordText, IsTheSameHoweverItIsTyped) {
  constexpr struct {
    std::string_view one, other;
  } kCases[] = {
      {"caf\u00e9 au lait", "cafe\u0301 au lait"},
      {"\u00c5ngstr\u00f6m", "A\u030angstro\u0308m"},
      {"\u00c5", "\u212b"},                                      // the sign of the unit
      {"\u1ec7", "e\u0323\u0302"},                               // Vietnamese
      {"\u1ec7", "e\u0302\u0323"},                               // in another order
      {"\ud55c\uae00", "\u1112\u1161\u11ab\u1100\u1173\u11af"},  // Hangul in letters
      {"\u304c", "\u304b\u3099"},                                // kana with a voicing mark
      {"\u0439\u0451", "\u0438\u0306\u0435\u0308"},              // Cyrillic
      {"a b c", "a\u00a0b\u3000c"},                              // spaces
      {"\u2126mega", "\u03a9mega"},
      {"plain ASCII", "plain ASCII"},
  };
  for (const auto& c : kCases) {
    const auto one = prepare_password(c.one);
    const auto other = prepare_password(c.other);
    ASSERT_TRUE(one && other) << c.one;
    EXPECT_EQ(one->text, other->text) << c.one;
    EXPECT_EQ(one->characters, other->characters) << c.one;
  }
}

TEST(PasswordText, WhatDiffersStaysDifferent) {
  constexpr struct {
    std::string_view one, other;
  } kCases[] = {
      {"password", "Password"}, {"cafe", "caf\u00e9"}, {" x", "x"},        {"a  b", "a b"},
      {"\ufb01", "fi"},         {"\uff21", "A"},       {"a\u200db", "ab"}, {"stra\u00dfe", "strasse"},
      {"a\tb", "a b"},          {"\u0131", "i"},
  };
  for (const auto& c : kCases)
    EXPECT_NE(prepare_password(c.one)->text, prepare_password(c.other)->text) << c.one;
}

TEST(PasswordText, RemembersWhatAnOlderHashMayBeOf) {
  EXPECT_EQ(prepare_password("secret")->earlier, "") << "there is but one way to type it";
  EXPECT_EQ(prepare_password("e\u0301")->earlier, "e\u0301") << "as typed";
  EXPECT_EQ(prepare_password("\u00e9")->earlier, "e\u0301") << "as another keyboard types it";
  EXPECT_EQ(prepare_password("a\u00a0b")->earlier, "a\u00a0b");
  EXPECT_EQ(prepare_password("\u00e9")->characters, 1u);
  EXPECT_EQ(prepare_password("e\u0301")->characters, 1u);
}

TEST(PasswordText, MustBeUtf8) {
  for (const std::string_view text : {"\xe9", "caf\xe9 au lait", "\xc0\x80", "\xed\xa0\x80", "a\xff"})
    EXPECT_FALSE(prepare_password(text)) << text;
}

}  // namespace
}  // namespace parley::text
