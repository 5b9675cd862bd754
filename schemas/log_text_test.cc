#include "schemas/log_text.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "schemas/log_limiter.h"
#include "schemas/utf8.h"

namespace parley {
namespace {

std::string in_quotes(std::string_view text, std::size_t most = 100) {
  std::string out;
  append_log_string(text, most, out);
  return out;
}
std::string value(std::string_view text, std::size_t most = 100) {
  std::string out;
  append_log_value(text, most, out);
  return out;
}

TEST(LogText, AWordIsWrittenAsItIsAndAnythingElseInQuotes) {
  for (const char* word :
       {"alice", "alice:phone", "127.0.0.1", "::1", "$parley", "rooms/general/send", "a@b.c", "-1"})
    EXPECT_EQ(value(word), word);
  const std::pair<std::string_view, std::string_view> others[] = {
      {"", R"("")"},
      {"two words", R"("two words")"},
      {"x user=admin", R"("x user=admin")"},
      {"a=b", R"("a=b")"},
      {R"(" user=admin)", R"("\" user=admin")"},
      {R"(\" user=admin)", R"("\\\" user=admin")"},
      {"'", R"("'")"},
      {"a\nevent=kick", R"("a\nevent=kick")"},
      {"a\r\nb", R"("a\r\nb")"},
      {"a\tb", R"("a\tb")"},
      {"\x1b[2J\x07", R"("\u001b[2J\u0007")"},
      {"\x7f", R"("\u007f")"},
      {"\u0085", R"("\u0085")"},
      {"\u00a0", "\"\u00a0\""},
      {"\u2028x\u2029", R"("\u2028x\u2029")"},
      {"\u202enimda", R"("\u202enimda")"},
      {"\u2066\u2069\u200e\u061c", R"("\u2066\u2069\u200e\u061c")"},
      {"\u200b\u200d\ufeff\u00ad", R"("\u200b\u200d\ufeff\u00ad")"},
      {"\u3164\u115f\u2800", R"("\u3164\u115f\u2800")"},
      {"\ue000", R"("\ue000")"},
      {"\U000e0041", R"("\udb40\udc41")"},
      {"Zo\u00eb \u65e5\u672c \U0001f600", "\"Zo\u00eb \u65e5\u672c \U0001f600\""},
      {std::string_view("a\0b", 3), R"("a\u0000b")"},
      {"\xff\xc3(", R"("\ufffd\ufffd(")"},
      {"\xed\xa0\x80", R"("\ufffd\ufffd\ufffd")"},
      {"cut \xf0\x9f\x98", R"("cut \ufffd\ufffd\ufffd")"},
  };
  for (const auto& [text, wanted] : others) EXPECT_EQ(value(text), wanted);
}

TEST(LogText, IsBoundedAndSaysHowLongItWas) {
  EXPECT_EQ(in_quotes(std::string(100, 'x')), '"' + std::string(100, 'x') + '"');
  EXPECT_EQ(in_quotes(std::string(65535, 'x'), 5), R"("xxxxx...[65535 bytes]")");
  EXPECT_EQ(value(std::string(65535, 'x'), 5), R"("xxxxx...[65535 bytes]")");
  // Neither an escape nor a character is cut in two.
  for (std::size_t most = 0; most < 40; ++most) {
    const std::string out =
        in_quotes("\u202e\"\n\U0001f600\xff\U000e0041 and more of it, which is too much", most);
    EXPECT_LE(out.size(), most + std::string_view("\"...[65535 bytes]\"").size());
    EXPECT_TRUE(scan_utf8(out).valid) << out;
    boost::system::error_code error;
    boost::json::parse(out, error);
    EXPECT_FALSE(error) << out;
  }
}

// Whatever the bytes are: valid JSON, one line, and nothing in it but what can be seen.
TEST(LogText, AnyBytesBecomeOneVisibleValue) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b), '"', static_cast<char>(a)};
      const std::string out = in_quotes(text);
      boost::system::error_code error;
      ASSERT_TRUE(boost::json::parse(out, error).is_string() && !error) << a << " " << b;
      for (const char c : out)
        ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << a << " " << b;
    }
  }
}

constexpr std::uint64_t kSecond = 1'000'000'000;

TEST(LogLimiter, WritesTheFirstLinesThenOneASecondThatSaysHowManyWereLeftOut) {
  LogLimiter limiter;
  std::uint64_t now = 5 * kSecond;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.ask("refused", now).write);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limiter.ask("refused", now).write);
  // Another kind has its own.
  EXPECT_TRUE(limiter.ask("kick", now).write);
  now += kSecond;
  const auto next = limiter.ask("refused", now);
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.left_out, 1000u);
  EXPECT_FALSE(limiter.ask("refused", now).write);
  EXPECT_EQ(limiter.total_left_out(), 1001u);
  // After the flood the rest is told without a line that would carry it.
  EXPECT_TRUE(limiter.take_left_out(now).empty());
  now += kSecond;
  const auto rest = limiter.take_left_out(now);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].kind, "refused");
  EXPECT_EQ(rest[0].lines, 1u);
  EXPECT_TRUE(limiter.take_left_out(now + 60 * kSecond).empty());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.ask("refused", now + 120 * kSecond).write);
}

TEST(LogLimiter, MadeUpKindsShareOne) {
  LogLimiter limiter;
  std::size_t written = 0;
  for (int i = 0; i < 100'000; ++i)
    written += limiter.ask("kind " + std::to_string(i), kSecond).write ? 1 : 0;
  EXPECT_LE(written, LogLimiter::kKinds + 10);
}

}  // namespace
}  // namespace parley
