// Mallory, whom alice has blocked or banned, at every door, by herself and by her bots, with everything real.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include <map>
#include <string>
#include <vector>

#include "tests/api/rest_world.h"
#include "tests/support/postgres.h"

namespace parley::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class RestPeople : public testing::Test {
 protected:
  RestPeople() {
    bridge_.wait_until_ready();
    for (const char* user : {"alice", "bob", "mallory"}) people_.token(user);
    make_bot("m-bot", "mallory");
    make_bot("a-bot", "alice");
  }

  void make_bot(const std::string& name, const std::string& owner) {
    const Reply made = people_.as(owner, "POST", "/users/me/bots", R"({"user":")" + name + "\"}");
    ASSERT_EQ(made.status, 201u) << made.text;
    const Reply token =
        people_.as(owner, "POST", "/users/me/tokens", R"({"device":"d","user":")" + name + "\"}");
    ASSERT_EQ(token.status, 201u) << token.text;
    bots_[name] = token.at("token");
  }
  std::string token(const std::string& who) { return bots_.contains(who) ? bots_[who] : people_.token(who); }
  Reply as(const std::string& who, std::string_view method, std::string_view path, std::string body = "") {
    return people_.call(method, path, {token(who), std::move(body)});
  }
  RawClient connect(const std::string& who) {
    ConnectOptions options;
    options.client_id = who + (bots_.contains(who) ? ":d" : ":phone");
    options.password = token(who);
    return RawClient::connected(broker_.port(), options);
  }
  // Connected and subscribed; what REST has answered holds at the broker.
  RawClient reader(const std::string& who, const std::string& topic) {
    const Deadline deadline = kPatience;
    while (true) {
      RawClient client = connect(who);
      if (client.subscribe(topic) < 0x80) return client;
      if (deadline.passed()) throw std::runtime_error(who + " may not read " + topic);
    }
  }
  std::string make_direct(const std::string& a, const std::string& b) {
    const Reply made = as(a, "POST", "/rooms", R"({"kind":"direct","user":")" + b + "\"}");
    EXPECT_EQ(made.status, 201u) << made.text;
    return made.at("room");
  }
  void make_private(const std::string& room, const std::string& owner) {
    const Reply made =
        as(owner, "POST", "/rooms", R"({"kind":"channel","access":"private","room":")" + room + "\"}");
    ASSERT_EQ(made.status, 201u) << made.text;
  }
  std::string invite(const std::string& by, const std::string& room, const std::string& body = "{}") {
    const Reply made = as(by, "POST", "/rooms/" + room + "/invites", body);
    EXPECT_EQ(made.status, 201u) << made.text;
    return made.at("code");
  }

  std::string database_ = PostgresCluster::shared().create_database();
  Broker broker_;
  Bridge bridge_{{.database = database_, .brokers = {&broker_}}};
  RestWorld people_{bridge_, broker_};
  std::map<std::string, std::string> bots_;
};

TEST_F(RestPeople, WhoIsBlockedIsBlockedAtEveryDoorAndSoAreTheirBots) {
  const std::string own = make_direct("alice", "mallory");
  const std::string by_bot = make_direct("m-bot", "alice");
  const std::string to_bot = make_direct("mallory", "a-bot");
  make_private("den", "alice");
  const std::string code = invite("alice", "den");
  const std::string group =
      as("m-bot", "POST", "/rooms", R"({"kind":"group","members":["alice"]})").at("room");
  const std::string of_bot = invite("m-bot", group);
  RawClient watching = RawClient::connected(broker_.port(), people_.mqtt(people_.log_in("alice", "laptop")));
  ASSERT_LT(watching.subscribe("rooms/" + own + "/messages/json"), 0x80);
  ASSERT_EQ(as("alice", "PUT", "/users/mallory/block").status, 204u);
  make_bot("m-late", "mallory");

  const std::pair<const char*, std::string> rooms[] = {
      {"mallory", own}, {"m-bot", by_bot}, {"mallory", to_bot}, {"alice", by_bot}, {"a-bot", to_bot}};
  for (const auto& [who, room] : rooms) {
    const Reply sent = as(who, "POST", "/rooms/" + room + "/messages", R"({"body":"let me in"})");
    EXPECT_EQ(sent.code(), "blocked") << who << ": " << sent.text;
    RawClient client = connect(who);
    EXPECT_EQ(client.publish("rooms/" + room + "/send", message("let me in")), 0x87) << who;
    EXPECT_EQ(client.publish("rooms/" + room + "/typing", R"({"typing":true})"), 0x87) << who;
    EXPECT_EQ(client.publish("rooms/" + room + "/receipt", R"({"read":1})"), 0x87) << who;
  }
  for (const char* who : {"mallory", "m-bot", "m-late"}) {
    for (const char* whom : {"alice", "a-bot"}) {
      const std::string what = std::string(who) + " to " + whom;
      const std::string user = std::string("\"") + whom + "\"";
      if (std::string(who) == "m-late") {
        EXPECT_EQ(as(who, "POST", "/rooms", R"({"kind":"direct","user":)" + user + "}").code(), "blocked")
            << what;
      }
      EXPECT_EQ(as(who, "POST", "/rooms", R"({"kind":"group","members":["bob",)" + user + "]}").code(),
                "blocked")
          << what;
      const Reply mine = as(who, "POST", "/rooms", R"({"kind":"group"})");
      EXPECT_EQ(as(who, "POST", "/rooms/" + mine.at("room") + "/members", R"({"user":)" + user + "}").code(),
                "blocked")
          << what;
      EXPECT_EQ(as(who, "PUT", std::string("/users/me/contacts/") + whom).code(), "blocked") << what;
    }
    EXPECT_EQ(as(who, "GET", "/invites/" + code).status, 404u) << who;
    EXPECT_EQ(as(who, "POST", "/invites/" + code + "/accept").code(), "blocked") << who;
    EXPECT_EQ(as(who, "POST", "/rooms/den/join", R"({"invite":")" + code + "\"}").code(), "blocked") << who;
    EXPECT_EQ(as("alice", "POST", "/rooms/den/members", R"({"user":")" + std::string(who) + "\"}").code(),
              "blocked")
        << who;
  }
  EXPECT_EQ(as("m-bot", "POST", "/rooms/" + group + "/members", R"({"user":"mallory"})").code(), "blocked");
  EXPECT_EQ(as("mallory", "POST", "/invites/" + of_bot + "/accept").code(), "blocked");
  // A last will says no more than its author may.
  ConnectOptions options = people_.mqtt(people_.session("mallory"));
  options.will = WillOptions{.topic = "rooms/" + own + "/wills/mallory", .payload = "boo"};
  RawClient dying = RawClient::connected(broker_.port(), options);
  dying.abort();
  EXPECT_EQ(as("bob", "GET", "/invites/" + code).status, 200u);
  watching.ping();
  while (const auto received = watching.next(kSilence))
    EXPECT_THAT(received->payload, Not(AnyOf(HasSubstr("let me in"), HasSubstr("boo"))));

  ASSERT_EQ(as("alice", "DELETE", "/users/m-bot/block").status, 204u)
      << "one block, whichever account is named";
  EXPECT_EQ(as("m-bot", "POST", "/rooms/" + by_bot + "/messages", R"({"body":"thanks"})").status, 201u);
  EXPECT_EQ(as("m-late", "POST", "/invites/" + code + "/accept").status, 200u);
}

TEST_F(RestPeople, AMentionByTheBlockedNamesNobodyWhoBlockedThem) {
  ASSERT_EQ(
      as("bob", "POST", "/rooms", R"({"kind":"channel","room":"tea","members":["alice","mallory","m-bot"]})")
          .status,
      201u);
  ASSERT_EQ(as("alice", "PUT", "/users/mallory/block").status, 204u);
  RawClient bob = reader("bob", "rooms/tea/messages/json");
  for (const char* who : {"mallory", "m-bot"}) {
    const Reply sent =
        as(who, "POST", "/rooms/tea/messages", R"({"body":"@alice","mentions":["alice","bob"]})");
    ASSERT_EQ(sent.status, 201u) << sent.text;
    json::object event;
    do event = expect_event(bob, "tea");
    while (text(event, "kind") != "text");
    EXPECT_EQ(json::serialize(event.at("mentions")), R"(["bob"])") << who;
  }
}

TEST_F(RestPeople, ABannedPersonComesBackByNoBotAndSeesNothing) {
  for (const char* named : {"mallory", "m-bot"}) {
    const std::string room = std::string("den-") + named;
    make_private(room, "alice");
    const std::string code = invite("alice", room);
    for (const char* who : {"mallory", "m-bot"})
      ASSERT_EQ(as(who, "POST", "/invites/" + code + "/accept").status, 200u) << who;
    ASSERT_EQ(as("alice", "DELETE", "/rooms/" + room + "/members/" + named + "?ban=true").status, 204u);
    const std::string late = std::string("late-") + named;
    make_bot(late, "mallory");
    const std::string fresh = invite("alice", room);
    for (const std::string& who : {std::string("mallory"), std::string("m-bot"), late}) {
      EXPECT_EQ(as(who, "GET", "/rooms/" + room).status, 404u) << who;
      for (const std::string& each : {code, fresh}) {
        const Reply look = as(who, "GET", "/invites/" + each);
        EXPECT_EQ(look.status, 404u) << who << look.text;
        EXPECT_EQ(as(who, "POST", "/invites/" + each + "/accept").code(), "banned") << who;
      }
      EXPECT_GE(connect(who).subscribe("rooms/" + room + "/messages/json"), 0x80) << who;
    }
    EXPECT_EQ(as("bob", "GET", "/invites/" + fresh).status, 200u);
    const Reply bans = as("alice", "GET", "/rooms/" + room + "/bans");
    EXPECT_EQ(bans.at("items.0.user"), "mallory");
    ASSERT_EQ(as("alice", "DELETE", "/rooms/" + room + "/bans/m-bot").status, 204u);
    EXPECT_EQ(as("mallory", "POST", "/invites/" + fresh + "/accept").status, 200u);
  }
}

TEST_F(RestPeople, AdminsOfARoomSeeWhatTheyCouldGiveAndLoseItWithTheirRights) {
  make_private("den", "alice");
  const std::string to_admin = invite("alice", "den", R"({"role":"admin"})");
  const std::string to_member = invite("alice", "den");
  ASSERT_EQ(as("mallory", "POST", "/invites/" + to_member + "/accept").status, 200u);
  ASSERT_EQ(as("alice", "PATCH", "/rooms/den/members/mallory", R"({"role":"admin"})").status, 200u);
  const Reply list = as("mallory", "GET", "/rooms/den/invites");
  EXPECT_EQ(list.at("items.0.code"), to_member);
  EXPECT_EQ(list.text.find(to_admin), std::string::npos);
  EXPECT_THAT(as("alice", "GET", "/rooms/den/invites").text, HasSubstr(to_admin));
  EXPECT_EQ(as("mallory", "DELETE", "/rooms/den/invites/" + to_admin).status, 404u);
  const std::string own = invite("mallory", "den");

  ASSERT_EQ(as("alice", "PATCH", "/rooms/den/members/mallory", R"({"role":"member"})").status, 200u);
  EXPECT_EQ(as("bob", "GET", "/invites/" + own).status, 404u);
  ASSERT_EQ(as("alice", "DELETE", "/rooms/den/members/mallory").status, 204u);
  for (const char* who : {"mallory", "m-bot"})
    for (const std::string& code : {own, to_member})
      EXPECT_EQ(as(who, "POST", "/invites/" + code + "/accept").status, 404u) << who;
  EXPECT_EQ(as("bob", "POST", "/invites/" + to_member + "/accept").status, 200u);
  EXPECT_EQ(as("mallory", "POST", "/invites/" + invite("alice", "den") + "/accept").status, 200u);
}

TEST_F(RestPeople, OnesOwnTypingIsForTheOthers) {
  ASSERT_EQ(as("bob", "POST", "/rooms", R"({"kind":"channel","room":"tea","members":["alice"]})").status,
            201u);
  RawClient bob = reader("bob", "rooms/tea/typing");
  RawClient alice = reader("alice", "rooms/tea/typing");
  const Reply second = people_.log_in("alice", "laptop");
  RawClient laptop = RawClient::connected(broker_.port(), people_.mqtt(second));
  ASSERT_LT(laptop.subscribe("rooms/tea/typing"), 0x80);
  alice.send_publish("rooms/tea/typing", R"({"typing":true})", {.qos = 0});
  EXPECT_EQ(bob.expect_on("rooms/tea/typing").payload, R"({"user":"alice","typing":true})");
  EXPECT_TRUE(alice.silent());
  EXPECT_TRUE(laptop.silent());
  bob.send_publish("rooms/tea/typing", R"({"typing":true})", {.qos = 0});
  EXPECT_EQ(alice.expect_on("rooms/tea/typing").payload, R"({"user":"bob","typing":true})");
  EXPECT_TRUE(bob.silent());
}

TEST_F(RestPeople, BotsShareTheirOwnersConnections) {
  std::vector<RawClient> open;
  int connected = 0;
  for (int i = 0; i < 4; ++i) {
    for (const char* who : {"mallory", "m-bot"}) {
      ConnectOptions options;
      options.client_id = std::string(who) + "-" + std::to_string(i);
      options.password = token(who);
      RawClient client(broker_.port());
      if (client.connect(options).reason == 0) ++connected;
      open.push_back(std::move(client));
    }
  }
  EXPECT_EQ(connected, 5);
  ASSERT_EQ(people_.as_service("PATCH", "/admin/users/m-bot", R"({"limits":"unlimited"})").status, 200u);
  EXPECT_TRUE(eventually([&] {
    ConnectOptions options;
    options.client_id = "m-bot:d";
    options.password = token("m-bot");
    RawClient client(broker_.port());
    return client.connect(options).reason == 0;
  }));
}

}  // namespace
}  // namespace parley::test
