// Event and frame bytes for tests.
#ifndef PARLEY_CLIENTS_CPP_TESTING_EVENTS_H_
#define PARLEY_CLIENTS_CPP_TESTING_EVENTS_H_

#include <string>
#include <vector>

#include "clients/cpp/types.h"

namespace parley::client {

struct TestEvent {
  std::string room = "general";
  std::uint64_t seq = 1;
  std::uint64_t prev = 0;
  std::string from = "bob";
  std::string cid = "";
  std::string body = "hi";
};

inline EventBytes event_bytes(const TestEvent& e) {
  Event event;
  event.stamp.room = e.room;
  event.stamp.seq = Seq{e.seq};
  event.stamp.prev = Seq{e.prev};
  event.stamp.id = MessageId{1000 + e.seq};
  event.stamp.from = e.from;
  event.stamp.device = "phone";
  event.stamp.role = MemberRole::member;
  event.stamp.ts_ms = 1'763'683'200'000 + e.seq;
  event.send.cid = e.cid;
  event.send.body = e.body;
  EventBuilder builder;
  const Bytes bytes = builder.build(event.stamp, event.send);
  return {bytes.begin(), bytes.end()};
}

inline std::string frame_payload(const std::string& room, const std::vector<TestEvent>& events) {
  std::vector<EventBytes> bytes;
  for (const TestEvent& e : events) bytes.push_back(event_bytes(e));
  const std::vector<Bytes> views(bytes.begin(), bytes.end());
  FrameBuilder builder;
  const Bytes frame = builder.build(room, views);
  return {reinterpret_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace parley::client

#endif
