// What is published, and how a subscriber recognises it.
//
//   body    = "t=" sent:19digits " p=" publisher:4digits " n=" number:10digits " " filler   ; 100 bytes
//   sent    = CLOCK_MONOTONIC nanoseconds when the packet was made
//   number  = 0, 1, ... of that publisher; also in the cid
//
// A bare broker is sent the body alone; Parley a FlatBuffers Send with the body and a cid.
#ifndef PARLEY_TESTS_BENCH_PAYLOAD_H_
#define PARLEY_TESTS_BENCH_PAYLOAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/mqtt_packet.h"

namespace parley::bench {

struct BodyMark {
  std::uint64_t sent_ns = 0;
  std::uint32_t publisher = 0;
  std::uint64_t number = 0;
};
std::optional<BodyMark> parse_body(std::string_view body);

// The PUBLISH packets of one publisher: made once, then only copied and stamped.
class Stamper {
 public:
  Stamper(mqtt::Version version, std::string_view topic, bool parley, int room, int publisher);
  // Appends the packet of message `number`, QoS 1.
  void append(std::string& out, std::uint64_t number, std::uint64_t now_ns) const;
  static std::uint16_t packet_id(std::uint64_t number) {
    return static_cast<std::uint16_t>(1 + number % 65'535);
  }

 private:
  std::string packet_;
  std::size_t id_at_ = 0;
  std::size_t time_at_ = 0;
  std::vector<std::size_t> number_at_;
};

}  // namespace parley::bench

#endif
