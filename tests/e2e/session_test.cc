// The life of a connection: its token's end, renewal, notices of coming and going.
#include <gtest/gtest.h>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

ConnectOptions with_ttl(const World& world, std::string_view user, std::chrono::seconds ttl) {
  auto options = world.as(user);
  options.password = world.broker.token(user, {.ttl = ttl});
  return options;
}

TEST(SessionTest, ClosedAfterTokenAndGrace) {
  World world({.settings = {"auth.connections_grace_s = 1"}});
  const auto start = std::chrono::steady_clock::now();
  auto alice = RawClient::connected(world.broker.port(), with_ttl(world, "alice", 1s));
  EXPECT_TRUE(alice.closed());
  const auto lived = std::chrono::steady_clock::now() - start;
  EXPECT_GT(lived, 900ms) << "closed before the grace was over";
  EXPECT_LT(lived, 10s);
}

TEST(SessionTest, RenewalKeepsItOpen) {
  World world({.settings = {"auth.connections_grace_s = 0"}});
  auto alice = RawClient::connected(world.broker.port(), with_ttl(world, "alice", 2s));
  auto witness = RawClient::connected(world.broker.port(), with_ttl(world, "bob", 3s));
  EXPECT_EQ(alice.publish("users/alice/token", world.broker.token("alice") + "\n"), 0) << "made with echo";
  EXPECT_TRUE(witness.closed());  // its token ends after alice's first one
  alice.ping();
}

TEST(SessionTest, RenewalWithABadTokenChangesNothing) {
  World world({.settings = {"auth.connections_grace_s = 0"}});
  auto options = with_ttl(world, "alice", 3s);
  auto alice = RawClient::connected(world.broker.port(), options);
  ASSERT_LT(alice.subscribe(events_topic("alice")), 0x80);
  for (const auto& token :
       {std::string("rubbish"), world.broker.token("bob"), world.broker.token("alice", {.device = "laptop"}),
        world.broker.token("alice", {.ttl = -1s, .issued = -1h})}) {
    EXPECT_EQ(alice.publish("users/alice/token", token), 0x87);
    expect_error(alice, "alice", "forbidden");
  }
  EXPECT_TRUE(alice.closed()) << "none of them extended the connection";
}

TEST(SessionTest, TokensAreShownToNobody) {
  World world;
  auto alice = world.connect("alice");
  ASSERT_LT(alice.subscribe("users/alice/#"), 0x80);
  auto service = RawClient::connected(
      world.broker.port(), {.client_id = "probe:spy", .password = world.broker.service_token("spy")});
  service.subscribe("users/#");
  EXPECT_EQ(alice.publish("users/alice/token", world.broker.token("alice")), 0);
  EXPECT_TRUE(service.silent());
  EXPECT_TRUE(alice.silent());
}

TEST(SessionTest, UpAndDownAreAnnounced) {
  World world;
  auto service = RawClient::connected(
      world.broker.port(), {.client_id = "probe:watch", .password = world.broker.service_token("watch")});
  ASSERT_LT(service.subscribe(kSessionsTopic), 0x80);
  const auto next_of = [&](std::string_view user) {
    return parse_object(service
                            .expect_message(
                                [&](const Received& m) {
                                  const auto event = parse_object(m.payload);
                                  return event.contains("user") && text(event, "user") == user;
                                },
                                "a session event of " + std::string(user))
                            .payload);
  };
  auto alice = world.connect("alice");
  const auto up = next_of("alice");
  alice.abort();
  const auto down = next_of("alice");
  EXPECT_EQ(text(up, "device"), "phone");
  EXPECT_NE(up, down);
  RawClient refused(world.broker.port());
  auto options = world.as("mallory");
  options.password = "wrong";
  refused.connect(options);
  refused.closed();
  world.connect("bob").disconnect();
  next_of("bob");  // the next event is bob's: nothing was said of mallory
}

TEST(SessionTest, TheLogTailFollowsLive) {
  World world;
  auto follower = RawClient::connected(
      world.broker.port(),
      {.client_id = "probe:follower", .password = world.broker.service_token("follower")});
  ASSERT_LT(follower.subscribe(kLogTopic), 0x80);
  auto olga = world.connect("olga");
  constexpr int kCount = 50;
  for (int i = 0; i < kCount; ++i) {
    olga.send_publish(send_topic(i % 2 == 0 ? "general" : "attic"), message(std::to_string(i)));
  }
  std::uint64_t last = 0;
  for (int count = 0; count < kCount;) {
    const auto publish = follower.expect_on(kLogTopic);
    const auto page = read_log_page(
        {reinterpret_cast<const std::uint8_t*>(publish.payload.data()), publish.payload.size()});
    ASSERT_TRUE(page.has_value());
    if (count > 0) {
      EXPECT_EQ(page->prev_offset, last) << "a gap in the tail";
    }
    for (const auto& record : page->records) {
      std::string line;
      append_event_json(record.event, line);
      EXPECT_EQ(text(parse_object(line), "body"), std::to_string(count++));
      EXPECT_GT(record.offset, last);
      last = record.offset;
    }
  }
}

}  // namespace
}  // namespace parley::test
