// Damage found at start, and a clock that jumps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "tests/chaos/chaos_options.h"
#include "tests/chaos/checker.h"
#include "tests/chaos/faulty_world.h"

namespace parley::test {
namespace {

namespace fs = std::filesystem;

// The write-ahead file that the log was last appending to: of the folder with the most in it, the newest.
fs::path newest_wal(const fs::path& data) {
  fs::path newest;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    const bool wal = entry.path().extension() == ".log" && fs::file_size(entry.path()) > 0;
    if (wal && entry.path().parent_path().filename() == "log" &&
        (newest.empty() || entry.path().filename() > newest.filename())) {
      newest = entry.path();
    }
  }
  return newest;
}

TEST(TornRecordTest, OpensWithAPrefix) {
  FaultyWorld world;
  std::mt19937_64 random(chaos_options().seed);
  int number_sent = 0;
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    auto alice = world.connect("alice");
    for (int i = 0; i < 30; ++i) {
      const std::string cid = "t" + std::to_string(number_sent++);
      alice.publish("rooms/general/send", message(text_for(cid), cid));
    }
    const auto before = world.log();
    world.broker.kill9();
    const fs::path wal = newest_wal(world.broker.data());
    ASSERT_FALSE(wal.empty());
    const auto size = fs::file_size(wal);
    // A crash tears the end of what was being written, not more than a few records of it.
    const auto cut = std::min<std::uintmax_t>(size, 1 + random() % 2000);
    fs::resize_file(wal, size - cut);
    world.broker.start();
    const auto after = world.log();
    ASSERT_LE(after.size(), before.size());
    EXPECT_TRUE(std::equal(after.begin(), after.end(), before.begin())) << "not a prefix of what there was";
    EXPECT_LT(before.size() - after.size(), 31u) << "lost far more than was torn";
  }
  const auto faults = check(world.log(), {}, {}, Loss::unseen);
  for (const auto& fault : faults) ADD_FAILURE() << fault;
  auto bob = world.connect("bob");
  bob.subscribe("rooms/general/messages/json");
  auto alice = world.connect("alice");
  alice.publish("rooms/general/send", message("and on"));
  EXPECT_EQ(text(expect_event(bob, "general"), "body"), "and on");
}

// The MANIFEST of each of the node's stores, as a power failure leaves it that comes between a record and its
// sync.
TEST(TornManifestTest, OpensWithEverythingAndSaysSo) {
  FaultyWorld world;
  {
    auto alice = world.connect("alice");
    for (int i = 0; i < 30; ++i)
      ASSERT_EQ(alice.publish("rooms/general/send", message(std::to_string(i))), 0);
  }
  const auto before = world.log();
  world.broker.kill9();
  int torn = 0;
  for (const auto& entry : fs::recursive_directory_iterator(world.broker.data())) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    const std::string middle(200, '\0');
    // A header that says 222 bytes of data, of which some are there.
    std::ofstream(entry.path(), std::ios::app | std::ios::binary)
        << std::string("\x12\x34\x56\x78\xde\x00\x01", 7) << "parley.begin" << middle << "the end...";
    ++torn;
  }
  EXPECT_EQ(torn, 3) << "log, replica, retained messages";
  world.broker.start();
  EXPECT_EQ(world.log(), before);
  const std::string log = world.broker.log();
  std::size_t told = 0;
  for (std::size_t at = log.find("event=store_put_right"); at != log.npos;
       at = log.find("event=store_put_right", at + 1))
    ++told;
  EXPECT_EQ(told, 3u) << log;
}

TEST(DamagedManifestTest, IsRefusedInWords) {
  FaultyWorld world;
  ASSERT_EQ(world.connect("alice").publish("rooms/general/send", message("hello")), 0);
  world.broker.kill9();
  for (const auto& entry : fs::recursive_directory_iterator(world.broker.data() / "log")) {
    if (!entry.path().filename().string().starts_with("MANIFEST")) continue;
    fs::resize_file(entry.path(), fs::file_size(entry.path()) - 5);
  }
  EXPECT_ANY_THROW(world.broker.start());
  EXPECT_NE(world.broker.log().find("its files are damaged"), std::string::npos) << world.broker.log();
  EXPECT_NE(world.broker.log().find("restore a backup"), std::string::npos);
}

TEST(ClockTest, IdsAndSeqsRiseWhateverTheClockDoes) {
  FaultyWorld world;
  int number_sent = 0;
  const auto say = [&](int count) {
    auto alice = world.connect("alice");
    for (int i = 0; i < count; ++i) {
      const std::string cid = "k" + std::to_string(number_sent++);
      ASSERT_EQ(alice.publish("rooms/general/send", message(text_for(cid), cid)), 0);
    }
  };
  say(20);
  for (const auto offset : {-30min, 20min, -90min, 0min}) {
    SCOPED_TRACE(offset.count());
    world.shim.set_clock_offset(offset);
    say(20);
    world.broker.kill9();
    world.broker.start();  // with the clock as wrong as before
    say(20);
  }
  world.shim.set_clock_offset(0ms);
  const auto log = world.log();
  EXPECT_EQ(log.size(), static_cast<std::size_t>(number_sent));
  for (const auto& fault : check(log, {}, {}, Loss::nothing)) ADD_FAILURE() << fault;
}

// A jump while a connection is open must neither hold messages back nor let them through twice.
TEST(ClockTest, JumpUnderLoad) {
  FaultyWorld world;
  Load load(world.broker, world.options);
  for (const auto offset : {-10s, 10s, -25s, 0s}) {
    ASSERT_TRUE(load.wait_seen(load.seen() + 200, kPatience));
    world.shim.set_clock_offset(offset);
  }
  ASSERT_TRUE(load.wait_seen(load.seen() + 200, kPatience));
  ASSERT_TRUE(load.finish(kPatience));
  for (const auto& fault : check(world.log(), load.publishers(), load.readers(), Loss::nothing)) {
    ADD_FAILURE() << fault;
  }
}

}  // namespace
}  // namespace parley::test
