// What a read and a change of the metadata cost, beside a bare round trip to the same server. Needs a
// database that may be written to: PARLEY_BENCH_DATABASE=postgresql:///...
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <stdexcept>

#include "storage/metadata.h"

namespace parley::storage {
namespace {

constexpr int kUsers = 1000;

std::string user(int number) { return "bench" + std::to_string(number % kUsers); }

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("metadata_bench: ") + what);
}

Metadata& store() {
  static const std::unique_ptr<Metadata> kStore = [] {
    const char* url = std::getenv("PARLEY_BENCH_DATABASE");
    check(url != nullptr, "set PARLEY_BENCH_DATABASE to a connection string");
    PostgresOptions options;
    options.url = url;
    check(migrate_postgres(options).has_value(), "cannot set the database up");
    auto opened = open_postgres(options);
    check(opened.has_value(), "cannot open the database");
    Actor root;
    root.user = user(0);
    root.admin = true;
    for (int i = 0; i < kUsers; ++i) {
      NewUser wanted;
      wanted.name = user(i);
      (void)(*opened)->users().create(root, wanted);
    }
    NewRoom room;
    room.room = "bench";
    (void)(*opened)->rooms().create(root, room);
    for (int i = 1; i < kUsers; ++i) {
      Actor self;
      self.user = user(i);
      (void)(*opened)->members().join(self, "bench", {});
    }
    return std::move(*opened);
  }();
  return *kStore;
}

void BM_RoundTrip(benchmark::State& state) {
  store();
  for (auto _ : state) check(store().ping().has_value(), "ping");
}
BENCHMARK(BM_RoundTrip)->Threads(1)->Threads(4)->UseRealTime();

void BM_RoomWithCaller(benchmark::State& state) {
  int i = state.thread_index() * 100;
  for (auto _ : state) check(store().rooms().get("bench", user(++i)).has_value(), "room");
}
BENCHMARK(BM_RoomWithCaller)->Threads(1)->Threads(4)->UseRealTime();

void BM_RoleOf(benchmark::State& state) {
  int i = state.thread_index() * 100;
  for (auto _ : state) check(store().members().role_of("bench", user(++i)).has_value(), "role");
}
BENCHMARK(BM_RoleOf)->Threads(1)->Threads(4)->UseRealTime();

void BM_MembersPage(benchmark::State& state) {
  const PageRequest page{"", static_cast<std::uint32_t>(state.range(0))};
  for (auto _ : state) check(store().members().list("bench", user(7), page).has_value(), "members");
}
BENCHMARK(BM_MembersPage)->Arg(20)->Arg(100)->Threads(1)->Threads(4)->UseRealTime();

void BM_MyRooms(benchmark::State& state) {
  int i = state.thread_index() * 100;
  for (auto _ : state) check(store().rooms().list_mine(user(++i), {}).has_value(), "rooms");
}
BENCHMARK(BM_MyRooms)->Threads(4)->UseRealTime();

// Numbered, told to brokers, audited, committed to disk.
void BM_Change(benchmark::State& state) {
  int i = state.thread_index() * 100;
  for (auto _ : state) {
    Actor self;
    self.user = user(++i);
    check(store().people().block(self, user(i + 1)).has_value(), "block");
    check(store().people().unblock(self, user(i + 1)).has_value(), "unblock");
  }
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(BM_Change)->Threads(1)->Threads(4)->UseRealTime();

}  // namespace
}  // namespace parley::storage

BENCHMARK_MAIN();
