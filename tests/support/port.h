// TCP ports nobody else in a parallel test run is given.
#ifndef PARLEY_TESTS_SUPPORT_PORT_H_
#define PARLEY_TESTS_SUPPORT_PORT_H_

#include <cstdint>

#include "tests/support/unique_fd.h"

namespace parley::test {

// A free loopback port, kept for its holder by a lock on a file of the port's number. It lies below the range
// the kernel takes outgoing ports from, so neither another test nor a client's connection can take it between
// now and the moment the server listens, or while the server restarts. Throws std::runtime_error when none is
// found.
class PortLease {
 public:
  PortLease();
  std::uint16_t number() const { return number_; }

 private:
  std::uint16_t number_ = 0;
  UniqueFd lock_;
};

}  // namespace parley::test

#endif
