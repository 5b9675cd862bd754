// A million memberships into the replica, out of it, and replaced; single changes beside that.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "storage/replica_store.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::uint64_t bytes_in(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) bytes += file.file_size();
  return bytes;
}

constexpr std::size_t kMembers = 1'000'000;
constexpr std::size_t kChunk = 1000;

int run() {
  const TestFolder folder("/var/tmp");
  auto opened = open_rocks_replica({.path = folder.path()});
  if (!opened) return std::fprintf(stderr, "%s\n", opened.error().c_str()), 1;
  auto replica = std::move(*opened);
  for (int round = 1; round <= 2; ++round) {
    auto start = Clock::now();
    double longest = 0;
    std::size_t refused = 0;
    if (!replica->snapshot_begin()) return 1;
    for (std::size_t i = 0; i < kMembers;) {
      std::vector<ControlOp> ops;
      for (std::size_t k = i; k < i + kChunk; ++k) {
        ops.push_back(
            MemberPut{.room = "room-" + std::to_string(k % 5000), .user = "user-" + std::to_string(k / 10)});
      }
      const auto before = Clock::now();
      if (replica->snapshot_add(ops)) {
        i += kChunk;
        longest = std::max(longest, seconds_since(before));
      } else {
        ++refused;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
    const double gathered = seconds_since(start);
    start = Clock::now();
    if (!replica->snapshot_commit(static_cast<std::uint64_t>(round))) return 1;
    std::printf(
        "snapshot %d of %zu memberships: gathered in %.2f s (longest chunk of %zu: %.1f ms, %zu refused), "
        "committed in %.3f s, %.0f bytes each on disk\n",
        round, kMembers, gathered, kChunk, longest * 1000, refused, seconds_since(start),
        static_cast<double>(bytes_in(folder.path())) / kMembers);
  }
  auto start = Clock::now();
  std::size_t facts = 0;
  if (!replica->load([&](ControlOp&&) { ++facts; })) return 1;
  std::printf("loaded %zu facts in %.2f s\n", facts, seconds_since(start));

  start = Clock::now();
  constexpr std::size_t kChanges = 20'000;
  for (std::size_t i = 0; i < kChanges; ++i) {
    const std::vector<ControlOp> ops{MemberPut{.room = "room-1", .user = "new-" + std::to_string(i)}};
    if (!replica->apply(100 + i, ops)) return 1;
  }
  std::printf("one change: %.1f us\n", seconds_since(start) / kChanges * 1e6);
  start = Clock::now();
  if (!replica->apply(1'000'000,
                      std::vector<ControlOp>{RoomRemove{.room = "room-1"}, UserRemove{.user = "user-7"}})) {
    return 1;
  }
  std::printf("a room of 20,200 members and a user removed: %.2f ms\n", seconds_since(start) * 1e3);
  replica.reset();
  start = Clock::now();
  auto again = open_rocks_replica({.path = folder.path()});
  std::printf("opened again in %.3f s\n", seconds_since(start));
  return again ? 0 : 1;
}

}  // namespace
}  // namespace parley::storage

int main() { return parley::storage::run(); }
