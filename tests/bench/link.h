// Connections of the load: opened many at a time, then left as bare non-blocking sockets.
#ifndef PARLEY_TESTS_BENCH_LINK_H_
#define PARLEY_TESTS_BENCH_LINK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "schemas/mqtt_packet.h"
#include "tests/bench/peer.h"
#include "tests/support/unique_fd.h"

namespace parley::bench {

struct LinkRequest {
  Login login;
  mqtt::Version version = mqtt::Version::v311;
  std::string subscribe;  // empty: nothing
  std::uint8_t qos = 0;
};

// Connected, subscribed, and every byte up to the SUBACK read: what follows are messages. The sockets come
// back in the order of the requests, non-blocking, with TCP_NODELAY. Throws std::runtime_error telling which
// connection was refused and why. `progress` is told how many are open.
std::vector<test::UniqueFd> open_links(std::uint16_t port, const std::vector<LinkRequest>& requests,
                                       const std::function<void(std::size_t)>& progress = {});

// An edge-triggered epoll set of small numbers.
class Poller {
 public:
  Poller();
  void add(int fd, std::uint32_t tag, bool writable = false);
  // Waits up to `nanoseconds` (0: not at all) and calls `ready(tag)` for each that can be read or written.
  // Returns how many there were.
  template <class Ready>
  int poll(std::int64_t nanoseconds, Ready&& ready) {
    int total = 0;
    // A full batch means that there may be more.
    for (int n = kBatch; n == kBatch; nanoseconds = 0) {
      n = wait(nanoseconds);
      for (int i = 0; i < n; ++i) ready(tags_[i]);
      total += n;
    }
    return total;
  }

 private:
  static constexpr int kBatch = 512;
  int wait(std::int64_t nanoseconds);
  test::UniqueFd fd_;
  std::uint32_t tags_[kBatch];
};

}  // namespace parley::bench

#endif
