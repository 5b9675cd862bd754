// The log's operations beside what they cannot beat: a plain write() of the same bytes, measured in the same
// run.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "storage/log_test_support.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path bench_folder() {
  const char* folder = std::getenv("PARLEY_BENCH_DIR");
  return folder != nullptr ? folder : "/var/tmp";
}

std::unique_ptr<Log> open_or_throw(const std::filesystem::path& path) {
  auto log = open_rocks_log({.path = path});
  if (!log) throw std::runtime_error(log.error());
  return std::move(*log);
}

// Texts of a chat: 300 bytes, 100 rooms, 1,000 senders, a UUID-like cid each.
class Writer {
 public:
  explicit Writer(Log& log) : log_(log) {
    std::uint64_t x = 88172645463325252ULL;
    for (auto& c : event_) {
      x ^= x << 13, x ^= x >> 7, x ^= x << 17;
      c = static_cast<char>('a' + x % 26);
    }
  }
  void next() {
    ++count_;
    cid_[0] = 0;
    std::snprintf(cid_, sizeof cid_, "%08llx-5f0c-4d1e-9c3a-%012llx",
                  static_cast<unsigned long long>((count_ * 2654435761u) & 0xffffffffu),
                  static_cast<unsigned long long>(count_));
    std::snprintf(room_, sizeof room_, "room-%03u", static_cast<unsigned>(count_ % 100));
    std::snprintf(sender_, sizeof sender_, "user%04u", static_cast<unsigned>(count_ * 7 % 1000));
  }
  bool append() {
    return log_
        .append({.room = room_,
                 .seq = Seq{count_},
                 .id = id_at(count_ / 4, count_ % 4),
                 .sender = sender_,
                 .cid = cid_,
                 .event = bytes_of(event_)})
        .has_value();
  }
  bool is_new() {
    const auto found = log_.find_cid(room_, sender_, cid_);
    return found && !*found;
  }
  bool is_known() {
    const auto found = log_.find_cid(room_, sender_, cid_);
    return found && *found;
  }
  void rewind(std::uint64_t count) { count_ = count; }
  std::uint64_t count() const { return count_; }

 private:
  Log& log_;
  std::uint64_t count_ = 0;
  std::string event_ = std::string(300, ' ');
  char cid_[64];
  char room_[16];
  char sender_[16];
};

void write_alone(benchmark::State& state) {
  const TestFolder folder(bench_folder());
  const int fd = ::open((folder.path() / "file").c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::string record(460, 'x');
  for (auto _ : state) {
    if (::write(fd, record.data(), record.size()) < 0) state.SkipWithError("write failed");
  }
  ::close(fd);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(write_alone);

void append(benchmark::State& state) {
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  std::uint64_t stalled = 0;
  for (auto _ : state) {
    writer.next();
    if (!writer.append()) ++stalled;
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["stalled"] = static_cast<double>(stalled);
}
BENCHMARK(append)->Iterations(1'000'000);

// What a message costs the broker's thread.
void find_cid_then_append(benchmark::State& state) {
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  std::uint64_t failed = 0;
  for (auto _ : state) {
    writer.next();
    if (!writer.is_new() || !writer.append()) ++failed;
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["failed"] = static_cast<double>(failed);
}
BENCHMARK(find_cid_then_append)->Iterations(1'000'000);

void find_cid_in(benchmark::State& state, bool known) {
  const auto records = static_cast<std::uint64_t>(state.range(0));
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  while (writer.count() < records) {
    writer.next();
    while (!writer.append()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::uint64_t i = 0;
  std::uint64_t wrong = 0;
  for (auto _ : state) {
    writer.rewind(known ? (i++ * 7919) % records : records + i++);
    writer.next();
    if (!(known ? writer.is_known() : writer.is_new())) ++wrong;
  }
  state.SetItemsProcessed(state.iterations());
  state.counters["wrong"] = static_cast<double>(wrong);
}
void find_cid_miss(benchmark::State& state) { find_cid_in(state, false); }
void find_cid_hit(benchmark::State& state) { find_cid_in(state, true); }
BENCHMARK(find_cid_miss)->Arg(10'000)->Arg(1'000'000)->Arg(5'000'000)->Iterations(300'000);
BENCHMARK(find_cid_hit)->Arg(10'000)->Arg(1'000'000)->Iterations(300'000);

void find_id(benchmark::State& state) {
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  while (writer.count() < 1'000'000) {
    writer.next();
    while (!writer.append()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::string event;
  std::uint64_t i = 0;
  for (auto _ : state) {
    const std::uint64_t n = 1 + (i++ * 7919) % 1'000'000;
    if (!log->find_id(id_at(n / 4, n % 4), event)) state.SkipWithError("not found");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(find_id)->Iterations(300'000);

void read_1000(benchmark::State& state) {
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  while (writer.count() < 1'000'000) {
    writer.next();
    while (!writer.append()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  MessageId at{0};
  std::uint64_t records = 0;
  for (auto _ : state) {
    const auto last = log->read(at, 1000, [&](const LogRecordView&) { return ++records, true; });
    at = !last || *last == at ? MessageId{0} : *last;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(records));
}
BENCHMARK(read_1000);

// How long single appends take, paced as in life, while another thread syncs in a loop.
void append_beside_sync(benchmark::State& state) {
  const auto per_second = static_cast<std::uint64_t>(state.range(0));
  const bool with_sync = state.range(1) != 0;
  const TestFolder folder(bench_folder());
  const auto log = open_or_throw(folder.path());
  Writer writer(*log);
  std::vector<double> us;
  std::uint64_t failed = 0;
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> syncs{0};
  std::thread syncer([&] {
    while (with_sync && !done) {
      if (!log->sync()) ++failed;
      ++syncs;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  for (auto _ : state) {
    const auto start = Clock::now();
    for (std::uint64_t i = 0; i < per_second * 5; ++i) {
      const auto due = start + std::chrono::nanoseconds(i * 1'000'000'000 / per_second);
      while (Clock::now() < due) {
        if (due - Clock::now() > std::chrono::microseconds(200)) {
          std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
      }
      writer.next();
      const auto before = Clock::now();
      if (!writer.is_new() || !writer.append()) ++failed;
      us.push_back(std::chrono::duration<double, std::micro>(Clock::now() - before).count());
    }
  }
  done = true;
  syncer.join();
  std::ranges::sort(us);
  const auto at = [&](double share) {
    return us[static_cast<std::size_t>(static_cast<double>(us.size() - 1) * share)];
  };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.counters["p999_us"] = at(0.999);
  state.counters["p9999_us"] = at(0.9999);
  state.counters["max_us"] = us.back();
  state.counters["syncs"] = static_cast<double>(syncs);
  state.counters["failed"] = static_cast<double>(failed);
}
BENCHMARK(append_beside_sync)
    ->ArgNames({"per_s", "sync"})
    ->Args({1'000, 1})
    ->Args({20'000, 0})
    ->Args({20'000, 1})
    ->Args({100'000, 1})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace parley::storage

BENCHMARK_MAIN();
