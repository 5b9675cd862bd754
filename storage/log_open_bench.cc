// How long a log takes to open after its process has died without closing it.
//   log_open_bench [messages] [event-bytes]     default: 10 million of 40 bytes
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "storage/log_test_support.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kRooms = 10'000;
constexpr std::uint64_t kSyncEvery = 1000;  // messages in a group commit

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::unique_ptr<Log> open_or_exit(const std::filesystem::path& path) {
  auto log = open_rocks_log({.path = path});
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().c_str());
    std::exit(1);
  }
  return std::move(*log);
}

// In a process of its own, which ends as a crash does.
[[noreturn]] void write_and_die(const std::filesystem::path& path, std::uint64_t count,
                                std::size_t event_bytes) {
  const auto start = Clock::now();
  const auto log = open_or_exit(path);
  const std::string event(event_bytes, 'e');
  std::uint64_t stalls = 0;
  for (std::uint64_t i = 0; i < count;) {
    const Message message{.room = "room-" + std::to_string(i * 2654435761u % kRooms),
                          .seq = i + 1,
                          .id = id_at(i / 8, i % 8),
                          .sender = "user-" + std::to_string(i * 40503u % 50'000),
                          .cid = std::to_string(i * 11400714819323198485ull),
                          .event = event};
    if (append(*log, message)) {
      if (++i % kSyncEvery == 0 && !log->sync()) ::_exit(1);
    } else {
      ++stalls;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::printf("wrote %llu messages in %.1f s, waited %llu ms for the disk\n",
              static_cast<unsigned long long>(count), seconds_since(start),
              static_cast<unsigned long long>(stalls));
  std::fflush(stdout);
  ::_exit(0);
}

int run(std::uint64_t count, std::size_t event_bytes) {
  const TestFolder folder("/var/tmp");
  const pid_t writer = ::fork();
  if (writer < 0) return 1;
  if (writer == 0) write_and_die(folder.path(), count, event_bytes);
  int status = 0;
  ::waitpid(writer, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;

  for (int time = 1; time <= 3; ++time) {
    auto start = Clock::now();
    auto log = open_or_exit(folder.path());
    const double opened = seconds_since(start);
    start = Clock::now();
    const auto tails = log->room_tails();
    std::printf("open %d: %.3f s, then %zu room tails in %.3f s; last id %s\n", time, opened,
                tails ? tails->size() : 0, seconds_since(start),
                log->last_id() == id_at((count - 1) / 8, (count - 1) % 8) ? "right" : "WRONG");
    const auto stats = log->stats();
    std::printf("  on disk %.1f MB, in memory %.1f MB\n", static_cast<double>(stats.disk_bytes) / 1e6,
                static_cast<double>(stats.memory_bytes) / 1e6);
  }
  return 0;
}

}  // namespace
}  // namespace parley::storage

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const std::size_t event_bytes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 40;
  return parley::storage::run(count, event_bytes);
}
