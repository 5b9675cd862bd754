// A subscriber that reads everything and checks it: nothing lost, nothing twice, everything in order.
#ifndef PARLEY_TESTS_BENCH_LISTENER_H_
#define PARLEY_TESTS_BENCH_LISTENER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "schemas/message.h"
#include "schemas/mqtt_packet.h"
#include "tests/bench/histogram.h"
#include "tests/support/unique_fd.h"

namespace parley::bench {

// What went wrong with the order; all must stay 0 (but `missing`, where a broker may drop QoS 0).
struct OrderFaults {
  std::uint64_t missing = 0;      // numbers of a publisher that were jumped over and not refused to it
  std::uint64_t repeated = 0;     // a publisher's number not above its last one
  std::uint64_t broken_prev = 0;  // Parley: prev is not the seq before
  std::uint64_t unreadable = 0;
};

// One thread. Holds the socket.
class Listener {
 public:
  Listener(test::UniqueFd fd, int room, int publishers, bool parley);

  // Reads what there is. Latencies of messages that arrive go to `latencies` unless it is null. Throws
  // std::runtime_error when the broker ended the connection or sent nonsense.
  void read(Histogram* latencies);

  int fd() const { return fd_.get(); }
  int room() const { return room_; }
  std::uint64_t bytes() const { return bytes_; }  // since the subscription
  std::uint64_t events() const { return events_; }
  std::uint64_t packets() const { return packets_; }
  const OrderFaults& faults() const { return faults_; }

  // Called after each packet with the number of bytes and events up to its end.
  struct Place {
    std::uint64_t bytes;
    std::uint64_t events;
  };
  void record_places() { recording_ = true; }
  const std::vector<Place>& places() const { return places_; }

 private:
  void on_packet(const mqtt::Packet& packet, std::uint64_t now_ns, Histogram* latencies);
  void on_frame(std::string_view payload, std::uint64_t now_ns, Histogram* latencies);
  void on_body(std::string_view body, std::uint64_t now_ns, Histogram* latencies);
  void acknowledge(std::uint16_t packet_id);

  test::UniqueFd fd_;
  int room_;
  bool parley_;
  bool recording_ = false;
  mqtt::PacketReader reader_;
  EventReader event_reader_;
  std::vector<std::uint64_t> next_number_;  // of each publisher
  std::uint64_t last_seq_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t packets_ = 0;
  std::vector<Place> places_;
  std::string acks_;
  OrderFaults faults_;
};

}  // namespace parley::bench

#endif
