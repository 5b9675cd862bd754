// By which ways one person reaches another at the broker: blocks and limits count for the person behind an
// account, and what may not be written may not be typed either.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker-plugin/node_fixture.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NodePeople : public NodeTest {
 protected:
  void user(const std::string& name, const std::string& owner = {}, const std::string& limits = "many") {
    apply(R"({"op":"user.put","limits":")" + limits + R"(","user":")" + name + '"' +
          (owner.empty() ? "" : R"(,"role":"bot","owner":")" + owner + '"') + "}");
  }
  void room(const std::string& name, const std::string& fields, const std::vector<std::string>& members,
            const std::string& role = "member") {
    apply(R"({"op":"room.put","limits":"many","room":")" + name + "\"," + fields + "}");
    for (const std::string& member : members)
      apply(R"({"op":"member.put","room":")" + name + R"(","role":")" + role + R"(","user":")" + member +
            "\"}");
  }
  void direct(const std::string& name, const std::string& a, const std::string& b) {
    room(name, R"("kind":"direct")", {a, b});
  }
  // The code of the refusal, or "".
  std::string try_publish(const std::string& who, const std::string& topic, const std::string& payload) {
    auto& client = join(who, "try" + std::to_string(++tries_));
    EXPECT_TRUE(broker_.subscribe(client, "users/" + who + "/events"));
    const bool passed = broker_.publish(client, topic, payload, 0);
    const std::string code = passed ? std::string() : last_error(client);
    broker_.disconnect(client);
    return code;
  }
  static std::vector<std::string> typists(const FakeBroker::Client& client) {
    std::vector<std::string> out;
    for (const auto& d : client.inbox)
      if (d.topic.ends_with("/typing"))
        out.emplace_back(json::parse(d.payload).as_object()["user"].as_string().c_str());
    return out;
  }

  int tries_ = 0;
};

TEST_F(NodePeople, TheBlockedDoNotComeInByTheirBots) {
  user("m-bot", "mallory");
  user("a-bot", "alice");
  direct("d-1", "alice", "mallory");
  direct("d-2", "alice", "m-bot");
  direct("d-3", "a-bot", "mallory");
  apply(R"({"op":"block.put","user":"alice","blocked":"mallory"})");
  user("m-late", "mallory");  // made after the block
  direct("d-4", "alice", "m-late");
  direct("d-5", "bob", "m-late");
  const struct {
    const char* user;
    const char* room;
    bool blocked;
  } cases[] = {{"mallory", "d-1", true}, {"alice", "d-1", true},   {"m-bot", "d-2", true},
               {"alice", "d-2", true},   {"mallory", "d-3", true}, {"a-bot", "d-3", true},
               {"m-late", "d-4", true},  {"alice", "d-4", true},   {"m-late", "d-5", false}};
  const std::pair<const char*, const char*> ways[] = {
      {"send", "hello"}, {"typing", R"({"typing":true})"}, {"receipt", R"({"read":1})"}};
  for (const auto& c : cases) {
    for (const auto& [way, payload] : ways) {
      const std::string topic = std::string("rooms/") + c.room + "/" + way;
      EXPECT_EQ(try_publish(c.user, topic, payload), c.blocked ? "blocked" : "") << c.user << " " << topic;
    }
  }
  apply(R"({"op":"block.remove","user":"alice","blocked":"mallory"})");
  EXPECT_EQ(try_publish("m-late", "rooms/d-4/send", "hello"), "");
}

TEST_F(NodePeople, AReplicaFromBeforeKnowsOfOwnersWithTheNextFact) {
  user("m-bot");
  direct("d-2", "alice", "m-bot");
  apply(R"({"op":"block.put","user":"alice","blocked":"mallory"})");
  EXPECT_EQ(try_publish("m-bot", "rooms/d-2/send", "hello"), "");
  user("m-bot", "mallory");
  EXPECT_EQ(try_publish("m-bot", "rooms/d-2/send", "hello"), "blocked");
}

TEST_F(NodePeople, AMentionDoesNotCallWhoHasBlockedTheSenderOrWasBlocked) {
  user("m-bot", "mallory");
  for (const char* name : {"mallory", "m-bot"})
    apply(std::string(R"({"op":"member.put","room":"general","user":")") + name + "\"}");
  apply(R"({"op":"block.put","user":"alice","blocked":"mallory"})");
  auto& bob = join("bob");
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  const std::string body = R"({"body":"@alice @bob @nobody","mentions":["alice","bob","nobody"]})";
  const auto mentions = [&](const std::string& who) {
    const std::size_t before = bob.inbox.size();
    EXPECT_EQ(try_publish(who, "rooms/general/send", body), "");
    EXPECT_TRUE(broker_.run_until([&] { return bob.inbox.size() > before; }));
    std::vector<std::string> names;
    const json::value event = json::parse(bob.inbox.back().payload);
    for (const auto& name : event.at("mentions").as_array()) names.emplace_back(name.as_string().c_str());
    return names;
  };
  EXPECT_THAT(mentions("mallory"), ElementsAre("bob", "nobody"));
  EXPECT_THAT(mentions("m-bot"), ElementsAre("bob", "nobody"));
  EXPECT_THAT(mentions("bob"), ElementsAre("alice", "bob", "nobody"));
}

TEST_F(NodePeople, BotsDoNotMultiplyWhatAPersonMaySend) {
  room("wide", R"("kind":"channel")", {"slow", "s-bot-1", "s-bot-2", "s-own"});
  user("slow", {}, "default");
  user("s-bot-1", "slow", "default");
  user("s-bot-2", "slow", "default");
  user("s-own", "slow", "many");
  const auto flood = [&](const std::string& who) {
    auto& client = join(who);
    int accepted = 0;
    while (accepted < 60 && broker_.publish(client, "rooms/wide/send", "again")) ++accepted;
    broker_.disconnect(client);
    return accepted;
  };
  EXPECT_GE(flood("s-bot-1"), 30);
  EXPECT_LT(flood("slow"), 15);
  EXPECT_LT(flood("s-bot-2"), 15);
  EXPECT_EQ(flood("s-own"), 60) << "a class of its own was given to it";
}

TEST_F(NodePeople, BotsDoNotMultiplyConnections) {
  user("m-bot", "mallory", "default");
  user("m-own", "mallory", "many");
  int connected = 0;
  for (int i = 0; i < 4; ++i) {
    const std::string device = "d" + std::to_string(i);
    connected += broker_.connect("mallory:" + device, token("mallory", device)) != nullptr;
    connected += broker_.connect("m-bot:" + device, token("m-bot", device, TokenRole::bot)) != nullptr;
  }
  EXPECT_EQ(connected, 5);
  EXPECT_NE(broker_.connect("m-bot:d0", token("m-bot", "d0", TokenRole::bot)), nullptr) << "takes over";
  EXPECT_NE(broker_.connect("m-own:x", token("m-own", "x", TokenRole::bot)), nullptr);
}

TEST_F(NodePeople, WhatMayNotBeWrittenMayNotBeTyped) {
  room("quiet", R"("kind":"channel")", {"alice", "bob"}, "guest");
  room("open", R"("kind":"channel","guests":"post")", {"alice", "bob"}, "guest");
  room("notices", R"("kind":"channel","status":"read_only")", {"alice", "bob"});
  room("closed", R"("kind":"channel","status":"archived")", {"alice", "bob"}, "owner");
  const std::pair<const char*, const char*> cases[] = {{"quiet", "read_only"},
                                                       {"open", ""},
                                                       {"notices", "read_only"},
                                                       {"closed", "read_only"},
                                                       {"nowhere", "room_not_found"}};
  for (const auto& [name, code] : cases) {
    const std::string path = std::string("rooms/") + name;
    auto& bob = join("bob", "watch");
    broker_.subscribe(bob, path + "/typing");
    EXPECT_EQ(try_publish("alice", path + "/send", "hello"), code) << name;
    EXPECT_EQ(try_publish("alice", path + "/typing", R"({"typing":true})"), code) << name;
    EXPECT_EQ(typists(bob).size(), *code == 0 ? 1u : 0u) << name;
    broker_.disconnect(bob);
  }
  // Who reads says how far, whether or not they may write.
  EXPECT_EQ(try_publish("alice", "rooms/quiet/receipt", R"({"read":1})"), "");
}

TEST_F(NodePeople, OnesOwnTypingComesToOthersOnly) {
  for (const char* name : {"al", "alice2"}) {  // names that begin alike
    user(name);
    apply(std::string(R"({"op":"member.put","room":"general","user":")") + name + "\"}");
  }
  auto& phone = join("alice", "phone");
  auto& laptop = join("alice", "laptop");
  auto& away = join("alice", "away");
  auto& bob = join("bob");
  auto& al = join("al");
  auto& alice2 = join("alice2");
  for (auto* client : {&phone, &laptop, &away, &bob, &al, &alice2})
    ASSERT_TRUE(broker_.subscribe(*client, "rooms/general/typing"));
  broker_.disconnect(away, true);
  EXPECT_TRUE(broker_.publish(phone, "rooms/general/typing", R"({"typing":true})", 0));
  EXPECT_THAT(typists(phone), IsEmpty());
  EXPECT_THAT(typists(laptop), IsEmpty()) << "another device of hers";
  EXPECT_THAT(typists(away), IsEmpty()) << "nor one that is away, but kept";
  for (auto* client : {&bob, &al, &alice2}) EXPECT_THAT(typists(*client), ElementsAre("alice"));
  EXPECT_TRUE(broker_.publish(alice2, "rooms/general/typing", R"({"typing":true})", 1));
  EXPECT_THAT(typists(phone), ElementsAre("alice2"));
  EXPECT_THAT(typists(alice2), ElementsAre("alice"));
}

}  // namespace
}  // namespace parley::plugin
