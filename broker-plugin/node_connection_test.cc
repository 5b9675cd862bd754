// The life of connections, with the node behind a fake broker: taken over, kicked, kept, dying.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace parley::plugin
