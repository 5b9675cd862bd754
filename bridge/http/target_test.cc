#include "bridge/http/target.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

TEST(Target, TakesPathAndQueryApart) {
  const auto target = parse_target("/a/b%20c?x=1&y=a+b%26&flag&=empty&x=2");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a/b%20c");
  Request request;
  request.query_parameters = target->query;
  EXPECT_EQ(request.query("x"), "1");
  EXPECT_EQ(request.query("y"), "a b&");
  EXPECT_EQ(request.query("flag"), "");
  EXPECT_EQ(request.query("z"), std::nullopt);
}

TEST(Target, TheAbsoluteFormOfProxiesIsTheSame) {
  EXPECT_EQ(parse_target("http://example.org/a?b=c")->path, "/a");
  EXPECT_EQ(parse_target("https://example.org")->path, "/");
}

TEST(Target, RefusesEverythingElse) {
  for (const char* text : {"", "*", "a/b", "example.org:443", "/a b", "/a\"b", "/a#b", "ftp://a/b", "/a?x=%0",
                           "/a?x=%zz", "/a?x=%00", "/a?x=%ff", "/\xc3\xa9", "javascript:alert(1)"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
  std::string many = "/a?";
  for (int i = 0; i < 65; ++i) many += "a=b&";
  EXPECT_FALSE(parse_target(many));
}

TEST(PercentEncoding, GoesThereAndBack) {
  const std::string text = "a/b?c=d&e f\xF0\x9F\x91\x8D%~._-";
  EXPECT_EQ(percent_encode("a b/\xC3\xA9"), "a%20b%2F%C3%A9");
  EXPECT_EQ(percent_decode(percent_encode(text)), text);
}

}  // namespace
}  // namespace parley::http
