// The life of connections, with the node behind a fake broker: taken over, kicked, kept, dying.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "broker-plugin/node_fixture.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class NodeConnectionTest : public NodeTest {
 protected:
  // The client ids that this client was told are taken over.
  static std::vector<std::string> replaced(const FakeBroker::Client& client) {
    std::vector<std::string> out;
    for (const json::object& event : account_events(client))
      if (event.at("type").as_string() == "session.replaced")
        out.emplace_back(event.at("client").as_string().c_str());
    return out;
  }
};

TEST_F(NodeConnectionTest, WhoIsTakenOverHearsItBeforeTheOtherIsLetIn) {
  auto& old = join("alice");
  auto& laptop = join("alice", "laptop");
  auto& bob = join("bob");
  for (auto* client : {&old, &laptop}) ASSERT_TRUE(broker_.subscribe(*client, "users/alice/events"));
  ASSERT_TRUE(broker_.subscribe(bob, "users/bob/events"));
  auto& taker = join("alice");
  EXPECT_THAT(replaced(old), ElementsAre("alice:phone")) << "at once: no turn of the loop has passed";
  broker_.disconnect(old);
  ASSERT_TRUE(broker_.subscribe(taker, "users/alice/events"));
  for (int i = 0; i < 3; ++i) broker_.turn();
  EXPECT_THAT(replaced(taker), IsEmpty());
  EXPECT_THAT(replaced(laptop), ElementsAre("alice:phone")) << "the name says that it is another's";
  EXPECT_THAT(replaced(bob), IsEmpty());
}

TEST_F(NodeConnectionTest, WhoIsRefusedReplacesNobody) {
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  EXPECT_EQ(broker_.connect("alice:phone", token("bob", "phone")), nullptr);
  EXPECT_EQ(broker_.connect("alice:phone", "rubbish"), nullptr);
  broker_.disconnect(alice);
  join("alice");
  EXPECT_THAT(replaced(alice), IsEmpty()) << "a connection that had ended";
}

TEST_F(NodeConnectionTest, AKickWhileOutOfTheRoomKeepsTheSubscriptionForLater) {
  auto& alice = join("alice");
  auto& bob = join("bob");
  bob.durable = true;
  ASSERT_TRUE(broker_.subscribe(alice, "users/alice/events"));
  for (const char* filter : {"rooms/general/messages/json", "users/bob/events"})
    ASSERT_TRUE(broker_.subscribe(bob, filter));
  apply(R"({"op":"member.remove","room":"general","user":"bob"})");
  ASSERT_TRUE(control(R"("cmd":"kick","client":"bob:phone")").contains("ok"));
  ASSERT_TRUE(broker_.run_until([&] { return !bob.connected; }));
  const auto post = [&](const char* body) {
    const std::size_t acks = account_events(alice).size();
    ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", body));
    ASSERT_TRUE(broker_.run_until([&] { return account_events(alice).size() > acks; }));
  };
  post("while out");
  apply(R"({"op":"member.put","room":"general","user":"bob"})");
  post("while away");
  ASSERT_TRUE(broker_.resume(bob, token("bob", "phone")));
  post("back");
  ASSERT_TRUE(broker_.run_until([&] { return bodies(bob).size() == 2; }));
  EXPECT_THAT(bodies(bob), ElementsAre("while away", "back"));
}

// What the broker asks of itself lets nobody in.
TEST_F(NodeConnectionTest, SomebodyElsesKickOpensNoRoom) {
  auto& mallory = join("mallory");
  auto& bob = join("bob");
  bob.durable = true;
  ASSERT_TRUE(broker_.subscribe(bob, "rooms/general/messages/json"));
  ASSERT_TRUE(control(R"("cmd":"kick","client":"bob:phone")").contains("ok"));
  ASSERT_TRUE(broker_.run_until([&] { return !bob.connected; }));
  for (const char* filter : {"rooms/general/messages/json", "#", "users/bob/events"})
    EXPECT_FALSE(broker_.subscribe(mallory, filter)) << filter;
}

// --- client ids

TEST_F(NodeConnectionTest, AKeptIdIsNeverLostToMadeUpOnes) {
  FakeBroker::Client* archive = broker_.connect("archive-1", token("alice", "phone"));
  ASSERT_NE(archive, nullptr);
  broker_.disconnect(*archive, true);
  const std::string mine = token("alice", "phone");
  for (int i = 0; i < 2500; ++i) {
    FakeBroker::Client* made_up = broker_.connect("made-up-" + std::to_string(i), mine);
    ASSERT_NE(made_up, nullptr) << i;
    broker_.disconnect(*made_up);
    broker_.turn();
    broker_.forget(*made_up);
  }
  EXPECT_EQ(broker_.connect("archive-1", token("mallory", "x")), nullptr);
  EXPECT_TRUE(broker_.resume(*archive, token("alice", "phone")));
}

TEST_F(NodeConnectionTest, AnIdIsFreeOnceTheBrokerKeepsNothingUnderIt) {
  for (int round = 0; round < 2; ++round) {
    FakeBroker::Client* alice = broker_.connect("lamp-7", token("alice", "phone"));
    ASSERT_NE(alice, nullptr);
    EXPECT_EQ(broker_.connect("lamp-7", token("mallory", "x")), nullptr) << "while it is connected";
    // A plugin is not told whether a v5 session is kept: both answers are possible here.
    broker_.disconnect(*alice, true);
    EXPECT_EQ(broker_.connect("lamp-7", token("mallory", "x")), nullptr) << "while it is kept";
    alice->held = false;  // the session has expired
    clock_.wall_ms += 6'000;
    FakeBroker::Client* mallory = broker_.connect("lamp-7", token("mallory", "x"));
    ASSERT_NE(mallory, nullptr);
    broker_.disconnect(*mallory);
    FakeBroker::Client* again = broker_.connect("lamp-7", token("alice", "phone"));
    ASSERT_NE(again, nullptr) << "at once, when nothing was kept";
    broker_.disconnect(*again);
    broker_.turn();
  }
}

// The broker has restored its sessions from a file, and the node knows nothing of them.
TEST_F(NodeConnectionTest, AKeptIdFromBeforeARestartIsItsOwners) {
  FakeBroker::Client& kept = broker_.restored("archive-1", "alice user phone 1763683200 0 * s-1");
  kept.filters.insert("rooms/general/messages/json");
  EXPECT_EQ(broker_.connect("archive-1", token("mallory", "x")), nullptr);
  EXPECT_THAT(kept.filters, ElementsAre("rooms/general/messages/json")) << "asking takes nothing away";
  EXPECT_TRUE(broker_.resume(kept, token("alice", "phone")));
}

// --- connections without a keep-alive

TEST_F(NodeConnectionTest, DeadConnectionsDoNotFillAnAccount) {
  for (const int keep_alive_s : {0, 1201, 65'535}) {
    SCOPED_TRACE(keep_alive_s);
    std::vector<FakeBroker::Client*> dead;
    for (int i = 0; i < 5; ++i) {
      dead.push_back(broker_.connect("alice:d" + std::to_string(i), token("alice", "phone"), keep_alive_s));
      ASSERT_NE(dead.back(), nullptr);
      ASSERT_TRUE(broker_.subscribe(*dead.back(), "users/alice/events"));
    }
    // The first was heard of last.
    ASSERT_TRUE(broker_.publish(*dead[0], "rooms/general/send", "still here"));
    FakeBroker::Client* sixth = broker_.connect("alice:new", token("alice", "phone"));
    ASSERT_NE(sixth, nullptr);
    EXPECT_THAT(replaced(*dead[1]), ElementsAre("alice:d1")) << "so it stays away if it lives";
    ASSERT_TRUE(broker_.run_until([&] { return !dead[1]->connected; }));
    for (const int i : {0, 2, 3, 4}) EXPECT_TRUE(dead[static_cast<std::size_t>(i)]->connected) << i;
    EXPECT_TRUE(sixth->connected);
    // Nor do they push each other or the ones that last out, but one for each that comes.
    FakeBroker::Client* seventh = broker_.connect("alice:new2", token("alice", "phone"), keep_alive_s);
    ASSERT_NE(seventh, nullptr);
    ASSERT_TRUE(broker_.run_until([&] { return !dead[2]->connected; }));
    EXPECT_TRUE(sixth->connected);
    for (auto* client : {dead[0], dead[3], dead[4], sixth, seventh}) broker_.disconnect(*client);
  }
}

// Programs that live and come back by themselves, one too many of them.
TEST_F(NodeConnectionTest, WhoHadToMakeRoomDisplacesNobodyInTurn) {
  const auto connect = [&](const std::string& id) {
    return broker_.connect("alice:" + id, token("alice", "phone"), 0);
  };
  std::map<std::string, FakeBroker::Client*> open;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
    open[id] = connect(id);
    ASSERT_NE(open[id], nullptr) << id;
  }
  ASSERT_TRUE(broker_.run_until([&] { return !open["a"]->connected; }));
  for (int minute = 0; minute < 10; ++minute) {
    EXPECT_EQ(connect("a"), nullptr) << minute;
    for (int i = 0; i < 3; ++i) broker_.turn();
    clock_.wall_ms += 60'000;
  }
  for (const char* id : {"b", "c", "d", "e", "f"}) EXPECT_TRUE(open[id]->connected) << id;
  // A free place is anybody's at once, and who did not insist is new.
  broker_.disconnect(*open["b"]);
  EXPECT_NE(connect("a"), nullptr);
  FakeBroker::Client* again = connect("b");
  ASSERT_NE(again, nullptr);
  ASSERT_TRUE(broker_.run_until([&] { return !open["c"]->connected; }));
  EXPECT_EQ(connect("c"), nullptr);
  clock_.wall_ms += 61'000;
  EXPECT_EQ(broker_.connect("alice:c", token("mallory", "x")), nullptr)
      << "somebody else, for whom it does not count";
  EXPECT_EQ(broker_.connect("alice:c", "no token"), nullptr);
  clock_.wall_ms += 61'000;
  EXPECT_NE(connect("c"), nullptr);
}

TEST_F(NodeConnectionTest, ConnectionsWithAKeepAliveKeepTheirPlaces) {
  std::vector<FakeBroker::Client*> open;
  for (int i = 0; i < 5; ++i) {
    open.push_back(
        broker_.connect("alice:d" + std::to_string(i), token("alice", "phone"), i == 0 ? 1200 : 60));
    ASSERT_NE(open.back(), nullptr);
  }
  for (const int keep_alive_s : {0, 60, 65'535})
    EXPECT_EQ(broker_.connect("alice:sixth", token("alice", "phone"), keep_alive_s), nullptr);
  // A take-over is no further connection.
  EXPECT_NE(broker_.connect("alice:d3", token("alice", "phone"), 0), nullptr);
  for (int i = 0; i < 3; ++i) broker_.turn();
  for (const int i : {0, 1, 2, 4}) EXPECT_TRUE(open[static_cast<std::size_t>(i)]->connected) << i;
}

// --- last wills

class NodeWillTest : public NodeConnectionTest {
 protected:
  FakeBroker::Client& mortal(const std::string& user, const std::string& will, const std::string& sid = {},
                             std::int64_t ttl_s = 900) {
    const std::int64_t now_s = clock_.unix_s();
    const std::string password = key_.sign({.sub = user,
                                            .dev = "lamp",
                                            .sid = sid.empty() ? user + "-lamp" : sid,
                                            .exp = now_s + ttl_s,
                                            .iat = now_s,
                                            .role = TokenRole::user});
    FakeBroker::Client* client = broker_.connect(user + ":lamp", password);
    EXPECT_NE(client, nullptr);
    client->will_topic = "rooms/general/wills/" + user;
    client->will = will;
    return *client;
  }
  void die(FakeBroker::Client& client) {
    broker_.disconnect(client);
    EXPECT_FALSE(broker_.send_will(client, client.will_topic, client.will)) << "the node posts it itself";
  }
  // What is in the room, after all that was posted until now has been delivered.
  std::vector<json::object> posted() {
    static int end = 0;
    const std::string mark = "end " + std::to_string(++end);
    if (reader_ == nullptr) ADD_FAILURE() << "no reader";
    EXPECT_TRUE(broker_.publish(*reader_, "rooms/general/send", mark));
    EXPECT_TRUE(broker_.run_until([&] {
      const auto all = bodies(*reader_);
      return !all.empty() && all.back() == mark;
    }));
    std::vector<json::object> out;
    for (const auto& d : std::exchange(reader_->inbox, {}))
      if (d.topic.ends_with("/messages/json") && d.payload.find("\"end ") == std::string::npos)
        out.push_back(json::parse(d.payload).as_object());
    return out;
  }
  void SetUp() override {
    reader_ = &join("bob");
    ASSERT_TRUE(broker_.subscribe(*reader_, "rooms/general/messages/json"));
  }
  FakeBroker::Client* reader_ = nullptr;
};

TEST_F(NodeWillTest, IsPostedWithoutTheDoorbell) {
  die(mortal("alice", "the battery died"));
  const auto events = posted();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("body").as_string(), "the battery died");
  EXPECT_EQ(events[0].at("from").as_string(), "alice");
  EXPECT_EQ(events[0].at("device").as_string(), "lamp");
}

TEST_F(NodeWillTest, EachDeathIsPostedThoughTheCidIsTheSame) {
  std::set<std::string> cids;
  const std::string longest(64, 'c');
  std::string wide;  // 64 characters of two bytes each
  for (int i = 0; i < 64; ++i) wide += "\u00e9";
  for (const std::string& cid : {std::string("w"), longest, wide}) {
    for (int death = 0; death < 3; ++death) {
      die(mortal("alice", R"({"cid":")" + cid + R"(","body":"gone"})"));
      const auto events = posted();
      ASSERT_EQ(events.size(), 1u) << cid << ", death " << death;
      const std::string given = events[0].at("cid").as_string().c_str();
      EXPECT_TRUE(is_cid(given)) << given;
      EXPECT_TRUE(given.starts_with(cid.substr(0, 40))) << given;
      EXPECT_TRUE(cids.insert(given).second) << given;
    }
  }
  // Nor does it stand in the way of a message with that cid.
  auto& alice = join("alice");
  ASSERT_TRUE(broker_.publish(alice, "rooms/general/send", R"({"cid":"w","body":"still here"})"));
  EXPECT_EQ(posted().size(), 1u);
}

TEST_F(NodeWillTest, IsPostedForWhoeverTheServerCloses) {
  mortal("alice", "kicked");
  ASSERT_TRUE(control(R"("cmd":"kick","client":"alice:lamp")").contains("ok"));
  for (int i = 0; i < 3; ++i) broker_.turn();
  auto events = posted();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("body").as_string(), "kicked");
  auto& expiring = mortal("alice", "expired", {}, 5);
  clock_.wall_ms += 36'000;  // and the grace of 30 s
  ASSERT_TRUE(broker_.run_until([&] { return !expiring.connected; }));
  events = posted();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("body").as_string(), "expired");
}

// What is decided of a login between the end of its connection and the moment at which the will is sent.
TEST_F(NodeWillTest, IsJudgedWhenItIsSent) {
  const std::string until = std::to_string(clock_.unix_s() + 900);
  const std::string later = std::to_string(clock_.unix_s() + 1);
  int number = 0;
  const std::vector<std::vector<std::string>> silenced{
      {R"({"op":"user.put","user":"alice","limits":"many","status":"blocked"})"},
      {R"({"op":"user.put","user":"alice","limits":"many","tokens_after":)" + later + "}"},
      {R"({"op":"session.revoke","sid":"SID","until":)" + until + "}"},
      {R"({"op":"member.remove","room":"general","user":"alice"})"},
      {R"({"op":"room.put","room":"general","limits":"many","status":"archived"})"},
      {R"({"op":"user.remove","user":"alice"})"}};
  for (const auto& ops : silenced) {
    SCOPED_TRACE(ops.front());
    const std::string sid = "s" + std::to_string(++number);
    auto& lamp = mortal("alice", "boo", sid);
    broker_.disconnect(lamp);
    for (std::string op : ops) {
      if (const auto at = op.find("SID"); at != std::string::npos) op.replace(at, 3, sid);
      apply(op);
    }
    EXPECT_FALSE(broker_.send_will(lamp, lamp.will_topic, lamp.will));
    EXPECT_FALSE(broker_.send_will(lamp, "devices/bob/state", "boo"));
    apply(R"({"op":"user.put","user":"alice","limits":"many"})");
    apply(R"({"op":"room.put","room":"general","limits":"many"})");
    apply(R"({"op":"member.put","room":"general","user":"alice"})");
    EXPECT_THAT(posted(), IsEmpty());
  }
  // The end of the token alone silences nobody.
  auto& lamp = mortal("alice", "late");
  broker_.disconnect(lamp);
  clock_.wall_ms += 7'200'000;
  broker_.turn();
  EXPECT_FALSE(broker_.send_will(lamp, lamp.will_topic, lamp.will));
  reader_ = &join("bob", "reader");
  ASSERT_TRUE(broker_.subscribe(*reader_, "rooms/general/messages/json"));
  const auto events = posted();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("body").as_string(), "late");
}

// An API token that has expired is forgotten; one that was taken away has the same look, and silences.
TEST_F(NodeWillTest, AnExpiredApiTokenSilencesNobodyButARemovedOneDoes) {
  for (const bool removed : {false, true}) {
    SCOPED_TRACE(removed);
    const std::string token = random_api_token();
    const std::string digest = to_hex(sha256(token));
    apply(R"({"op":"token.put","sha256":")" + digest +
          R"(","user":"alice","device":"lamp","role":"device","until":)" +
          std::to_string(clock_.unix_s() + 60) + "}");
    FakeBroker::Client* lamp = broker_.connect("alice:lamp", token);
    ASSERT_NE(lamp, nullptr);
    lamp->will_topic = "rooms/general/wills/alice";
    lamp->will = "gone";
    if (removed) {
      apply(R"({"op":"token.remove","sha256":")" + digest + R"("})");
    } else {
      clock_.wall_ms += 300'000;  // the grace, and until it is forgotten
    }
    ASSERT_TRUE(broker_.run_until([&] { return !lamp->connected; })) << "and its will is sent";
    if (removed) clock_.wall_ms += 300'000;
    for (int i = 0; i < 3; ++i) broker_.turn();
    EXPECT_EQ(broker_.send_will(*lamp, "devices/alice/lamp", "off", true), !removed);
    EXPECT_EQ(posted().size(), removed ? 0u : 1u);
  }
}

TEST_F(NodeWillTest, ALogoutIsRememberedLongerThanItsTokens) {
  auto& lamp = mortal("alice", "boo", "s-out");
  broker_.disconnect(lamp);
  apply(R"({"op":"session.revoke","sid":"s-out","until":)" + std::to_string(clock_.unix_s() + 900) + "}");
  clock_.wall_ms += 7'200'000;
  broker_.turn();
  const MessageId last = log_->last_id();
  EXPECT_FALSE(broker_.send_will(lamp, lamp.will_topic, lamp.will));
  EXPECT_EQ(log_->last_id(), last);
}

// The identity is the one of the newest token.
TEST_F(NodeWillTest, SpeaksForTheLoginOfARenewedToken) {
  auto& lamp = mortal("alice", "boo", "s-old");
  const std::int64_t now_s = clock_.unix_s();
  ASSERT_TRUE(broker_.publish(lamp, "users/alice/token",
                              key_.sign({.sub = "alice",
                                         .dev = "lamp",
                                         .sid = "s-new",
                                         .exp = now_s + 900,
                                         .iat = now_s,
                                         .role = TokenRole::user})));
  broker_.disconnect(lamp);
  apply(R"({"op":"session.revoke","sid":"s-old","until":)" + std::to_string(now_s + 900) + "}");
  broker_.send_will(lamp, lamp.will_topic, lamp.will);
  EXPECT_EQ(posted().size(), 1u);
  apply(R"({"op":"session.revoke","sid":"s-new","until":)" + std::to_string(now_s + 900) + "}");
  broker_.send_will(lamp, lamp.will_topic, lamp.will);
  EXPECT_THAT(posted(), IsEmpty());
}

TEST(BrokerName, TellsWhoItIs) {
  Directory directory;
  Identity who;
  who.user = directory.intern_user("alice");
  who.name = directory.user_name(who.user);
  for (const char* device : {"", "roof", "-", "--"}) {
    for (const char* sid : {"", "s-1", "with some spaces"}) {
      for (const bool api : {false, true}) {
        who.device = device;
        who.sid = sid;
        who.role = TokenRole::bot;
        who.issued_s = 1'763'683'200;
        who.expires_s = api ? 1'763'684'100 : 0;
        who.api_token = api ? std::optional(sha256("pk_x")) : std::nullopt;
        const auto back = from_broker_name(to_broker_name(who), directory);
        ASSERT_TRUE(back) << to_broker_name(who);
        EXPECT_EQ(back->user, who.user);
        EXPECT_EQ(back->name, "alice");
        EXPECT_EQ(back->device, who.device);
        EXPECT_EQ(back->sid, who.sid);
        EXPECT_EQ(back->role, who.role);
        EXPECT_EQ(back->issued_s, who.issued_s);
        EXPECT_EQ(back->expires_s, who.expires_s);
        EXPECT_EQ(back->api_token, who.api_token);
      }
    }
  }
  const auto service = from_broker_name("bridge service * 1763683200 0 * s-1", directory);
  ASSERT_TRUE(service) << "no fact tells of services: only their tokens do, and after a restart this name";
  EXPECT_EQ(service->name, "bridge");
  EXPECT_EQ(to_broker_name({}), "");
  EXPECT_TRUE(from_broker_name("alice", directory));
  for (const char* name : {"", " ", "bob", "-", " alice"})
    EXPECT_FALSE(from_broker_name(name, directory)) << name;
}

}  // namespace
}  // namespace parley::plugin
