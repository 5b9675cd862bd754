#include "schemas/control.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <random>
#include <set>

#include "schemas/base64url.h"

namespace parley {
namespace {

const std::string kDigest(64, 'a');

// One of every operation, no field at its default.
std::vector<ControlOp> every_op() {
  RoomPut room;
  room.room = "general";
  room.kind = RoomKind::group;
  room.limits = "busy";
  room.history = RoomHistory::joined;
  room.status = RoomStatus::read_only;
  room.guests_post = true;
  room.pin_role = MemberRole::owner;
  LimitsPut limits;
  limits.name = "busy";
  limits.messages_per_s = 0.1;
  limits.burst = 1e6;
  limits.connections = 4'000'000'000;
  limits.requests_per_s = 3;
  limits.typing_per_s = 0;
  limits.room_messages_per_s = 1.0 / 3;
  limits.room_bot_messages_per_s = 7;
  const Sha256 digest = sha256("x");
  return {UserPut{"alice", TokenRole::service, "busy", 1'763'683'200, UserStatus::blocked},
          UserPut{.user = "alice-bot", .role = TokenRole::bot, .owner = "alice"},
          UserRemove{"alice"},
          room,
          RoomRemove{"general"},
          MemberPut{"general", "alice", MemberRole::owner, Seq{kSeqLimit - 1}},
          MemberRemove{"general", "alice"},
          BlockPut{"alice", "mallory"},
          BlockRemove{"alice", "mallory"},
          SessionRevoke{"s-1", 1'763'690'000},
          TokenPut{digest, "meteo", "roof", TokenRole::device, 5},
          TokenRemove{digest},
          limits,
          EventPost{"general", Kind::join, "bob", "pg-7-1", 1'763'683'200'123, "hello", R"({"by":"alice"})"},
          UserEvent{"bob", R"({"type":"room.added","room":"general","version":7})"}};
}

TEST(ControlOp, ComesBackFromJson) {
  for (const ControlOp& op : every_op()) {
    const std::string json = to_json(op);
    const auto again = parse_control_op(json);
    ASSERT_TRUE(again) << json << ": " << again.error().message;
    EXPECT_EQ(again->index(), op.index());
    EXPECT_EQ(to_json(*again), json);
  }
  std::set<std::size_t> kinds;
  for (const ControlOp& op : every_op()) kinds.insert(op.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<ControlOp>);
}

TEST(ControlOp, NumbersDoNotDrift) {
  const auto op =
      parse_control_op(R"({"op":"limits.put","name":"busy","room_messages_per_s":15.666666666666678})");
  ASSERT_TRUE(op) << op.error().message;
  const std::string json = to_json(*op);
  EXPECT_EQ(to_json(*parse_control_op(json)), json);
}

TEST(ControlOp, ComesBackFromFlatbuffers) {
  const std::vector<ControlOp> ops = every_op();
  const auto bytes = control_ops_to_flatbuffer(ops);
  const auto again = control_ops_from_flatbuffer(bytes);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) EXPECT_EQ(to_json((*again)[i]), to_json(ops[i]));
  EXPECT_TRUE(control_ops_from_flatbuffer(control_ops_to_flatbuffer({}))->empty());
}

TEST(ControlOp, TakesTheExamplesOfTheProtocol) {
  for (
      const std::string& line : {
          std::string(
              R"({"op":"user.put","user":"alice","role":"user","limits":"default","tokens_after":0,"status":"active"})"),
          std::string(R"({"op":"user.remove","user":"alice"})"),
          std::string(
              R"({"op":"room.put","room":"general","kind":"channel","limits":"default","history":"all","status":"active"})"),
          std::string(R"({"op":"room.remove","room":"general"})"),
          std::string(R"({"op":"member.put","room":"general","user":"alice","role":"member","since":0})"),
          std::string(R"({"op":"member.remove","room":"general","user":"alice"})"),
          std::string(R"({"op":"block.put","user":"alice","blocked":"mallory"})"),
          std::string(R"({"op":"block.remove","user":"alice","blocked":"mallory"})"),
          std::string(R"({"op":"session.revoke","sid":"s","until":1763690000})"),
          R"({"op":"token.put","sha256":")" + kDigest +
              R"(","user":"meteo","device":"roof","role":"device","until":0})",
          R"({"op":"token.remove","sha256":")" + kDigest + "\"}",
          std::string(
              R"({"op":"limits.put","name":"default","messages_per_s":10,"burst":30,"connections":5})"),
      }) {
    EXPECT_TRUE(parse_control_op(line)) << line << ": " << parse_control_op(line).error().message;
  }
}

TEST(ControlOp, KeepsDefaultsForWhatIsLeftOut) {
  const auto user =
      std::get<UserPut>(*parse_control_op(R"({"op":"user.put","user":"alice","role":null,"later":{"x":1}})"));
  EXPECT_EQ(user.role, TokenRole::user);
  EXPECT_EQ(user.limits, "default");
  EXPECT_EQ(user.status, UserStatus::active);
  const auto room = std::get<RoomPut>(*parse_control_op(R"({"op":"room.put","room":"general"})"));
  EXPECT_EQ(room.kind, RoomKind::channel);
  EXPECT_FALSE(room.guests_post);
  EXPECT_EQ(room.pin_role, MemberRole::admin);
  const auto member =
      std::get<MemberPut>(*parse_control_op(R"({"op":"member.put","room":"general","user":"alice"})"));
  EXPECT_EQ(member.role, MemberRole::member);
  const auto limits =
      std::get<LimitsPut>(*parse_control_op(R"({"op":"limits.put","name":"slow","burst":2.5})"));
  EXPECT_EQ(limits.messages_per_s, 10);
  EXPECT_EQ(limits.burst, 2.5);
  EXPECT_EQ(limits.room_messages_per_s, 1000.0 / 60);
}

TEST(ControlOp, TellsFactsFromEvents) {
  std::size_t facts = 0;
  for (const ControlOp& op : every_op()) facts += is_fact(op) ? 1 : 0;
  EXPECT_EQ(facts, every_op().size() - 2);
}

TEST(ControlOp, KeepsAnEventsObjectsOnOneLine) {
  const auto post =
      parse_control_op(R"({"op":"event.post","room":"general","kind":"room","from":"bob","cid":"c",
      "meta": { "topic" : "a\nb",
                "by" : "bob" }})");
  ASSERT_TRUE(post) << post.error().message;
  EXPECT_EQ(std::get<EventPost>(*post).meta, R"({"topic":"a\nb","by":"bob"})");
  // FlatBuffers carry the text as it is, so it has to be so already.
  const EventPost spread{"general", Kind::room, "bob", "c", 0, "", "{ \n}"};
  EXPECT_FALSE(control_ops_from_flatbuffer(control_ops_to_flatbuffer({spread})));
}

TEST(ControlOp, KeepsTheSpellingOfObjects) {
  for (const std::string object : {R"({"type":"x","t":1673382441.141209})",
                                   R"({"type":"x","a":1.10,"b":12345678901234567890123,"c":-0})",
                                   R"({"z":1e2,"type":"x","a":"\u2028\/"})", R"({"type":"x","a":1,"a":2})"}) {
    const auto post = parse_control_op(
        R"({"op":"event.post","room":"general","kind":"join","from":"bob","cid":"c","meta": )" + object +
        " }");
    ASSERT_TRUE(post) << object << post.error().message;
    EXPECT_EQ(std::get<EventPost>(*post).meta, object);
    EXPECT_EQ(std::get<EventPost>(*parse_control_op(to_json(*post))).meta, object);
    const auto event = parse_control_op(R"({"event":)" + object + R"(,"op":"user.event","user":"bob"})");
    ASSERT_TRUE(event) << object << event.error().message;
    EXPECT_EQ(std::get<UserEvent>(*event).event, object);
    const auto request =
        parse_control_request(R"({"req":"r","cmd":"post","ops":[{"op":"user.remove","user":"al"}, )" +
                              to_json(*post) + R"(],"payload": )" + object + "}");
    ASSERT_TRUE(request) << object << request.error().message;
    EXPECT_EQ(request->payload, object);
    ASSERT_EQ(request->ops.size(), 2u);
    EXPECT_EQ(std::get<EventPost>(request->ops[1]).meta, object);
  }
}

TEST(ControlOp, TakesWholeNumbersHoweverTheyAreSpelled) {
  for (const char* until : {"1763690000", "1763690000.0", "1.76369e9", "176369E4", "1763690000000e-3"}) {
    const auto op =
        parse_control_op(R"({"op":"session.revoke","sid":"s","until":)" + std::string(until) + "}");
    ASSERT_TRUE(op) << until;
    EXPECT_EQ(std::get<SessionRevoke>(*op).until_s, 1763690000) << until;
  }
  for (const char* until : {"1.5", "1e400", "-1e400", "1e19", "\"1\"", "true"}) {
    const auto op =
        parse_control_op(R"({"op":"session.revoke","sid":"s","until":)" + std::string(until) + "}");
    ASSERT_FALSE(op) << until;
    EXPECT_NE(op.error().message.find("\"until\""), std::string::npos) << op.error().message;
  }
  EXPECT_EQ(std::get<LimitsPut>(*parse_control_op(R"({"op":"limits.put","name":"x","connections":5.0})"))
                .connections,
            5u);
  EXPECT_FALSE(parse_control_op(R"({"op":"limits.put","name":"x","messages_per_s":1e400})"));
  EXPECT_EQ(parse_control_request(R"({"cmd":"log.read","offset":7.0,"limit":1e1})")->offset, 7u);
  EXPECT_EQ(parse_control_request(R"({"cmd":"log.read","offset":7.0,"limit":1e1})")->limit, 10u);
  EXPECT_TRUE(parse_control_request("\xef\xbb\xbf{\"cmd\":\"version\"}"));
}

TEST(ControlOp, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "JSON"},
      {"x", "JSON"},
      {"[]", "not an object"},
      {"{}", "\"op\" is missing"},
      {R"({"op":7})", "\"op\" must be a string"},
      {R"({"op":"user.grow","user":"alice"})", "user.grow"},
      {R"({"op":"user.put"})", "user.put: field \"user\" is missing"},
      {R"({"op":"user.put","user":"Alice"})", "\"user\" must be a user name"},
      {R"({"op":"user.put","user":7})", "\"user\" must be a string"},
      {R"({"op":"user.put","user":"alice","role":"root"})", "\"role\" must be one of: \"user\""},
      {R"({"op":"user.put","user":"alice","role":0})", "\"role\" must be one of"},
      {R"({"op":"user.put","user":"alice","limits":""})", "\"limits\""},
      {R"({"op":"user.put","user":"alice","limits":"A B"})", "\"limits\""},
      {R"({"op":"user.put","user":"alice","tokens_after":-1})", "\"tokens_after\""},
      {R"({"op":"user.put","user":"alice","tokens_after":1.5})", "\"tokens_after\" must be a whole number"},
      {R"({"op":"user.put","user":"alice","tokens_after":1e400})", "\"tokens_after\" must be a whole number"},
      {R"({"op":"user.put","user":"alice","tokens_after":"1"})", "\"tokens_after\" must be a whole number"},
      {R"({"op":"user.put","user":"alice","status":"gone"})", "\"status\" must be one of"},
      {R"({"op":"user.put","user":"alice-bot","owner":"Alice"})", "\"owner\" must be a user name"},
      {R"({"op":"user.put","user":"alice-bot","owner":7})", "\"owner\" must be a string"},
      {R"({"op":"user.put","user":"alice","owner":"alice"})", "\"owner\" must be somebody else"},
      {R"({"op":"room.put","room":"G"})", "\"room\" must be a room name"},
      {R"({"op":"room.put","room":"general","kind":"party"})", "\"kind\" must be one of"},
      {R"({"op":"room.put","room":"general","guests":"dance"})",
       "\"guests\" must be one of: \"read\" \"post\""},
      {R"({"op":"room.put","room":"general","pin":"guest"})", "\"pin\" must be"},
      {R"({"op":"member.put","room":"general","user":"alice","role":""})",
       "\"role\" must be one of: \"guest\""},
      {R"({"op":"member.put","room":"general","user":"alice","since":9007199254740992})", "\"since\""},
      {R"({"op":"member.put","room":"general"})", "\"user\" is missing"},
      {R"({"op":"block.put","user":"alice","blocked":"alice"})", "\"blocked\""},
      {R"({"op":"session.revoke","sid":"s"})", "\"until\" is missing"},
      {R"({"op":"session.revoke","sid":"a b","until":1})", "\"sid\""},
      {R"({"op":"token.put","sha256":"aa","user":"meteo","device":"roof"})", "\"sha256\" must be 64"},
      {R"({"op":"token.put","user":"meteo","device":"roof"})", "\"sha256\" is missing"},
      {R"({"op":"token.put","sha256":")" + kDigest + R"(","user":"meteo","device":"a.b"})", "\"device\""},
      {R"({"op":"limits.put","name":"unlimited"})", "built in"},
      {R"({"op":"limits.put","name":"x","burst":-1})", "\"burst\""},
      {R"({"op":"limits.put","name":"x","burst":1e400})", "\"burst\""},
      {R"({"op":"limits.put","name":"x","connections":-1})", "\"connections\""},
      {R"({"op":"limits.put","name":"x","connections":4294967296})", "\"connections\""},
      {R"({"op":"user.put","user":")" + std::string(2000, 'a') + "\"}", "\"user\" is too long"},
      {std::string(3000, '['), "JSON"},
      {R"({"op":"event.post","room":"general","kind":"text","from":"bob","cid":"c"})",
       "\"kind\" must be join"},
      {R"({"op":"event.post","room":"general","kind":"join","from":"B","cid":"c"})", "\"from\""},
      {R"({"op":"event.post","room":"general","kind":"join","from":"bob","cid":""})", "\"cid\""},
      {R"({"op":"event.post","room":"general","kind":"join","from":"bob","cid":"c","meta":[]})", "\"meta\""},
      {R"({"op":"event.post","room":"general","kind":"join","from":"bob","cid":"c","meta":)"
       R"({"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}})",
       "\"meta\""},
      {R"({"op":"user.event","user":"bob"})", "\"event\" is missing"},
      {R"({"op":"user.event","user":"bob","event":{"room":"x"}})", "\"type\""},
  };
  for (const auto& [json, words] : cases) {
    const auto result = parse_control_op(json);
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().code, Code::bad_payload);
    EXPECT_NE(result.error().message.find(words), std::string::npos)
        << json << ": " << result.error().message;
  }
}

TEST(ControlFlatbuffers, AreCheckedLikeJson) {
  LimitsPut unlimited;
  unlimited.name = "unlimited";
  LimitsPut infinite;
  infinite.name = "x";
  infinite.burst = std::numeric_limits<double>::quiet_NaN();
  const std::vector<ControlOp> bad = {
      UserPut{"Alice", TokenRole::user, "default", 0, UserStatus::active},
      UserPut{"alice", static_cast<TokenRole>(9), "default", 0, UserStatus::active},
      UserPut{"alice", TokenRole::user, "default", 0, static_cast<UserStatus>(9)},
      RoomRemove{"x"},
      MemberPut{"general", "alice", MemberRole::none, Seq{0}},
      MemberPut{"general", "alice", static_cast<MemberRole>(7), Seq{0}},
      MemberPut{"general", "alice", MemberRole::member, Seq{kSeqLimit}},
      SessionRevoke{"", 1},
      unlimited,
      infinite};
  for (const ControlOp& op : bad) {
    const auto result = control_ops_from_flatbuffer(control_ops_to_flatbuffer({UserRemove{"bob"}, op}));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("operation 1: field"), std::string::npos) << result.error().message;
  }
}

TEST(ControlFlatbuffers, SurviveDamage) {
  const auto whole = control_ops_to_flatbuffer(every_op());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    (void)control_ops_from_flatbuffer(cut);
  }
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    auto damaged = whole;
    for (int i = 0; i < 2; ++i)
      damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    (void)control_ops_from_flatbuffer(damaged);
  }
  // At an odd address too.
  std::vector<std::uint8_t> shifted(whole.size() + 3);
  std::copy(whole.begin(), whole.end(), shifted.begin() + 3);
  EXPECT_TRUE(control_ops_from_flatbuffer(Bytes(shifted).subspan(3)));
}

TEST(ControlRequest, ComesBackFromJson) {
  ControlRequest request;
  request.req = "r-1";
  request.cmd = "apply";
  request.from = 7;
  request.to = 9;
  request.ops = every_op();
  request.client = "alice:phone \"x\"";
  request.consumer = "history";
  request.room = "general";
  request.offset = 1'000'000'000'000;
  request.limit = 50;
  request.what = "users";
  request.after = "alice";
  request.encoding = "flatbuffers";
  const std::string json = to_json(request);
  const auto again = parse_control_request(json);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), json);
  EXPECT_EQ(again->ops.size(), every_op().size());
  EXPECT_EQ(again->client, request.client);
  EXPECT_EQ(parse_control_request(R"({"cmd":"version"})")->cmd, "version");
}

TEST(ControlRequest, TellsTheReqOfOneThatIsRefused) {
  const std::string refused = R"({"req":"r-1","cmd":"apply","ops":[{"op":"user.grow"}]})";
  EXPECT_FALSE(parse_control_request(refused));
  EXPECT_EQ(control_request_id(refused), "r-1");
  for (const char* without : {"", "{", "[]", "{}", R"({"req":7})"})
    EXPECT_EQ(control_request_id(without), "");
}

TEST(ControlRequest, TakesOffsetsAsNumbersAndAsText) {
  for (const char* given : {"18446744073709551615", "\"18446744073709551615\""}) {
    const auto request = parse_control_request(R"({"cmd":"log.read","offset":)" + std::string(given) + "}");
    ASSERT_TRUE(request) << given;
    EXPECT_EQ(request->offset, 18446744073709551615u);
  }
  for (const char* bad : {"\"\"", "\"-1\"", "\"1x\"", "\"18446744073709551616\"", "-1", "1.5", "true"}) {
    const auto request = parse_control_request(R"({"cmd":"log.read","offset":)" + std::string(bad) + "}");
    ASSERT_FALSE(request) << bad;
    EXPECT_NE(request.error().message.find("\"offset\" must be"), std::string::npos);
  }
}

TEST(ControlRequest, TakesOperationsAsBase64) {
  const auto bytes = control_ops_to_flatbuffer(every_op());
  const std::string encoded = encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const auto request =
      parse_control_request(R"({"req":"1","cmd":"snapshot.chunk","ops_fb":")" + encoded + "\"}");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->ops.size(), every_op().size());
}

TEST(ControlRequest, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{", "JSON"},
      {"[]", "not an object"},
      {"{}", "\"cmd\" is missing"},
      {R"({"cmd":1})", "\"cmd\" must be a string"},
      {R"({"cmd":"version","req":1})", "\"req\" must be a string"},
      {R"({"cmd":"apply","from":-1})", "\"from\""},
      {R"({"cmd":"apply","to":"2"})", "\"to\""},
      {R"({"cmd":"apply","ops":{}})", "\"ops\" must be an array"},
      {R"({"cmd":"apply","ops":[{"op":"user.remove","user":"bob"},{"op":"user.remove"}]})",
       "ops[1]: user.remove"},
      {R"({"cmd":"apply","ops":[7]})", "ops[0]"},
      {R"({"cmd":"apply","ops":[],"ops_fb":""})", "not both"},
      {R"({"cmd":"apply","ops_fb":"!"})", "base64"},
      {R"({"cmd":"apply","ops_fb":"AAAA"})", "FlatBuffers"},
      {R"({"cmd":"apply","ops_fb":7})", "base64"},
      {R"({"cmd":"log.read","encoding":"xml"})", "\"encoding\" must be"},
      {R"({"cmd":"log.read","room":"X"})", "\"room\""},
      {R"({"cmd":"log.read","limit":4294967296})", "\"limit\""},
      {R"({"cmd":"kick","client":[]})", "\"client\" must be a string"},
  };
  for (const auto& [json, words] : cases) {
    const auto result = parse_control_request(json);
    ASSERT_FALSE(result) << json;
    EXPECT_EQ(result.error().code, Code::bad_payload);
    EXPECT_NE(result.error().message.find(words), std::string::npos)
        << json << ": " << result.error().message;
  }
}

}  // namespace
}  // namespace parley
