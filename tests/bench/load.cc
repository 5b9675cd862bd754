#include "tests/bench/load.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "tests/bench/link.h"
#include "tests/bench/publisher.h"

namespace parley::bench {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;
// How often acknowledgments are collected and what nobody reads is thrown away. A wake-up for each would cost
// more than the work.
constexpr std::uint64_t kPublisherTick = 1 * kMs;
constexpr std::uint64_t kSkipperTick = 4 * kMs;

// A subscriber whose bytes are only counted.
struct Skipper {
  test::UniqueFd fd;
  int room = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_at_begin = 0;
  std::uint64_t bytes_at_end = 0;

  void drain() {
    const ssize_t n = recv(fd.get(), nullptr, std::size_t{1} << 30, MSG_TRUNC);
    if (n > 0) bytes += static_cast<std::uint64_t>(n);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      throw std::runtime_error("the broker closed a subscriber's connection");
    }
  }
};

struct RoomState {
  const Listener* meter = nullptr;  // whose places tell messages from bytes
  std::uint64_t published = 0;
  std::uint64_t refused = 0;
  std::uint64_t forgiven = 0;  // messages the meter will not see any more
  std::uint64_t seen = 0;      // the meter's count when it last moved
  std::uint64_t moved_ns = 0;

  std::uint64_t messages_at(std::uint64_t bytes) const {
    const auto& places = meter->places();
    auto after = std::upper_bound(places.begin(), places.end(), bytes,
                                  [](std::uint64_t b, const Listener::Place& p) { return b < p.bytes; });
    return after == places.begin() ? 0 : std::prev(after)->events;
  }
};

class Load {
 public:
  Load(const Work& work, const Peer& peer, const LoadOptions& options)
      : work_(work), peer_(peer), options_(options), rooms_(static_cast<std::size_t>(work.rooms)) {
    prctl(PR_SET_TIMERSLACK, 1);
  }
  LoadResult run();

 private:
  void open_subscribers();
  void open_publishers();
  bool reads(int subscriber) const {
    return subscriber == 0 || options_.listen_all || options_.sub_qos > 0 ||
           work_.kind == Work::Kind::latency;
  }
  // One turn of everything; waits for at most the next tick.
  void turn(bool publish);
  void collect_acks(Publisher& publisher);
  void publish_closed_loop(std::uint64_t now);
  void publish_at_rate(std::uint64_t now);
  std::uint64_t room_allows(RoomState& room, std::uint64_t now) const;
  void drain_all();
  void run_until(std::uint64_t at);
  std::uint64_t accepted() const;
  std::uint64_t unacked() const;
  std::uint64_t missing() const;
  void wait_for_the_rest(LoadResult& result);
  void sum_up(LoadResult& result) const;

  const Work& work_;
  const Peer& peer_;
  const LoadOptions& options_;
  std::vector<RoomState> rooms_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<Skipper> skippers_;
  std::vector<Publisher> publishers_;
  Poller listener_poller_, skipper_poller_, publisher_poller_;
  Histogram* latencies_ = nullptr;
  std::uint64_t next_publisher_tick_ = 0;
  std::uint64_t next_skipper_tick_ = 0;
  std::uint64_t next_send_ = 0;  // at a rate: when the next message is due
  std::size_t next_sender_ = 0;
};

void Load::open_subscribers() {
  std::vector<LinkRequest> requests;
  for (int room = 0; room < work_.rooms; ++room) {
    for (int i = 0; i < work_.subscribers; ++i) {
      requests.push_back({.login = peer_.subscriber(room, i),
                          .subscribe = peer_.receive_topic(room),
                          .qos = options_.sub_qos});
    }
  }
  auto links = open_links(peer_.port(), requests);
  std::size_t next = 0;
  for (int room = 0; room < work_.rooms; ++room) {
    for (int i = 0; i < work_.subscribers; ++i) {
      test::UniqueFd fd = std::move(links[next++]);
      if (reads(i)) {
        listeners_.push_back(
            std::make_unique<Listener>(std::move(fd), room, work_.publishers, peer_.is_parley()));
        listener_poller_.add(listeners_.back()->fd(), static_cast<std::uint32_t>(listeners_.size() - 1));
        if (i == 0) {
          listeners_.back()->record_places();
          rooms_[static_cast<std::size_t>(room)].meter = listeners_.back().get();
        }
      } else {
        skippers_.push_back({.fd = std::move(fd), .room = room});
        skipper_poller_.add(skippers_.back().fd.get(), static_cast<std::uint32_t>(skippers_.size() - 1));
      }
    }
  }
}

void Load::open_publishers() {
  std::vector<LinkRequest> requests;
  const mqtt::Version version = peer_.publisher_version();
  // Round the rooms, so that at a rate neighbours go to different ones.
  for (int i = 0; i < work_.publishers; ++i) {
    for (int room = 0; room < work_.rooms; ++room) {
      requests.push_back({.login = peer_.publisher(room, i), .version = version, .subscribe = {}});
    }
  }
  auto links = open_links(peer_.port(), requests);
  publishers_.reserve(links.size());
  for (std::size_t n = 0; n < links.size(); ++n) {
    const int room = static_cast<int>(n) % work_.rooms;
    const int index = static_cast<int>(n) / work_.rooms;
    publishers_.emplace_back(std::move(links[n]), version, room,
                             Stamper(version, peer_.send_topic(room), peer_.is_parley(), room, index),
                             work_.window);
    publisher_poller_.add(publishers_.back().fd(), static_cast<std::uint32_t>(n), true);
  }
}

std::uint64_t Load::room_allows(RoomState& room, std::uint64_t now) const {
  const std::uint64_t seen = room.meter->events();
  if (seen != room.seen) {
    room.seen = seen;
    room.moved_ns = now;
  }
  const std::uint64_t gone = seen + room.refused + room.forgiven;
  const std::uint64_t lag = room.published > gone ? room.published - gone : 0;
  if (lag < options_.max_lag) return options_.max_lag - lag;
  // Nothing comes any more: the broker has dropped them. The check at the end tells.
  if (now > room.moved_ns + kSecond) room.forgiven += lag;
  return 0;
}

void Load::collect_acks(Publisher& publisher) {
  const std::uint64_t refused = publisher.refused();
  publisher.read();
  rooms_[static_cast<std::size_t>(publisher.room())].refused += publisher.refused() - refused;
}

void Load::publish_closed_loop(std::uint64_t now) {
  for (Publisher& publisher : publishers_) {
    RoomState& room = rooms_[static_cast<std::size_t>(publisher.room())];
    const std::uint64_t most = room_allows(room, now);
    if (most > 0) room.published += publisher.publish(most);
  }
}

void Load::publish_at_rate(std::uint64_t now) {
  const auto interval = static_cast<std::uint64_t>(1e9 / work_.rate);
  if (next_send_ == 0) next_send_ = now;
  for (; next_send_ <= now; next_send_ += interval) {
    Publisher& publisher = publishers_[next_sender_++ % publishers_.size()];
    rooms_[static_cast<std::size_t>(publisher.room())].published += publisher.publish(1);
  }
}

void Load::turn(bool publish) {
  std::uint64_t now = now_ns();
  std::uint64_t next = std::min(next_publisher_tick_, next_skipper_tick_);
  if (work_.rate > 0 && publish) next = std::min(next, next_send_);
  const std::int64_t wait = next > now ? static_cast<std::int64_t>(next - now) : 0;
  listener_poller_.poll(wait, [this](std::uint32_t tag) { listeners_[tag]->read(latencies_); });
  now = now_ns();
  if (publish && work_.rate > 0) publish_at_rate(now);
  if (now >= next_publisher_tick_) {
    publisher_poller_.poll(0, [this](std::uint32_t tag) { collect_acks(publishers_[tag]); });
    if (publish && work_.rate == 0) publish_closed_loop(now);
    next_publisher_tick_ = now_ns() + kPublisherTick;
  }
  if (now >= next_skipper_tick_) {
    skipper_poller_.poll(0, [this](std::uint32_t tag) { skippers_[tag].drain(); });
    next_skipper_tick_ = now_ns() + kSkipperTick;
  }
}

void Load::drain_all() {
  listener_poller_.poll(0, [this](std::uint32_t tag) { listeners_[tag]->read(latencies_); });
  skipper_poller_.poll(0, [this](std::uint32_t tag) { skippers_[tag].drain(); });
}

void Load::run_until(std::uint64_t at) {
  while (now_ns() < at) turn(true);
}

std::uint64_t Load::accepted() const {
  std::uint64_t sum = 0;
  for (const Publisher& publisher : publishers_) sum += publisher.acked();
  return sum;
}

std::uint64_t Load::unacked() const {
  std::uint64_t sum = 0;
  for (const Publisher& publisher : publishers_) sum += publisher.unacked();
  return sum;
}

// Deliveries of accepted messages that have not been seen. Counts a reader's messages, a skipper's bytes.
std::uint64_t Load::missing() const {
  std::vector<std::uint64_t> expected(rooms_.size());
  for (const Publisher& publisher : publishers_)
    expected[static_cast<std::size_t>(publisher.room())] += publisher.acked();
  std::uint64_t sum = 0;
  auto count = [&](int room, std::uint64_t got) {
    const std::uint64_t wanted = expected[static_cast<std::size_t>(room)];
    sum += wanted > got ? wanted - got : 0;
  };
  for (const auto& listener : listeners_) count(listener->room(), listener->events());
  for (const Skipper& skipper : skippers_) {
    count(skipper.room, rooms_[static_cast<std::size_t>(skipper.room)].messages_at(skipper.bytes));
  }
  return sum;
}

void Load::wait_for_the_rest(LoadResult& result) {
  // A broker that is merely slow gets its time; one that has stopped delivering is not waited for.
  const auto patience = static_cast<std::uint64_t>(options_.drain_s * 1e9);
  std::uint64_t left = unacked() + missing();
  std::uint64_t give_up_at = now_ns() + patience;
  std::uint64_t late_at = 0;
  while (left > 0 && now_ns() < give_up_at) {
    for (int i = 0; i < 8; ++i) turn(false);
    const std::uint64_t now_left = unacked() + missing();
    if (now_left < left) give_up_at = now_ns() + patience;
    left = now_left;
    if (unacked() > 0) continue;
    if (late_at == 0) late_at = now_ns() + kSecond;
    if (now_ns() < late_at) result.late = left;
  }
  if (now_ns() < late_at) result.late = 0;  // all came within the second
  result.unacked = unacked();
  result.lost = missing();
}

void Load::sum_up(LoadResult& result) const {
  std::uint64_t packets = 0, events = 0;
  std::uint64_t seen_in_rooms = 0;
  for (const RoomState& room : rooms_) {
    result.refused += room.refused;
    seen_in_rooms += room.meter->events();
  }
  const std::uint64_t all_accepted = accepted();
  if (seen_in_rooms > all_accepted) result.surplus = seen_in_rooms - all_accepted;
  for (const auto& listener : listeners_) {
    packets += listener->packets();
    events += listener->events();
    const OrderFaults& faults = listener->faults();
    const std::uint64_t explained = rooms_[static_cast<std::size_t>(listener->room())].refused;
    result.faults.missing += faults.missing > explained ? faults.missing - explained : 0;
    result.faults.repeated += faults.repeated;
    result.faults.broken_prev += faults.broken_prev;
    result.faults.unreadable += faults.unreadable;
  }
  if (packets > 0) result.messages_per_packet = static_cast<double>(events) / static_cast<double>(packets);
  for (const Skipper& skipper : skippers_) {
    const RoomState& room = rooms_[static_cast<std::size_t>(skipper.room)];
    result.delivered += room.messages_at(skipper.bytes_at_end) - room.messages_at(skipper.bytes_at_begin);
  }
}

std::vector<ThreadUsage> difference(std::vector<ThreadUsage> end, const std::vector<ThreadUsage>& begin) {
  // Threads are listed in the order of their ids; those that came or went in between are left out.
  for (std::size_t i = 0; i < end.size() && i < begin.size(); ++i) {
    if (end[i].name == begin[i].name) end[i].cpu_s -= begin[i].cpu_s;
  }
  return end;
}

LoadResult Load::run() {
  LoadResult result;
  open_subscribers();
  open_publishers();
  next_publisher_tick_ = next_skipper_tick_ = now_ns();
  for (RoomState& room : rooms_) room.moved_ns = now_ns();
  run_until(now_ns() + static_cast<std::uint64_t>(options_.warm_up_s * 1e9));

  const auto threads_before = thread_usage(peer_.pid());
  const double broker_before = cpu_seconds(peer_.pid());
  const double load_before = own_cpu_seconds();
  drain_all();
  const std::uint64_t begin = now_ns();
  const std::uint64_t accepted_before = accepted();
  std::uint64_t read_before = 0;
  for (const auto& listener : listeners_) read_before += listener->events();
  for (Skipper& skipper : skippers_) skipper.bytes_at_begin = skipper.bytes;
  latencies_ = &result.latency;
  run_until(begin + static_cast<std::uint64_t>(options_.seconds * 1e9));
  drain_all();
  const std::uint64_t end = now_ns();
  latencies_ = nullptr;
  for (const auto& listener : listeners_) result.delivered += listener->events();
  result.delivered -= read_before;
  for (Skipper& skipper : skippers_) skipper.bytes_at_end = skipper.bytes;
  result.published = accepted() - accepted_before;
  result.load_cpu_s = own_cpu_seconds() - load_before;
  result.broker_cpu_s = cpu_seconds(peer_.pid()) - broker_before;
  result.threads = difference(thread_usage(peer_.pid()), threads_before);
  result.resident_bytes = resident_bytes(peer_.pid());
  result.seconds = static_cast<double>(end - begin) / 1e9;

  wait_for_the_rest(result);
  sum_up(result);
  return result;
}

}  // namespace

LoadResult run_load(const Work& work, const Peer& peer, const LoadOptions& options) {
  return Load(work, peer, options).run();
}

}  // namespace parley::bench
