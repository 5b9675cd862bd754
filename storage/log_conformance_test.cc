// What every Log must do, whatever holds the bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "schemas/message.h"
#include "storage/log_test_support.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// An implementation: opens its log in the folder, again and again when it keeps anything there.
struct Backend {
  std::string name;
  bool persistent = false;
  std::unique_ptr<Log> (*open)(const std::filesystem::path&) = nullptr;
};

std::unique_ptr<Log> open_rocks(const std::filesystem::path& path) {
  auto log = open_rocks_log({.path = path, .memory_budget_bytes = 16 << 20, .reserve_bytes = 0});
  if (!log) throw std::runtime_error(log.error());
  return std::move(*log);
}
std::unique_ptr<Log> open_memory(const std::filesystem::path&) { return make_memory_log(); }

class LogConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { log_ = GetParam().open(folder_.path()); }

  // Closes and opens again where that means anything; the tests that follow hold either way.
  void reopen_if_persistent() {
    if (!GetParam().persistent) return;
    log_.reset();
    log_ = GetParam().open(folder_.path());
  }
  std::optional<Stored> find(std::string_view room, std::string_view sender, std::string_view cid) {
    const auto found = log_->find_cid(room, sender, cid);
    EXPECT_TRUE(found.has_value());
    return found ? *found : std::nullopt;
  }
  std::map<std::string, std::uint64_t> tails() {
    std::map<std::string, std::uint64_t> result;
    for (const auto& [room, last] : *log_->room_tails()) EXPECT_TRUE(result.emplace(room, raw(last)).second);
    return result;
  }
  void fill(std::size_t count, std::uint64_t ms_apart = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(append(*log_, {.seq = i + 1, .id = id_at(i * ms_apart), .cid = "c" + std::to_string(i)}));
    }
  }
  std::vector<MessageId> offsets(MessageId after = MessageId{0}) {
    std::vector<MessageId> result;
    for (const auto& record : read_all(*log_, after)) result.push_back(record.offset);
    return result;
  }

  TestFolder folder_;
  std::unique_ptr<Log> log_;
};

TEST_P(LogConformance, IsEmptyAtFirst) {
  EXPECT_EQ(log_->last_id(), MessageId{0});
  EXPECT_THAT(read_all(*log_), IsEmpty());
  EXPECT_THAT(tails(), IsEmpty());
  EXPECT_THAT(*log_->cursors(), IsEmpty());
  EXPECT_EQ(find("general", "alice", "c"), std::nullopt);
  EXPECT_EQ(log_->stats().low, MessageId{0});
  EXPECT_EQ(log_->stats().high, MessageId{0});
  EXPECT_FALSE(log_->stats().write_stopped);
  EXPECT_TRUE(log_->sync());
  EXPECT_TRUE(log_->recover());
}

TEST_P(LogConformance, ReadsBackWhatWasAppendedInOrder) {
  const std::string binary("\x00\xff\x00 zero", 8);
  ASSERT_TRUE(append(*log_, {.room = "a", .seq = 7, .id = id_at(1), .event = "one"}));
  ASSERT_TRUE(append(*log_, {.room = "b", .seq = 1, .id = id_at(2), .event = binary}));
  ASSERT_TRUE(append(*log_, {.room = "a", .seq = 8, .id = id_at(2, 1), .event = ""}));
  ASSERT_TRUE(log_->sync());
  reopen_if_persistent();
  EXPECT_THAT(read_all(*log_), ElementsAre(Read{id_at(1), "a", 7, "one"}, Read{id_at(2), "b", 1, binary},
                                           Read{id_at(2, 1), "a", 8, ""}));
  EXPECT_EQ(log_->last_id(), id_at(2, 1));
}

TEST_P(LogConformance, ReadsFromAfterAnOffsetUpToALimit) {
  fill(10);
  EXPECT_THAT(offsets(id_at(7)), ElementsAre(id_at(8), id_at(9)));
  EXPECT_THAT(offsets(MessageId{raw(id_at(7)) + 1}), ElementsAre(id_at(8), id_at(9)))
      << "between two offsets";
  EXPECT_EQ(read_all(*log_, id_at(2), 3).size(), 3u);
  EXPECT_THAT(offsets(id_at(9)), IsEmpty());
  EXPECT_THAT(offsets(MessageId{~std::uint64_t{0}}), IsEmpty());
}

TEST_P(LogConformance, ReadTellsTheLastOffsetVisited) {
  fill(10);
  const auto all = [](const LogRecordView&) { return true; };
  EXPECT_EQ(*log_->read(MessageId{0}, 100, all), id_at(9));
  EXPECT_EQ(*log_->read(MessageId{0}, 4, all), id_at(3));
  EXPECT_EQ(*log_->read(id_at(9), 4, all), id_at(9)) << "nothing visited: where it began";
  EXPECT_EQ(*log_->read(id_at(2), 0, all), id_at(2));
  EXPECT_EQ(*log_->read(MessageId{0}, 100, [](const LogRecordView& r) { return r.offset < id_at(5); }),
            id_at(5));
}

TEST_P(LogConformance, ReadsMoreThanOneStretch) {
  fill(5000);
  const auto all = offsets();
  ASSERT_EQ(all.size(), 5000u);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], id_at(i));
}

TEST_P(LogConformance, FindsAnEventById) {
  ASSERT_TRUE(append(*log_, {.id = id_at(1), .event = "first"}));
  ASSERT_TRUE(append(*log_, {.seq = 2, .id = id_at(2), .event = "second"}));
  reopen_if_persistent();
  std::string event = "left over";
  ASSERT_TRUE(log_->find_id(id_at(1), event));
  EXPECT_EQ(event, "first");
  EXPECT_EQ(log_->find_id(id_at(3), event).error(), LogError::not_found);
  EXPECT_EQ(log_->find_id(MessageId{0}, event).error(), LogError::not_found);
}

TEST_P(LogConformance, FindsAResendByRoomSenderAndCid) {
  ASSERT_TRUE(append(*log_, {.room = "r", .seq = 5, .id = id_at(1), .sender = "alice", .cid = "x"}));
  reopen_if_persistent();
  const auto found = find("r", "alice", "x");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id, id_at(1));
  EXPECT_EQ(found->seq, Seq{5});
  EXPECT_EQ(find("r", "alice", "y"), std::nullopt);
  EXPECT_EQ(find("r", "bob", "x"), std::nullopt);
  EXPECT_EQ(find("q", "alice", "x"), std::nullopt);
}

TEST_P(LogConformance, NeverMixesUpWhereOneNameEndsAndTheNextBegins) {
  ASSERT_TRUE(append(*log_, {.room = "ab", .id = id_at(1), .sender = "c", .cid = "d"}));
  EXPECT_EQ(find("a", "bc", "d"), std::nullopt);
  EXPECT_EQ(find("ab", "cd", ""), std::nullopt);
  EXPECT_EQ(find("a", "b", "cd"), std::nullopt);
  EXPECT_TRUE(find("ab", "c", "d").has_value());
}

TEST_P(LogConformance, KeepsNoIdempotencyEntryForAnEmptyCid) {
  ASSERT_TRUE(append(*log_, {.id = id_at(1), .cid = ""}));
  EXPECT_EQ(find("general", "alice", ""), std::nullopt);
}

TEST_P(LogConformance, KeepsEachRoomsCounter) {
  ASSERT_TRUE(append(*log_, {.room = "a", .seq = 1, .id = id_at(1)}));
  ASSERT_TRUE(append(*log_, {.room = "b", .seq = 900, .id = id_at(2)}));
  ASSERT_TRUE(append(*log_, {.room = "a", .seq = kSeqLimit - 1, .id = id_at(3)}));
  reopen_if_persistent();
  EXPECT_THAT(tails(), UnorderedElementsAre(Pair("a", kSeqLimit - 1), Pair("b", 900)));
}

TEST_P(LogConformance, RefusesAnIdThatDoesNotRise) {
  ASSERT_TRUE(append(*log_, {.id = id_at(5), .event = "kept"}));
  reopen_if_persistent();
  EXPECT_EQ(append(*log_, {.seq = 2, .id = id_at(5), .cid = "c", .event = "over it"}).error(),
            LogError::corrupt);
  EXPECT_EQ(append(*log_, {.seq = 2, .id = id_at(4), .cid = "c", .event = "before it"}).error(),
            LogError::corrupt);
  EXPECT_THAT(read_all(*log_), ElementsAre(Read{id_at(5), "general", 1, "kept"}));
  EXPECT_EQ(find("general", "alice", "c"), std::nullopt);
}

TEST_P(LogConformance, RefusesARoomNameThatDoesNotFit) {
  EXPECT_EQ(append(*log_, {.room = std::string(256, 'r'), .id = id_at(1)}).error(), LogError::corrupt);
  EXPECT_TRUE(append(*log_, {.room = std::string(255, 'r'), .id = id_at(1)}));
}

TEST_P(LogConformance, TakesLargeEvents) {
  const std::string large(300'000, 'x');
  ASSERT_TRUE(append(*log_, {.id = id_at(1), .event = large}));
  std::string event;
  ASSERT_TRUE(log_->find_id(id_at(1), event));
  EXPECT_EQ(event, large);
}

TEST_P(LogConformance, CursorsOnlyMoveForward) {
  fill(10);
  ASSERT_TRUE(log_->set_cursor("history", id_at(5)));
  ASSERT_TRUE(log_->set_cursor("push", id_at(2)));
  ASSERT_TRUE(log_->set_cursor("history", id_at(3))) << "an old one is no error, and no step back";
  reopen_if_persistent();
  EXPECT_THAT(*log_->cursors(), UnorderedElementsAre(Pair("history", id_at(5)), Pair("push", id_at(2))));
  EXPECT_TRUE(log_->remove_cursor("push"));
  EXPECT_EQ(log_->remove_cursor("push").error(), LogError::not_found);
  reopen_if_persistent();
  EXPECT_THAT(*log_->cursors(), ElementsAre(Pair("history", id_at(5))));
}

TEST_P(LogConformance, RefusesACursorAheadOfTheLog) {
  fill(3);
  EXPECT_EQ(log_->set_cursor("history", id_at(3)).error(), LogError::not_found);
  EXPECT_THAT(*log_->cursors(), IsEmpty());
}

TEST_P(LogConformance, TrimsWhatEveryConsumerHasPassed) {
  fill(10);
  ASSERT_TRUE(log_->set_cursor("history", id_at(6)));
  ASSERT_TRUE(log_->set_cursor("push", id_at(3)));
  EXPECT_EQ(*log_->trim(unix_ms_at(1000), {}), id_at(4));
  EXPECT_THAT(offsets(), ElementsAre(id_at(4), id_at(5), id_at(6), id_at(7), id_at(8), id_at(9)));
  EXPECT_EQ(log_->stats().low, id_at(4));
  reopen_if_persistent();
  EXPECT_EQ(offsets().front(), id_at(4));
  EXPECT_EQ(*log_->trim(unix_ms_at(1000), {}), id_at(4)) << "again: nothing more";
}

TEST_P(LogConformance, KeepsEverythingWhileNothingSaysOtherwise) {
  fill(3);
  EXPECT_EQ(*log_->trim(unix_ms_at(1'000'000'000), {}), id_at(0)) << "no consumer registered, no age given";
  ASSERT_TRUE(log_->set_cursor("history", id_at(2)));
  EXPECT_EQ(*log_->trim(unix_ms_at(1'000'000'000), {.keep_for_consumers = false}), id_at(0));
}

TEST_P(LogConformance, TrimsByAgeEvenWhereAConsumerLags) {
  fill(10, 100);
  ASSERT_TRUE(log_->set_cursor("slow", id_at(100)));
  EXPECT_EQ(log_->low(), MessageId{0});
  EXPECT_EQ(*log_->trim(unix_ms_at(1000), {.max_age = milliseconds(500)}), id_at(500));
  EXPECT_GT(log_->low(), id_at(400));
  EXPECT_LE(log_->low(), id_at(500));
  EXPECT_THAT(offsets(), ElementsAre(id_at(500), id_at(600), id_at(700), id_at(800), id_at(900)));
}

TEST_P(LogConformance, KeepsYoungEventsWithAnAgeGiven) {
  fill(10, 100);
  ASSERT_TRUE(log_->set_cursor("quick", id_at(900)));
  EXPECT_EQ(*log_->trim(unix_ms_at(1000), {.max_age = milliseconds(5000)}), id_at(0))
      << "idempotency must last as long as the age, not as long as a consumer needs";
}

TEST_P(LogConformance, TrimmedEventsAreGoneForEveryQuestion) {
  fill(10);
  ASSERT_TRUE(log_->trim(unix_ms_at(10), {.max_age = milliseconds(5)}));
  std::string event;
  EXPECT_EQ(log_->find_id(id_at(4), event).error(), LogError::not_found);
  EXPECT_TRUE(log_->find_id(id_at(5), event));
  EXPECT_EQ(find("general", "alice", "c4"), std::nullopt) << "the entry counts only while its event is kept";
  EXPECT_TRUE(find("general", "alice", "c5").has_value());
  EXPECT_EQ(offsets(id_at(1)).front(), id_at(5));
  reopen_if_persistent();
  EXPECT_EQ(find("general", "alice", "c4"), std::nullopt);
  EXPECT_EQ(log_->find_id(id_at(4), event).error(), LogError::not_found);
}

TEST_P(LogConformance, ACidMayComeAgainAfterItsEventIsGone) {
  fill(2);
  ASSERT_TRUE(log_->trim(unix_ms_at(1), {.max_age = milliseconds(1)}));
  ASSERT_TRUE(log_->trim(unix_ms_at(10), {.max_age = milliseconds(1)}));
  ASSERT_TRUE(append(*log_, {.seq = 3, .id = id_at(20), .cid = "c0"}));
  ASSERT_TRUE(find("general", "alice", "c0").has_value());
  EXPECT_EQ(find("general", "alice", "c0")->id, id_at(20));
}

TEST_P(LogConformance, AnEmptiedLogStillKnowsItsCountersAndItsLastId) {
  fill(10);
  EXPECT_EQ(*log_->trim(unix_ms_at(1'000'000), {.max_age = milliseconds(1)}), MessageId{0});
  reopen_if_persistent();
  EXPECT_THAT(read_all(*log_), IsEmpty());
  EXPECT_EQ(log_->stats().low, MessageId{0});
  EXPECT_EQ(log_->last_id(), id_at(9)) << "so that ids go on rising";
  EXPECT_THAT(tails(), ElementsAre(Pair("general", 10)));
  EXPECT_EQ(append(*log_, {.seq = 11, .id = id_at(9)}).error(), LogError::corrupt);
  ASSERT_TRUE(append(*log_, {.seq = 11, .id = id_at(10)}));
  EXPECT_THAT(offsets(), ElementsAre(id_at(10)));
}

// Ids may be ahead of the clock; what is too old goes all the same.
TEST_P(LogConformance, TrimsByTheEventsOwnTimeWhereIdsAreAheadOfIt) {
  EventBuilder builder;
  const auto put = [&](std::uint64_t seq, std::uint64_t id_ms, std::uint64_t ts) {
    Stamp stamp;
    stamp.room = "general";
    stamp.seq = Seq{seq};
    stamp.id = id_at(id_ms, seq);
    stamp.from = "alice";
    stamp.ts_ms = unix_ms_at(ts);
    Send send;
    send.body = "x";
    const Bytes event = builder.build(stamp, send);
    ASSERT_TRUE(
        append(*log_, {.seq = seq,
                       .id = stamp.id,
                       .event = std::string(reinterpret_cast<const char*>(event.data()), event.size())}));
  };
  constexpr std::uint64_t kAhead = 1'000'000;
  put(1, 1000, 1000);
  put(2, kAhead + 1000, kAhead + 1000);  // the clock was ahead,
  put(3, kAhead + 1000, 2000);           // and was put right
  put(4, kAhead + 1000, 3000);
  put(5, kAhead + 1000, 9000);
  const auto trim = [&](std::uint64_t now, std::uint64_t age) {
    ASSERT_TRUE(log_->trim(unix_ms_at(now), {.max_age = milliseconds(age)}));
  };
  trim(9000, 8500);
  EXPECT_EQ(offsets().size(), 5u);
  trim(9000, 7500);
  EXPECT_THAT(offsets(), ElementsAre(id_at(kAhead + 1000, 2), id_at(kAhead + 1000, 3),
                                     id_at(kAhead + 1000, 4), id_at(kAhead + 1000, 5)))
      << "how old the second is nobody knows yet";
  trim(9000, 6500);
  EXPECT_THAT(offsets(), ElementsAre(id_at(kAhead + 1000, 4), id_at(kAhead + 1000, 5)));
  trim(9000, 6500);
  reopen_if_persistent();
  trim(10'000, 5000);
  EXPECT_THAT(offsets(), ElementsAre(id_at(kAhead + 1000, 5)));
  trim(20'000, 5000);
  EXPECT_THAT(offsets(), IsEmpty());
  EXPECT_EQ(log_->last_id(), id_at(kAhead + 1000, 5));
}

TEST_P(LogConformance, AClockAheadTrimsNoFutureEvents) {
  fill(3);
  ASSERT_TRUE(log_->trim(unix_ms_at(1'000'000'000), {.max_age = milliseconds(1)}));
  ASSERT_TRUE(append(*log_, {.seq = 4, .id = id_at(5)}));
  EXPECT_THAT(offsets(), ElementsAre(id_at(5))) << "the bound never passes what was there";
}

TEST_P(LogConformance, ReadersAndSyncRunBesideTheWriter) {
  constexpr std::size_t kCount = 3000;
  std::atomic<bool> done{false};
  std::thread syncer([&] {
    while (!done) ASSERT_TRUE(log_->sync());
  });
  std::thread reader([&] {
    MessageId at{0};
    std::size_t seen = 0;
    while (seen < kCount) {
      const auto last = log_->read(at, 100, [&](const LogRecordView& record) {
        EXPECT_EQ(record.offset, id_at(seen)) << "no gap, no repeat";
        ++seen;
        return true;
      });
      ASSERT_TRUE(last.has_value());
      at = *last;
      ASSERT_TRUE(log_->set_cursor("reader", at));
    }
  });
  std::thread trimmer([&] {
    while (!done) {
      ASSERT_TRUE(log_->cursors().has_value());
      log_->stats();
    }
  });
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string cid = "c" + std::to_string(i);
    ASSERT_EQ(find("general", "alice", cid), std::nullopt);
    ASSERT_TRUE(append(*log_, {.seq = i + 1, .id = id_at(i), .cid = cid}));
  }
  reader.join();
  done = true;
  syncer.join();
  trimmer.join();
}

INSTANTIATE_TEST_SUITE_P(Logs, LogConformance,
                         testing::Values(Backend{.name = "memory", .persistent = false, .open = open_memory},
                                         Backend{.name = "rocks", .persistent = true, .open = open_rocks}),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace parley::storage
