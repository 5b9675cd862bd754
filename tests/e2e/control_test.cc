// Administration through $CONTROL/parley/v1.
#include <gtest/gtest.h>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

ControlRequest request(std::string_view cmd) {
  ControlRequest r;
  r.cmd = cmd;
  return r;
}

std::string error_code(const json::object& answer) {
  return answer.contains("error") ? text(answer.at("error").as_object(), "code") : "";
}

class ControlTest : public testing::Test {
 protected:
  bool connects(std::string_view user) {
    RawClient client(world_.broker.port());
    return client.connect(world_.as(user)).reason == 0;
  }
  World world_;
};

TEST_F(ControlTest, ApplyIsRefusedAtAnotherVersion) {
  const std::uint64_t version = world_.admin.version();
  auto apply = request("apply");
  apply.ops = {UserPut{.user = "newcomer"}};
  for (const std::uint64_t from : {version + 1, version - 1}) {
    apply.from = from;
    apply.to = version + 2;
    const auto answer = world_.admin.command(apply);
    EXPECT_EQ(error_code(answer), "version_mismatch");
    EXPECT_EQ(number(answer, "version"), version) << "the answer tells where the replica is";
  }
  EXPECT_EQ(world_.admin.version(), version);
  EXPECT_FALSE(connects("newcomer"));
  apply.from = version;
  EXPECT_EQ(error_code(world_.admin.command(apply)), "");
  EXPECT_EQ(world_.admin.version(), version + 2);
  EXPECT_TRUE(connects("newcomer"));
}

TEST_F(ControlTest, ApplyIsAllOrNothing) {
  const std::uint64_t version = world_.admin.version();
  const auto answer = world_.admin.raw_command(
      R"({"req":"x","cmd":"apply","from":)" + std::to_string(version) + R"(,"to":)" +
      std::to_string(version + 1) +
      R"(,"ops":[{"op":"user.put","user":"newcomer"},{"op":"user.put","user":"NOT A NAME"}]})");
  EXPECT_EQ(error_code(answer), "bad_payload");
  EXPECT_EQ(world_.admin.version(), version);
  EXPECT_FALSE(connects("newcomer"));
}

TEST_F(ControlTest, GarbageIsAnsweredAndHarmless) {
  for (const char* garbage :
       {"", "{", "[]", "null", R"({"cmd":5})", R"({"req":"y"})", R"({"req":"y","cmd":"nonsense"})",
        R"({"req":"y","cmd":"apply","from":-1})", R"({"req":"y","cmd":"apply","ops":"x"})"}) {
    EXPECT_EQ(error_code(world_.admin.raw_command(garbage)), "bad_payload") << garbage;
  }
  world_.admin.version();
}

TEST_F(ControlTest, UsersMayNotAdminister) {
  for (const Version version : {Version::v311, Version::v5}) {
    auto alice = world_.connect("alice", "phone", version);
    alice.publish("$CONTROL/parley/v1", R"({"req":"z","cmd":"apply","from":1,"to":2,"ops":[]})");
    EXPECT_GE(alice.subscribe(kControlResponseTopic), 0x80);
  }
  EXPECT_EQ(world_.admin.version(), 1u);
  EXPECT_TRUE(world_.admin.client().silent()) << "alice's request was answered";
}

TEST_F(ControlTest, SnapshotReplacesEverythingAtOnce) {
  EXPECT_EQ(error_code(world_.admin.command(request("snapshot.begin"))), "");
  auto chunk = request("snapshot.chunk");
  chunk.ops = {UserPut{.user = "alice", .limits = "unlimited"},
               UserPut{.user = "zoe", .limits = "unlimited"}};
  EXPECT_EQ(error_code(world_.admin.command(chunk)), "");
  chunk.ops = {RoomPut{.room = "lounge", .limits = "unlimited"}, MemberPut{.room = "lounge", .user = "zoe"}};
  EXPECT_EQ(error_code(world_.admin.command(chunk)), "");
  EXPECT_FALSE(connects("zoe")) << "the old facts serve until the commit";
  EXPECT_TRUE(connects("bob"));
  auto bob = world_.connect("bob");
  auto alice = world_.reader("alice", "general");
  auto commit = request("snapshot.commit");
  commit.to = 77;
  EXPECT_EQ(error_code(world_.admin.command(commit)), "");
  EXPECT_EQ(world_.admin.version(), 77u);
  EXPECT_TRUE(bob.closed()) << "bob is gone";
  EXPECT_FALSE(connects("bob"));
  auto zoe = world_.reader("zoe", "lounge");
  EXPECT_EQ(zoe.publish("rooms/lounge/send", message("hello")), 0);
  EXPECT_EQ(text(expect_event(zoe, "lounge"), "body"), "hello");
  world_.admin.apply(
      {RoomPut{.room = "general", .limits = "unlimited"}, MemberPut{.room = "general", .user = "zoe"}});
  EXPECT_EQ(zoe.publish("rooms/general/send", message("alice is no member now")), 0);
  zoe.ping();
  if (alice.open()) {
    EXPECT_FALSE(alice.next(kSilence).has_value());
  }
}

TEST_F(ControlTest, UnfinishedSnapshotIsDropped) {
  EXPECT_EQ(error_code(world_.admin.command(request("snapshot.begin"))), "");
  auto chunk = request("snapshot.chunk");
  chunk.ops = {UserPut{.user = "zoe"}};
  world_.admin.command(chunk);
  EXPECT_EQ(error_code(world_.admin.command(request("snapshot.begin"))), "");
  auto commit = request("snapshot.commit");
  commit.to = 5;
  EXPECT_EQ(error_code(world_.admin.command(commit)), "");
  EXPECT_FALSE(connects("zoe"));
  EXPECT_FALSE(connects("alice"));
  EXPECT_EQ(error_code(world_.admin.command(commit)), "bad_payload") << "there is none to commit";
}

TEST_F(ControlTest, FactsOutliveRestartAndKill) {
  const std::uint64_t version = world_.admin.version();
  world_.broker.kill9();
  world_.broker.start();
  EXPECT_EQ(Admin(world_.broker, "again").version(), version);
  EXPECT_TRUE(connects("alice"));
  EXPECT_EQ(world_.broker.terminate(), 0);
  world_.broker.start();
  EXPECT_EQ(Admin(world_.broker, "again").version(), version);
  EXPECT_TRUE(connects("alice"));
}

TEST_F(ControlTest, Kick) {
  auto alice = world_.connect("alice");
  auto kick = request("kick");
  kick.client = "alice:phone";
  EXPECT_EQ(error_code(world_.admin.command(kick)), "");
  EXPECT_TRUE(alice.closed());
  EXPECT_EQ(error_code(world_.admin.command(kick)), "not_found");
  EXPECT_TRUE(connects("alice")) << "kicked, not banned";
}

TEST_F(ControlTest, StatsCount) {
  auto alice = world_.connect("alice");
  for (int i = 0; i < 3; ++i) alice.publish("rooms/general/send", message("hi"));
  const auto answer = world_.admin.command(request("stats"));
  EXPECT_FALSE(answer.at("stats").as_object().empty());
}

TEST_F(ControlTest, ReadsTheLogInPages) {
  auto olga = world_.connect("olga");
  for (int i = 0; i < 25; ++i)
    olga.publish(send_topic(i % 5 == 0 ? "attic" : "general"), message(std::to_string(i)));
  auto read = request("log.read");
  read.limit = 4;
  std::vector<int> bodies;
  while (true) {
    const auto answer = world_.admin.command(read);
    const auto& page = answer.at("events").as_array();
    EXPECT_LE(page.size(), 4u);
    for (const auto& record : page) bodies.push_back(std::stoi(text(record.at("event").as_object(), "body")));
    if (answer.at("end").as_bool()) break;
    read.offset = std::stoull(text(answer, "next"));
  }
  ASSERT_EQ(bodies.size(), 25u);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(bodies[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(world_.admin.read_log("attic").size(), 5u);
  EXPECT_EQ(world_.admin.read_log("general").size(), 20u);
  EXPECT_TRUE(world_.admin.read_log("nowhere").empty());
}

}  // namespace
}  // namespace parley::test
