#include "schemas/utf8.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <limits>
#include <random>

#include "schemas/base64url.h"
#include "schemas/json_text.h"

namespace parley {
namespace {

std::string encoded(std::uint32_t point) {
  std::string out;
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
  return out;
}

TEST(Utf8, TakesEveryCodePointButSurrogates) {
  for (std::uint32_t point = 0; point <= 0x10ffff; ++point) {
    const std::string text = encoded(point);
    const Utf8Scan scan = scan_utf8(text);
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    ASSERT_EQ(scan.valid, !surrogate) << point;
    if (surrogate) continue;
    ASSERT_EQ(scan.characters, 1u) << point;
    ASSERT_EQ(scan.has_nul, point == 0) << point;
  }
}

TEST(Utf8, RefusesIllFormedSequencesAtEveryOffset) {
  const std::vector<std::string> bad = {"\x80",
                                        "\xbf",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2",
                                        "\xc2x",
                                        "\xe0\x80\x80",
                                        "\xe0\x9f\xbf",
                                        "\xe2\x82",
                                        "\xe2\x82x",
                                        "\xed\xa0\x80",
                                        "\xf0\x80\x80\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf0\x9f\x98",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xfe"};
  for (const std::string& sequence : bad) {
    for (std::size_t before = 0; before < 20; ++before) {
      for (std::size_t after = 0; after < 10; ++after) {
        ASSERT_FALSE(scan_utf8(std::string(before, 'a') + sequence + std::string(after, 'z')).valid);
      }
    }
  }
}

TEST(Utf8, CountsMixedTextAndFindsNul) {
  EXPECT_EQ(scan_utf8("").characters, 0u);
  EXPECT_TRUE(scan_utf8("").valid);
  EXPECT_EQ(scan_utf8("hello wörld, \xf0\x9f\x98\x80!").characters, 15u);
  for (std::size_t at = 0; at < 40; ++at) {
    std::string text(40, 'a');
    EXPECT_FALSE(scan_utf8(text).has_nul);
    text[at] = '\0';
    EXPECT_TRUE(scan_utf8(text).has_nul) << at;
    text[at] = '\x01';
    EXPECT_FALSE(scan_utf8(text).has_nul) << at;
  }
}

TEST(JsonText, IsReadBackForEveryByteAtEveryOffset) {
  for (int byte = 0; byte < 0x80; ++byte) {
    for (std::size_t at = 0; at < 17; ++at) {
      std::string text(17, 'a');
      text[at] = static_cast<char>(byte);
      std::string out;
      append_json_string(text, out);
      ASSERT_EQ(boost::json::parse(out).as_string(), text) << byte << " at " << at;
      for (const char c : out) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
    }
  }
}

TEST(JsonText, IsReadBackForRandomText) {
  std::mt19937 random(1);
  for (int round = 0; round < 5'000; ++round) {
    std::string text;
    const auto length = random() % 60;
    for (unsigned i = 0; i < length; ++i) {
      std::uint32_t point = random() % 4 == 0 ? random() % 0x110000 : random() % 0x80;
      if (point >= 0xd800 && point < 0xe000) point = '"';
      text += encoded(point);
    }
    std::string out;
    append_json_string(text, out);
    ASSERT_EQ(boost::json::parse(out).as_string(), text);
  }
}

TEST(JsonText, WritesNumbersInTheShortestForm) {
  std::string out;
  append_decimal(0, out);
  append_decimal(std::numeric_limits<std::uint64_t>::max(), out);
  EXPECT_EQ(out, "018446744073709551615");
  out.clear();
  append_number(1000.0 / 60, out);
  EXPECT_EQ(out, "16.6666666666667");
  out.clear();
  append_number(30, out);
  EXPECT_EQ(out, "30");
}

TEST(Base64, KnowsTheVectorsOfTheRfc) {
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
    const std::string bare = text.substr(0, text.find('='));
    EXPECT_EQ(encode_base64url(bytes), bare);
    EXPECT_EQ(decode_base64url(bare), bytes);
  }
  EXPECT_EQ(encode_base64("\xfb\xff"), "+/8=");
  EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
}

TEST(Base64, HasOneSpellingForAValue) {
  for (const char* bad : {"Zg==", "Zg=", "Zh", "A", "AAAAA", "Zm9v ", " Zm9v", "Zm\n9v", "+/8", "Zm9v."}) {
    EXPECT_FALSE(decode_base64url(bad)) << bad;
  }
  EXPECT_FALSE(decode_base64url("Zm9"));  // unused bits are not zero
  EXPECT_TRUE(decode_base64url("Zm8"));
  for (const char* bad : {"Zg", "Zg=", "Zh==", "====", "Zm9v=", "Zm9v====", "-_8=", "Z===", "=Zg="}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

}  // namespace
}  // namespace parley
