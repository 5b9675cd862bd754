// The role `control` between a database and nodes in memory: what it must do whatever gets lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "bridge/control/testing/fake_database.h"
#include "bridge/control/testing/fake_nodes.h"
#include "bridge/health.h"
#include "bridge/metrics.h"
#include "bridge/roles.h"
#include "tests/support/deadline.h"

namespace parley::bridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

EventPost join(std::uint64_t number) {
  return {"general", Kind::join, "user" + std::to_string(number), "pg-" + std::to_string(number) + "-0", 0,
          "",        ""};
}
std::vector<ControlOp> joining(std::uint64_t number) {
  const std::string user = "user" + std::to_string(number);
  return {join(number), UserPut{.user = user}, MemberPut{.room = "general", .user = user},
          parley::UserEvent{user, R"({"type":"room.added"})"}};
}

// A bridge that runs the role alone.
struct Bridge {
  Bridge(FakeDatabase& database, std::vector<FakeNode*> nodes)
      : metadata(database.connect()), link(std::move(nodes)) {
    config.control.standby_poll = 20ms;
    role = make_control_role({config, *metadata, link, metrics, health});
  }
  ~Bridge() { role->stop(); }

  BridgeConfig config;
  std::unique_ptr<storage::Metadata> metadata;
  FakeLink link;
  Metrics metrics;
  Health health;
  std::unique_ptr<Role> role;
};

template <class Ready>
bool soon(Ready&& ready, std::chrono::milliseconds patience = 20s) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!ready()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

class ControlRoleTest : public testing::Test {
 protected:
  bool in_step(const FakeNode& node) {
    return soon([&] { return node.version() == database_.head(); });
  }
  // The node is at version 40 of a database that is not this one.
  void come_from_another_database() {
    FakeDatabase before;
    for (std::uint64_t i = 1; i <= 40; ++i) before.commit({UserPut{.user = "lost" + std::to_string(i)}});
    Bridge bridge(before, {&node_});
    bridge.role->start();
    EXPECT_TRUE(soon([&] { return node_.version() == 40; }));
  }
  std::vector<std::string> all_posts() {
    std::vector<std::string> cids;
    for (std::uint64_t i = 1; i <= database_.head(); ++i) cids.push_back(join(i).cid);
    return cids;
  }

  FakeDatabase database_;
  FakeNode node_;
};

TEST_F(ControlRoleTest, BringsChangesInTheirOrder) {
  for (std::uint64_t i = 1; i <= 50; ++i) database_.commit(joining(i));
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  for (std::uint64_t i = 51; i <= 60; ++i) database_.commit(joining(i));
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.facts(), database_.facts());
  EXPECT_EQ(node_.log(), all_posts());
  EXPECT_EQ(node_.account_events().size(), 60u);
  EXPECT_EQ(node_.snapshots(), 0);
  EXPECT_TRUE(soon([&] { return bridge.role->missing().empty(); }));
  EXPECT_THAT(bridge.metrics.text(), HasSubstr("parley_bridge_control_leading 1"));
}

TEST_F(ControlRoleTest, OnlyTheFirstNodePosts) {
  FakeNode second;
  for (std::uint64_t i = 1; i <= 20; ++i) database_.commit(joining(i));
  Bridge bridge(database_, {&node_, &second});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  ASSERT_TRUE(in_step(second));
  EXPECT_EQ(second.facts(), database_.facts());
  EXPECT_EQ(node_.log().size(), 20u);
  EXPECT_THAT(second.log(), IsEmpty());
  EXPECT_EQ(second.account_events().size(), 20u) << "the user may be connected anywhere";
}

TEST_F(ControlRoleTest, ANodeThatIsAwayDelaysNoOther) {
  FakeNode second;
  Bridge bridge(database_, {&node_, &second});
  bridge.link.set_connected(0, false);
  bridge.role->start();
  database_.commit(joining(1));
  ASSERT_TRUE(in_step(second));
  EXPECT_TRUE(soon([&] { return bridge.role->missing() == std::vector<std::string>{"broker node0:1883"}; }));
  bridge.link.set_connected(0, true);
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.log(), all_posts());
}

TEST_F(ControlRoleTest, ASnapshotBringsTheEventsThatAreKept) {
  for (std::uint64_t i = 1; i <= 30; ++i) database_.commit(joining(i));
  database_.trim(10);
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.snapshots(), 1);
  EXPECT_EQ(node_.facts(), database_.facts());
  const auto posts = all_posts();
  EXPECT_EQ(node_.log(), std::vector<std::string>(posts.end() - 10, posts.end()));
}

TEST_F(ControlRoleTest, ANodeAheadOfTheDatabaseIsBroughtBack) {
  // The database was restored from a backup: its version 5 is not the node's.
  come_from_another_database();
  for (std::uint64_t i = 1; i <= 5; ++i) database_.commit(joining(i));
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.facts(), database_.facts());
}

TEST_F(ControlRoleTest, ANodeOfAnotherHistoryIsBroughtBack) {
  // As above, but the database has passed the node's version before anybody looked.
  come_from_another_database();
  for (std::uint64_t i = 1; i <= 60; ++i) database_.commit(joining(i));
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.facts(), database_.facts());
  EXPECT_EQ(node_.snapshots(), 1);
  EXPECT_EQ(node_.log(), all_posts()) << "those of the versions that the node had, too";
}

TEST_F(ControlRoleTest, ANodeThatLostItsFactsGetsThemWithoutAChange) {
  for (std::uint64_t i = 1; i <= 5; ++i) database_.commit(joining(i));
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  node_.forget_facts();
  bridge.link.set_connected(0, false);
  bridge.link.set_connected(0, true);
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.facts(), database_.facts());
  EXPECT_EQ(node_.log(), all_posts()) << "once each";
}

TEST_F(ControlRoleTest, AChangeThatIsNotUnderstoodHoldsUpNoOther) {
  database_.commit(joining(1));
  database_.commit_text(R"([{"op":"room.paint","room":"general","color":"blue"}])");
  database_.commit(joining(3));
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.facts(), database_.facts());
  EXPECT_THAT(node_.log(), ElementsAre("pg-1-0", "pg-3-0"));
  EXPECT_EQ(node_.snapshots(), 1);
}

TEST_F(ControlRoleTest, AChangeAboutVeryManyRoomsGoesInPortions) {
  std::vector<ControlOp> ops;
  for (int i = 0; i < 8000; ++i)
    ops.push_back(
        EventPost{"room" + std::to_string(i), Kind::leave, "alice", "pg-1-" + std::to_string(i), 0, "", ""});
  ops.push_back(UserPut{.user = "alice"});
  database_.commit(ops);
  Bridge bridge(database_, {&node_});
  bridge.role->start();
  ASSERT_TRUE(in_step(node_));
  EXPECT_EQ(node_.log().size(), 8000u);
  EXPECT_EQ(node_.largest_request(), 1u);
  EXPECT_EQ(node_.snapshots(), 0);
}

TEST_F(ControlRoleTest, OneBridgeFeedsAndAnotherTakesOver) {
  auto first = std::make_unique<Bridge>(database_, std::vector<FakeNode*>{&node_});
  Bridge second(database_, {&node_});
  first->role->start();
  database_.commit(joining(1));
  ASSERT_TRUE(in_step(node_));
  second.role->start();
  EXPECT_TRUE(soon([&] { return second.role->missing().empty(); })) << "standing by is being ready";
  EXPECT_THAT(second.metrics.text(), HasSubstr("parley_bridge_control_leading 0"));
  first.reset();
  database_.commit(joining(2));
  ASSERT_TRUE(in_step(node_));
  EXPECT_THAT(second.metrics.text(), HasSubstr("parley_bridge_control_takeovers_total 1"));
  EXPECT_EQ(node_.log(), all_posts());
}

TEST_F(ControlRoleTest, ADatabaseThatGoesAndComesIsNamedAndTakenUpAgain) {
  Bridge bridge(database_, {&node_});
  database_.set_away(true);
  bridge.role->start();
  EXPECT_TRUE(soon([&] {
    const auto missing = bridge.role->missing();
    return std::ranges::find(missing, "postgres") != missing.end();
  }));
  database_.set_away(false);
  database_.commit(joining(1));
  ASSERT_TRUE(in_step(node_));
  database_.set_away(true);
  EXPECT_TRUE(soon([&] { return !bridge.role->missing().empty(); }));
  database_.commit(joining(2));
  database_.set_away(false);
  ASSERT_TRUE(in_step(node_));
  EXPECT_TRUE(soon([&] { return bridge.role->missing().empty(); }));
}

TEST_F(ControlRoleTest, WhateverGetsLostNothingIsMissingOrTwice) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  FakeNode second;
  std::unique_ptr<Bridge> bridges[2];
  for (int round = 0; round < 60; ++round) {
    auto& bridge = bridges[random() % 2];
    bridge.reset();  // at whatever moment
    bridge = std::make_unique<Bridge>(database_, std::vector<FakeNode*>{&node_, &second});
    bridge->link.set_trouble(0.1, 0.2, random());
    bridge->role->start();
    const auto changes = random() % 20;
    for (std::size_t i = 0; i < changes; ++i) database_.commit(joining(database_.head() + 1));
    if (random() % 4 == 0) bridge->link.set_connected(random() % 2, random() % 2 == 0);
    if (random() % 10 == 0) second.forget_facts();
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5000));
  }
  for (auto& bridge : bridges) bridge.reset();
  Bridge last(database_, {&node_, &second});
  last.role->start();
  ASSERT_TRUE(in_step(node_));
  ASSERT_TRUE(in_step(second));
  EXPECT_EQ(node_.facts(), database_.facts());
  EXPECT_EQ(second.facts(), database_.facts());
  EXPECT_EQ(node_.log(), all_posts());
}

}  // namespace
}  // namespace parley::bridge
