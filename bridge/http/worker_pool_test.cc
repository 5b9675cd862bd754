#include "bridge/http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

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

}  // namespace
}  // namespace parley::http
