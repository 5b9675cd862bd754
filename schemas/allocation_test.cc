// The hot path allocates nothing once its buffers have grown. A program of its own, because it counts every
// call of operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "schemas/message.h"
#include "schemas/test_messages.h"
#include "schemas/topic.h"

namespace {
std::atomic<std::size_t> allocations = 0;

void* counted(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

namespace parley {
namespace {

// Allocations of the second round over the same inputs.
template <class Work>
std::size_t in_steady_state(Work work) {
  work();
  const std::size_t before = allocations;
  work();
  return allocations - before;
}

TEST(Allocation, IsCounted) {
  EXPECT_GT(in_steady_state([] { ::operator delete(::operator new(8)); }), 0u);
}

TEST(Allocation, StaysAwayFromTheHotPath) {
  testing::RandomMessages random(1);
  std::vector<std::vector<std::uint8_t>> payloads;
  for (int i = 0; i < 200; ++i) {
    const Send send = random.send();
    payloads.push_back(send_to_flatbuffer(send));
    const std::string json = send_to_json(send);
    payloads.emplace_back(json.begin(), json.end());
  }
  const std::string text = "plain text";
  payloads.emplace_back(text.begin(), text.end());
  const Stamp stamp = random.stamp();
  SendDecoder decoder;
  EventBuilder builder;
  FrameBuilder frames;
  EventReader reader;
  std::string json;
  std::size_t failed = 0;
  EXPECT_EQ(in_steady_state([&] {
              for (const auto& payload : payloads) {
                const auto send = decoder.decode(payload);
                if (!send) {
                  ++failed;
                  continue;
                }
                const Bytes event = builder.build(stamp, *send);
                const Bytes frame[] = {event, event};
                failed += frames.build("general", frame).empty() ? 1 : 0;
                failed += reader.read(event) ? 0 : 1;
                json.clear();
                append_event_json(event, json);
              }
            }),
            0u);
  EXPECT_EQ(failed, 0u);
}

TEST(Allocation, StaysAwayFromTopics) {
  EXPECT_EQ(in_steady_state([] {
              for (const char* topic :
                   {"rooms/general/send", "users/alice/replies/phone", "devices/x", "rooms/X/send"}) {
                (void)parse_topic(topic);
                (void)parse_filter(topic);
                (void)matches("rooms/+/send", topic);
              }
            }),
            0u);
}

}  // namespace
}  // namespace parley
