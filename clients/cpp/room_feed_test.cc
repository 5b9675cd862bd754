#include "clients/cpp/room_feed.h"

#include <gmock/gmock.h>

#include "clients/cpp/testing/events.h"

namespace parley::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RoomFeedTest : public testing::Test, public RoomFeed::Sink {
 protected:
  void deliver(const Event& event) override { delivered.push_back(raw(event.stamp.seq)); }
  bool fetch(const Gap& gap) override {
    fetched.push_back({raw(gap.have), raw(gap.prev)});
    return can_fetch;
  }
  void skipped(const Gap& gap) override { gaps.push_back({raw(gap.have), raw(gap.prev)}); }

  bool receive(std::uint64_t seq, std::uint64_t prev, const std::string& room = "general") {
    return feed.receive(event_bytes({.room = room, .seq = seq, .prev = prev}), now);
  }
  static std::vector<EventBytes> events(std::initializer_list<std::uint64_t> seqs) {
    std::vector<EventBytes> out;
    for (const auto seq : seqs) out.push_back(event_bytes({.seq = seq, .prev = seq - 1}));
    return out;
  }

  using Pair = std::pair<std::uint64_t, std::uint64_t>;
  TimePoint now{};
  bool can_fetch = false;
  std::vector<std::uint64_t> delivered;
  std::vector<Pair> fetched;
  std::vector<Pair> gaps;
  RoomFeed feed{"general", Seq{0}, MessageId{0}, *this, {.held_events = 4, .fill_timeout = Millis(1000)}};
};

TEST_F(RoomFeedTest, DeliversInOrderAndDropsDuplicates) {
  receive(5, 4);
  receive(6, 5);
  receive(6, 5);
  receive(5, 4);
  receive(9, 6);  // seqs rise, by whatever steps
  EXPECT_THAT(delivered, ElementsAre(5, 6, 9));
  EXPECT_THAT(gaps, IsEmpty());
}

TEST_F(RoomFeedTest, IgnoresBytesThatAreNoEventOfThisRoom) {
  EXPECT_FALSE(receive(1, 0, "elsewhere"));
  const std::string garbage = "not a flatbuffer at all";
  EXPECT_FALSE(feed.receive({reinterpret_cast<const std::uint8_t*>(garbage.data()), garbage.size()}, now));
  EXPECT_THAT(delivered, IsEmpty());
}

TEST_F(RoomFeedTest, TellsOfAGapAndGoesOnWhenNothingCanBeFetched) {
  receive(5, 4);
  receive(8, 7);
  receive(9, 8);
  EXPECT_THAT(delivered, ElementsAre(5, 8, 9));
  EXPECT_THAT(gaps, ElementsAre(Pair{5, 7}));
}

TEST_F(RoomFeedTest, StartsFromWhatTheAppKnows) {
  RoomFeed known{"general", Seq{3}, MessageId{0}, *this, {}};
  known.receive(event_bytes({.seq = 3, .prev = 2}), now);
  known.receive(event_bytes({.seq = 5, .prev = 4}), now);
  EXPECT_THAT(delivered, ElementsAre(5));
  EXPECT_THAT(gaps, ElementsAre(Pair{3, 4}));
}

TEST_F(RoomFeedTest, HoldsLaterEventsUntilTheGapIsFilled) {
  can_fetch = true;
  receive(5, 4);
  receive(8, 7);
  receive(9, 8);
  EXPECT_THAT(delivered, ElementsAre(5));
  EXPECT_THAT(fetched, ElementsAre(Pair{5, 7}));
  feed.fill(feed.fill_request(), events({5, 6, 7, 8}), now);  // more than asked for does no harm
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7, 8, 9));
  EXPECT_THAT(gaps, IsEmpty());
  EXPECT_FALSE(feed.filling());
}

TEST_F(RoomFeedTest, AnEmptyFillIsAGapAndIsNotAskedForAgain) {
  can_fetch = true;
  receive(5, 4);
  receive(8, 7);
  feed.fill(feed.fill_request(), {}, now);
  EXPECT_THAT(delivered, ElementsAre(5, 8));
  EXPECT_THAT(gaps, ElementsAre(Pair{5, 7}));
  EXPECT_EQ(fetched.size(), 1u);
}

TEST_F(RoomFeedTest, AFillThatDoesNotComeIsGivenUp) {
  can_fetch = true;
  receive(5, 4);
  receive(8, 7);
  now += Millis(1000);
  EXPECT_EQ(feed.next_deadline(), now);
  feed.on_time(now);
  EXPECT_THAT(delivered, ElementsAre(5, 8));
  EXPECT_THAT(gaps, ElementsAre(Pair{5, 7}));
  feed.fill(feed.fill_request(), events({6, 7}), now);  // too late
  EXPECT_THAT(delivered, ElementsAre(5, 8));
}

TEST_F(RoomFeedTest, ASecondGapAmongTheHeldIsFetchedToo) {
  can_fetch = true;
  receive(5, 4);
  receive(8, 7);
  receive(12, 11);
  feed.fill(feed.fill_request(), events({6, 7}), now);
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7, 8));
  EXPECT_THAT(fetched, ElementsAre(Pair{5, 7}, Pair{8, 11}));
  feed.fill(feed.fill_request(), events({9, 10, 11}), now);
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7, 8, 9, 10, 11, 12));
}

TEST_F(RoomFeedTest, HoldsNoMoreThanItsBoundAndFindsTheRestByPrev) {
  can_fetch = true;
  receive(5, 4);
  for (std::uint64_t seq = 8; seq <= 20; ++seq) receive(seq, seq - 1);
  feed.fill(feed.fill_request(), events({6, 7}), now);
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7, 8, 9, 10, 11));
  receive(21, 20);
  EXPECT_THAT(fetched.back(), (Pair{11, 20}));
}

TEST_F(RoomFeedTest, ALossWhileAGapIsBeingFilledIsAskedForAfterwards) {
  can_fetch = true;
  receive(5, 4);
  receive(8, 7);
  feed.resume(now);
  EXPECT_THAT(fetched, ElementsAre(Pair{5, 7}));
  feed.fill(feed.fill_request(), events({6, 7}), now);  // read before the loss
  EXPECT_THAT(fetched, ElementsAre(Pair{5, 7}, Pair{8, 0}));
  feed.fill(feed.fill_request(), events({9, 10}), now);
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7, 8, 9, 10));
  EXPECT_EQ(fetched.size(), 2u);
}

TEST_F(RoomFeedTest, AfterALossAsksForWhatHappenedMeanwhile) {
  can_fetch = true;
  feed.resume(now);
  EXPECT_THAT(fetched, IsEmpty()) << "nothing is known of the room yet";
  receive(5, 4);
  feed.resume(now);
  EXPECT_THAT(fetched, ElementsAre(Pair{5, 0}));
  receive(7, 6);
  feed.fill(feed.fill_request(), events({6, 7}), now);
  EXPECT_THAT(delivered, ElementsAre(5, 6, 7));
  EXPECT_THAT(gaps, IsEmpty());
}

}  // namespace
}  // namespace parley::client
