#include "schemas/mqtt_packet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace parley::mqtt {
namespace {

using std::string_literals::operator""s;

// Feeds all at once and takes the first packet, which must be there.
struct Read {
  explicit Read(std::string_view bytes, Version version = Version::v311) : reader(version) {
    reader.feed(bytes);
    status = reader.next(packet);
  }
  PacketReader reader;
  Packet packet;
  ReadStatus status;
};

std::string why_malformed(std::string_view bytes, Version version = Version::v311) {
  Read read(bytes, version);
  return read.status == ReadStatus::malformed ? read.reader.error() : "not malformed";
}

TEST(MqttEncode, ConnectOf311IsByteExact) {
  std::string out;
  ASSERT_TRUE(append_connect(out, {.client_id = "alice:a", .keep_alive_s = 60, .password = "tok"}));
  EXPECT_EQ(out,
            "\x10\x18\x00\x04MQTT\x04\x42\x00\x3c\x00\x07"
            "alice:a\x00\x03tok"s);
}

TEST(MqttEncode, ConnectOf5CarriesPropertiesWillAndCredentials) {
  std::string will_properties;
  append_property(will_properties, PropertyId::will_delay, 5);
  std::string out;
  ASSERT_TRUE(append_connect(
      out,
      {.version = Version::v5,
       .client_id = "c",
       .clean_start = false,
       .keep_alive_s = 1,
       .username = "u",
       .password = "p",
       .will = Will{.topic = "t", .payload = "bye", .qos = 1, .retain = true, .properties = will_properties},
       .session_expiry_s = 300,
       .receive_maximum = 20}));
  EXPECT_EQ(out,
            "\x10\x2a\x00\x04MQTT\x05\xec\x00\x01"
            "\x08\x11\x00\x00\x01\x2c\x21\x00\x14"
            "\x00\x01"
            "c"
            "\x05\x18\x00\x00\x00\x05\x00\x01t\x00\x03"
            "bye"
            "\x00\x01u\x00\x01p"s);
}

TEST(MqttEncode, SubscribeAndUnsubscribeTakeSeveralFilters) {
  const std::array subscriptions{Subscription{.filter = "a/b", .qos = 1},
                                 Subscription{.filter = "c", .qos = 0}};
  std::string out;
  ASSERT_TRUE(append_subscribe(out, Version::v311, 10, subscriptions));
  EXPECT_EQ(out,
            "\x82\x0c\x00\x0a\x00\x03"
            "a/b\x01\x00\x01"
            "c\x00"s);
  out.clear();
  const std::array one{Subscription{
      .filter = "a", .qos = 1, .no_local = true, .retain_as_published = true, .retain_handling = 2}};
  ASSERT_TRUE(append_subscribe(out, Version::v5, 1, one));
  EXPECT_EQ(out, "\x82\x07\x00\x01\x00\x00\x01\x61\x2d"s);
  out.clear();
  const std::array<std::string_view, 2> filters{"a/b", "c"};
  ASSERT_TRUE(append_unsubscribe(out, Version::v5, 2, filters));
  EXPECT_EQ(out,
            "\xa2\x0b\x00\x02\x00\x00\x03"
            "a/b\x00\x01"
            "c"s);
}

TEST(MqttEncode, SmallPackets) {
  std::string out;
  append_pingreq(out);
  append_disconnect(out, Version::v311, 4);
  append_disconnect(out, Version::v5, 4);
  append_ack(out, Version::v311, PacketType::puback, 258, 0x87);
  append_ack(out, Version::v5, PacketType::pubrel, 258, 0x92);
  EXPECT_EQ(out, "\xc0\x00\xe0\x00\xe0\x02\x04\x00\x40\x02\x01\x02\x62\x03\x01\x02\x92"s);
}

TEST(MqttEncode, RefusesWhatDoesNotFit) {
  const std::string too_long(65'536, 'x');
  std::string out;
  EXPECT_FALSE(append_publish(out, Version::v311, {.topic = too_long}));
  EXPECT_FALSE(append_connect(out, {.client_id = too_long}));
  EXPECT_FALSE(append_connect(out, {.client_id = "c", .password = too_long}));
  const std::array subscriptions{Subscription{.filter = too_long}};
  EXPECT_FALSE(append_subscribe(out, Version::v5, 1, subscriptions));
  append_property(out, PropertyId::reason_string, too_long);
  append_property(out, PropertyId::reason_string, 7);
  append_property(out, PropertyId::topic_alias, "text");
  EXPECT_EQ(out, "");
}

TEST(MqttRead, PublishRoundTrip) {
  std::string properties;
  append_property(properties, PropertyId::response_topic, "users/alice/replies/phone");
  append_property(properties, PropertyId::subscription_id, 300);
  append_user_property(properties, "k", "v");
  const std::string payload(300, 'p');
  for (Version version : {Version::v311, Version::v5}) {
    std::string out;
    ASSERT_TRUE(append_publish(out, version,
                               {.topic = "rooms/r/send",
                                .payload = payload,
                                .qos = 2,
                                .retain = true,
                                .dup = true,
                                .packet_id = 65'535,
                                .properties = properties}));
    Read read(out, version);
    ASSERT_EQ(read.status, ReadStatus::packet) << read.reader.error();
    const Packet& p = read.packet;
    EXPECT_EQ(p.type, PacketType::publish);
    EXPECT_EQ(p.topic, "rooms/r/send");
    EXPECT_EQ(p.payload, payload);
    EXPECT_EQ(p.qos, 2);
    EXPECT_TRUE(p.retain && p.dup);
    EXPECT_EQ(p.packet_id, 65'535);
    EXPECT_EQ(p.properties, version == Version::v5 ? properties : "");
    EXPECT_EQ(read.reader.buffered(), 0u);
  }
  EXPECT_EQ(find_property(properties, PropertyId::subscription_id)->number, 300u);
  EXPECT_EQ(find_property(properties, PropertyId::response_topic)->text, "users/alice/replies/phone");
  EXPECT_EQ(find_property(properties, PropertyId::user_property)->value, "v");
  EXPECT_FALSE(find_property(properties, PropertyId::topic_alias));
}

TEST(MqttRead, ServerPacketsOf311) {
  Read connack("\x20\x02\x01\x05"s);
  EXPECT_TRUE(connack.packet.session_present);
  EXPECT_EQ(connack.packet.reason, 5);
  Read puback("\x40\x02\x12\x34"s);
  EXPECT_EQ(puback.packet.type, PacketType::puback);
  EXPECT_EQ(puback.packet.packet_id, 0x1234);
  Read suback("\x90\x04\x00\x01\x80\x01"s);
  EXPECT_EQ(suback.packet.reasons, "\x80\x01"s);
  Read unsuback("\xb0\x02\x00\x07"s);
  EXPECT_EQ(unsuback.packet.packet_id, 7);
  Read ping("\xd0\x00"s);
  EXPECT_EQ(ping.packet.type, PacketType::pingresp);
}

TEST(MqttRead, ServerPacketsOf5) {
  Read connack("\x20\x06\x00\x87\x03\x21\x00\x0a"s, Version::v5);
  EXPECT_EQ(connack.packet.reason, 0x87);
  EXPECT_EQ(find_property(connack.packet.properties, PropertyId::receive_maximum)->number, 10u);
  Read refused("\x20\x02\x00\x01"s, Version::v5);
  EXPECT_EQ(refused.packet.reason, 1) << "the 3.1.1 form, for an unknown protocol version";
  Read short_ack("\x40\x02\x00\x01"s, Version::v5);
  EXPECT_EQ(short_ack.packet.reason, 0);
  Read denied("\x40\x03\x00\x01\x87"s, Version::v5);
  EXPECT_EQ(denied.packet.reason, 0x87);
  Read bye("\xe0\x01\x8e"s, Version::v5);
  EXPECT_EQ(bye.packet.type, PacketType::disconnect);
  EXPECT_EQ(bye.packet.reason, 0x8e);
}

TEST(MqttRead, BytesMayArriveOneByOne) {
  std::string stream;
  std::vector<std::string> bodies;
  for (int i = 0; i < 50; ++i) {
    bodies.push_back(std::string(static_cast<std::size_t>(i * 13), 'a'));
    ASSERT_TRUE(append_publish(stream, Version::v311, {.topic = "t", .payload = bodies.back()}));
  }
  PacketReader reader(Version::v311);
  std::vector<std::string> got;
  for (char c : stream) {
    reader.feed(std::string_view(&c, 1));
    Packet packet;
    if (reader.next(packet) == ReadStatus::packet) got.emplace_back(packet.payload);
  }
  EXPECT_EQ(got, bodies);
  EXPECT_EQ(reader.error(), "");
}

TEST(MqttRead, PrepareAndCommitReceiveInPlace) {
  std::string stream;
  append_ack(stream, Version::v311, PacketType::puback, 1);
  append_ack(stream, Version::v311, PacketType::puback, 2);
  PacketReader reader(Version::v311);
  auto space = reader.prepare(stream.size());
  ASSERT_GE(space.size(), stream.size());
  std::copy(stream.begin(), stream.end(), space.begin());
  reader.commit(stream.size());
  Packet packet;
  ASSERT_EQ(reader.next(packet), ReadStatus::packet);
  EXPECT_EQ(packet.packet_id, 1);
  ASSERT_EQ(reader.next(packet), ReadStatus::packet);
  EXPECT_EQ(packet.packet_id, 2);
  EXPECT_EQ(reader.next(packet), ReadStatus::need_more);
}

TEST(MqttRead, MalformedInputSaysWhy) {
  using testing::HasSubstr;
  EXPECT_THAT(why_malformed("\x30\xff\xff\xff\xff\x01"s), HasSubstr("four bytes"));
  EXPECT_THAT(why_malformed("\x30\xff\xff\xff\x7f"s), HasSubstr("at most 1048576"));
  EXPECT_THAT(why_malformed("\x36\x05\x00\x01t\x00\x01"s), HasSubstr("QoS 3"));
  EXPECT_THAT(why_malformed("\x30\x03\x00\x05t"s), HasSubstr("shorter"));
  EXPECT_THAT(why_malformed("\x30\x02\x00\x00"s), HasSubstr("without a topic"));
  EXPECT_THAT(why_malformed("\x30\x03\x00\x01#"s), HasSubstr("wildcard"));
  EXPECT_THAT(why_malformed("\x32\x05\x00\x01t\x00\x00"s), HasSubstr("packet id 0"));
  EXPECT_THAT(why_malformed("\x00\x00"s), HasSubstr("type 0"));
  EXPECT_THAT(why_malformed("\xf0\x00"s), HasSubstr("AUTH"));
  EXPECT_THAT(why_malformed("\x60\x02\x00\x01"s), HasSubstr("reserved flags")) << "PUBREL needs flags 2";
  EXPECT_THAT(why_malformed("\x40\x03\x00\x01\x00"s), HasSubstr("wrong length"));
  EXPECT_THAT(why_malformed("\x20\x02\x02\x00"s), HasSubstr("reserved flags"));
  EXPECT_THAT(why_malformed("\x90\x02\x00\x01"s), HasSubstr("wrong length"));
  EXPECT_THAT(why_malformed("\xd0\x01\x00"s), HasSubstr("body"));
  EXPECT_THAT(why_malformed("\x30\x05\x00\x01t\x01\x7f"s, Version::v5), HasSubstr("shorter"))
      << "unknown property";
  EXPECT_THAT(why_malformed("\x30\x06\x00\x01t\x02\x23\x00"s, Version::v5), HasSubstr("shorter"))
      << "cut property";
}

TEST(MqttRead, StaysMalformedAndEnforcesItsLimit) {
  PacketReader reader(Version::v311, 10);
  std::string out;
  ASSERT_TRUE(append_publish(out, Version::v311, {.topic = "t", .payload = "12345"}));
  ASSERT_EQ(out.size(), 10u);
  reader.feed(out);
  Packet packet;
  EXPECT_EQ(reader.next(packet), ReadStatus::packet);
  out.clear();
  ASSERT_TRUE(append_publish(out, Version::v311, {.topic = "t", .payload = "123456"}));
  reader.feed(out.substr(0, 2));
  EXPECT_EQ(reader.next(packet), ReadStatus::malformed) << "told from the header alone";
  reader.feed("\xd0\x00"s);
  EXPECT_EQ(reader.next(packet), ReadStatus::malformed);
}

TEST(MqttRead, TopicMayBeEmptyWithATopicAlias) {
  std::string properties;
  append_property(properties, PropertyId::topic_alias, 3);
  std::string out;
  ASSERT_TRUE(append_publish(out, Version::v5, {.payload = "x", .properties = properties}));
  Read read(out, Version::v5);
  ASSERT_EQ(read.status, ReadStatus::packet) << read.reader.error();
  EXPECT_EQ(read.packet.payload, "x");
}

}  // namespace
}  // namespace parley::mqtt
