#include <gtest/gtest.h>

#include "schemas/message.h"
#include "schemas/test_messages.h"

namespace parley {
namespace {

using testing::bytes_of;
using testing::describe;
using testing::Shifted;

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

class SendDecoderTest : public ::testing::Test {
 protected:
  Result<Send> decode(std::string_view payload) {
    payload_ = payload;
    return decoder_.decode(bytes_of(payload_));
  }
  // What was decoded, or "code: message".
  std::string outcome(std::string_view payload) {
    const auto result = decode(payload);
    return result ? describe(*result)
                  : std::string(to_string(result.error().code)) + ": " + result.error().message;
  }
  void expect_refused(std::string_view payload, Code code, std::string_view words) {
    const auto result = decode(payload);
    ASSERT_FALSE(result) << payload.substr(0, 100);
    EXPECT_EQ(result.error().code, code) << payload.substr(0, 100) << ": " << result.error().message;
    EXPECT_NE(result.error().message.find(words), std::string::npos)
        << payload.substr(0, 100) << ": " << result.error().message;
    EXPECT_EQ(result.error().retry_after.count(), 0);
  }
  void expect_refused(const Send& send, Code code, std::string_view words) {
    const auto flat = send_to_flatbuffer(send);
    expect_refused(std::string_view(reinterpret_cast<const char*>(flat.data()), flat.size()), code, words);
    expect_refused(send_to_json(send), code, words);
  }

  SendDecoder decoder_;
  std::string payload_;
};

TEST_F(SendDecoderTest, TakesTextAsTheBody) {
  for (const char* text :
       {"hello", " hello\n", "[1,2]", "\"quoted\"", "null", "7", "}", "-{}", "\xf0\x9f\x98\x80"}) {
    const auto send = decode(text);
    ASSERT_TRUE(send) << text;
    EXPECT_EQ(send->body, text);
    EXPECT_EQ(send->kind, Kind::text);
    EXPECT_TRUE(send->cid.empty() && send->meta.empty() && send->mentions.empty());
  }
  EXPECT_TRUE(decoder_.cid().empty());
}

TEST_F(SendDecoderTest, RefusesWhatIsNoText) {
  expect_refused("", Code::bad_payload, "empty");
  expect_refused("\xff\xfe", Code::bad_payload, "UTF-8");
  expect_refused(std::string_view("a\0b", 3), Code::bad_payload, "U+0000");
  expect_refused("caf\xe9", Code::bad_payload, "UTF-8");
}

TEST_F(SendDecoderTest, TakesTheJsonOfTheProtocol) {
  EXPECT_EQ(
      outcome(R"({"cid":"5f0c","kind":"image","body":"hello @bob","reply_to":"718","mentions":["bob"],
      "attachments":[{"id":"x","name":"cat.jpg","type":"image/jpeg","size":48211}],"meta":{"k":"v"},"expires_in":3600})"),
      "cid=5f0c kind=image body=hello @bob reply_to=718 @bob [x|cat.jpg|image/jpeg|48211] meta={\"k\":\"v\"} "
      "expires=3600 target=0 emoji=");
  EXPECT_EQ(decoder_.cid(), "5f0c");
  EXPECT_EQ(outcome(R"(  {"body":"x"}  )"),
            "cid= kind=text body=x reply_to=0 meta= expires=0 target=0 emoji=");
}

TEST_F(SendDecoderTest, TakesIdsAsStringsAndAsIntegers) {
  EXPECT_EQ(raw(decode(R"({"body":"x","reply_to":"18446744073709551615"})")->reply_to),
            18446744073709551615u);
  EXPECT_EQ(raw(decode(R"({"body":"x","reply_to":18446744073709551615})")->reply_to), 18446744073709551615u);
  EXPECT_EQ(raw(decode(R"({"kind":"pin","target":42})")->target), 42u);
  // Floats that are whole, exact beyond what a double holds.
  EXPECT_EQ(raw(decode(R"({"body":"x","reply_to":382345579306418177.0})")->reply_to), 382345579306418177u);
  EXPECT_EQ(raw(decode(R"({"body":"x","reply_to":3.82345579306418177e17})")->reply_to), 382345579306418177u);
  EXPECT_EQ(raw(decode(R"({"kind":"pin","target":1e3})")->target), 1000u);
  EXPECT_EQ(raw(decode(R"({"body":"x","reply_to":""})")->reply_to), 0u);
  for (const char* bad : {"\"01\"", "\"-1\"", "\"x\"", "-1", "1.5", "1e-3", "1e400", "-1e400", "true", "[]",
                          "{}", "18446744073709551616", "\"18446744073709551616\""}) {
    expect_refused(R"({"body":"x","reply_to":)" + std::string(bad) + "}", Code::bad_payload,
                   "\"reply_to\" must be");
  }
}

TEST_F(SendDecoderTest, TakesWholeNumbersHoweverTheyAreSpelled) {
  const auto expiry = [&](const std::string& spelling) {
    const auto send = decode(R"({"body":"x","expires_in":)" + spelling + "}");
    EXPECT_TRUE(send) << spelling << ": " << send.error().message;
    return send ? send->expires_in_s : 0;
  };
  for (const char* sixty :
       {"60", "60.0", "60.00", "6e1", "6E1", "6.0e1", "600e-1", "0.6e2", "\"60\"", "\"60.0\""})
    EXPECT_EQ(expiry(sixty), 60u) << sixty;
  EXPECT_EQ(expiry("1E2"), 100u);
  for (const char* never : {"0", "-0", "0.0", "-0.0", "0e9", "null", "\"\""})
    EXPECT_EQ(expiry(never), 0u) << never;
  for (const std::string bad :
       {"60.5", "0.1", "6e-1", "1e400", "-1e400", "-60", "-60.0", "4294967296.0", "\"60.5\"", "\"1h\"",
        "\" 60\"", "\"0x3c\"", "\"NaN\"", "true", "[60]", "{}"}) {
    expect_refused(R"({"body":"x","expires_in":)" + bad + "}", Code::bad_payload,
                   "\"expires_in\" must be a whole number");
  }
  for (const char* no_json : {"NaN", "Infinity", "60.", ".5", "+60", "0x3c"})
    expect_refused(R"({"body":"x","expires_in":)" + std::string(no_json) + "}", Code::bad_payload,
                   "not one JSON object");
  const auto send =
      decode(R"({"kind":"file","attachments":[{"id":"i","size":48211.0},{"id":"j","size":"7"}]})");
  ASSERT_TRUE(send);
  EXPECT_EQ(send->attachments[0].size, 48211u);
  EXPECT_EQ(send->attachments[1].size, 7u);
}

TEST_F(SendDecoderTest, TakesEmptyStringsAsLeftOut) {
  EXPECT_EQ(
      outcome(R"({"cid":"","kind":"","body":"b","reply_to":"","expires_in":"","target":"","emoji":""})"),
      "cid= kind=text body=b reply_to=0 meta= expires=0 target=0 emoji=");
  expect_refused(R"({"kind":"pin","target":""})", Code::bad_payload, "target");
}

TEST_F(SendDecoderTest, AByteOrderMarkIsNoPartOfThePayload) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(decode(mark + "hello")->body, "hello");
  EXPECT_EQ(decode(mark + R"({"body":"hello"})")->body, "hello");
  EXPECT_EQ(decode(mark + "\r\n {\"body\":\"hello\"}\r\n")->body, "hello");
  EXPECT_EQ(decode("hello" + mark)->body, "hello" + mark) << "inside it is a character like others";
  EXPECT_EQ(decode("{\"body\":\"" + mark + "x\"}")->body, mark + "x");
  EXPECT_EQ(decode(R"({"body":"\ufeffx"})")->body, mark + "x");
  expect_refused(mark, Code::bad_payload, "byte order mark");
  expect_refused(mark + "{", Code::bad_payload, "not one JSON object");
  expect_refused("\xff\xfe{\0}\0", Code::bad_payload, "UTF-8");
}

TEST_F(SendDecoderTest, TextMayHaveTheLettersOfFlatbuffers) {
  for (const std::string text : {"ask PRLY for it", "1234PRLY", "1234PRLY and more text", "the PRLY",
                                 "\xf0\x9f\x98\x80PRLY", "    PRLY"})
    EXPECT_EQ(decode(text)->body, text) << text;
  EXPECT_EQ(decode(R"({"b PRLY":1,"body":"x"})")->body, "x");
  expect_refused("   {PRLY", Code::bad_payload, "not one JSON object");
  // With a zero byte in the offset, or what is no text behind it, it was meant to be one.
  expect_refused(std::string_view("12\0"
                                  "4PRLY",
                                  8),
                 Code::bad_payload, "FlatBuffers");
  expect_refused("1234PRLY\xff", Code::bad_payload, "FlatBuffers");
  expect_refused(std::string_view("1234PRLY\0", 9), Code::bad_payload, "FlatBuffers");
}

TEST_F(SendDecoderTest, MentionsAsPeopleTypeThem) {
  const auto mentioned = [&](const std::string& list) {
    const auto send = decode(R"({"body":"x","mentions":)" + list + "}");
    EXPECT_TRUE(send) << list << ": " << send.error().message;
    std::string out;
    if (send) {
      for (const std::string_view name : send->mentions) out.append(out.empty() ? "" : " ").append(name);
    }
    return out;
  };
  EXPECT_EQ(mentioned(R"(["bob"])"), "bob");
  EXPECT_EQ(mentioned(R"(["Bob"])"), "bob");
  EXPECT_EQ(mentioned(R"(["BOB","@Ann"," carl ","\t@dora\n"])"), "bob ann carl dora");
  EXPECT_EQ(mentioned(R"(["bob","Bob","@bob","bob","ann"])"), "bob ann");
  EXPECT_EQ(mentioned(R"(["","@","x","bob smith","b\u00f6b","bob,","@@bob","everyone!","ann"])"), "ann");
  EXPECT_EQ(mentioned(R"(["\u0042ob"])"), "bob");
  EXPECT_EQ(mentioned("[]"), "");
  EXPECT_EQ(mentioned(R"("Bob")"), "bob");
  EXPECT_EQ(mentioned(R"("")"), "");
  EXPECT_EQ(mentioned(R"("no body")"), "");
  EXPECT_EQ(mentioned(R"(["bob",7,null,true,1.5,-1,["ann"],{"user":"carl","x":[{"y":"z"}]},"dora"])"),
            "bob dora");
  EXPECT_EQ(mentioned(R"([")" + std::string(100'000, 'B') + R"(","bob"])"), "bob");
  Send send;
  send.body = "x";
  const std::vector<std::string_view> names = {"@Bob", "ann", "nobody at all"};
  send.mentions = names;
  const auto bytes = send_to_flatbuffer(send);
  const auto flat = decoder_.decode(bytes);
  ASSERT_TRUE(flat);
  EXPECT_EQ(describe(*flat), "cid= kind=text body=x reply_to=0 @bob @ann meta= expires=0 target=0 emoji=");
  std::string many = "[";
  for (int i = 0; i < 51; ++i) many += R"("Bob",)";
  many.back() = ']';
  expect_refused(R"({"body":"x","mentions":)" + many + "}", Code::too_large, "mentions");
}

TEST_F(SendDecoderTest, OneByteTooManyOfAStringInCIsNone) {
  for (const char* text : {"hi", R"({"body":"hi"})", "\xef\xbb\xbfhi", "\xef\xbb\xbf{\"body\":\"hi\"}"})
    EXPECT_EQ(decode(std::string(text) + '\0')->body, "hi") << text;
  expect_refused(std::string_view("\0", 1), Code::bad_payload, "no text");
  expect_refused(std::string_view("hi\0\0", 4), Code::bad_payload, "U+0000");
  expect_refused(std::string_view("h\0i", 3), Code::bad_payload, "U+0000");
}

// They were stored before a reaction had to be an emoji.
TEST_F(SendDecoderTest, OldReactionsCanBeTakenBack) {
  for (const std::string emoji : {":+1:", "nice", "+1", "👍👍"}) {
    EXPECT_EQ(decode(R"({"kind":"unreact","target":"7","emoji":")" + emoji + R"("})")->emoji, emoji);
    expect_refused(R"({"kind":"react","target":"7","emoji":")" + emoji + R"("})", Code::bad_payload, "emoji");
  }
  EXPECT_EQ(decode(R"({"kind":"unreact","target":"7","emoji":"\u2764"})")->emoji, "\u2764\ufe0f");
}

TEST_F(SendDecoderTest, UnescapesJsonStrings) {
  EXPECT_EQ(decode(R"({"body":"a\"b\\\/\n\u00e9\ud83d\ude00"})")->body, "a\"b\\/\n\u00e9\xf0\x9f\x98\x80");
  EXPECT_EQ(decode(R"({"\u0062ody":"x"})")->body, "x");
  const auto send = decode(R"({"cid":"\u0041\u0042","body":"\u0043","mentions":["b\u006fb","\u0061nn"]})");
  EXPECT_EQ(send->cid, "AB");
  EXPECT_EQ(send->body, "C");
  ASSERT_EQ(send->mentions.size(), 2u);
  EXPECT_EQ(send->mentions[0], "bob");
  EXPECT_EQ(send->mentions[1], "ann");
  expect_refused(R"({"body":"\ud83d"})", Code::bad_payload, "not one JSON object");
  expect_refused(R"({"body":"\u0000"})", Code::bad_payload, "U+0000");
  expect_refused("{\"body\":\"\xff\"}", Code::bad_payload, "not one JSON object");
}

TEST_F(SendDecoderTest, IgnoresUnknownFieldsAndTakesNullAsAbsent) {
  EXPECT_EQ(
      outcome(
          R"({"x":1,"y":[[{"body":"no"}]],"z":{"body":{"body":1}},"body":"yes","attachments":[{"id":"i","w":[{}]}]})"),
      "cid= kind=text body=yes reply_to=0 [i|||0] meta= expires=0 target=0 emoji=");
  EXPECT_EQ(outcome(R"({"cid":null,"kind":null,"body":"b","reply_to":null,"mentions":null,"attachments":null,
      "meta":null,"expires_in":null,"target":null,"emoji":null})"),
            "cid= kind=text body=b reply_to=0 meta= expires=0 target=0 emoji=");
  // Fields of an event are the server's to set.
  EXPECT_TRUE(decode(R"({"body":"b","room":7,"seq":"x","from":["eve"],"role":"owner"})"));
}

TEST_F(SendDecoderTest, TakesTheLastOfAFieldGivenTwice) {
  EXPECT_EQ(
      outcome(R"({"body":"a","mentions":["xx"],"meta":{"a":1},"body":"b","mentions":["yy"],"meta":{"b":2}})"),
      "cid= kind=text body=b reply_to=0 @yy meta={\"b\":2} expires=0 target=0 emoji=");
  expect_refused(R"({"kind":"custom","meta":{"type":"poll","type":1}})", Code::bad_payload, "type");
}

TEST_F(SendDecoderTest, NamesTheFieldOfAWrongType) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("cid":7)", "\"cid\" must be a string"},
      {R"("body":["x"])", "\"body\" must be a string"},
      {R"("kind":"shout")", "\"kind\" must be"},
      {R"("kind":3)", "\"kind\" must be"},
      {R"("mentions":{"bob":1})", "\"mentions\" must be an array of strings"},
      {R"("mentions":7)", "\"mentions\" must be an array of strings"},
      {R"("attachments":{})", "\"attachments\" must be an array of objects"},
      {R"("attachments":["x"])", "\"attachments\" must be an array of objects"},
      {R"("attachments":[[]])", "\"attachments\" must be an array of objects"},
      {R"("attachments":[{"id":1}])", "\"attachments.id\" must be a string"},
      {R"("attachments":[{"id":"x","size":"big"}])", "\"attachments.size\" must be a whole number"},
      {R"("attachments":[{"id":"x","size":-1}])", "\"attachments.size\" must be a whole number"},
      {R"("attachments":[{"id":"x","size":1e400}])", "\"attachments.size\" must be a whole number"},
      {R"("attachments":[{"id":"x","name":{}}])", "\"attachments.name\" must be a string"},
      {R"("meta":"{}")", "\"meta\" must be an object"},
      {R"("meta":[1])", "\"meta\" must be an object"},
      {R"("meta":7)", "\"meta\" must be an object"},
      {R"("expires_in":"1h")", "\"expires_in\" must be a whole number"},
      {R"("expires_in":4294967296)", "\"expires_in\" must be a whole number"},
      {R"("expires_in":0.5)", "\"expires_in\" must be a whole number"},
      {R"("target":false)", "\"target\" must be"},
      {R"("emoji":1)", "\"emoji\" must be a string"},
  };
  for (const auto& [field, words] : cases) {
    const bool has_body = field.starts_with("\"body\"");
    expect_refused("{" + field + (has_body ? "" : R"(,"body":"x")") + "}", Code::bad_payload, words);
  }
}

TEST_F(SendDecoderTest, RefusesBrokenJsonAndSaysHowToSendSuchText) {
  for (const std::string& text :
       {std::string("{"), std::string("{hello"), std::string(" {hello}"), std::string(R"({"body":"x")"),
        std::string(R"({"body":"x"}})"), std::string(R"({"body":"x"} trailing)"),
        std::string(R"({"body":"x",})"), std::string(R"({'body':'x'})"), std::string(R"({"body":x})"),
        std::string("{/**/}"), std::string("{\"body\":\"a\nb\"}"), repeat("{\"a\":", 2000),
        R"({"body":"x","meta":)" + repeat("[", 50) + repeat("]", 50) + "}"}) {
    expect_refused(text, Code::bad_payload, R"(wrap it: {"body":"..."})");
  }
  // One that follows is read as if nothing had been.
  EXPECT_EQ(decode(R"({"body":"fine"})")->body, "fine");
}

TEST_F(SendDecoderTest, MetaArrivesAsItWasSentWithoutTheSpaces) {
  EXPECT_EQ(
      decode(
          R"({"body":"b","meta": { "a" : [ 1.10 , -0 , 1E400, 12345678901234567890123 ,0.1e-7], "b\n" : { } ,
      "c":"\u00e9\u0000\/", "d" : [ [ ] , { "e" : null } , true , false ] } })")
          ->meta,
      R"({"a":[1.10,-0,1E400,12345678901234567890123,0.1e-7],"b\n":{},"c":"\u00e9\u0000\/","d":[[],{"e":null},true,false]})");
  // In the client's own spelling by both forms: numbers, escapes, order and repetition of members.
  for (
      const std::string meta :
      {R"({})", R"({"t":1673382441.141209})", R"({"a":1.10})", R"({"a":12345678901234567890123})",
       R"({"a":0.1e-5,"b":-0,"c":-0.0,"d":1E+2,"e":1e400,"f":0.10000000000000000555111512312578270211815834045410156})",
       R"({"z":1,"a":2,"m":3})", R"({"a":1,"a":2})", R"({"a":"\u2028\u2029\/\u0041\ud83d\ude00\u00e9"})",
       "{\"a\":\"\u2028\u00e9\xf0\x9f\x98\x80\x7f\"}", R"({"\u0061 b\n\"\\":" x  y "})",
       R"({"a":"{ \" }","b":[ ]})", R"({"meta":{"meta":{"type":"x"}}})", R"({"":""})",
       R"({"a":[1,2.0,"3",null,true,{"b":[]}]})"}) {
    const std::string want = meta == R"({"a":"{ \" }","b":[ ]})" ? R"({"a":"{ \" }","b":[]})" : meta;
    const auto json =
        decode(R"({"x":{"meta":{"no":1}},"body":"meta","meta":)" + meta + R"(,"y":["meta"],"z":"\""})");
    ASSERT_TRUE(json) << meta << json.error().message;
    EXPECT_EQ(json->meta, want);
    const auto escaped = decode("{ \"body\" : \"b\" , \"m\\u0065ta\" : " + meta + " }");
    ASSERT_TRUE(escaped) << meta;
    EXPECT_EQ(escaped->meta, want);
    Send send;
    send.body = "b";
    send.meta = meta;
    const auto bytes = send_to_flatbuffer(send);
    const auto flat = decoder_.decode(bytes);
    ASSERT_TRUE(flat) << meta << flat.error().message;
    EXPECT_EQ(flat->meta, want);
  }
  EXPECT_EQ(decode(R"({"meta":{"a":1},"body":"b","meta":{"b":2}})")->meta, R"({"b":2})");
  EXPECT_EQ(decode(R"({"meta":{"a":1},"body":"b","meta":null})")->meta, "");
  EXPECT_EQ(decode(R"({"meta":null,"body":"b","meta":{"a":1}})")->meta, R"({"a":1})");
  const std::string deep = repeat(R"({"a":)", 30) + "{}" + repeat("}", 30);
  EXPECT_EQ(decode(R"({"body":"b","meta":)" + deep + "}")->meta, deep);
  expect_refused(R"({"body":"b","meta":{"a":)" + deep + "}}", Code::bad_payload, "32 levels");
  Send send;
  send.body = "b";
  send.meta = deep;
  EXPECT_EQ(decoder_.decode(send_to_flatbuffer(send))->meta, deep);
  const std::string deeper = R"({"a":)" + deep + "}";
  send.meta = deeper;
  EXPECT_FALSE(decoder_.decode(send_to_flatbuffer(send))) << "no deeper than in JSON, which readers get";
}

TEST_F(SendDecoderTest, AsksForWhatEachKindNeeds) {
  const auto with = [](Kind kind) {
    Send send;
    send.kind = kind;
    return send;
  };
  for (const Kind kind : {Kind::text, Kind::encrypted}) {
    Send send = with(kind);
    expect_refused(send, Code::bad_payload, "body");
    send.body = "x";
    EXPECT_TRUE(decode(send_to_json(send))) << to_string(kind);
  }
  const Attachment attachment{"id", "", "", 0};
  for (const Kind kind : {Kind::image, Kind::file, Kind::audio, Kind::video}) {
    Send send = with(kind);
    expect_refused(send, Code::bad_payload, "attachments");
    send.attachments = {&attachment, 1};
    EXPECT_TRUE(decode(send_to_json(send)));
    send.attachments = {};
    send.body = "http://example.org/cat.jpg";
    EXPECT_TRUE(decode(send_to_json(send)));
  }
  Send location = with(Kind::location);
  expect_refused(location, Code::bad_payload, "meta");
  location.meta = R"({"lat":1})";
  EXPECT_TRUE(decode(send_to_json(location)));
  Send custom = with(Kind::custom);
  expect_refused(custom, Code::bad_payload, "\"type\" inside \"meta\"");
  for (const char* meta : {"{}", R"({"type":1})", R"({"type":""})", R"({"x":{"type":"poll"}})",
                           R"({"x":"type"})", R"({"type":["poll"]})", R"({"type":null})"}) {
    custom.meta = meta;
    expect_refused(custom, Code::bad_payload, "\"type\" inside \"meta\"");
  }
  for (const char* meta :
       {R"({"type":"poll"})", R"({"a":{"type":1},"type":"poll"})", R"({"t\u0079pe":"poll"})"}) {
    custom.meta = meta;
    EXPECT_TRUE(decode(send_to_json(custom))) << meta;
  }
}

TEST_F(SendDecoderTest, AsksForWhatEachOperationNeeds) {
  for (const Kind kind : {Kind::edit, Kind::del, Kind::react, Kind::unreact, Kind::pin, Kind::unpin}) {
    Send send;
    send.kind = kind;
    send.body = "x";
    const bool reaction = kind == Kind::react || kind == Kind::unreact;
    if (reaction) send.emoji = "\U0001F44D";
    expect_refused(send, Code::bad_payload, "target");
    send.target = MessageId{7};
    EXPECT_TRUE(decode(send_to_json(send))) << to_string(kind);
    send.body = {};
    if (kind == Kind::edit) {
      expect_refused(send, Code::bad_payload, "body");
    } else {
      EXPECT_TRUE(decode(send_to_json(send))) << to_string(kind);
    }
    const std::string long_emoji = repeat("\xf0\x9f\x98\x80", 17);
    if (reaction) {
      send.emoji = long_emoji;
      expect_refused(send, Code::too_large, "emoji");
      send.emoji = std::string_view(long_emoji).substr(4);
      if (kind == Kind::react) expect_refused(send, Code::bad_payload, "emoji");
      send.emoji = {};
      expect_refused(send, Code::bad_payload, "emoji");
    } else {
      send.body = "x";
      send.emoji = "\U0001F44D";
      expect_refused(send, Code::bad_payload, "emoji");
    }
  }
  Send text;
  text.body = "x";
  text.target = MessageId{7};
  expect_refused(text, Code::bad_payload, "reply_to");
}

TEST_F(SendDecoderTest, AReactionIsOneEmojiInItsQualifiedForm) {
  constexpr struct {
    std::string_view given, stored;
  } kTaken[] = {{"👍", "👍"},
                {"👍\ufe0f", "👍"},
                {"👍\ufe0e", "👍"},
                {"❤", "❤\ufe0f"},
                {"❤\ufe0f", "❤\ufe0f"},
                {"#⃣", "#\ufe0f\u20e3"},
                {"🇩🇪", "🇩🇪"},
                {"👍🏽", "👍🏽"},
                {"👩‍💻", "👩‍💻"},
                {"🏳‍🌈", "🏳️‍🌈"},
                {"🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"}};
  for (const Kind kind : {Kind::react, Kind::unreact}) {
    Send send;
    send.kind = kind;
    send.target = MessageId{7};
    for (const auto& c : kTaken) {
      send.emoji = c.given;
      const auto flat = send_to_flatbuffer(send);
      for (const std::string& payload : {std::string(flat.begin(), flat.end()), send_to_json(send)}) {
        const auto taken = decode(payload);
        ASSERT_TRUE(taken) << c.given << ": " << taken.error().message;
        EXPECT_EQ(taken->emoji, c.stored);
      }
    }
    for (const std::string_view other :
         {"a", "ab", "1", " ", "👍👍", "👍 ", "+1", ":+1:", "🇩", "\u200d", "\ufe0f", "👍\u200d👎", "<b>", "\n"}) {
      send.emoji = other;
      if (kind == Kind::react || other == "\n") expect_refused(send, Code::bad_payload, "must be one emoji");
    }
  }
}

TEST_F(SendDecoderTest, AttachmentsAreNamedWithoutTricks) {
  Send send;
  send.kind = Kind::file;
  for (const std::string_view trick :
       {"photo\u202egpj.exe", "a\nb.txt", "\x1b[2J", "a\u009bb", "a\u2028b", "a\u2066b", "a\tb", "a\x7f"}) {
    Attachment attachment{.id = "f1", .name = trick, .type = "image/png", .size = 1};
    send.attachments = {&attachment, 1};
    expect_refused(send, Code::bad_payload, "attachments.name");
    attachment.name = "fine.png";
    attachment.type = trick;
    expect_refused(send, Code::bad_payload, "attachments.type");
    attachment.type = {};
    attachment.id = trick;
    expect_refused(send, Code::bad_payload, "attachments.id");
  }
  const Attachment fine{
      .id = "f1", .name = "Übersicht שלום 👩‍💻.pdf", .type = "application/pdf", .size = 1};
  send.attachments = {&fine, 1};
  EXPECT_TRUE(decode(send_to_json(send)));
}

// A body is its author's: it arrives as it was sent.
TEST_F(SendDecoderTest, BodiesAreFree) {
  for (const std::string_view body : {" ", "\n", "\u200b", "\u202ehello", "e\u0301", "a\r\nb", "\u2800"}) {
    const auto send = decode(body);
    ASSERT_TRUE(send) << body;
    EXPECT_EQ(send->body, body);
  }
}

TEST_F(SendDecoderTest, RefusesWhatOnlyTheServerMakes) {
  for (const Kind kind : {Kind::join, Kind::leave, Kind::role, Kind::room, Kind::system}) {
    Send send;
    send.kind = kind;
    send.body = "x";
    expect_refused(send, Code::bad_payload, "server");
  }
}

TEST_F(SendDecoderTest, CountsCharactersNotBytes) {
  const std::string euro = repeat("\xe2\x82\xac", 80'000);
  EXPECT_TRUE(decode(euro));
  EXPECT_TRUE(decode(std::string(100'000, 'a')));
  expect_refused(std::string(100'001, 'a'), Code::too_large, "100001 characters");
  expect_refused("{\"body\":\"" + std::string(100'001, 'a') + "\"}", Code::too_large, "\"body\"");
  expect_refused(std::string(256 * 1024 + 1, 'a'), Code::too_large, "payload");
  expect_refused(std::string(256 * 1024, 'a'), Code::too_large, "body");
  SendDecoder small({.payload_bytes = 100, .body_characters = 3});
  const std::string three = "äöü";
  EXPECT_TRUE(small.decode(bytes_of(three)));
  EXPECT_EQ(small.decode(bytes_of("abcd")).error().code, Code::too_large);
}

TEST_F(SendDecoderTest, BoundsTheRest) {
  Send send;
  send.body = "x";
  const std::vector<std::string_view> names(51, "bob");
  send.mentions = names;
  expect_refused(send, Code::too_large, "mentions");
  send.mentions = send.mentions.first(50);
  EXPECT_TRUE(decode(send_to_json(send)));
  send.mentions = {};

  const std::vector<Attachment> attachments(21, Attachment{"i", "n", "t", 1});
  send.attachments = attachments;
  expect_refused(send, Code::too_large, "attachments");
  send.attachments = send.attachments.first(20);
  EXPECT_TRUE(decode(send_to_json(send)));
  const std::string long_text(300, 'x');
  for (const Attachment& bad : {Attachment{long_text, "", "", 0}, Attachment{"i", long_text, "", 0},
                                Attachment{"i", "", long_text, 0}}) {
    send.attachments = {&bad, 1};
    expect_refused(send, Code::too_large, "attachments.");
  }
  for (const Attachment& bad : {Attachment{"", "n", "", 0}, Attachment{"i", "", "", kSeqLimit}}) {
    send.attachments = {&bad, 1};
    expect_refused(send, Code::bad_payload, "attachments.");
  }
  send.attachments = {};

  const std::string meta = "{\"k\":\"" + std::string(16 * 1024, 'x') + "\"}";
  send.meta = meta;
  expect_refused(send, Code::too_large, "meta");
  send.meta = {};

  send.expires_in_s = 315'360'000;
  EXPECT_TRUE(decode(send_to_json(send)));
  send.expires_in_s = 315'360'001;
  expect_refused(send, Code::bad_payload, "expires_in");
}

TEST_F(SendDecoderTest, TellsTheCidOfWhatItRefuses) {
  EXPECT_FALSE(decode(R"({"cid":"c-1","kind":"shout"})"));
  EXPECT_EQ(decoder_.cid(), "c-1");
  EXPECT_FALSE(decode(R"({"kind":7,"mentions":7,"cid":"c-2"})"));
  EXPECT_EQ(decoder_.cid(), "c-2");
  EXPECT_FALSE(decode(R"({"cid":"c-3","body":"x)"));
  EXPECT_EQ(decoder_.cid(), "c-3");
  EXPECT_FALSE(decode(R"({"cid":"bad\u0007","body":"x"})"));
  EXPECT_EQ(decoder_.cid(), "");
  EXPECT_FALSE(decode("\xff"));
  EXPECT_EQ(decoder_.cid(), "");
  Send send;
  send.cid = "c-4";
  const auto flat = send_to_flatbuffer(send);
  EXPECT_FALSE(decoder_.decode(flat));
  EXPECT_EQ(decoder_.cid(), "c-4");
  const std::string too_long(65, 'c');
  send.cid = too_long;
  send.body = "x";
  expect_refused(send, Code::bad_payload, "cid");
  EXPECT_EQ(decoder_.cid(), "");
}

TEST_F(SendDecoderTest, ReadsFlatbuffersAtAnyAddress) {
  testing::RandomMessages random(3);
  const Send send = random.send();
  const auto flat = send_to_flatbuffer(send);
  for (std::size_t shift = 0; shift < 8; ++shift) {
    const Shifted shifted(flat, shift);
    const auto result = decoder_.decode(shifted.bytes());
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(describe(*result), describe(send));
  }
}

TEST_F(SendDecoderTest, RefusesDamagedFlatbuffersWithoutReadingBeyondThem) {
  testing::RandomMessages random(4);
  for (int round = 0; round < 300; ++round) {
    const auto whole = send_to_flatbuffer(random.send());
    // Exact allocations, so that a sanitizer sees the first byte read beyond the end.
    for (std::size_t size = 0; size < whole.size(); size += 1 + random.below(16)) {
      const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      (void)decoder_.decode(cut);
    }
    std::vector<std::uint8_t> damaged = whole;
    for (int i = 0; i < 4; ++i)
      damaged[random.below(damaged.size())] = static_cast<std::uint8_t>(random.below(256));
    (void)decoder_.decode(damaged);
  }
}

TEST_F(SendDecoderTest, ChecksTheTextInsideFlatbuffers) {
  Send send;
  send.body = "\xff";
  auto refused = decoder_.decode(send_to_flatbuffer(send));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("UTF-8"), std::string::npos);
  send.body = "x";
  for (const char* meta : {"x", "[]", "7", "{", "{} {}", "{\"a\":}"}) {
    send.meta = meta;
    refused = decoder_.decode(send_to_flatbuffer(send));
    ASSERT_FALSE(refused) << meta;
    EXPECT_NE(refused.error().message.find("\"meta\" must be"), std::string::npos) << refused.error().message;
  }
  send.meta = " { \"a\" : 1 } ";
  const auto accepted = decoder_.decode(send_to_flatbuffer(send));
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->meta, "{\"a\":1}");
  send.meta = {};
  send.kind = kUnknownKind;
  refused = decoder_.decode(send_to_flatbuffer(send));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("\"kind\""), std::string::npos);
}

}  // namespace
}  // namespace parley
