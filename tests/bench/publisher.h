// A publisher: as many PUBLISHes on their way as its window allows, each PUBACK a credit for the next.
#ifndef PARLEY_TESTS_BENCH_PUBLISHER_H_
#define PARLEY_TESTS_BENCH_PUBLISHER_H_

#include <cstdint>
#include <string>

#include "schemas/mqtt_packet.h"
#include "tests/bench/payload.h"
#include "tests/support/unique_fd.h"

namespace parley::bench {

// One thread. Holds the socket.
class Publisher {
 public:
  Publisher(test::UniqueFd fd, mqtt::Version version, int room, Stamper stamper, int window);

  // Reads the acknowledgments there are, and writes what did not fit before. Throws std::runtime_error when
  // the broker ended the connection or sent nonsense.
  void read();
  // Publishes up to `most`, as far as window and socket allow. Returns how many.
  std::uint64_t publish(std::uint64_t most);

  int fd() const { return fd_.get(); }
  int room() const { return room_; }
  std::uint64_t published() const { return published_; }
  std::uint64_t acked() const { return acked_; }      // accepted
  std::uint64_t refused() const { return refused_; }  // by a PUBACK of 0x80 or above
  std::uint64_t unacked() const { return published_ - acked_ - refused_; }

 private:
  void flush();

  test::UniqueFd fd_;
  int room_;
  Stamper stamper_;
  mqtt::PacketReader reader_;
  std::uint64_t window_;
  std::uint64_t published_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t resume_ns_ = 0;  // after a refusal
  std::string out_;              // not yet taken by the socket
};

}  // namespace parley::bench

#endif
