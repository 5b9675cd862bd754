#include "schemas/raw_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley {
namespace {

TEST(RawJson, CompactsOutsideOfStringsOnly) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{}", "{}"},
      {" { } ", "{}"},
      {"{ \"a b\" : [ 1.10 , -0 , 1E400 ] ,\n\"c\\\" \" :\t\"\\\\\" }",
       "{\"a b\":[1.10,-0,1E400],\"c\\\" \":\"\\\\\"}"},
      {"[ \"\\\\\" , \" \" ]", "[\"\\\\\",\" \"]"},
  };
  for (const auto& [given, want] : cases) {
    EXPECT_EQ(compact_json(given), want);
    EXPECT_EQ(is_compact_json(given), given == want) << given;
    EXPECT_TRUE(is_compact_json(want));
  }
}

TEST(RawJson, GivesMembersAsTheyAreSpelled) {
  const std::string object =
      R"( { "a" : 1.10 , "b":"x,}\"]" ,"c": [1,{"a":2}] ,"\u0061":{"a":"}"}, "d":null,"e":-0.0e5} )";
  RawMembers members(object);
  std::string seen;
  while (const auto member = members.next())
    seen.append(member->key).append("=").append(member->value).append(";");
  EXPECT_EQ(seen, R"(a=1.10;b="x,}\"]";c=[1,{"a":2}];\u0061={"a":"}"};d=null;e=-0.0e5;)");
  EXPECT_EQ(raw_member(object, "a"), R"({"a":"}"})") << "the last one, escaped or not";
  EXPECT_EQ(raw_member(object, "c"), R"([1,{"a":2}])");
  EXPECT_EQ(raw_member(object, "e"), "-0.0e5");
  EXPECT_FALSE(raw_member(object, "f"));
  EXPECT_FALSE(raw_member("{}", "a"));
  EXPECT_FALSE(raw_member(R"({"\n":1,"\u00e9":2})", "n"));
}

TEST(RawJson, GivesElementsAsTheyAreSpelled) {
  RawElements elements(R"( [ 1.0 ,"a]", {"b":[2]},[] , null ] )");
  std::vector<std::string> seen;
  while (const auto element = elements.next()) seen.emplace_back(*element);
  EXPECT_EQ(seen, (std::vector<std::string>{"1.0", "\"a]\"", R"({"b":[2]})", "[]", "null"}));
  EXPECT_FALSE(RawElements("[]").next());
}

TEST(RawJson, MeasuresDepth) {
  EXPECT_FALSE(is_json_deeper_than(R"({"a":[1,{"b":"[[[["}]})", 3));
  EXPECT_TRUE(is_json_deeper_than(R"({"a":[1,{"b":1}]})", 2));
}

// Nothing valid, but nothing read beyond the end either, and every walk comes to one.
TEST(RawJson, EndsWithItsText) {
  for (const std::string text : {"", " ", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":\"\\",
                                 "[1", "[,", "}", "]", "nonsense", "{,,}", "{:}", "[[[["}) {
    RawMembers members(text);
    int count = 0;
    while (members.next() && count < 100) ++count;
    EXPECT_LT(count, 100) << text;
    RawElements elements(text);
    for (count = 0; elements.next() && count < 100;) ++count;
    EXPECT_LT(count, 100) << text;
    (void)compact_json(text);
    (void)is_json_deeper_than(text, 3);
  }
}

}  // namespace
}  // namespace parley
