#include "schemas/whole_number.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace parley {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

TEST(WholeNumber, HoweverItIsSpelled) {
  struct Case {
    std::string text;
    std::uint64_t want;
  };
  const Case kCases[] = {{"0", 0},
                         {"-0", 0},
                         {"0.0", 0},
                         {"-0.0", 0},
                         {"0e99", 0},
                         {"0e999999999999999999999", 0},
                         {"0e-99", 0},
                         {"60", 60},
                         {"60.0", 60},
                         {"60.00000", 60},
                         {"6e1", 60},
                         {"6E1", 60},
                         {"6e+1", 60},
                         {"6.0e1", 60},
                         {"0.6e2", 60},
                         {"0.060e3", 60},
                         {"600e-1", 60},
                         {"6000.0e-2", 60},
                         {"1e2", 100},
                         {"1E0", 1},
                         {"1.0e0", 1},
                         {"9007199254740993.0", 9007199254740993u},
                         {"382345579306418176.0", 382345579306418176u},
                         {"3.82345579306418176e17", 382345579306418176u},
                         {"18446744073709551615", kMax},
                         {"18446744073709551615.000", kMax},
                         {"1.8446744073709551615E19", kMax},
                         {"18446744073709551615000e-3", kMax}};
  for (const Case& each : kCases) {
    const auto number = parse_whole_number(each.text);
    ASSERT_TRUE(number) << each.text;
    EXPECT_FALSE(number->negative) << each.text;
    EXPECT_EQ(number->magnitude, each.want) << each.text;
    boost::json::error_code error;
    const auto parsed = boost::json::parse(each.text, error);
    if (!error && each.want < (std::uint64_t{1} << 53)) {
      EXPECT_EQ(whole_number<std::uint64_t>(parsed), each.want) << each.text;
    }
  }
}

TEST(WholeNumber, WhatIsNoneIsNone) {
  for (const std::string text : {"60.5",
                                 "0.1",
                                 "1e-1",
                                 "6e-1",
                                 "60.0000000000000000000000001",
                                 "1e400",
                                 "-1e400",
                                 "1e999999999999999999999",
                                 "1e-999999999999999999999",
                                 "18446744073709551616",
                                 "18446744073709551616.0",
                                 "1e20",
                                 "",
                                 "-",
                                 ".5",
                                 "5.",
                                 "5.e1",
                                 "e5",
                                 "5e",
                                 "5e+",
                                 "+5",
                                 "NaN",
                                 "nan",
                                 "Infinity",
                                 "inf",
                                 "0x10",
                                 "5 ",
                                 " 5",
                                 "5,0",
                                 "1_000",
                                 "--5",
                                 "5.0.0"}) {
    EXPECT_FALSE(parse_whole_number(text)) << text;
  }
  for (const char* text : {"60.5", "0.1", "1e-1", "1e400", "-1e400", "18446744073709551616", "1e20"})
    EXPECT_FALSE(whole_number<std::uint64_t>(boost::json::parse(text))) << text;
  for (const char* text : {"\"60\"", "true", "null", "[]", "{}"})
    EXPECT_FALSE(whole_number<std::int64_t>(boost::json::parse(text))) << text;
}

TEST(WholeNumber, NegativesAndTheirBounds) {
  EXPECT_EQ(parse_whole_number("-5.0")->as<std::int64_t>(), -5);
  EXPECT_EQ(parse_whole_number("-5e0")->as<int>(), -5);
  EXPECT_FALSE(parse_whole_number("-5")->as<std::uint64_t>());
  EXPECT_EQ(parse_whole_number("-9223372036854775808.0")->as<std::int64_t>(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(parse_whole_number("-9223372036854775809")->as<std::int64_t>());
  EXPECT_FALSE(parse_whole_number("9223372036854775808")->as<std::int64_t>());
  EXPECT_FALSE(parse_whole_number("256.0")->as<std::uint8_t>());
  EXPECT_EQ(parse_whole_number("255.0")->as<std::uint8_t>(), 255);
  EXPECT_EQ(whole_number<int>(boost::json::value(-3.0)), -3);
  EXPECT_FALSE(whole_number<unsigned>(boost::json::value(-3.0)));
  EXPECT_FALSE(whole_number<std::int64_t>(boost::json::value(9223372036854775808.0)));
  EXPECT_FALSE(whole_number<std::int64_t>(boost::json::value(std::nan(""))));
  EXPECT_FALSE(whole_number<std::uint64_t>(boost::json::value(18446744073709551616.0)));
}

}  // namespace
}  // namespace parley
