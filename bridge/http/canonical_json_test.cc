#include "bridge/http/canonical_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace parley::http {
namespace {

TEST(CanonicalJson, IsTheSameForTheSameRequest) {
  const std::vector<std::vector<std::string>> kSame = {
      {R"({"a":1,"b":2})", R"({"b":2,"a":1})", " { \"a\" : 1 ,\r\n\"b\":2 } ",
       "\xef\xbb\xbf{\"a\":1,\"b\":2}", R"({"a":9,"b":2,"a":1})", R"({"\u0061":1,"b":2})",
       R"({"a":1.0,"b":2e0})", R"({"a":10e-1,"b":0.2e1})"},
      {R"({"a":{"x":[1,{"p":"","q":0}],"y":null}})", R"({"a":{"y":null,"x":[1,{"q":-0.0,"p":""}]}})"},
      {R"({"a":"\u00e9\/\n"})", "{\"a\":\"\u00e9/\\n\"}"},
      {"{}", "", " {} ", "\xef\xbb\xbf"},
      {R"({"a":1.50})", R"({"a":1.5})", R"({"a":15e-1})"},
  };
  for (const auto& group : kSame) {
    for (const std::string& text : group)
      EXPECT_EQ(canonical_json(text), canonical_json(group.front())) << text;
  }
}

TEST(CanonicalJson, IsAnotherForAnother) {
  const std::vector<std::string> kDifferent = {"{}",
                                               R"({"a":1})",
                                               R"({"a":"1"})",
                                               R"({"a":[1]})",
                                               R"({"a":{"1":1}})",
                                               R"({"b":1})",
                                               R"({"a":1.5})",
                                               R"({"a":null})",
                                               R"({"a":true})",
                                               R"({"a":[1,2]})",
                                               R"({"a":[2,1]})",
                                               R"({"a":-1})",
                                               R"({"a":18446744073709551615})",
                                               R"({"a":" 1"})",
                                               R"({"a":"x","b":"y"})",
                                               R"({"a":"x\",\"b\":\"y"})",
                                               "[]",
                                               "not json",
                                               "not  json"};
  for (const std::string& one : kDifferent) {
    for (const std::string& other : kDifferent) {
      EXPECT_EQ(canonical_json(one) == canonical_json(other), &one == &other) << one << other;
    }
  }
}

}  // namespace
}  // namespace parley::http
