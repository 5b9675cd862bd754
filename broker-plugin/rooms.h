// What a broker node keeps of each room and user while it runs, beside the facts: counters, buckets,
// listeners. Broker thread.
//
// Who listens: the broker tells a plugin of subscriptions but not reliably of their end, so listeners are
// counted where it counts: a granted subscription adds one, and every frame corrects the number by the read
// checks its fan-out asked for, one for each subscriber there really is. A format nobody read any more is no
// longer built.
#ifndef PARLEY_BROKER_PLUGIN_ROOMS_H_
#define PARLEY_BROKER_PLUGIN_ROOMS_H_

#include <array>
#include <cstdint>
#include <deque>

#include "broker-plugin/facts.h"
#include "broker-plugin/limiter.h"

namespace parley::plugin {

enum class Format : std::uint8_t { binary = 0, json = 1, ndjson = 2 };
inline constexpr std::size_t kFormats = 3;

struct ListenerCount {
  std::uint32_t known = 0;      // subscribers, as far as we know
  std::uint32_t reads = 0;      // read checks since the last publish was handed over
  std::uint32_t published = 0;  // publishes those reads answer
  std::uint32_t joined = 0;     // subscriptions granted since, which those reads cannot show

  void add() {
    ++known;
    if (published > 0) ++joined;
  }
};

struct RoomState {
  Seq last{0};
  TokenBucket people;
  TokenBucket bots;
  std::array<ListenerCount, kFormats> listeners;
};

struct UserState {
  TokenBucket messages;
  TokenBucket requests;
  ListenerCount events;  // on users/{user}/events
};

// State by index, made on first touch. References stay valid.
template <class Index, class State>
class StateTable {
 public:
  State& at(Index index) {
    while (states_.size() <= raw(index)) states_.emplace_back();
    return states_[raw(index)];
  }
  std::size_t size() const { return states_.size(); }
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t i = 0; i < states_.size(); ++i) visit(Index{static_cast<std::uint32_t>(i)}, states_[i]);
  }

 private:
  std::deque<State> states_;
};
using Rooms = StateTable<RoomIndex, RoomState>;
using Users = StateTable<UserIndex, UserState>;

}  // namespace parley::plugin

#endif
