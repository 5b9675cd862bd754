#include "bridge/http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <set>
#include <thread>

namespace parley::http {
namespace {

TEST(WorkerPool, RunsWhatItTakesAndRefusesWhatDoesNotFit) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::promise<void> running;
  std::atomic<int> ran{0};
  WorkerPool pool({.name = "test", .threads = 1, .queue = 2});
  ASSERT_TRUE(pool.submit([&] {
    running.set_value();
    open.wait();
    ++ran;
  }));
  running.get_future().wait();
  EXPECT_TRUE(pool.submit([&] { ++ran; }));
  EXPECT_TRUE(pool.submit([&] { ++ran; }));
  EXPECT_FALSE(pool.submit([&] { ++ran; }));
  EXPECT_EQ(pool.waiting(), 2u);
  gate.set_value();
  pool.stop();
  EXPECT_EQ(ran, 3);
  EXPECT_FALSE(pool.submit([&] { ++ran; }));
}

TEST(WorkerPool, ManyThreadsLoseNothing) {
  std::atomic<int> ran{0};
  int taken = 0;
  {
    WorkerPool pool({.name = "test", .threads = 4, .queue = 100, .nice = 1});
    for (int i = 0; i < 10'000; ++i) taken += pool.submit([&] { ++ran; }) ? 1 : 0;
  }
  EXPECT_EQ(ran, taken);
}

// All threads but the reserve are held up, as by a database that does not answer.
TEST(WorkerPool, TheReserveTakesWhatHasWaited) {
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::promise<void> both;
  std::atomic<int> ran{0};
  WorkerPool pool(
      {.name = "test", .threads = 3, .queue = 10, .at_once = 1, .patience = std::chrono::milliseconds(1)});
  const auto held_up = [&] {
    if (++ran == 2) both.set_value();
    open.wait();
  };
  ASSERT_TRUE(pool.submit(held_up));
  ASSERT_TRUE(pool.submit(held_up));
  both.get_future().wait();
  std::promise<void> third;
  ASSERT_TRUE(pool.submit([&] { third.set_value(); }));
  third.get_future().wait();
  gate.set_value();
}

TEST(WorkerPool, TheReserveLeavesWhatIsQuickToTheOthers) {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  {
    WorkerPool pool(
        {.name = "test", .threads = 4, .queue = 1000, .at_once = 1, .patience = std::chrono::hours(1)});
    for (int i = 0; i < 1000; ++i)
      ASSERT_TRUE(pool.submit([&] {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }));
  }
  EXPECT_EQ(threads.size(), 1u);
}

}  // namespace
}  // namespace parley::http
