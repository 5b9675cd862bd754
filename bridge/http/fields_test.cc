#include "bridge/http/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

namespace parley::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Request with_body(std::string body, std::string type = "application/json") {
  Request request;
  request.method = Method::post;
  request.headers.push_back({"Content-Type", std::move(type)});
  request.body = std::move(body);
  return request;
}

// "422 name: message", or "fine".
std::string told(Fields& fields) {
  const auto refusal = fields.refusal();
  if (!refusal) return "fine";
  const auto error = boost::json::parse(refusal->body).at("error").as_object();
  std::string out = std::to_string(refusal->status);
  if (error.contains("field")) out.append(" ").append(std::string(error.at("field").as_string()));
  return out.append(": ").append(std::string(error.at("message").as_string()));
}

TEST(Fields, ReadsEveryKind) {
  Fields body(
      with_body(R"({"t":"h\u00e9\n","s":"pass word","u":"bob","r":"general","d":"Phone_1","us":["al","bo"],
                            "n":-3,"x":1.5,"b":true,"c":"red","nul":null,"raw":{"a":[1]}})"));
  EXPECT_EQ(body.text("t", 1, 3), "h\u00e9\n");
  EXPECT_EQ(body.secret("s", 1, 9), "pass word");
  EXPECT_EQ(body.user("u"), "bob");
  EXPECT_EQ(body.room("r"), "general");
  EXPECT_EQ(body.device("d"), "Phone_1");
  EXPECT_THAT(*body.optional_users("us", 2), ElementsAre("al", "bo"));
  EXPECT_EQ(body.integer("n", -3, 3), -3);
  EXPECT_DOUBLE_EQ(*body.optional_number("x", 0, 2), 1.5);
  EXPECT_EQ(body.optional_boolean("b"), true);
  EXPECT_EQ(body.choice("c", {"red", "green"}), "red");
  EXPECT_EQ(body.optional_text("nul", 1, 1), std::nullopt);
  EXPECT_TRUE(body.is_null("nul"));
  EXPECT_TRUE(body.raw("raw")->is_object());
  EXPECT_EQ(body.raw("absent"), nullptr);
  EXPECT_EQ(told(body), "fine");
}

TEST(Fields, NamesTheFirstThatIsWrong) {
  const auto wrong = [](const char* json, auto&& read) {
    Fields body(with_body(json));
    read(body);
    return told(body);
  };
  EXPECT_EQ(wrong("{}",
                  [](Fields& f) {
                    f.text("a", 1, 5);
                    f.user("b");
                  }),
            "422 a: is missing: expected text of 1 to 5 characters");
  EXPECT_EQ(wrong(R"({"a":"123456"})", [](Fields& f) { f.text("a", 1, 5); }),
            "422 a: expected text of 1 to 5 characters");
  EXPECT_EQ(wrong(R"({"a":"\u0007"})", [](Fields& f) { f.text("a", 1, 5); }),
            "422 a: must not hold control characters");
  EXPECT_THAT(wrong(R"({"a":"Bob"})", [](Fields& f) { f.user("a"); }), HasSubstr("422 a: expected 2 to 32"));
  EXPECT_THAT(wrong(R"({"a":7})", [](Fields& f) { f.user("a"); }), HasSubstr("422 a: expected 2 to 32"));
  EXPECT_THAT(wrong(R"({"a":1.5})", [](Fields& f) { f.integer("a", 0, 9); }), HasSubstr("from 0 to 9"));
  EXPECT_THAT(wrong(R"({"a":10})", [](Fields& f) { f.integer("a", 0, 9); }), HasSubstr("from 0 to 9"));
  EXPECT_THAT(wrong(R"({"a":1e99})", [](Fields& f) { f.integer("a", 0, 9); }), HasSubstr("from 0 to 9"));
  EXPECT_THAT(wrong(R"({"a":"1"})", [](Fields& f) { f.optional_boolean("a"); }), HasSubstr("true or false"));
  EXPECT_EQ(wrong(R"({"a":"blue"})",
                  [](Fields& f) {
                    f.choice("a", {"red", "green"});
                  }),
            "422 a: expected \"red\" or \"green\"");
  EXPECT_THAT(wrong(R"({"a":["al","B"]})", [](Fields& f) { f.optional_users("a", 5); }),
              HasSubstr("user names"));
  EXPECT_THAT(wrong(R"({"a":["al","bo"]})", [](Fields& f) { f.optional_users("a", 1); }),
              HasSubstr("at most 1"));
  EXPECT_EQ(wrong(R"({"a":"x","typo":1})", [](Fields& f) { f.text("a", 1, 5); }),
            "422 typo: there is no such member here; leave it out");
}

TEST(Fields, AsksForAJsonObject) {
  const auto refused = [](Request request) {
    Fields body(request);
    body.optional_text("a", 0, 1);
    return told(body);
  };
  EXPECT_THAT(refused(with_body("{")), HasSubstr("400: the body is not valid JSON"));
  EXPECT_THAT(refused(with_body("[1]")), HasSubstr("400: the body must be a JSON object"));
  EXPECT_THAT(refused(with_body("{}", "text/plain")), HasSubstr("415: send the body as"));
  EXPECT_THAT(refused(with_body("{} {}")), HasSubstr("400"));
  EXPECT_THAT(refused(with_body("{\"a\":\"\xff\"}")), HasSubstr("400"));
  EXPECT_THAT(refused(with_body(std::string(10'000, '['))), HasSubstr("400"));
  EXPECT_EQ(refused(with_body("{}", "Application/JSON; charset=utf-8")), "fine");
  EXPECT_EQ(refused(with_body("", "text/plain")), "fine");
  Request bare;
  bare.body = "{}";
  EXPECT_THAT(refused(bare), HasSubstr("415"));
}

TEST(Fields, TakeWholeNumbersHoweverTheyAreSpelled) {
  const auto read = [](const std::string& spelling) {
    Fields body(with_body(R"({"n":)" + spelling + "}"));
    const auto number = body.optional_integer("n", -100, 1'000'000'000'000);
    const std::string answer = told(body);
    return answer == "fine" ? number ? std::to_string(*number) : "none" : answer;
  };
  for (const char* sixty : {"60", "60.0", "60.00", "6e1", "6E+1", "600e-1"})
    EXPECT_EQ(read(sixty), "60") << sixty;
  for (const char* zero : {"0", "-0", "0.0", "-0.0"}) EXPECT_EQ(read(zero), "0") << zero;
  EXPECT_EQ(read("-7.0"), "-7");
  EXPECT_EQ(read("null"), "none");
  for (const char* bad : {"60.5", "1e400", "-1e400", "1e-1", "\"60\"", "true", "[]", "1e13", "1e30"})
    EXPECT_THAT(read(bad), HasSubstr("422 n: expected a whole number from -100")) << bad;
  for (const char* no_json : {"NaN", "Infinity", "60.", "+60"})
    EXPECT_THAT(read(no_json), HasSubstr("400")) << no_json;
}

TEST(Fields, TakeBodiesAsPeopleHaveThem) {
  const auto status = [](std::string body, std::vector<Parameter> headers) {
    Request request = with_body(std::move(body));
    request.headers = std::move(headers);
    Fields fields(request);
    fields.text("a", 0, 10);
    const auto refusal = fields.refusal();
    return refusal ? refusal->status : 200u;
  };
  const std::string json = R"({"a":"b"})";
  EXPECT_EQ(status("\xef\xbb\xbf" + json, {{"Content-Type", "application/json"}}), 200u);
  EXPECT_EQ(status(json + "\r\n", {{"content-type", "Application/JSON; Charset=UTF-8"}}), 200u);
  EXPECT_EQ(status(json, {{"CONTENT-TYPE", " application/json;charset=\"utf-8\""}}), 200u);
  EXPECT_EQ(status(json, {{"Content-Type", "application/vnd.x+JSON"}}), 200u);
  EXPECT_EQ(status(json, {{"Content-Type", "application/json"}, {"Content-Encoding", "Identity"}}), 200u);
  EXPECT_EQ(status(json, {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}}), 415u);
  EXPECT_EQ(status(json, {{"Content-Type", "text/plain"}}), 415u);
  EXPECT_EQ(status("\xef\xbb\xbf", {{"Content-Type", "application/json"}}), 400u);
}

TEST(Paging, ChecksTheLimit) {
  Request request;
  Page page;
  EXPECT_FALSE(read_page(request, page));
  EXPECT_EQ(page.limit, 50u);
  request.query_parameters = {{"limit", "7"}, {"cursor", "abc"}};
  EXPECT_FALSE(read_page(request, page));
  EXPECT_EQ(page.limit, 7u);
  EXPECT_EQ(page.cursor, "abc");
  for (const char* limit : {"0", "201", "-1", "x", "1x", "", "99999999999999999999"}) {
    request.query_parameters = {{"limit", limit}};
    EXPECT_TRUE(read_page(request, page)) << limit;
  }
}

TEST(IdempotencyKeys, AreShortAndPrintable) {
  Request request;
  std::optional<std::string> key;
  EXPECT_FALSE(read_idempotency_key(request, key));
  EXPECT_FALSE(key);
  request.headers = {{"idempotency-key", "5f0c-1"}};
  EXPECT_FALSE(read_idempotency_key(request, key));
  EXPECT_EQ(key, "5f0c-1");
  for (const std::string& bad :
       {std::string(), std::string("a b"), std::string(65, 'a'), std::string("\xc3\xa9")}) {
    request.headers = {{"Idempotency-Key", bad}};
    EXPECT_TRUE(read_idempotency_key(request, key)) << bad;
  }
}

TEST(IfMatch, IsATagOfOursOrNothing) {
  Request request;
  EXPECT_TRUE(if_match(request).any);
  const auto of = [&](const char* value) {
    request.headers = {{"if-match", value}};
    return if_match(request);
  };
  for (const char* any : {"*", " * ", "\"1\", *"}) EXPECT_TRUE(of(any).any) << any;
  EXPECT_THAT(of("\"17\"").versions, ElementsAre(17u));
  EXPECT_THAT(of("\"17\", \"18\",W/\"19\"").versions, ElementsAre(17u, 18u));
  EXPECT_THAT(of(",nonsense, \"17\"").versions, ElementsAre(17u));
  for (const char* other :
       {"17", "W/\"17\"", "\"\"", "\"x\"", "\"-1\"", "\"99999999999999999999\"", "", "\"17"}) {
    EXPECT_FALSE(of(other).any) << other;
    EXPECT_TRUE(of(other).versions.empty()) << other;
  }
  request.headers = {{"If-Match", "\"1\""}, {"If-Match", "\"2\""}};
  EXPECT_THAT(if_match(request).versions, ElementsAre(1u, 2u));
}

TEST(Fields, NullInAPatchTakesAwayOrIsRefused) {
  Request request = with_body(R"({"a":null,"b":null,"c":null})");
  {
    Fields post(request);
    EXPECT_FALSE(post.optional_text("a", 0, 9));
    EXPECT_FALSE(post.optional_integer("b", 0, 9));
    EXPECT_FALSE(post.optional_boolean("c"));
    EXPECT_EQ(told(post), "fine");
  }
  request.method = Method::patch;
  Fields patch(request);
  patch.clear_by_null("a", "");
  patch.clear_by_null("b", 0);
  patch.clear_by_null("absent", "x");
  EXPECT_EQ(patch.optional_text("a", 0, 9), "");
  EXPECT_EQ(patch.optional_integer("b", 0, 9), 0);
  EXPECT_FALSE(patch.optional_text("absent", 0, 9));
  EXPECT_FALSE(patch.optional_boolean("c"));
  EXPECT_THAT(told(patch), HasSubstr("422 c: cannot be null"));
}

}  // namespace
}  // namespace parley::http
