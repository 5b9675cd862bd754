#include "bridge/http/header_text.h"

#include <gtest/gtest.h>

namespace parley::http {
namespace {

TEST(HeaderText, TokensInListsInAnyCase) {
  for (const char* list : {"100-continue", "100-Continue", "100-CONTINUE", " 100-continue ",
                           "x, 100-Continue", "100-continue;q=1", "x=\"y\", 100-continue"})
    EXPECT_TRUE(has_token(list, "100-continue")) << list;
  for (const char* list : {"", "100", "100-continued", "x-100-continue", "200-ok, x"})
    EXPECT_FALSE(has_token(list, "100-continue")) << list;
}

std::string read(std::string_view value) {
  const EntityTags tags = parse_entity_tags(value);
  std::string out = tags.any ? "*" : "";
  for (const EntityTag& tag : tags.tags) out.append(tag.weak ? "W/" : "").append(tag.opaque);
  return out;
}

TEST(HeaderText, EntityTags) {
  EXPECT_EQ(read("\"5\""), "\"5\"");
  EXPECT_EQ(read("W/\"5\""), "W/\"5\"");
  EXPECT_EQ(read("\"1\", W/\"2\" ,\"3\""), "\"1\"W/\"2\"\"3\"");
  EXPECT_EQ(read(",, \"1\",,\"2\","), "\"1\"\"2\"");
  EXPECT_EQ(read("\"a,b\", \"c\""), "\"a,b\"\"c\"");
  EXPECT_EQ(read("*"), "*");
  EXPECT_EQ(read(" * "), "*");
  EXPECT_EQ(read("\"\""), "\"\"");
  for (const char* none : {"", "5", "w/\"5\"", "W/5", "\"5", "5\"", "W/", "**", "'5'"})
    EXPECT_EQ(read(none), "") << none;
  EXPECT_EQ(read("nonsense, \"5\""), "\"5\"");
}

TEST(HeaderText, QuotedStrings) {
  EXPECT_EQ(unquote("\"a\""), "a");
  EXPECT_EQ(unquote("\"a\\\"b\""), "a\"b");
  EXPECT_EQ(unquote("a"), "a");
  EXPECT_EQ(unquote("\""), "\"");
  EXPECT_EQ(unquote("\"\""), "");
}

}  // namespace
}  // namespace parley::http
