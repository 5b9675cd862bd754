#include "clients/parleyctl/log_follower.h"

#include <gmock/gmock.h>

#include "clients/cpp/testing/events.h"
#include "clients/parleyctl/testing/fake_control.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::IsEmpty;

// A log of records with offsets 10, 20, ... whose room is "general", every third one's "other".
class LogFollowerTest : public testing::Test {
 protected:
  static std::string room_of(std::uint64_t offset) { return offset / 10 % 3 == 0 ? "other" : "general"; }

  json::object answer(const json::object& request) {
    const auto after = request.at("offset").to_number<std::uint64_t>();
    const auto limit = request.at("limit").to_number<std::uint64_t>();
    const json::value* room = request.if_contains("room");
    json::array events;
    std::uint64_t next = after;
    for (std::uint64_t offset = 10; offset <= last; offset += 10) {
      if (offset <= after) continue;
      if (events.size() == std::min<std::uint64_t>(limit, 4)) break;  // a server with small pages
      next = offset;
      if (room != nullptr && room->as_string() != room_of(offset)) continue;
      events.push_back({{"offset", std::to_string(offset)}, {"event", {{"room", room_of(offset)}}}});
    }
    return {{"ok", true}, {"events", events}, {"next", std::to_string(next)}, {"end", next == last}};
  }
  std::string live(std::uint64_t prev, std::initializer_list<std::uint64_t> offsets) {
    std::vector<client::EventBytes> bytes;
    for (const auto offset : offsets) {
      bytes.push_back(client::event_bytes({.room = room_of(offset), .seq = offset, .prev = offset - 10}));
    }
    std::vector<LogEntry> entries;
    std::size_t i = 0;
    for (const auto offset : offsets) entries.push_back({offset, bytes[i++]});
    LogPageBuilder builder;
    const Bytes page = builder.build(0, prev, entries);
    return {reinterpret_cast<const char*>(page.data()), page.size()};
  }
  bool sink(std::string_view line) {
    printed.push_back(std::stoull(std::string(json::parse(line).at("offset").as_string())));
    return printed.size() < enough;
  }
  LogFollower follower(const std::string& room, std::optional<std::uint64_t> after) {
    return LogFollower(room, after, [this](std::string_view line) { return sink(line); });
  }

  std::uint64_t last = 100;
  std::size_t enough = 1000;
  std::vector<std::uint64_t> printed;
  FakeControl fake{[this](const json::object& request) { return answer(request); }};
};

TEST_F(LogFollowerTest, ReadsAllPages) {
  ControlClient control(fake.options());
  follower("", 0).read(control, 0);
  EXPECT_THAT(printed, ElementsAre(10, 20, 30, 40, 50, 60, 70, 80, 90, 100));
}

TEST_F(LogFollowerTest, ReadsOneRoomUpToALimit) {
  ControlClient control(fake.options());
  follower("general", 20).read(control, 3);
  EXPECT_THAT(printed, ElementsAre(40, 50, 70));
}

TEST_F(LogFollowerTest, StopsWhenNobodyListensAnyMore) {
  enough = 2;
  ControlClient control(fake.options());
  EXPECT_FALSE(follower("", 0).read(control, 0));
  EXPECT_THAT(printed, ElementsAre(10, 20));
}

TEST_F(LogFollowerTest, TailStartsWithTheNextRecord) {
  enough = 3;
  ControlClient control(fake.options());
  fake.deliver("$parley/log", live(100, {110, 120}));
  fake.deliver("$parley/log", live(120, {130}));
  follower("", std::nullopt).follow(control);
  EXPECT_THAT(printed, ElementsAre(110, 120, 130));
}

TEST_F(LogFollowerTest, TailFillsWhatLivePagesSkip) {
  enough = 5;
  last = 160;
  ControlClient control(fake.options());
  fake.deliver("$parley/log", live(100, {110}));
  fake.deliver("$parley/log", live(140, {150}));
  fake.deliver("$parley/log", "garbage");
  fake.deliver("$parley/log", live(140, {150, 160}));  // delivered twice
  follower("", std::nullopt).follow(control);
  EXPECT_THAT(printed, ElementsAre(110, 120, 130, 140, 150));
}

TEST_F(LogFollowerTest, TailFromAnOffsetReadsThePastFirstAndTrimsTheOverlap) {
  enough = 4;
  ControlClient control(fake.options());
  fake.deliver("$parley/log", live(80, {90, 100, 110}));
  follower("", 70).follow(control);
  EXPECT_THAT(printed, ElementsAre(80, 90, 100, 110));
}

TEST_F(LogFollowerTest, TailOfOneRoomCountsTheOthersToo) {
  enough = 2;
  ControlClient control(fake.options());
  fake.deliver("$parley/log", live(100, {110, 120}));  // 120 is of the other room
  fake.deliver("$parley/log", live(120, {130}));
  follower("general", std::nullopt).follow(control);
  EXPECT_THAT(printed, ElementsAre(110, 130));
  EXPECT_THAT(fake.requests, IsEmpty()) << "nothing was missing";
}

TEST_F(LogFollowerTest, GoesOnAfterALostConnectionWithoutAHole) {
  enough = 4;
  auto tail = follower("", std::nullopt);
  {
    ControlClient control(fake.options());
    fake.deliver("$parley/log", live(100, {110}));
    fake.cut();
    EXPECT_THROW(tail.follow(control), Failure);
  }
  last = 140;
  ControlClient control(fake.options());
  tail.follow(control);
  EXPECT_THAT(printed, ElementsAre(110, 120, 130, 140));
}

}  // namespace
}  // namespace parley::ctl
