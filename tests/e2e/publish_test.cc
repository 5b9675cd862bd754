// What a client may say in a room, and what it is told when it may not: an MQTT 5 client by the reason of the
// PUBACK, everybody by an error event. A refused message is seen by nobody and stored nowhere.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "schemas/message.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

constexpr std::uint8_t kNotAuthorized = 0x87;

class PublishTest : public testing::TestWithParam<Version> {
 protected:
  // Publishes as `client`, who is refused with this code; returns the error event.
  json::object expect_refusal(RawClient& client, std::string_view user, std::string_view topic,
                              std::string_view payload, std::string_view code,
                              const PublishOptions& options = {}) {
    const auto reason = client.publish(topic, payload, options);
    EXPECT_EQ(reason, GetParam() == Version::v5 ? kNotAuthorized : 0);
    auto error = expect_error(client, user, code);
    EXPECT_FALSE(text(error, "message").empty());
    return error;
  }
  // Nothing was stored since: a message of bob's gets the seq after `before`.
  void expect_nothing_stored() { EXPECT_TRUE(world_.admin.read_log().empty()); }
  RawClient listener(std::string_view user) { return world_.listener(user, "phone", GetParam()); }
  World world_;
};

TEST_P(PublishTest, AcceptedAndAcknowledged) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  EXPECT_EQ(alice.publish("rooms/general/send", message("hello @bob", "c-1")), 0);
  const auto ack = expect_ack(alice, "alice", "c-1");
  const auto event = expect_event(reader, "general");
  EXPECT_EQ(text(ack, "room"), "general");
  EXPECT_EQ(number(ack, "seq"), number(event, "seq"));
  EXPECT_EQ(text(ack, "id"), text(event, "id"));
  EXPECT_EQ(number(ack, "ts"), number(event, "ts"));
  EXPECT_FALSE(ack.at("duplicate").as_bool());
  EXPECT_EQ(text(event, "room"), "general");
  EXPECT_EQ(text(event, "cid"), "c-1");
  EXPECT_EQ(text(event, "from"), "alice");
  EXPECT_EQ(text(event, "device"), "phone");
  EXPECT_EQ(text(event, "kind"), "text");
  EXPECT_EQ(text(event, "body"), "hello @bob");
  EXPECT_EQ(number(event, "prev"), 0u);
  EXPECT_NEAR(static_cast<double>(number(event, "ts")), static_cast<double>(unix_now()) * 1000, 60'000);
}

TEST_P(PublishTest, AllQualitiesOfServiceAndForms) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  EXPECT_EQ(alice.publish("rooms/general/send", "plain text", {.qos = 0}), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "plain text");
  EXPECT_EQ(alice.publish("rooms/general/send", message("in JSON"), {.qos = 1}), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "in JSON");
  Send send;
  send.cid = "fb";
  send.body = "in FlatBuffers";
  const auto binary = send_to_flatbuffer(send);
  EXPECT_EQ(alice.publish("rooms/general/send", {reinterpret_cast<const char*>(binary.data()), binary.size()},
                          {.qos = 2}),
            0);
  const auto event = expect_event(reader, "general");
  EXPECT_EQ(text(event, "body"), "in FlatBuffers");
  EXPECT_EQ(text(event, "cid"), "fb");
  EXPECT_TRUE(reader.silent());
}

TEST_P(PublishTest, AllFieldsArrive) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  alice.publish("rooms/general/send", message("first"));
  const std::string first = text(expect_event(reader, "general"), "id");
  alice.publish("rooms/general/send",
                R"({"cid":"all","kind":"image","body":"look","reply_to":")" + first +
                    R"(","mentions":["bob","olga"],"attachments":[{"id":"f1","name":"cat.jpg",)"
                    R"("type":"image/jpeg","size":48211}],"meta":{"k":"v"},"expires_in":3600})");
  const auto event = expect_event(reader, "general");
  EXPECT_EQ(text(event, "kind"), "image");
  EXPECT_EQ(text(event, "reply_to"), first);
  EXPECT_EQ(event.at("mentions"), (json::array{"bob", "olga"}));
  const auto& attachment = event.at("attachments").as_array().at(0).as_object();
  EXPECT_EQ(text(attachment, "name"), "cat.jpg");
  EXPECT_EQ(number(attachment, "size"), 48211u);
  EXPECT_EQ(text(event.at("meta").as_object(), "k"), "v");
  EXPECT_EQ(number(event, "expires_in"), 3600u);
}

TEST_P(PublishTest, NotMember) {
  auto mallory = listener("mallory");
  auto reader = world_.reader("bob", "general");
  const auto error =
      expect_refusal(mallory, "mallory", "rooms/general/send", message("hi", "m-1"), "not_member");
  EXPECT_EQ(text(error, "room"), "general");
  EXPECT_EQ(text(error, "cid"), "m-1") << "a client must be able to tell which message it was";
  EXPECT_TRUE(reader.silent());
  expect_nothing_stored();
}

TEST_P(PublishTest, RoomNotFound) {
  auto alice = listener("alice");
  expect_refusal(alice, "alice", "rooms/no-such-room/send", message("hi"), "room_not_found");
  expect_nothing_stored();
}

TEST_P(PublishTest, GuestsReadOnlyUnlessTheRoomSaysOtherwise) {
  auto gus = listener("gus");
  auto reader = world_.reader("gus", "general");
  expect_refusal(gus, "gus", "rooms/general/send", message("hi"), "read_only");
  world_.admin.apply({RoomPut{.room = "general", .limits = "unlimited", .guests_post = true}});
  EXPECT_EQ(gus.publish("rooms/general/send", message("now I may")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "now I may");
}

TEST_P(PublishTest, ReadOnlyAndArchivedRooms) {
  auto alice = listener("alice");
  auto olga = listener("olga");
  world_.admin.apply({RoomPut{.room = "general", .limits = "unlimited", .status = RoomStatus::read_only}});
  expect_refusal(alice, "alice", "rooms/general/send", message("hi"), "read_only");
  EXPECT_EQ(olga.publish("rooms/general/send", message("an announcement", "o-1")), 0);
  expect_ack(olga, "olga", "o-1");
  world_.admin.apply({RoomPut{.room = "general", .limits = "unlimited", .status = RoomStatus::archived}});
  expect_refusal(olga, "olga", "rooms/general/send", message("hi"), "read_only");
}

TEST_P(PublishTest, BlockedInADirectChat) {
  world_.admin.apply({RoomPut{.room = "d-1", .kind = RoomKind::direct, .limits = "unlimited"},
                      MemberPut{.room = "d-1", .user = "alice"}, MemberPut{.room = "d-1", .user = "mallory"},
                      BlockPut{.user = "alice", .blocked = "mallory"}});
  auto mallory = listener("mallory");
  expect_refusal(mallory, "mallory", "rooms/d-1/send", message("hi"), "blocked");
  world_.admin.apply({BlockRemove{.user = "alice", .blocked = "mallory"}});
  EXPECT_EQ(mallory.publish("rooms/d-1/send", message("hi", "again")), 0);
  expect_ack(mallory, "mallory", "again");
}

TEST_P(PublishTest, BadPayloads) {
  auto alice = listener("alice");
  const std::vector<std::string> payloads = {
      "",                                   // nothing
      std::string("\xff\xfe\x00", 3),       // no UTF-8
      std::string("a\0b", 3),               // a NUL
      "{",                                  // no JSON, and no text either: it starts as an object
      R"({"body":""})",                     // a text without a body
      R"({"body":5})",                      // wrong type
      R"({"cid":"x"})",                     // no body
      R"({"body":"x","kind":"nonsense"})",  // no such kind
      R"({"body":"x","kind":"join"})",      // only the server makes these
      R"({"body":"x","cid":")" + std::string(65, 'c') + "\"}",
      R"({"kind":"edit","body":"x"})",     // without a target
      R"({"kind":"react","target":"1"})",  // without an emoji
      R"({"kind":"custom","body":"x"})",   // without meta.type
      R"({"body":"x","reply_to":"-1"})",
      R"({"body":"x","mentions":{"bob":1}})",
      R"({"body":"x","expires_in":60.5})",
      R"({"body":"x","expires_in":1e400})",
      R"({"body":"\ud800"})",                  // half a surrogate pair
      std::string("\x08\x00\x00\x00PRLY", 8),  // FlatBuffers by its identifier, rubbish behind it
      std::string("\xff\xff\xff\x7fPRLY\x01\x02\x03\x04\x05\x06\x07\x08", 16),
      "{\"body\":" + std::string(20'000, '[') + "}",  // nested too deep
  };
  for (const auto& payload : payloads) {
    SCOPED_TRACE(payload.substr(0, 60));
    expect_refusal(alice, "alice", "rooms/general/send", payload, "bad_payload");
  }
  expect_nothing_stored();
}

// Not spelled as the protocol has it, but plain.
TEST_P(PublishTest, WhatIsPlainIsTaken) {
  auto alice = listener("alice");
  auto bob = world_.reader("bob", "general");
  const auto stored = [&](const std::string& payload) {
    EXPECT_EQ(alice.publish("rooms/general/send", payload), 0) << payload;
    return bob.expect_on("rooms/general/messages/json").payload;
  };
  const auto has = [](const std::string& event, const std::string& member) {
    return event.find(member) != std::string::npos;
  };
  const std::vector<std::pair<std::string, std::string>> kPlain = {
      {"ask PRLY for it", R"("body":"ask PRLY for it")"},
      {"1234PRLY", R"("body":"1234PRLY")"},
      {"\xef\xbb\xbfhello", R"("body":"hello")"},
      {"\xef\xbb\xbf{\"body\":\"marked\"}\r\n", R"("body":"marked")"},
      {R"({"body":"x","mentions":["Bob"," @alice ","Bob","nobody at all"]})",
       R"("mentions":["bob","alice"])"},
      {R"({"cid":"","kind":"","reply_to":"","target":"","body":"empty"})",
       R"("kind":"text","body":"empty","role")"},
      {R"({"body":"x","expires_in":60.0})", R"("expires_in":60,)"},
      {R"({"body":"x","expires_in":"6e1"})", R"("expires_in":60,)"},
      {R"({"body":"x","reply_to":1e3})", R"("reply_to":"1000")"},
      {R"({"body":"x","meta":{ "t":1673382441.141209, "v":1.10,"z":-0, "u":"\u2028\/" }})",
       R"("meta":{"t":1673382441.141209,"v":1.10,"z":-0,"u":"\u2028\/"})"},
  };
  for (const auto& [payload, member] : kPlain) {
    const std::string event = stored(payload);
    EXPECT_TRUE(has(event, member)) << payload << "\n" << event;
  }
}

TEST_P(PublishTest, ErrorNamesTheCidOfABadPayload) {
  auto alice = listener("alice");
  const auto error =
      expect_refusal(alice, "alice", "rooms/general/send", R"({"cid":"bad-1","body":5})", "bad_payload");
  EXPECT_EQ(text(error, "cid"), "bad-1");
}

TEST_P(PublishTest, TooLarge) {
  auto alice = listener("alice");
  expect_refusal(alice, "alice", "rooms/general/send", std::string(100'001, 'x'), "too_large");
  expect_refusal(alice, "alice", "rooms/general/send", std::string(256 * 1024 + 1, 'x'), "too_large");
  json::array mentions;
  for (int i = 0; i < 51; ++i) mentions.push_back(json::string("user" + std::to_string(i)));
  const auto with = [](const char* field, const json::value& value) {
    return json::serialize(json::object{{"body", "x"}, {field, value}});
  };
  expect_refusal(alice, "alice", "rooms/general/send", with("mentions", mentions), "too_large");
  json::array files;
  for (int i = 0; i < 21; ++i)
    files.push_back(json::object{{"id", "f"}, {"name", "n"}, {"type", "a/b"}, {"size", 1}});
  expect_refusal(alice, "alice", "rooms/general/send", with("attachments", files), "too_large");
  expect_nothing_stored();
}

TEST_P(PublishTest, LargestAllowed) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  std::string body;
  for (int i = 0; i < 85'000; ++i) body += i % 2 == 0 ? "ä" : "€";  // 2.5 bytes a character: below 256 KiB
  EXPECT_EQ(alice.publish("rooms/general/send", body), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), body);
  EXPECT_EQ(alice.publish("rooms/general/send", std::string(100'000, 'x')), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body").size(), 100'000u);
}

TEST_P(PublishTest, RetainedIsRefused) {
  auto alice = listener("alice");
  expect_refusal(alice, "alice", "rooms/general/send", message("stay", "r-1"), "bad_payload",
                 {.retain = true});
  auto late = world_.reader("bob", "general");
  EXPECT_TRUE(late.silent());
  expect_nothing_stored();
}

TEST_P(PublishTest, QoS2ResendWithSamePacketIdStoresOnce) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  const auto id = alice.send_publish("rooms/general/send", message("once", "q2"), {.qos = 2});
  alice.expect(PacketType::pubrec, id);
  alice.send_publish("rooms/general/send", message("once", "q2"), {.qos = 2, .dup = true, .packet_id = id});
  alice.expect(PacketType::pubrec, id);
  std::string bytes;
  mqtt::append_ack(bytes, GetParam(), PacketType::pubrel, id);
  alice.send_bytes(bytes);
  alice.expect(PacketType::pubcomp, id);
  EXPECT_EQ(text(expect_event(reader, "general"), "cid"), "q2");
  EXPECT_TRUE(reader.silent());
}

// As often as the client likes, on one connection or the next: each copy is answered, one message is stored.
TEST_P(PublishTest, QoS2CopiesNeverCutTheConnection) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  std::uint16_t id = 0;
  for (int copy = 0; copy < 30; ++copy) {
    id = alice.send_publish("rooms/general/send", message("once", "q2"),
                            {.qos = 2, .dup = copy > 0, .packet_id = id});
    EXPECT_EQ(alice.expect(PacketType::pubrec, id).reason, 0) << copy;
  }
  std::string bytes;
  mqtt::append_ack(bytes, GetParam(), PacketType::pubrel, id);
  alice.send_bytes(bytes);
  EXPECT_EQ(alice.expect(PacketType::pubcomp, id).reason, 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "cid"), "q2");
  EXPECT_TRUE(reader.silent());
  EXPECT_EQ(alice.publish("rooms/general/send", message("and on", "q3"), {.qos = 2}), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "cid"), "q3");
}

TEST_P(PublishTest, QoS2CopiesOverReconnectsOfAKeptSession) {
  auto reader = world_.reader("bob", "general");
  auto options = world_.as("alice", "keeps", GetParam());
  options.clean = false;
  options.session_expiry_s = 3600;
  std::uint16_t id = 77;
  for (int copy = 0; copy < 6; ++copy) {
    auto alice = RawClient::connected(world_.broker.port(), options);
    alice.send_publish("rooms/general/send", message("once", "q2"),
                       {.qos = 2, .dup = copy > 0, .packet_id = id});
    EXPECT_EQ(alice.expect(PacketType::pubrec, id).reason, 0) << copy;
    alice.abort();
  }
  EXPECT_EQ(text(expect_event(reader, "general"), "cid"), "q2");
  EXPECT_TRUE(reader.silent());
}

TEST_P(PublishTest, QoS2NeedsACid) {
  auto alice = listener("alice");
  Send send;
  send.body = "in FlatBuffers";
  const auto binary = send_to_flatbuffer(send);
  const std::string_view fb(reinterpret_cast<const char*>(binary.data()), binary.size());
  for (const std::string_view payload :
       {std::string_view("plain text"), std::string_view(R"({"body":"in JSON"})"),
        std::string_view(R"({"body":"empty","cid":""})"), fb}) {
    for (int copy = 0; copy < 4; ++copy) {
      EXPECT_EQ(alice.publish("rooms/general/send", payload, {.qos = 2, .dup = copy > 0, .packet_id = 9}),
                (GetParam() == Version::v5 ? 0x87 : 0));
      const auto error = expect_error(alice, "alice", "bad_payload");
      EXPECT_NE(text(error, "message").find("`cid`"), std::string::npos);
      EXPECT_NE(text(error, "message").find("QoS 1"), std::string::npos);
    }
  }
  expect_nothing_stored();
}

// On topics that are the node's own and need no QoS 2, copies are refused, not cut off.
TEST_P(PublishTest, QoS2IsForMessages) {
  auto alice = listener("alice");
  for (const char* topic : {"rooms/general/typing", "rooms/general/receipt", "users/alice/token",
                            "users/alice/status", "users/alice/request/history"}) {
    for (int copy = 0; copy < 4; ++copy) {
      EXPECT_EQ(
          alice.publish(topic, R"({"typing":true,"read":1})", {.qos = 2, .dup = copy > 0, .packet_id = 9}),
          (GetParam() == Version::v5 ? 0x87 : 0))
          << topic;
      expect_error(alice, "alice", "bad_payload");
    }
  }
}

// 0x10, "no matching subscribers", would be true, and read as if the message had been lost.
TEST_P(PublishTest, AcceptedIsAnsweredWithZero) {
  const std::string fresh = world_.broker.token("alice", {.device = "phone"});
  const std::pair<const char*, std::string> accepted[] = {{"rooms/general/send", "hello"},
                                                          {"rooms/attic/send", "hello"},
                                                          {"rooms/general/receipt", R"({"read":0})"},
                                                          {"rooms/general/typing", R"({"typing":true})"},
                                                          {"users/alice/status", "{}"},
                                                          {"users/alice/request/history", "{}"},
                                                          {"users/alice/token", fresh}};
  for (const auto& [topic, payload] : accepted) {
    auto sender = std::string_view(topic).find("attic") != std::string_view::npos ? world_.connect("olga")
                                                                                  : world_.connect("alice");
    const auto id = sender.send_publish(topic, payload);
    EXPECT_EQ(sender.expect(PacketType::puback, id).reason, 0) << topic;
  }
}

TEST_P(PublishTest, OperationsNeedTheirTarget) {
  auto alice = listener("alice");
  auto bob = listener("bob");
  auto reader = world_.reader("bob", "general");
  alice.publish("rooms/general/send", message("helo"));
  const std::string id = text(expect_event(reader, "general"), "id");
  const auto op = [&](std::string_view kind, std::string_view target, std::string_view more) {
    return R"({"kind":")" + std::string(kind) + R"(","target":")" + std::string(target) + "\"" +
           std::string(more) + "}";
  };
  EXPECT_EQ(alice.publish("rooms/general/send", op("edit", id, R"(,"body":"hello")")), 0);
  auto event = expect_event(reader, "general");
  EXPECT_EQ(text(event, "kind"), "edit");
  EXPECT_EQ(text(event, "target"), id);
  EXPECT_EQ(bob.publish("rooms/general/send", op("react", id, R"(,"emoji":"👍")")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "emoji"), "👍");
  EXPECT_EQ(bob.publish("rooms/general/send", op("react", id, R"(,"emoji":"❤")")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "emoji"), "❤️") << "qualified";
  for (const std::string_view none : {"ab", "1", "👍👍", "+1"}) {
    expect_refusal(bob, "bob", "rooms/general/send",
                   op("react", id, R"(,"emoji":")" + std::string(none) + "\""), "bad_payload");
  }
  // Later than anything stored; of what is older than the log, a node cannot know.
  const std::string nothing = std::to_string(std::stoull(id) + (1u << 30));
  expect_refusal(bob, "bob", "rooms/general/send", op("edit", nothing, R"(,"body":"x")"), "target_not_found");
  expect_refusal(bob, "bob", "rooms/general/send", op("edit", id, R"(,"body":"not mine")"), "forbidden");
  expect_refusal(bob, "bob", "rooms/general/send", op("delete", id, ""), "forbidden");
  expect_refusal(bob, "bob", "rooms/general/send", op("pin", id, ""), "forbidden");
  auto olga = listener("olga");
  EXPECT_EQ(olga.publish("rooms/general/send", op("pin", id, "")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "kind"), "pin");
  EXPECT_EQ(olga.publish("rooms/general/send", op("delete", id, "")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "kind"), "delete");
  // A message of another room is no target in this one.
  auto attic = world_.reader("olga", "attic");
  olga.publish("rooms/attic/send", message("secret"));
  const std::string secret = text(expect_event(attic, "attic"), "id");
  expect_refusal(bob, "bob", "rooms/general/send", op("react", secret, R"(,"emoji":"👍")"),
                 "target_not_found");
}

TEST_P(PublishTest, NobodyPublishesWhereOnlyTheServerDoes) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  auto bob = listener("bob");
  for (const char* topic : {"rooms/general/messages",
                            "rooms/general/messages/json",
                            "rooms/general/messages/ndjson",
                            "rooms/general/receipts",
                            "users/bob/events",
                            "users/alice/events",
                            "users/bob/presence",
                            "users/alice/presence",
                            "users/bob/status",
                            "users/bob/token",
                            "users/bob/request/sync",
                            "users/bob/replies/phone",
                            "$CONTROL/parley/v1",
                            "$CONTROL/parley/v1/response",
                            "$parley/log",
                            "$parley/sessions",
                            "$parley/doorbell",
                            "rooms/general/nonsense",
                            "rooms/General/send",
                            "elsewhere",
                            "devices/bob/x"}) {
    SCOPED_TRACE(topic);
    const auto reason = alice.publish(topic, R"({"type":"ack","forged":true})");
    EXPECT_EQ(reason, GetParam() == Version::v5 ? kNotAuthorized : 0);
  }
  EXPECT_TRUE(reader.silent());
  EXPECT_TRUE(bob.silent());
  expect_nothing_stored();
}

TEST_P(PublishTest, AnotherUsersFieldsAreNotBelieved) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  alice.publish(
      "rooms/general/send",
      R"({"body":"hi","from":"olga","seq":7,"prev":6,"id":"5","ts":1,"role":"owner","device":"x"})");
  const auto event = expect_event(reader, "general");
  EXPECT_EQ(text(event, "from"), "alice");
  EXPECT_EQ(text(event, "device"), "phone");
  EXPECT_EQ(number(event, "prev"), 0u);
  EXPECT_NE(text(event, "id"), "5");
  EXPECT_EQ(text(event, "role"), "member");
}

TEST_P(PublishTest, DuplicateCidIsStoredOnce) {
  auto alice = listener("alice");
  auto reader = world_.reader("bob", "general");
  alice.publish("rooms/general/send", message("first", "dup"));
  const auto first = expect_ack(alice, "alice", "dup");
  EXPECT_EQ(alice.publish("rooms/general/send", message("first", "dup")), 0);
  const auto second = expect_ack(alice, "alice", "dup");
  EXPECT_TRUE(second.at("duplicate").as_bool());
  EXPECT_EQ(number(first, "seq"), number(second, "seq"));
  EXPECT_EQ(text(first, "id"), text(second, "id"));
  // The same cid of another user, or in another room, is another message.
  auto olga = listener("olga");
  olga.publish("rooms/general/send", message("mine", "dup"));
  EXPECT_FALSE(expect_ack(olga, "olga", "dup").at("duplicate").as_bool());
  olga.publish("rooms/attic/send", message("mine", "dup"));
  EXPECT_FALSE(expect_ack(olga, "olga", "dup").at("duplicate").as_bool());
  EXPECT_EQ(text(expect_event(reader, "general"), "from"), "alice");
  EXPECT_EQ(text(expect_event(reader, "general"), "from"), "olga");
  EXPECT_TRUE(reader.silent());
}

INSTANTIATE_TEST_SUITE_P(Versions, PublishTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

}  // namespace
}  // namespace parley::test
