// From COMMIT in Postgres to what people on the broker may do: a real database, broker and bridge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/plane.h"

namespace parley::test {
namespace {

using testing::HasSubstr;

const char* const kSend = "rooms/general/send";

// The account event of this type; others are dropped.
json::object expect_told(RawClient& client, std::string_view user, std::string_view type) {
  const std::string topic = "users/" + std::string(user) + "/events";
  const auto got = client.expect_message(
      [&](const Received& m) { return m.topic == topic && text(parse_object(m.payload), "type") == type; },
      type);
  return parse_object(got.payload);
}

std::string kind_and_from(const json::object& event) {
  return text(event, "kind") + " " + text(event, "from");
}

// "kind from" of everything in the room's log.
std::vector<std::string> log_of(Admin& admin, std::string_view room) {
  std::vector<std::string> lines;
  for (const json::object& record : admin.read_log(room))
    lines.push_back(kind_and_from(record.contains("event") ? record.at("event").as_object() : record));
  return lines;
}

TEST(ControlPlane, ACommitIsInForceOnTheBroker) {
  Plane plane;
  auto alice = plane.listener("alice");
  EXPECT_EQ(alice.publish(kSend, message("hello", "c-1")), 0);
  expect_ack(alice, "alice", "c-1");
  auto carol = plane.listener("carol");
  EXPECT_NE(carol.publish(kSend, message("may I?")), 0);
  EXPECT_EQ(text(expect_error(carol, "carol", "not_member"), "room"), "general");
  plane.ledger.join("carol", "general");
  plane.settle();
  EXPECT_EQ(carol.publish(kSend, message("here I am", "c-2")), 0);
  const auto added = expect_told(carol, "carol", "room.added");
  EXPECT_EQ(text(added, "room"), "general");
  EXPECT_GT(number(added, "version"), 0u);
  EXPECT_THAT(log_of(plane.admin, "general"),
              testing::IsSupersetOf({"join bob", "text alice", "join carol", "text carol"}));
}

TEST(ControlPlane, ARemovedMemberIsCutOffAnOpenSubscription) {
  Plane plane;
  auto alice = plane.listener("alice");
  auto bob = plane.reader("bob", "general");
  auto bob_account = plane.listener("bob", "tablet");
  alice.publish(kSend, message("for all", "c-1"));
  EXPECT_EQ(text(expect_event(bob, "general"), "body"), "for all");
  plane.ledger.remove_member("alice", "general", "bob");
  plane.settle();
  EXPECT_EQ(text(expect_told(bob_account, "bob", "room.removed"), "room"), "general");
  alice.publish(kSend, message("without bob", "c-2"));
  expect_ack(alice, "alice", "c-2");
  for (auto next = bob.next(kSilence); next; next = bob.next(kSilence))
    EXPECT_NE(text(parse_object(next->payload), "kind"), "text") << next->payload;
  EXPECT_NE(bob.publish(kSend, message("and now?")), 0);
  EXPECT_EQ(log_of(plane.admin, "general").back(), "text alice");
  EXPECT_THAT(log_of(plane.admin, "general"), testing::Contains("leave bob"));
}

TEST(ControlPlane, ABlockedPairCannotUseItsDirectRoom) {
  Plane plane;
  const std::string room = plane.ledger.add_direct("alice", "bob");
  plane.settle();
  auto alice = plane.listener("alice");
  auto bob = plane.listener("bob");
  EXPECT_EQ(alice.publish("rooms/" + room + "/send", message("hi", "c-1")), 0);
  plane.ledger.block("bob", "alice");
  plane.settle();
  EXPECT_NE(alice.publish("rooms/" + room + "/send", message("hi again")), 0);
  expect_error(alice, "alice", "blocked");
  EXPECT_NE(bob.publish("rooms/" + room + "/send", message("go away")), 0);
  expect_error(bob, "bob", "blocked");
  EXPECT_EQ(alice.publish(kSend, message("elsewhere we meet", "c-2")), 0) << "other rooms are as before";
}

TEST(ControlPlane, ADeletedRoomEndsEverywhere) {
  Plane plane;
  auto alice = plane.listener("alice");
  auto bob = plane.reader("bob", "general");
  auto bob_account = plane.listener("bob", "tablet");
  alice.publish(kSend, message("hello", "c-1"));
  expect_event(bob, "general");
  plane.ledger.remove_room("alice", "general");
  plane.settle();
  expect_told(bob_account, "bob", "room.removed");
  EXPECT_NE(alice.publish(kSend, message("anybody?")), 0);
  expect_error(alice, "alice", "room_not_found");
  EXPECT_GE(plane.connect("bob", "new").subscribe("rooms/general/messages/json"), 0x80);
  bob.ping();
  EXPECT_TRUE(bob.silent());
}

TEST(ControlPlane, WhoIsBlockedOrSignedOutIsDisconnected) {
  Plane plane;
  auto bob = plane.connect("bob");
  auto carol = plane.connect("carol");
  plane.ledger.block_user("root", "bob");
  plane.ledger.revoke_session("carol", "s-carol-phone");  // as test tokens call it
  plane.settle();
  EXPECT_TRUE(bob.closed());
  EXPECT_TRUE(carol.closed());
  RawClient again(plane.broker.port());
  EXPECT_NE(again.connect(plane.as("bob")).reason, 0);
}

TEST(ControlPlane, EventsStandInTheOrderOfCommitOnceEach) {
  Plane plane;
  plane.ledger.join("carol", "general");
  plane.ledger.set_role("alice", "general", "carol", MemberRole::admin);
  plane.ledger.rename_room("alice", "general", "The room");
  plane.ledger.leave("carol", "general");
  plane.settle();
  std::vector<std::string> wanted;
  for (const EventPost& post : plane.ledger.posts())
    if (post.room == "general") wanted.push_back(std::string(to_string(post.kind)) + " " + post.from);
  EXPECT_EQ(log_of(plane.admin, "general"), wanted);
  EXPECT_THAT(wanted,
              testing::IsSupersetOf({"join bob", "join carol", "role carol", "room alice", "leave carol"}));
}

TEST(ControlPlane, ABrokerThatWasAwayHasEverythingWhenItIsBack) {
  Plane plane;
  plane.broker.kill9();
  plane.ledger.remove_member("alice", "general", "bob");
  plane.ledger.join("carol", "general");
  plane.broker.start();
  Admin admin(plane.broker, "after");
  wait_for_version(admin, plane.ledger.head());
  EXPECT_EQ(facts_of(admin), listable(plane.ledger.facts()));
  auto carol = plane.connect("carol");
  EXPECT_EQ(carol.publish(kSend, message("made it")), 0);
  EXPECT_NE(plane.connect("bob").publish(kSend, message("did not")), 0);
}

TEST(ControlPlane, ANewNodeGetsWhatIsLeftOfTheChangesByASnapshot) {
  Plane plane;
  const Broker second;
  ASSERT_TRUE(plane.ledger.metadata().feed().trim_changes(1));
  const Bridge other({.database = plane.ledger.url(), .brokers = {&second}});
  plane.bridge.kill9();  // the lead is free
  Admin admin(second);
  wait_for_version(admin, plane.ledger.head());
  EXPECT_TRUE(other.logged("a broker has its snapshot"));
  EXPECT_EQ(facts_of(admin), listable(plane.ledger.facts()));
  EXPECT_THAT(log_of(admin, "general"), testing::ElementsAre("join bob")) << "the one change that was kept";
}

TEST(ControlPlane, ANodeAheadOfARestoredDatabaseGetsItsState) {
  Plane plane;
  for (int i = 0; i < 20; ++i) plane.ledger.rename_room("alice", "general", "name " + std::to_string(i));
  plane.settle();
  plane.bridge.terminate();
  Ledger restored(PostgresCluster::shared().create_database());
  restored.add_user("alice");
  restored.add_room("alice", "attic");
  const Bridge bridge({.database = restored.url(), .brokers = {&plane.broker}});
  const Deadline deadline = kPatience;
  while (facts_of(plane.admin) != listable(restored.facts()) && !deadline.passed())
    plane.admin.client().ping();
  EXPECT_EQ(facts_of(plane.admin), listable(restored.facts()));
  EXPECT_EQ(plane.admin.version(), restored.head());
  RawClient bob(plane.broker.port());
  EXPECT_NE(bob.connect(plane.as("bob")).reason, 0) << "nobody of that name in this database";
}

TEST(ControlPlane, SeveralNodesAreFedAndOneOfThemPosts) {
  const Broker second;
  Ledger ledger(PostgresCluster::shared().create_database());
  const Broker first;
  const Bridge bridge({.database = ledger.url(), .brokers = {&first, &second}});
  ledger.add_user("alice");
  ledger.add_user("bob");
  ledger.add_room("alice", "general");
  ledger.add_member("alice", "general", "bob");
  Admin one(first);
  Admin two(second);
  wait_for_version(one, ledger.head());
  wait_for_version(two, ledger.head());
  EXPECT_EQ(facts_of(one), listable(ledger.facts()));
  EXPECT_EQ(facts_of(two), listable(ledger.facts()));
  EXPECT_THAT(log_of(one, "general"), testing::Contains("join bob"));
  EXPECT_THAT(log_of(two, "general"), testing::IsEmpty());
}

TEST(ControlPlane, ASecondBridgeTakesOverWithinSeconds) {
  Plane plane;
  const Bridge second({.database = plane.ledger.url(), .brokers = {&plane.broker}});
  EXPECT_TRUE(second.logged("broker connected"));
  EXPECT_EQ(second.metric("parley_bridge_control_leading"), 0);
  plane.bridge.kill9();
  plane.ledger.join("carol", "general");
  wait_for_version(plane.admin, plane.ledger.head(), 5s);
  EXPECT_EQ(second.metric("parley_bridge_control_leading"), 1);
  EXPECT_EQ(second.metric("parley_bridge_control_takeovers_total"), 1);
  plane.bridge.start();
  plane.ledger.leave("carol", "general");
  plane.settle();
  EXPECT_EQ(facts_of(plane.admin), listable(plane.ledger.facts()));
}

TEST(ControlPlane, HealthNamesWhatIsMissing) {
  Plane plane;
  plane.bridge.wait_until_ready();
  EXPECT_EQ(plane.bridge.get("/health/live")->status, 200);
  plane.broker.kill9();
  const std::string broker = "broker 127.0.0.1:" + std::to_string(plane.broker.port());
  const Deadline deadline = kPatience;
  while (plane.bridge.get("/health/ready")->status == 200 && !deadline.passed()) {
  }
  EXPECT_THAT(plane.bridge.get("/health/ready")->body, HasSubstr(broker));
  EXPECT_EQ(plane.bridge.get("/health/live")->status, 200);
  plane.broker.start();
  plane.bridge.wait_until_ready();
}

TEST(ControlPlane, MetricsTellHowFarBehindANodeIs) {
  Plane plane;
  plane.bridge.wait_until_ready();
  const std::string node = "{node=\"127.0.0.1:" + std::to_string(plane.broker.port()) + "\"}";
  EXPECT_EQ(plane.bridge.metric("parley_bridge_control_leading"), 1);
  EXPECT_EQ(plane.bridge.metric("parley_bridge_control_node_version" + node), plane.ledger.head());
  EXPECT_EQ(plane.bridge.metric("parley_bridge_control_lag_versions" + node), 0);
  EXPECT_GT(plane.bridge.metric("parley_bridge_control_batches_total" + node).value_or(0), 0);
}

TEST(ControlPlane, APrimaryThatLacksTheLastChangesIsFollowed) {
  Plane plane;
  const std::string head = std::to_string(plane.ledger.head());
  plane.ledger.add_user("ghost");
  plane.ledger.join("ghost", "general");
  plane.settle();
  EXPECT_EQ(plane.bridge.terminate(), 0);
  // A standby takes over that never had these two, and gives their versions to others.
  PostgresCluster::shared().sql(plane.ledger.url(), "DELETE FROM changes WHERE version > " + head +
                                                        "; UPDATE change_head SET version = " + head +
                                                        "; DELETE FROM members WHERE user_name = 'ghost'; "
                                                        "DELETE FROM users WHERE name = 'ghost'");
  for (const std::string user : {"anna", "berta", "clara"}) {
    plane.ledger.add_user(user);
    plane.ledger.join(user, "general");
  }
  plane.bridge.start();
  const std::vector<std::string> expected = listable(plane.ledger.facts());
  const Deadline deadline = kPatience;
  while (facts_of(plane.admin) != expected && !deadline.passed()) {
  }
  EXPECT_EQ(facts_of(plane.admin), expected);
  RawClient ghost(plane.broker.port());
  EXPECT_NE(ghost.connect(plane.as("ghost")).reason, 0) << "nobody of that name in this database";
  for (const std::string user : {"anna", "berta", "clara"})
    EXPECT_THAT(log_of(plane.admin, "general"), testing::Contains("join " + user).Times(1));
}

TEST(ControlPlane, TheBridgeEndsWhenAskedAndChatGoesOn) {
  Plane plane;
  EXPECT_EQ(plane.bridge.terminate(), 0);
  auto alice = plane.listener("alice");
  EXPECT_EQ(alice.publish(kSend, message("hello", "c-1")), 0);
  expect_ack(alice, "alice", "c-1");
}

TEST(ControlPlane, ABridgeBeforeItsDatabaseAndItsBrokerWaitsForThem) {
  PostgresCluster postgres;
  const std::string url = postgres.create_database();
  postgres.stop();
  Broker broker({.start = false});
  const Bridge bridge({.database = url, .brokers = {&broker}});
  EXPECT_EQ(bridge.get("/health/live")->status, 200);
  EXPECT_EQ(bridge.get("/health/ready")->status, 503);
  EXPECT_THAT(bridge.get("/health/ready")->body, HasSubstr("postgres"));
  postgres.start();
  broker.start();
  Ledger ledger(url);
  ledger.add_user("alice");
  Admin admin(broker);
  wait_for_version(admin, ledger.head());
}

TEST(ControlPlane, PostgresMayDieAndComeBack) {
  PostgresCluster postgres;
  Ledger ledger(postgres.create_database());
  const Broker broker;
  const Bridge bridge({.database = ledger.url(), .brokers = {&broker}});
  Admin admin(broker);
  ledger.add_user("alice");
  ledger.add_room("alice", "general");
  wait_for_version(admin, ledger.head());
  for (int round = 0; round < 3; ++round) {
    postgres.kill();
    auto alice = RawClient::connected(
        broker.port(), {.client_id = "alice:phone", .password = broker.token("alice", {.device = "phone"})});
    EXPECT_EQ(alice.publish(kSend, message("chat goes on")), 0);
    EXPECT_FALSE(ledger.metadata().feed().head());
    postgres.start();
    const std::string name = "user" + std::to_string(round);
    const Deadline deadline = kPatience;
    while (!ledger.metadata().ping() && !deadline.passed()) {
    }
    ledger.add_user(name);
    wait_for_version(admin, ledger.head());
  }
  EXPECT_EQ(facts_of(admin), listable(ledger.facts()));
}

}  // namespace
}  // namespace parley::test
