// A RocksDB log on disks that fail, for tests.
#ifndef PARLEY_STORAGE_LOG_FAULT_FIXTURE_H_
#define PARLEY_STORAGE_LOG_FAULT_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "storage/fault_files.h"
#include "storage/log_test_support.h"
#include "storage/rocks_log.h"
#include "storage/test_folder.h"

namespace parley::storage {

class RocksLogFaults : public testing::Test {
 protected:
  using Clock = std::chrono::steady_clock;

  // Memory so small that flushes and compactions happen within a test.
  boost::system::result<std::unique_ptr<Log>, std::string> try_open() {
    notices_.clear();
    return open_rocks_log_on({.path = folder_.path() / "log",
                              .memory_budget_bytes = 256 << 10,
                              .reserve_bytes = 0,
                              .info_log_level = "error",
                              .notice = [this](std::string_view text) { notices_.emplace_back(text); }},
                             files_, std::make_shared<ImpatientClock>());
  }
  std::unique_ptr<Log> open() {
    auto log = try_open();
    if (!log) throw std::runtime_error(log.error());
    return std::move(*log);
  }
  // As the i-th of a log: room, cid and event follow from i.
  Message message(std::size_t i, std::size_t event_bytes = 100) const {
    return {.room = "room-" + std::to_string(i % 7),
            .seq = i / 7 + 1,
            .id = id_at(i),
            .sender = "user-" + std::to_string(i % 3),
            .cid = "cid-" + std::to_string(i),
            .event = std::string(event_bytes, static_cast<char>('a' + i % 26))};
  }
  // Appends from `next_` on until an append fails for good; the error, and next_ tells the first that was
  // refused.
  LogError append_until_refused(Log& log) {
    for (const auto end = Clock::now() + std::chrono::seconds(2); Clock::now() < end;) {
      const auto done = append(log, message(next_, 1000));
      if (done) {
        ++next_;
        continue;
      }
      if (done.error() != LogError::stalled) return done.error();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return LogError::stalled;
  }
  // Appends `count` more, each within ten seconds.
  void append_more(Log& log, std::size_t count) {
    const auto deadline = Clock::now() + std::chrono::seconds(10);
    for (const std::size_t end = next_ + count; next_ < end;) {
      const auto done = append(log, message(next_, 1000));
      if (done) {
        ++next_;
      } else {
        ASSERT_LT(Clock::now(), deadline);
        // A stall that turned out to be an error after all: its writer recovers then.
        if (done.error() != LogError::stalled) (void)log.recover();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    }
  }
  // Everything below `count` is there, in every way of asking, and nothing else.
  void expect_exactly(Log& log, std::size_t count) {
    const auto records = read_all(log);
    ASSERT_EQ(records.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const Message m = message(i);
      ASSERT_EQ(records[i].offset, m.id);
      ASSERT_EQ(records[i].room, m.room);
      ASSERT_EQ(records[i].seq, m.seq);
      const auto found = log.find_cid(m.room, m.sender, m.cid);
      ASSERT_TRUE(found && *found) << i;
      ASSERT_EQ((*found)->id, m.id);
    }
    for (std::size_t i = count; i < count + 50; ++i) {
      const Message m = message(i);
      const auto found = log.find_cid(m.room, m.sender, m.cid);
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(*found, std::nullopt) << i;
    }
    const auto tails = log.room_tails();
    ASSERT_TRUE(tails.has_value());
    for (const auto& tail : *tails) {
      std::uint64_t last = 0;
      for (std::size_t i = 0; i < count; ++i) {
        if (message(i).room == tail.room) last = message(i).seq;
      }
      ASSERT_EQ(raw(tail.last), last) << tail.room;
    }
    ASSERT_EQ(log.last_id(), count == 0 ? MessageId{0} : id_at(count - 1));
  }

  TestFolder folder_;
  std::shared_ptr<FaultFiles> files_ = std::make_shared<FaultFiles>();
  std::mt19937_64 random_{42};
  std::size_t next_ = 0;
  std::vector<std::string> notices_;  // of the last opening
};

}  // namespace parley::storage

#endif
