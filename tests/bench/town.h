// A database full of people and rooms, for benchmarks of what stands behind the broker.
#ifndef PARLEY_TESTS_BENCH_TOWN_H_
#define PARLEY_TESTS_BENCH_TOWN_H_

#include <cstdint>
#include <string>

#include "tests/support/postgres.h"

namespace parley::bench {

// `members` memberships, written straight into the tables: rooms room0, room1, ... of a hundred each, and
// users user0, user1, ... who are in ten rooms each. user0 owns room0.
struct Town {
  explicit Town(std::uint64_t memberships);
  std::uint64_t members = 0;  // rounded to whole rooms
  std::uint64_t rooms = 0;
  std::uint64_t users = 0;
  // The tables are there already, and empty.
  void fill(test::PostgresCluster& postgres, const std::string& url) const;
};
inline constexpr std::uint64_t kRoomMembers = 100;

// As on a server that is in earnest: tests let it run without fsync and with little memory.
void make_durable(test::PostgresCluster& postgres);

}  // namespace parley::bench

#endif
