// People who meet by REST and chat over MQTT, with everything real: what one side does, the other sees.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include <string>

#include "schemas/raw_json.h"
#include "tests/api/rest_world.h"
#include "tests/support/postgres.h"

namespace parley::test {
namespace {

using testing::AnyOf;

class RestChat : public testing::Test {
 protected:
  RestChat() { bridge_.wait_until_ready(); }

  Reply as(const std::string& user, std::string_view method, std::string_view path, std::string body = "") {
    return people_.as(user, method, path, std::move(body));
  }
  Reply as_service(std::string_view method, std::string_view path, std::string body = "") {
    return people_.as_service(method, path, std::move(body));
  }
  std::string token(const std::string& user) { return people_.token(user); }
  RawClient reader(const std::string& user, const std::string& room) { return people_.reader(user, room); }
  std::string send(const std::string& user, const std::string& room, const std::string& body) {
    const Reply sent = as(user, "POST", "/rooms/" + room + "/messages", R"({"body":")" + body + "\"}");
    EXPECT_EQ(sent.status, 201u) << sent.text;
    return sent.at("id");
  }
  // The next event of that kind; others are dropped.
  json::object expect_kind(RawClient& client, const std::string& room, std::string_view kind) {
    while (true) {
      json::object event = expect_event(client, room);
      if (text(event, "kind") == kind) return event;
    }
  }

  std::string database_ = PostgresCluster::shared().create_database();
  Broker broker_;
  Bridge bridge_{{.database = database_, .brokers = {&broker_}}};
  RestWorld people_{bridge_, broker_};
};

TEST_F(RestChat, TwoWhoMetByInviteTalkOnBothWays) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea","access":"private"})").status,
            201u);
  const std::string code = as("alice", "POST", "/rooms/tea/invites", R"({"uses":1})").at("code");
  ASSERT_EQ(as("bob", "POST", "/invites/" + code + "/accept").status, 200u);
  RawClient bob = reader("bob", "tea");

  const Reply sent = as("alice", "POST", "/rooms/tea/messages", R"({"cid":"m-1","body":"hello bob"})");
  ASSERT_EQ(sent.status, 201u) << sent.text;
  const json::object event = expect_kind(bob, "tea", "text");
  EXPECT_EQ(text(event, "body"), "hello bob");
  EXPECT_EQ(text(event, "from"), "alice");
  EXPECT_EQ(text(event, "role"), "owner");
  EXPECT_EQ(text(event, "id"), sent.at("id"));
  EXPECT_EQ(std::to_string(number(event, "seq")), sent.at("seq"));
  EXPECT_EQ(std::to_string(number(event, "ts")), sent.at("ts"));

  const Reply again = as("alice", "POST", "/rooms/tea/messages", R"({"cid":"m-1","body":"hello bob"})");
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(again.at("seq"), sent.at("seq"));

  EXPECT_EQ(bob.publish("rooms/tea/send", message("hello alice")), 0);
  EXPECT_EQ(text(expect_kind(bob, "tea", "text"), "body"), "hello alice");
}

// Through Postgres' bridge, the control plane, the log and the broker: nobody on the way writes it anew.
TEST_F(RestChat, WhatIsSentArrivesAsItWasSent) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea"})").status, 201u);
  RawClient reader_of_json = reader("alice", "tea");
  const auto meta_of = [](const std::string& event) {
    return std::string(raw_member(event, "meta").value_or("none"));
  };
  const auto arrived = [&] {
    while (true) {
      const auto message = reader_of_json.expect_on("rooms/tea/messages/json");
      const json::object event = json::parse(message.payload, {}, {.max_depth = 64}).as_object();
      if (text(event, "kind") == "text") return message.payload;
    }
  };
  std::string deep = "{}";
  for (int i = 0; i < 30; ++i) deep = R"({"a":)" + deep + "}";
  for (const std::string& meta :
       {std::string(R"({"t":1673382441.141209,"v":1.10,"n":12345678901234567890123,"e":0.1e-5,"z":-0})"),
        std::string(R"({"z":1,"a":"\u2028\/\ud83d\ude00","\u0062":{},"c":[],"a":1e400})"), deep}) {
    const std::string body = R"({"body":"x","meta":)" + meta + "}";
    ASSERT_EQ(as("alice", "POST", "/rooms/tea/messages", body).status, 201u) << body;
    EXPECT_EQ(meta_of(arrived()), meta) << "by REST";
    EXPECT_EQ(reader_of_json.publish("rooms/tea/send", body), 0);
    EXPECT_EQ(meta_of(arrived()), meta) << "by MQTT";
  }
  const Reply sent = as("alice", "POST", "/rooms/tea/messages", R"({"body":"soon gone","expires_in":60.0})");
  EXPECT_EQ(sent.status, 201u) << sent.text;
  EXPECT_EQ(std::string(raw_member(arrived(), "expires_in").value_or("none")), "60");
}

TEST_F(RestChat, ARequestIsFoundInTheLogsByItsId) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea"})").status, 201u);
  const Reply sent = people_.call("POST", "/rooms/tea/messages",
                                  {token("alice"), R"({"body":"hello"})", {{"X-Request-Id", "req-77"}}});
  ASSERT_EQ(sent.status, 201u) << sent.text;
  EXPECT_EQ(sent.header("x-request-id"), "req-77");
  EXPECT_TRUE(bridge_.logged(R"("request_id":"req-77")"));
  EXPECT_TRUE(broker_.logged(R"(event=request id=req-77 cmd="send")"));
}

TEST_F(RestChat, OperationsArriveAsEvents) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea","pin":"member"})").status, 201u);
  ASSERT_EQ(as("bob", "POST", "/rooms/tea/join").status, 200u);
  RawClient bob = reader("bob", "tea");
  const std::string id = send("alice", "tea", "first");
  const std::string one = "/rooms/tea/messages/" + id;
  EXPECT_EQ(as("alice", "PATCH", one, R"({"body":"better"})").status, 200u);
  EXPECT_EQ(text(expect_kind(bob, "tea", "edit"), "body"), "better");
  EXPECT_EQ(as("bob", "PUT", one + "/reactions/%F0%9F%91%8D").status, 200u);
  EXPECT_EQ(text(expect_kind(bob, "tea", "react"), "emoji"), "\xF0\x9F\x91\x8D");
  EXPECT_EQ(as("bob", "DELETE", one + "/reactions/%F0%9F%91%8D").status, 200u);
  EXPECT_EQ(as("bob", "PUT", one + "/pin").status, 200u);
  EXPECT_EQ(text(expect_kind(bob, "tea", "pin"), "target"), id);
  EXPECT_EQ(as("alice", "DELETE", one).status, 200u);
  EXPECT_EQ(text(expect_kind(bob, "tea", "delete"), "target"), id);
}

TEST_F(RestChat, ARoomMadeAMomentAgoTakesMessages) {
  for (int i = 0; i < 20; ++i) {
    const std::string room = as("alice", "POST", "/rooms", R"({"kind":"group"})").at("room");
    send("alice", room, "at once");
  }
}

TEST_F(RestChat, WhatRestHasAnsweredHoldsAtTheBroker) {
  const auto connect = [&](const std::string& user) {
    ConnectOptions options;
    options.client_id = user + ":phone";
    options.password = token(user);
    return RawClient::connected(broker_.port(), options);
  };
  RawClient alice = connect("alice");
  RawClient bob = connect("bob");
  for (int i = 0; i < 20; ++i) {  // below the burst that is allowed
    const std::string room = as("alice", "POST", "/rooms", R"({"kind":"group"})").at("room");
    ASSERT_LT(alice.subscribe("rooms/" + room + "/messages/json"), 0x80) << "round " << i;
    ASSERT_EQ(as("alice", "POST", "/rooms/" + room + "/members", R"({"user":"bob"})").status, 201u);
    ASSERT_EQ(bob.publish("rooms/" + room + "/send", message("hello")), 0) << "round " << i;
    ASSERT_EQ(as("alice", "DELETE", "/rooms/" + room + "/members/bob").status, 204u);
    ASSERT_GE(bob.publish("rooms/" + room + "/send", message("still here?")), 0x80) << "round " << i;
  }
}

TEST_F(RestChat, WhoWasRemovedNeitherWritesNorReads) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea","access":"private"})").status,
            201u);
  token("bob");
  ASSERT_EQ(as("alice", "POST", "/rooms/tea/members", R"({"user":"bob"})").status, 201u);
  RawClient bob = reader("bob", "tea");
  send("bob", "tea", "hi");
  EXPECT_EQ(text(expect_kind(bob, "tea", "text"), "body"), "hi");
  ASSERT_EQ(as("alice", "DELETE", "/rooms/tea/members/bob?ban=true").status, 204u);
  Deadline deadline = kPatience;
  unsigned status = 0;
  while (status != 404 && !deadline.passed())
    status = as("bob", "POST", "/rooms/tea/messages", R"({"body":"still?"})").status;
  EXPECT_EQ(status, 404u);
  send("alice", "tea", "without bob");
  for (auto next = bob.next(kSilence); next; next = bob.next(kSilence))
    EXPECT_THAT(next->payload, testing::Not(testing::HasSubstr("without bob")));
}

TEST_F(RestChat, ABlockedPairCannotWriteToEachOther) {
  token("bob");
  const std::string room = as("alice", "POST", "/rooms", R"({"kind":"direct","user":"bob"})").at("room");
  send("alice", room, "hi");
  ASSERT_EQ(as("bob", "PUT", "/users/alice/block").status, 204u);
  Deadline deadline = kPatience;
  Reply refused;
  while (refused.status != 403 && !deadline.passed())
    refused = as("alice", "POST", "/rooms/" + room + "/messages", R"({"body":"hello?"})");
  EXPECT_EQ(refused.code(), "blocked") << refused.text;
}

TEST_F(RestChat, WhoComesLaterStartsAtTheEndOfAJoinedHistory) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea","history":"joined"})").status,
            201u);
  std::string seq;
  for (const char* body : {"one", "two", "three"})
    seq = as("alice", "POST", "/rooms/tea/messages", R"({"body":")" + std::string(body) + "\"}").at("seq");
  ASSERT_EQ(as("bob", "POST", "/rooms/tea/join").status, 200u);
  const std::string since = PostgresCluster::shared().sql(
      database_, "SELECT since_seq FROM members WHERE room = 'tea' AND user_name = 'bob'");
  EXPECT_GE(std::stoull(since), std::stoull(seq));
}

TEST_F(RestChat, AdminsSeeTheBrokerAndCloseConnections) {
  ASSERT_EQ(as("bob", "POST", "/rooms", R"({"kind":"channel","room":"tea"})").status, 201u);
  RawClient bob = reader("bob", "tea");
  const Reply nodes = as_service("GET", "/admin/broker");
  ASSERT_EQ(nodes.status, 200u) << nodes.text;
  EXPECT_EQ(nodes.at("nodes.0.connected"), "true");
  EXPECT_NE(nodes.at("nodes.0.stats"), "") << nodes.text;
  const Reply kicked = as_service("POST", "/admin/broker/kick", R"({"client":"bob:phone"})");
  EXPECT_EQ(kicked.status, 200u) << kicked.text;
  EXPECT_TRUE(bob.closed());
  EXPECT_EQ(as_service("POST", "/admin/broker/kick", R"({"client":"nobody:x"})").status, 404u);
  EXPECT_EQ(as_service("GET", "/admin/audit?action=broker.kick").at("items.0.target"), "client:bob:phone");
}

TEST_F(RestChat, ABrokerThatIsAwayIsSaidToBeAndNothingIsSentTwice) {
  ASSERT_EQ(as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea"})").status, 201u);
  send("alice", "tea", "before");
  broker_.kill9();
  const std::string body = R"({"cid":"m-2","body":"later"})";
  const Reply away = as("alice", "POST", "/rooms/tea/messages", body);
  EXPECT_EQ(away.status, 503u) << away.text;
  EXPECT_EQ(away.code(), "unavailable");
  EXPECT_NE(away.header("retry-after"), "");
  EXPECT_EQ(as("alice", "GET", "/rooms/tea").status, 200u);  // the rest goes on
  broker_.start();
  Deadline deadline = kPatience;
  Reply sent;
  while (sent.status != 201 && sent.status != 200 && !deadline.passed())
    sent = as("alice", "POST", "/rooms/tea/messages", body);
  ASSERT_THAT(sent.status, AnyOf(200u, 201u)) << sent.text;
  const Reply again = as("alice", "POST", "/rooms/tea/messages", body);
  EXPECT_EQ(again.at("seq"), sent.at("seq"));
  EXPECT_EQ(again.at("duplicate"), "true");
}

}  // namespace
}  // namespace parley::test
