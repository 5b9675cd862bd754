// One user floods; a well-behaved one beside them must not feel much of it.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/support/chat.h"

namespace parley::test {
namespace {

using Clock = std::chrono::steady_clock;

// Publishes as fast as the broker takes it, until told to stop.
class Flooder {
 public:
  explicit Flooder(const World& world) : client_(world.connect("lena")), thread_([this] { run(); }) {}
  ~Flooder() {
    stop_ = true;
    thread_.join();
  }
  std::uint64_t answered() const { return answered_; }

 private:
  void run() {
    constexpr std::uint16_t kBatch = 200;
    const std::string payload = message(std::string(200, 'x'));
    std::string batch;
    for (std::uint16_t id = 1; id <= kBatch; ++id) {
      mqtt::Publish publish;
      publish.topic = "rooms/general/send";
      publish.payload = payload;
      publish.qos = 1;
      publish.packet_id = id;
      mqtt::append_publish(batch, Version::v5, publish);
    }
    while (!stop_ && client_.try_send_bytes(batch)) {
      for (int i = 0; i < kBatch && client_.next_control(1s); ++i) ++answered_;
    }
  }
  RawClient client_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> answered_{0};
  std::thread thread_;
};

// Five messages a second from alice to bob, for three seconds: the latencies, sorted.
std::vector<std::chrono::microseconds> latencies(RawClient& alice, RawClient& bob) {
  std::vector<std::chrono::microseconds> result;
  for (int i = 0; i < 15; ++i) {
    const auto begin = Clock::now();
    alice.send_publish("rooms/general/send", message("polite"));
    bob.expect_message([&](const Received& m) { return text(events_in(m).at(0), "from") == "alice"; },
                       "alice's message");
    result.push_back(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin));
    // The pace is what is tested, hence a wait by the clock.
    while (Clock::now() < begin + 200ms) alice.next(1ms);
  }
  std::sort(result.begin(), result.end());
  return result;
}

TEST(FloodTest, TheWellBehavedKeepTheirLatency) {
  World world;
  auto alice = world.connect("alice");
  auto bob = world.reader("bob", "general");
  const auto quiet = latencies(alice, bob);
  const Flooder flooder(world);
  const auto beside = latencies(alice, bob);
  const auto median = [](const auto& sorted) { return sorted[sorted.size() / 2]; };
  std::printf("median %lld us quiet, %lld us beside a flood of %llu messages; slowest %lld and %lld us\n",
              static_cast<long long>(median(quiet).count()), static_cast<long long>(median(beside).count()),
              static_cast<unsigned long long>(flooder.answered()),
              static_cast<long long>(quiet.back().count()), static_cast<long long>(beside.back().count()));
  EXPECT_GT(flooder.answered(), 1000u) << "that was no flood";
  // The flood keeps the broker's one thread and a core busy; ten times, and room for a loaded machine.
  EXPECT_LT(median(beside), 10 * median(quiet) + 300ms);
  // And the flooder's messages stay within their limit: 3 at once and 2 a second.
  EXPECT_LT(world.admin.read_log("general").size(), 30u + 3u + 2u * 60u);
}

}  // namespace
}  // namespace parley::test
