// Mosquitto's persistence file as we read it. That a real one is read: tests/e2e/restart_test.cc.
#include "storage/broker_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string big(std::uint64_t value, int size) {
  std::string out;
  for (int i = size - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
  return out;
}
std::string native(std::uint64_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }
std::string chunk(std::uint32_t kind, const std::string& body) {
  return big(kind, 4) + big(body.size(), 4) + body;
}
std::string header(std::uint32_t version = 6) {
  return std::string("\x00\xB5\x00mosquitto db", 15) + big(0, 4) + big(version, 4);
}
std::string cfg() { return chunk(1, native(7) + std::string("\1\10", 2) + std::string(6, '\0')); }
std::string message(std::uint64_t id, const std::string& topic, const std::string& payload, bool retain,
                    const std::string& properties = {}, std::int64_t expires_s = 0) {
  return chunk(2, native(id) + native(static_cast<std::uint64_t>(expires_s)) + big(payload.size(), 4) +
                      big(0, 2) + big(5, 2) + big(5, 2) + big(topic.size(), 2) + big(0, 2) + "\1" +
                      std::string(1, retain ? '\1' : '\0') + "al:ph" + "alice" + topic + payload +
                      properties);
}
std::string queued(std::uint64_t id) {
  return chunk(3, native(id) + big(1, 2) + big(5, 2) + std::string(4, '\0') + "al:ph");
}
std::string retained(std::uint64_t id) { return chunk(4, native(id)); }
std::string subscription(const std::string& id, const std::string& filter) {
  return chunk(5, big(0, 4) + big(id.size(), 2) + big(filter.size(), 2) + std::string(4, '\0') + id + filter);
}
std::string client(const std::string& id, const std::string& username) {
  return chunk(6, native(0) + big(3600, 4) + big(9, 2) + big(id.size(), 2) + big(1883, 2) +
                      big(username.size(), 2) + std::string(4, '\0') + id + username);
}
const std::string kProperties("\x04\x03\x00\x01x", 5);  // four bytes: a content type "x"

std::string whole() {
  return header() + cfg() + message(1, "devices/alice/lamp", "on", true, kProperties, 1'763'683'200) +
         message(2, "rooms/general/messages", "frame", false) + client("al:ph", "alice") + queued(2) +
         client("sensor", "") + subscription("al:ph", "rooms/general/messages") + retained(1);
}

TEST(BrokerSnapshotTest, ReadsAllThatConcernsUs) {
  const auto snapshot = parse_broker_snapshot(whole());
  ASSERT_TRUE(snapshot) << snapshot.error();
  ASSERT_THAT(snapshot->clients, SizeIs(2));
  EXPECT_EQ(snapshot->clients[0].id, "al:ph");
  EXPECT_EQ(snapshot->clients[0].username, "alice");
  EXPECT_EQ(snapshot->clients[1].username, "");
  ASSERT_THAT(snapshot->subscriptions, SizeIs(1));
  EXPECT_EQ(snapshot->subscriptions[0].client_id, "al:ph");
  EXPECT_EQ(snapshot->subscriptions[0].filter, "rooms/general/messages");
  ASSERT_THAT(snapshot->retained, SizeIs(1));
  const auto& kept = snapshot->retained[0];
  EXPECT_EQ(kept.topic, "devices/alice/lamp");
  EXPECT_EQ(kept.payload, "on");
  EXPECT_EQ(kept.properties, kProperties.substr(1));
  EXPECT_EQ(kept.username, "alice");
  EXPECT_EQ(kept.qos, 1);
  EXPECT_EQ(kept.expires_s, 1'763'683'200);
}

TEST(BrokerSnapshotTest, AnEmptyBrokersIsFine) { EXPECT_TRUE(parse_broker_snapshot(header() + cfg())); }

TEST(BrokerSnapshotTest, CutAnywhereInAChunkItIsDamaged) {
  const std::string bytes = whole();
  // Between two chunks the format has no mark: that the file is whole is what the seal says.
  std::size_t sound = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    sound += parse_broker_snapshot(std::string_view(bytes).substr(0, size)) ? 1 : 0;
  EXPECT_LE(sound, 8u);
  EXPECT_FALSE(parse_broker_snapshot(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST(BrokerSnapshotTest, NeitherAnotherFormatNorRubbishIsRead) {
  EXPECT_FALSE(parse_broker_snapshot(""));
  EXPECT_FALSE(parse_broker_snapshot("rubbish that is long enough to be a header"));
  EXPECT_FALSE(parse_broker_snapshot(header(5) + cfg()));
  EXPECT_FALSE(parse_broker_snapshot(header()));
  EXPECT_FALSE(parse_broker_snapshot(header() + cfg() + retained(9))) << "no such message";
  EXPECT_FALSE(parse_broker_snapshot(header() + cfg() + queued(9)));
  EXPECT_FALSE(parse_broker_snapshot(header() + cfg() + chunk(99, "x")));
  EXPECT_FALSE(parse_broker_snapshot(header() + cfg() + client("", "alice")));
  EXPECT_FALSE(parse_broker_snapshot(header() + cfg() + message(1, "t", "p", true, "\x09\x03")));
}

TEST(BrokerSnapshotTest, AnyByteMayBeWrong) {
  const std::string bytes = whole();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const char wrong : {'\0', '\x7f', '\xff'}) {
      std::string bad = bytes;
      bad[at] = wrong;
      parse_broker_snapshot(bad);  // reads nothing outside, whatever it says
    }
  }
}

TEST(BrokerSnapshotTest, TheSealIsWhatSha256sumChecks) {
  const TestFolder folder;
  const auto file = folder.path() / "mosquitto.db";
  std::ofstream(file, std::ios::binary) << whole();
  EXPECT_TRUE(read_broker_snapshot(file));
  ASSERT_TRUE(seal_broker_snapshot(file));
  const std::string check =
      "cd '" + folder.path().string() + "' && sha256sum --check --status mosquitto.db.sha256";
  EXPECT_EQ(std::system(check.c_str()), 0);
  std::ofstream(file, std::ios::binary | std::ios::app) << "x";
  EXPECT_NE(std::system(check.c_str()), 0);
  remove_broker_snapshot(file);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THAT(read_broker_snapshot(file).error(), HasSubstr("mosquitto.db"));
}

}  // namespace
}  // namespace parley::storage
