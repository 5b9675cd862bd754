// Starting, reloading, stopping, and as whom the broker runs.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>

#include "schemas/topic.h"
#include "tests/support/chat.h"

namespace parley::test {
namespace {

bool connects(const World& world, const std::string& token, std::string_view user) {
  RawClient client(world.broker.port());
  return client.connect({.client_id = std::string(user) + ":phone", .password = token}).reason == 0;
}

void replace_file(const std::filesystem::path& path, std::string_view text) {
  const auto beside = path.string() + ".new";
  write_file(beside, text);
  std::filesystem::rename(beside, path);
}

TEST(KeysTest, HangupReadsThemAgain) {
  World world;
  const TokenMint next;
  const std::string token = next.token("alice");
  EXPECT_FALSE(connects(world, token, "alice"));
  replace_file(world.broker.keys_file(), make_jwks({world.broker.mint().key().jwk(), next.key().jwk()}));
  world.broker.hangup();
  const Deadline deadline(kPatience);
  bool accepted = false;
  while (!accepted && !deadline.passed()) accepted = connects(world, token, "alice");
  EXPECT_TRUE(accepted);
  EXPECT_TRUE(connects(world, world.broker.token("alice"), "alice"));
}

TEST(KeysTest, AChangedFileIsNoticed) {
  World world;
  const TokenMint next;
  replace_file(world.broker.keys_file(), make_jwks({next.key().jwk()}));
  const Deadline deadline(kPatience);
  bool accepted = false;
  while (!accepted && !deadline.passed()) accepted = connects(world, next.token("alice"), "alice");
  EXPECT_TRUE(accepted);
  EXPECT_FALSE(connects(world, world.broker.token("alice"), "alice")) << "the old key is gone";
}

TEST(KeysTest, ABrokenFileKeepsTheOldKeys) {
  World world;
  for (const char* rubbish : {"", "{", R"({"keys":[]})", R"({"keys":[{"kty":"oct","k":"AAAA"}]})"}) {
    replace_file(world.broker.keys_file(), rubbish);
    world.broker.hangup();
    EXPECT_TRUE(connects(world, world.broker.token("alice"), "alice"));
  }
  EXPECT_TRUE(world.broker.logged("jwks")) << "the operator must be told";
  EXPECT_TRUE(connects(world, world.broker.token("alice"), "alice"));
}

TEST(StopTest, TerminationKeepsWhatWasAccepted) {
  World world;
  auto alice = world.connect("alice");
  constexpr int kCount = 500;
  for (int i = 0; i < kCount; ++i)
    alice.send_publish("rooms/general/send", message("m", "t" + std::to_string(i)));
  for (int i = 0; i < kCount; ++i) alice.expect(PacketType::puback);
  EXPECT_EQ(world.broker.terminate(), 0);
  world.broker.start();
  EXPECT_EQ(Admin(world.broker, "after").read_log("general").size(), static_cast<std::size_t>(kCount));
}

TEST(StopTest, TerminationUnderLoadIsPromptAndClean) {
  World world;
  auto alice = world.connect("alice");
  std::string bytes;
  for (std::uint16_t i = 1; i < 5000; ++i) {
    mqtt::append_publish(
        bytes, Version::v5,
        {.topic = "rooms/general/send", .payload = "x", .qos = 1, .packet_id = i, .properties = {}});
  }
  alice.try_send_bytes(bytes);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(world.broker.terminate(), 0);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  world.broker.start();
  auto reader = world.reader("bob", "general");
  auto again = world.connect("alice");
  again.publish("rooms/general/send", message("and on"));
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "and on");
}

TEST(UserTest, RunsAsAnOrdinaryUser) {
  World world({.run_as = RunAs::ordinary});
  auto reader = world.reader("bob", "general");
  auto alice = world.connect("alice");
  EXPECT_EQ(alice.publish("rooms/general/send", message("no root needed")), 0);
  EXPECT_EQ(text(expect_event(reader, "general"), "body"), "no root needed");
}

// Started by root it drops to user mosquitto, who must own what is written.
TEST(UserTest, OwnsItsData) {
  World world;
  const Owner owner = broker_owner(RunAs::usual);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.broker.data())) {
    struct stat info;
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, owner.uid) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

std::string start_failure(BrokerOptions options) {
  try {
    Broker broker(std::move(options));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(StartTest, WrongOptionsAreNamed) {
  const std::string said = start_failure({.settings = {"limits.mesages_per_s = 3"}});
  EXPECT_NE(said.find("mesages_per_s"), std::string::npos) << said;
  EXPECT_NE(said.find("messages_per_s"), std::string::npos) << "a hint at the right name: " << said;
}

TEST(StartTest, MissingKeysFileIsNamed) {
  Broker broker({.start = false});
  std::filesystem::remove(broker.keys_file());
  try {
    broker.start();
    FAIL() << "started without keys";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("jwks.json"), std::string::npos) << error.what();
  }
}

TEST(StartTest, SecondBrokerOnTheSameDataIsRefused) {
  Broker first;
  Broker second({.start = false});
  std::filesystem::remove_all(second.data());
  std::filesystem::create_directory_symlink(first.data(), second.data());
  EXPECT_THROW(second.start(), std::runtime_error);
  EXPECT_TRUE(first.running());
}

TEST(MetricsTest, AreServedAsPrometheusText) {
  World world;
  auto alice = world.connect("alice");
  alice.publish("rooms/general/send", message("count me"));
  const auto scrape =
      run({.argv = {"curl", "-s", "-S", "--max-time", "10",
                    "http://127.0.0.1:" + std::to_string(world.broker.metrics_port()) + "/metrics"}});
  EXPECT_EQ(scrape.status, 0) << scrape.text;
  EXPECT_NE(scrape.text.find("# TYPE parley_"), std::string::npos) << scrape.text.substr(0, 1000);
}

}  // namespace
}  // namespace parley::test
