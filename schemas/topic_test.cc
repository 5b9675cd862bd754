#include "schemas/topic.h"

#include <gtest/gtest.h>

#include <tuple>

namespace parley {
namespace {

struct Case {
  const char* topic;
  TopicKind kind;
  const char* room;
  const char* user;
  const char* rest;
};

TEST(ParseTopic, KnowsTheGrammar) {
  const std::string room64(64, 'r');
  const std::string user32(32, 'u');
  const std::vector<Case> cases = {
      {"rooms/general/send", TopicKind::room_send, "general", "", ""},
      {"rooms/general/messages", TopicKind::room_messages, "general", "", ""},
      {"rooms/general/messages/json", TopicKind::room_messages_json, "general", "", ""},
      {"rooms/general/messages/ndjson", TopicKind::room_messages_ndjson, "general", "", ""},
      {"rooms/general/typing", TopicKind::room_typing, "general", "", ""},
      {"rooms/general/receipt", TopicKind::room_receipt, "general", "", ""},
      {"rooms/general/receipts", TopicKind::room_receipts, "general", "", ""},
      {"rooms/general/wills/alice", TopicKind::room_will, "general", "alice", ""},
      {"users/alice/events", TopicKind::user_events, "", "alice", ""},
      {"users/alice/presence", TopicKind::user_presence, "", "alice", ""},
      {"users/alice/status", TopicKind::user_status, "", "alice", ""},
      {"users/alice/token", TopicKind::user_token, "", "alice", ""},
      {"users/alice/request/history", TopicKind::user_request, "", "alice", "history"},
      {"users/alice/request/push.register", TopicKind::user_request, "", "alice", "push.register"},
      {"users/alice/replies/phone", TopicKind::user_replies, "", "alice", "phone"},
      {"users/alice/replies/phone/7", TopicKind::user_replies, "", "alice", "phone/7"},
      {"$CONTROL/parley/v1", TopicKind::control, "", "", ""},
      {"$CONTROL/parley/v1/response", TopicKind::control_response, "", "", ""},
      {"$parley/log", TopicKind::internal, "", "", "log"},
      {"$parley/sessions/x", TopicKind::internal, "", "", "sessions/x"},
  };
  for (const Case& c : cases) {
    const Topic t = parse_topic(c.topic);
    EXPECT_EQ(t.kind, c.kind) << c.topic;
    EXPECT_EQ(t.room, c.room) << c.topic;
    EXPECT_EQ(t.user, c.user) << c.topic;
    EXPECT_EQ(t.rest, c.rest) << c.topic;
  }
  EXPECT_EQ(parse_topic("rooms/" + room64 + "/send").kind, TopicKind::room_send);
  EXPECT_EQ(parse_topic("users/" + user32 + "/events").kind, TopicKind::user_events);
}

TEST(ParseTopic, RefusesWhatIsBelowOurPrefixesButNotOfTheGrammar) {
  const std::string room65(65, 'r');
  const std::string user33(33, 'u');
  const std::string deep = "rooms/general/" + std::string(60'000, 'x');
  const std::string slashes = "users/alice/" + std::string(60'000, '/');
  const std::string method65 = "users/alice/request/" + std::string(65, 'm');
  for (const std::string& topic : std::vector<std::string>{"rooms/",
                                                           "rooms//",
                                                           "rooms//send",
                                                           "rooms/general",
                                                           "rooms/general/",
                                                           "rooms/general//send",
                                                           "rooms/general/send/",
                                                           "rooms/general/send/x",
                                                           "rooms/general/SEND",
                                                           "rooms/general/sendx",
                                                           "rooms/general/sen",
                                                           "rooms/GENERAL/send",
                                                           "rooms/g/send",
                                                           "rooms/gen eral/send",
                                                           "rooms/+/send",
                                                           "rooms/#",
                                                           "rooms/general/#",
                                                           "rooms/general/+",
                                                           "rooms/general/messages/",
                                                           "rooms/general/messages/xml",
                                                           "rooms/general/messages/json/",
                                                           "rooms/general/messages/#",
                                                           "rooms/general/wills",
                                                           "rooms/general/wills/",
                                                           "rooms/general/wills/Alice",
                                                           "rooms/general/wills/alice/",
                                                           "rooms/general/wills/+",
                                                           "rooms/" + room65 + "/send",
                                                           deep,
                                                           "users/",
                                                           "users/alice",
                                                           "users/alice/",
                                                           "users/Alice/events",
                                                           "users/a/events",
                                                           "users//events",
                                                           "users/+/events",
                                                           "users/alice/#",
                                                           "users/alice/nonsense",
                                                           "users/alice/events/",
                                                           "users/alice/events/x",
                                                           "users/alice/request",
                                                           "users/alice/request/",
                                                           "users/alice/request/a/b",
                                                           "users/alice/request/A",
                                                           "users/alice/request/+",
                                                           method65,
                                                           "users/alice/replies",
                                                           "users/alice/replies/",
                                                           "users/alice/replies//",
                                                           "users/alice/replies/a/",
                                                           "users/alice/replies/a//b",
                                                           "users/alice/replies/#",
                                                           "users/alice/replies/+/x",
                                                           "users/" + user33 + "/events",
                                                           slashes,
                                                           "$CONTROL/parley/",
                                                           "$CONTROL/parley/v2",
                                                           "$CONTROL/parley/v1/",
                                                           "$CONTROL/parley/v1/x",
                                                           "$parley/",
                                                           "$parley//",
                                                           "$parley/#",
                                                           "$parley/+",
                                                           "$parley/log/"}) {
    const Topic t = parse_topic(topic);
    EXPECT_EQ(t.kind, TopicKind::malformed) << topic.substr(0, 80);
    EXPECT_TRUE(t.room.empty() && t.user.empty() && t.rest.empty()) << topic.substr(0, 80);
  }
  EXPECT_EQ(parse_topic(std::string_view("rooms/ab\0/send", 14)).kind, TopicKind::malformed);
}

TEST(ParseTopic, LeavesOtherTopicsAlone) {
  for (const char* topic : {"", "/", "rooms", "users", "Rooms/general/send", "/rooms/general/send",
                            "roomsx/a/send", "devices/roof/temperature", "$SYS/broker/uptime", "$CONTROL",
                            "$CONTROL/dynamic-security/v1", "$parley", "$parleyx/log", "$", "#", "+"}) {
    EXPECT_EQ(parse_topic(topic).kind, TopicKind::other) << topic;
  }
}

TEST(ParseFilter, TakesPlainFiltersAsTopics) {
  const Filter f = parse_filter("rooms/general/messages");
  EXPECT_FALSE(f.shared);
  EXPECT_FALSE(f.wildcard);
  EXPECT_EQ(f.topic.kind, TopicKind::room_messages);
  EXPECT_EQ(f.topic.room, "general");
}

TEST(ParseFilter, SeesWildcards) {
  for (const char* filter : {"#", "+", "rooms/+/messages", "users/alice/#", "$parley/#", "a/+/b"}) {
    const Filter f = parse_filter(filter);
    EXPECT_TRUE(f.wildcard) << filter;
    EXPECT_EQ(f.filter, filter);
    EXPECT_FALSE(f.shared) << filter;
  }
  // Below our prefixes a wildcard is never a topic of ours by accident.
  EXPECT_EQ(parse_filter("rooms/+/messages").topic.kind, TopicKind::malformed);
  EXPECT_EQ(parse_filter("users/alice/#").topic.kind, TopicKind::malformed);
}

TEST(ParseFilter, TakesTheShareOff) {
  const Filter f = parse_filter("$share/workers/rooms/general/messages");
  EXPECT_TRUE(f.shared);
  EXPECT_EQ(f.filter, "rooms/general/messages");
  EXPECT_EQ(f.topic.kind, TopicKind::room_messages);
  const Filter wild = parse_filter("$share/w/users/alice/#");
  EXPECT_TRUE(wild.shared && wild.wildcard);
  EXPECT_EQ(wild.filter, "users/alice/#");
  const Filter rooted = parse_filter("$share/w//a");
  EXPECT_EQ(rooted.filter, "/a");
  for (const char* bad : {"$share/", "$share//rooms/general/messages", "$share/group", "$share/group/",
                          "$share/gr+up/a", "$share/#/a", "$share/+/a"}) {
    const Filter b = parse_filter(bad);
    EXPECT_TRUE(b.shared) << bad;
    EXPECT_EQ(b.topic.kind, TopicKind::malformed) << bad;
    EXPECT_TRUE(b.filter.empty()) << bad;
  }
  EXPECT_FALSE(parse_filter("$share").shared);
}

// MQTT 5.0, 4.7.1.2, 4.7.1.3 and 4.7.2.
TEST(Matches, TheExamplesOfTheStandard) {
  const std::vector<std::tuple<const char*, const char*, bool>> cases = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/#", "sport", true},
      {"#", "sport/tennis", true},
      {"#", "/", true},
      {"sport/tennis/#/ranking", "sport/tennis/player1/ranking", false},
      {"sport/tennis#", "sport/tennis", false},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player2", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+", "sport", true},
      {"+/tennis/#", "sport/tennis", true},
      {"sport+", "sport+", false},
      {"sport/+/player1", "sport/tennis/player1", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"#", "$SYS/broker", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"$SYS/#", "$SYS/broker", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"a/b", "a/b", true},
      {"a/b", "a/B", false},
      {"a/b", "a/b/", false},
      {"a/b/", "a/b", false},
      {"a//b", "a//b", true},
      {"a/+/b", "a//b", true},
      {"a/#", "a//", true},
      {"a/+/#", "a", false},
      {"a", "a/b", false},
      {"", "a", false},
      {"a", "", false},
      {"devices/+/#", "devices/roof/t", true},
      {"+/$SYS", "a/$SYS", true},
  };
  for (const auto& [filter, topic, expected] : cases) {
    EXPECT_EQ(matches(filter, topic), expected) << filter << " against " << topic;
  }
}

TEST(TopicNames, AreReadBackAsWhatTheyAre) {
  EXPECT_EQ(parse_topic(messages_topic("general")).kind, TopicKind::room_messages);
  EXPECT_EQ(parse_topic(messages_json_topic("general")).kind, TopicKind::room_messages_json);
  EXPECT_EQ(parse_topic(messages_ndjson_topic("general")).kind, TopicKind::room_messages_ndjson);
  EXPECT_EQ(parse_topic(send_topic("general")).kind, TopicKind::room_send);
  EXPECT_EQ(parse_topic(typing_topic("general")).kind, TopicKind::room_typing);
  EXPECT_EQ(parse_topic(events_topic("alice")).kind, TopicKind::user_events);
  EXPECT_EQ(parse_topic(events_topic("alice")).user, "alice");
  for (const std::string_view topic : {kLogTopic, kSessionsTopic, kDoorbellTopic}) {
    EXPECT_EQ(parse_topic(topic).kind, TopicKind::internal);
  }
}

}  // namespace
}  // namespace parley
