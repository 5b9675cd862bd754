// Events, frames and log pages: bytes and JSON, and readers against damage.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "schemas/message.h"
#include "schemas/test_messages.h"

namespace parley {
namespace {

using testing::describe;
using testing::RandomMessages;
using testing::Shifted;

Stamp stamp() {
  return {"general",          Seq{42},          Seq{41}, MessageId{71828182845904523}, "alice", "phone",
          MemberRole::member, 1'763'683'200'123};
}

std::vector<std::uint8_t> copy(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

std::vector<std::uint8_t> build(const Stamp& s, const Send& send) {
  EventBuilder builder;
  return copy(builder.build(s, send));
}

std::string json_of(Bytes event) {
  std::string out;
  append_event_json(event, out);
  return out;
}

TEST(Event, IsReadBackAtAnyAddress) {
  RandomMessages random(1);
  EventBuilder builder;
  EventReader reader;
  for (int round = 0; round < 500; ++round) {
    const Event given{random.stamp(), random.send()};
    const Bytes bytes = builder.build(given.stamp, given.send);
    const Shifted shifted(bytes, random.below(8));
    const auto read = reader.read(shifted.bytes());
    ASSERT_TRUE(read);
    ASSERT_EQ(describe(*read), describe(given));
    ASSERT_EQ(json_of(shifted.bytes()), json_of(bytes));
  }
}

TEST(Event, IsCompact) {
  Send send;
  send.cid = "5f0c2b9e-8d6b-4a52-9f83-51a2f4f0c111";
  const std::string body(100, 'x');
  send.body = body;
  const std::size_t text = send.cid.size() + body.size() + 7 + 5 + 5;  // room, from, device
  const auto bytes = build(stamp(), send);
  RecordProperty("bytes", static_cast<int>(bytes.size()));
  RecordProperty("overhead", static_cast<int>(bytes.size() - text));
  EXPECT_LT(bytes.size() - text, 160u);
}

TEST(EventJson, HasTheFieldsOfTheProtocolInOrder) {
  Send send;
  send.cid = "5f0c";
  send.body = "hello @bob";
  send.reply_to = MessageId{7};
  const std::string_view bob = "bob";
  send.mentions = {&bob, 1};
  const Attachment attachment{"i", "cat.jpg", "image/jpeg", 48211};
  send.attachments = {&attachment, 1};
  send.meta = R"({"k":"v"})";
  send.expires_in_s = 3600;
  EXPECT_EQ(
      json_of(build(stamp(), send)),
      R"({"room":"general","seq":42,"prev":41,"id":"71828182845904523","cid":"5f0c","from":"alice",)"
      R"("device":"phone","ts":1763683200123,"kind":"text","body":"hello @bob","reply_to":"7",)"
      R"("mentions":["bob"],"attachments":[{"id":"i","name":"cat.jpg","type":"image/jpeg","size":48211}],)"
      R"("meta":{"k":"v"},"expires_in":3600,"role":"member"})");
  Send react;
  react.kind = Kind::react;
  react.target = MessageId{9};
  react.emoji = "\xf0\x9f\x91\x8d";
  EXPECT_EQ(
      json_of(build(stamp(), react)),
      R"({"room":"general","seq":42,"prev":41,"id":"71828182845904523","from":"alice","device":"phone",)"
      R"("ts":1763683200123,"kind":"react","target":"9","emoji":")"
      "\xf0\x9f\x91\x8d"
      R"(","role":"member"})");
  Stamp joined = stamp();
  joined.prev = Seq{0};
  joined.device = {};
  joined.role = MemberRole::none;
  Send join;
  join.kind = Kind::join;
  EXPECT_EQ(
      json_of(build(joined, join)),
      R"({"room":"general","seq":42,"prev":0,"id":"71828182845904523","from":"alice","ts":1763683200123,)"
      R"("kind":"join"})");
}

TEST(EventJson, AppendsToWhatIsThere) {
  Send send;
  send.body = "x";
  std::string out = "before ";
  append_event_json(build(stamp(), send), out);
  EXPECT_TRUE(out.starts_with("before {"));
}

TEST(EventJson, IsReadBack) {
  RandomMessages random(2);
  EventBuilder builder;
  EventReader reader;
  for (int round = 0; round < 1'000; ++round) {
    const Event given{random.stamp(), random.send()};
    const std::string json = json_of(builder.build(given.stamp, given.send));
    boost::json::error_code error;
    boost::json::parse(json, error);
    ASSERT_FALSE(error) << json;
    const auto read = reader.read_json(json);
    ASSERT_TRUE(read) << json;
    ASSERT_EQ(describe(*read), describe(given));
  }
}

TEST(EventJson, OfAnUnknownKindIsStillAnEvent) {
  Send send;
  send.kind = kUnknownKind;
  send.body = "x";
  const std::string json = json_of(build(stamp(), send));
  EventReader reader;
  const auto read = reader.read_json(json);
  ASSERT_TRUE(read) << json;
  EXPECT_EQ(read->send.kind, kUnknownKind);
  EXPECT_EQ(raw(read->stamp.seq), 42u);
  EXPECT_EQ(reader.read_json(R"({"room":"ab","seq":1,"kind":"hologram"})")->send.kind, kUnknownKind);
}

TEST(EventReader, RefusesOtherJson) {
  EventReader reader;
  for (const char* bad : {"", "x", "[]", "7", "{", "{}x", R"({"seq":"x"})", R"({"seq":-1})", R"({"room":7})",
                          R"({"id":1.5})", R"({"ts":"now"})", R"({"role":7})", R"({"kind":[]})"}) {
    EXPECT_FALSE(reader.read_json(bad)) << bad;
  }
}

TEST(EventReader, RefusesOtherBytes) {
  Send send;
  send.body = "x";
  EventReader reader;
  EXPECT_FALSE(reader.read({}));
  EXPECT_FALSE(reader.read(testing::bytes_of("hello world, this is no event")));
  EXPECT_FALSE(reader.read(send_to_flatbuffer(send)));  // identifier PRLY
  std::vector<std::uint8_t> other = build(stamp(), send);
  other[4] = 'X';
  EXPECT_FALSE(reader.read(other));
}

class FrameTest : public ::testing::Test {
 protected:
  FrameTest() {
    RandomMessages random(5);
    for (int i = 0; i < 20; ++i) {
      events_.push_back(build(random.stamp(), random.send()));
      views_.push_back(events_.back());
    }
  }
  static bool is_aligned(Bytes bytes) { return reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 == 0; }

  std::vector<std::vector<std::uint8_t>> events_;
  std::vector<Bytes> views_;
};

TEST_F(FrameTest, HoldsTheStoredBytes) {
  FrameBuilder builder;
  for (std::size_t count = 0; count <= views_.size(); ++count) {
    const Bytes bytes = builder.build("general", std::span(views_).first(count));
    for (std::size_t shift = 0; shift < 8; shift += 3) {
      const Shifted shifted(bytes, shift);
      const auto frame = read_frame(shifted.bytes());
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->room, "general");
      ASSERT_EQ(frame->events.size(), count);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(copy(frame->events[i]), events_[i]);
        EXPECT_EQ(is_aligned(frame->events[i]), shift == 0);
        // A view into what was given, not into a copy that is gone.
        EXPECT_GE(frame->events[i].data(), shifted.bytes().data());
        EXPECT_LE(frame->events[i].data() + frame->events[i].size(),
                  shifted.bytes().data() + shifted.bytes().size());
      }
    }
  }
}

TEST_F(FrameTest, CostsLittleBesideItsEvents) {
  FrameBuilder builder;
  std::size_t sum = 0;
  for (const Bytes event : views_) sum += event.size();
  const std::size_t overhead = builder.build("general", views_).size() - sum;
  EXPECT_LT(overhead, 48 + views_.size() * 24);
}

TEST_F(FrameTest, PageOfTheLogHoldsOffsetsAndBytes) {
  std::vector<LogEntry> records;
  for (std::size_t i = 0; i < views_.size(); ++i) records.push_back({i * 7 + 1, views_[i]});
  LogPageBuilder builder;
  const Bytes bytes = builder.build(513, 99, records);
  for (std::size_t shift = 0; shift < 8; shift += 3) {
    const Shifted shifted(bytes, shift);
    const auto page = read_log_page(shifted.bytes());
    ASSERT_TRUE(page);
    EXPECT_EQ(page->node, 513);
    EXPECT_EQ(page->prev_offset, 99u);
    ASSERT_EQ(page->records.size(), records.size());
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(page->records[i].offset, records[i].offset);
      EXPECT_EQ(copy(page->records[i].event), events_[i]);
      EXPECT_EQ(is_aligned(page->records[i].event), shift == 0);
    }
  }
  const auto empty = read_log_page(builder.build(1, 0, {}));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->records.empty());
}

TEST_F(FrameTest, ReadersRefuseEachOthersBytes) {
  FrameBuilder frames;
  LogPageBuilder pages;
  const LogEntry record{1, views_[0]};
  const auto frame = copy(frames.build("general", views_));
  const auto page = copy(pages.build(1, 0, {&record, 1}));
  EXPECT_FALSE(read_frame(page));
  EXPECT_FALSE(read_log_page(frame));
  EXPECT_FALSE(read_frame(events_[0]));
  EXPECT_FALSE(read_frame({}));
  EXPECT_FALSE(read_log_page({}));
  EXPECT_FALSE(EventReader().read(frame));
}

TEST_F(FrameTest, ReadersSurviveDamage) {
  FrameBuilder frames;
  LogPageBuilder pages;
  const LogEntry record{1, views_[0]};
  const std::vector<std::vector<std::uint8_t>> whole = {
      copy(frames.build("general", std::span(views_).first(3))), copy(pages.build(1, 0, {&record, 1})),
      events_[0]};
  RandomMessages random(6);
  EventReader reader;
  const auto read_all = [&](Bytes bytes) {
    if (const auto frame = read_frame(bytes)) {
      for (const Bytes event : frame->events) (void)reader.read(event);
    }
    if (const auto page = read_log_page(bytes)) {
      for (const LogEntry& entry : page->records) (void)reader.read(entry.event);
    }
    (void)reader.read(bytes);
  };
  for (const auto& bytes : whole) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::vector<std::uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      read_all(cut);
    }
    for (int round = 0; round < 3'000; ++round) {
      std::vector<std::uint8_t> damaged = bytes;
      for (int i = 0; i < 3; ++i)
        damaged[random.below(damaged.size())] ^= static_cast<std::uint8_t>(1 << random.below(8));
      read_all(damaged);
    }
  }
}

// Whatever is sent arrives the same, in either encoding.
TEST(Send, ComesBackFromFlatbuffersAndFromJson) {
  RandomMessages random(7);
  SendDecoder decoder;
  for (int round = 0; round < 2'000; ++round) {
    const Send given = random.send();
    const auto flat = send_to_flatbuffer(given);
    const auto from_flat = decoder.decode(flat);
    ASSERT_TRUE(from_flat) << describe(given) << ": " << from_flat.error().message;
    ASSERT_EQ(describe(*from_flat), describe(given));
    const std::string json = send_to_json(given);
    const auto from_json = decoder.decode(testing::bytes_of(json));
    ASSERT_TRUE(from_json) << json << ": " << from_json.error().message;
    ASSERT_EQ(describe(*from_json), describe(given));
  }
}

}  // namespace
}  // namespace parley
