// What the broker's thread pays for the questions it asks most, with a million memberships: rooms of 2, of
// 100 and of 100,000 members. Each bench asks about members in random order, so that the processor's caches
// help as little as they would.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "broker-plugin/facts.h"
#include "broker-plugin/limiter.h"

namespace parley::plugin {
namespace {

constexpr std::size_t kUsers = 100'000;

std::string user_name(std::size_t i) { return "user" + std::to_string(i); }

struct World {
  std::shared_ptr<Directory> directory = std::make_shared<Directory>();
  Facts facts{directory};
  std::vector<std::pair<RoomIndex, UserIndex>> members;  // in random order
  std::vector<RoomIndex> direct_rooms;
  std::vector<std::string> names;
  RoomIndex largest = kNoRoom;

  World() {
    for (std::size_t i = 0; i < kUsers; ++i) {
      facts.apply(UserPut{.user = user_name(i)}, nullptr);
      if (i % 100 == 0) facts.apply(BlockPut{.user = user_name(i), .blocked = user_name(i / 2)}, nullptr);
    }
    const std::size_t heap_before = mallinfo2().uordblks;
    const std::size_t told_before = facts.memory_bytes();
    std::size_t rooms = 0, next = 0;
    const auto make_rooms = [&](std::size_t count, std::size_t size, RoomKind kind) {
      for (std::size_t r = 0; r < count; ++r) {
        const std::string name = "room" + std::to_string(rooms++);
        facts.apply(RoomPut{.room = name, .kind = kind}, nullptr);
        for (std::size_t m = 0; m < size; ++m)
          facts.apply(MemberPut{.room = name, .user = user_name(next++ * 7919 % kUsers)}, nullptr);
      }
    };
    make_rooms(150'000, 2, RoomKind::direct);
    make_rooms(4'000, 100, RoomKind::group);
    make_rooms(3, 100'000, RoomKind::channel);
    const auto n = static_cast<double>(facts.counts().memberships);
    std::printf(
        "%.0f memberships: %.1f bytes each by memory_bytes(), %.1f on the heap with the rooms' names\n", n,
        static_cast<double>(facts.memory_bytes() - told_before) / n,
        static_cast<double>(mallinfo2().uordblks - heap_before) / n);

    for (std::uint32_t r = 0; r < rooms; ++r) {
      facts.members(RoomIndex{r}).for_each([&](UserIndex u, Member) {
        members.emplace_back(RoomIndex{r}, u);
      });
      if (facts.room(RoomIndex{r}).kind == RoomKind::direct) direct_rooms.push_back(RoomIndex{r});
    }
    largest = RoomIndex{static_cast<std::uint32_t>(rooms - 1)};
    std::mt19937 random(1);
    std::shuffle(members.begin(), members.end(), random);
    std::shuffle(direct_rooms.begin(), direct_rooms.end(), random);
    for (std::size_t i = 0; i < 100'000; ++i) names.push_back(user_name(random() % kUsers));
  }
};

World& world() {
  static World w;
  return w;
}

template <class Question>
void ask(benchmark::State& state, std::size_t count, Question&& question) {
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(question(i));
    i = i + 1 == count ? 0 : i + 1;
  }
}

void BM_member(benchmark::State& state) {
  const World& w = world();
  ask(state, w.members.size(),
      [&](std::size_t i) { return w.facts.member(w.members[i].first, w.members[i].second).role; });
}
BENCHMARK(BM_member);

// As in a fan-out: one room, one member after the other.
void BM_member_of_one_room(benchmark::State& state) {
  const World& w = world();
  ask(state, kUsers, [&](std::size_t i) {
    return w.facts.member(w.largest, UserIndex{static_cast<std::uint32_t>(i)}).role;
  });
}
BENCHMARK(BM_member_of_one_room);

void BM_no_member(benchmark::State& state) {
  const World& w = world();
  ask(state, w.members.size(), [&](std::size_t i) {
    return w.facts.member(w.members[i].first, w.members[w.members.size() - 1 - i].second).role;
  });
}
BENCHMARK(BM_no_member);

void BM_room(benchmark::State& state) {
  const World& w = world();
  ask(state, w.members.size(), [&](std::size_t i) { return w.facts.room(w.members[i].first).kind; });
}
BENCHMARK(BM_room);

void BM_user(benchmark::State& state) {
  const World& w = world();
  ask(state, w.members.size(), [&](std::size_t i) { return w.facts.user(w.members[i].second).limits; });
}
BENCHMARK(BM_user);

void BM_blocked_in_direct(benchmark::State& state) {
  const World& w = world();
  ask(state, w.members.size(), [&](std::size_t i) {
    return w.facts.blocked_in_direct(w.direct_rooms[i % w.direct_rooms.size()], w.members[i].second);
  });
}
BENCHMARK(BM_blocked_in_direct);

void BM_find_user_by_name(benchmark::State& state) {
  const World& w = world();
  ask(state, w.names.size(), [&](std::size_t i) { return w.directory->find_user(w.names[i]); });
}
BENCHMARK(BM_find_user_by_name);

void BM_put_and_remove_a_member(benchmark::State& state) {
  World& w = world();
  const std::string room(w.directory->room_name(w.largest));
  std::vector<Effect> effects;
  for (auto _ : state) {
    effects.clear();
    w.facts.apply(MemberPut{.room = room, .user = "newcomer"}, &effects);
    w.facts.apply(MemberRemove{.room = room, .user = "newcomer"}, &effects);
  }
}
BENCHMARK(BM_put_and_remove_a_member);

void BM_list_members_of_the_largest_by_100(benchmark::State& state) {
  const World& w = world();
  std::string after;
  for (auto _ : state) {
    const auto page = w.facts.list_members(w.largest, after, 100);
    after = page.size() < 100 ? "" : std::get<MemberPut>(page.back()).user;
  }
}
BENCHMARK(BM_list_members_of_the_largest_by_100);

void BM_list_users_by_100(benchmark::State& state) {
  const World& w = world();
  std::string after;
  for (auto _ : state) {
    const auto page = w.facts.list_users(after, 100);
    after = page.size() < 100 ? "" : std::get<UserPut>(page.back()).user;
  }
}
BENCHMARK(BM_list_users_by_100);

void BM_take_both(benchmark::State& state) {
  TokenBucket user, room;
  std::uint64_t now = 1;
  for (auto _ : state)
    benchmark::DoNotOptimize(take_both(user, {10, 30}, room, {1000.0 / 60, 30}, now += 1000));
}
BENCHMARK(BM_take_both);

void BM_put_a_room_of_100000_and_remove_it(benchmark::State& state) {
  World& w = world();
  for (auto _ : state) {
    for (std::size_t i = 0; i < kUsers; ++i)
      w.facts.apply(MemberPut{.room = "brief", .user = user_name(i)}, nullptr);
    const auto start = std::chrono::steady_clock::now();
    w.facts.apply(RoomRemove{.room = "brief"}, nullptr);
    state.counters["remove_ms"] =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }
}
BENCHMARK(BM_put_a_room_of_100000_and_remove_it)->Unit(benchmark::kMillisecond)->Iterations(3);

}  // namespace
}  // namespace parley::plugin

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  parley::plugin::world();
  benchmark::RunSpecifiedBenchmarks();
}
