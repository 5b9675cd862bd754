// parley_control_bench: how fast the control plane is, on a real database, bridge and broker.
//
//   enforce    COMMIT in Postgres until the broker permits or refuses, while changes keep coming
//   snapshot   all facts into a fresh node, while people chat there
#include <poll.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <thread>

#include "tests/bench/histogram.h"
#include "tests/bench/measured.h"
#include "tests/bench/town.h"
#include "tests/bench/work.h"
#include "tests/control/plane.h"

namespace parley::bench {
namespace {

using namespace test;
using Clock = std::chrono::steady_clock;

struct Settings {
  std::string works = "enforce,snapshot";
  std::uint64_t members = 100'000;
  double rate = 200;
  double seconds = 20;
  std::uint64_t snapshot_members = 1'000'000;
  std::string json_file;
  bool lenient = false;
};

std::uint64_t ns_since(Clock::time_point then) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, (Clock::now() - then).count()));
}

void add_latency(Measured& measured, const std::string& key, const std::string& what, const Histogram& of,
                 Asked p99 = {}) {
  measured.add(key + "_p50", what + ", p50", of.percentile_ms(0.5), "ms");
  measured.add(key + "_p99", what + ", p99", of.percentile_ms(0.99), "ms", p99);
  measured.add(key + "_max", what + ", longest", of.percentile_ms(1), "ms");
}

// The tables of a town whose memberships are in no change: a node gets them by a snapshot.
struct Full {
  explicit Full(std::uint64_t members)
      : town(members), url((make_durable(postgres), postgres.create_database())), ledger(url) {
    town.fill(postgres, url);
    ledger.add_user("latest");
    if (!ledger.metadata().feed().trim_changes(0)) throw std::runtime_error("the changes cannot be trimmed");
  }
  const Town town;
  PostgresCluster postgres;
  const std::string url;
  Ledger ledger;
};

// --- COMMIT until it is in force

// Somebody who goes in and out of a room, and hears of it.
struct Walker {
  std::string user;
  std::string room;
  RawClient client;
};

std::string room_without(const Town& town, std::uint64_t user) {
  std::uint64_t room = 1 + user % (town.rooms - 1);
  while ((user + town.users * 61 - room * 61 % town.users) % town.users < kRoomMembers)
    room = 1 + room % (town.rooms - 1);
  return "room" + std::to_string(room);
}

Walker make_walker(const Town& town, const Broker& broker, std::uint64_t number) {
  const std::string user = "user" + std::to_string(number);
  return {user, room_without(town, number),
          RawClient::connected(broker.port(), {.client_id = user + ":phone",
                                               .password = broker.token(user, {.device = "phone"})})};
}

// Changes on their way, and how long each took until its user was told. A node tells it in the same breath in
// which the change comes into force.
class Underway {
 public:
  void begins(const std::string& user) {
    const std::lock_guard lock(mutex_);
    begun_[user] = {Clock::now(), {}};
  }
  void committed(const std::string& user) {
    const std::lock_guard lock(mutex_);
    const auto at = begun_.find(user);
    if (at == begun_.end()) return;  // told before the COMMIT was answered
    transaction.add(ns_since(at->second.first));
    at->second.second = Clock::now();
  }
  void told(const std::string& user) {
    const std::lock_guard lock(mutex_);
    const auto at = begun_.find(user);
    if (at == begun_.end()) return;
    from_begin.add(ns_since(at->second.first));
    from_commit.add(at->second.second == Clock::time_point() ? 0 : ns_since(at->second.second));
    begun_.erase(at);
  }
  std::size_t left() const {
    const std::lock_guard lock(mutex_);
    return begun_.size();
  }

  Histogram from_begin;
  Histogram from_commit;
  Histogram transaction;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::pair<Clock::time_point, Clock::time_point>> begun_;
};

void listen(std::vector<Walker>& walkers, Underway& underway, const std::atomic<bool>& done) {
  std::vector<pollfd> fds;
  for (const Walker& walker : walkers) fds.push_back({walker.client.fd(), POLLIN, 0});
  while (!done) {
    if (::poll(fds.data(), fds.size(), 50) <= 0) continue;
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if ((fds[i].revents & POLLIN) == 0) continue;
      while (const auto message = walkers[i].client.next(0ms)) {
        const std::string type = text(parse_object(message->payload), "type");
        if (type == "room.added" || type == "room.removed") underway.told(walkers[i].user);
      }
    }
  }
}

// Every `stride`th walker from `first` on, over and over, at their part of the rate; two steps of one are
// apart.
void walk(Ledger& ledger, const std::vector<Walker>& walkers, std::size_t first, std::size_t stride,
          const Settings& settings, Underway& underway) {
  const auto start = Clock::now();
  const auto steps = static_cast<std::size_t>(settings.rate * settings.seconds) / stride;
  const std::size_t mine = walkers.size() / stride;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto due = std::chrono::duration<double>(static_cast<double>(i * stride + first) / settings.rate);
    std::this_thread::sleep_until(start + std::chrono::duration_cast<Clock::duration>(due));
    const Walker& walker = walkers[first + stride * (i % mine)];
    underway.begins(walker.user);
    const bool comes = i / mine % 2 == 0;
    comes ? ledger.join(walker.user, walker.room) : ledger.leave(walker.user, walker.room);
    underway.committed(walker.user);
  }
}

// Asks the broker itself: from the COMMIT's answer on, may this member type in the room?
void probe(Ledger& ledger, Walker& walker, const std::atomic<bool>& done, Histogram& permitted,
           Histogram& refused) {
  const std::string topic = "rooms/" + walker.room + "/typing";
  for (bool comes = true; !done; comes = !comes) {
    comes ? ledger.join(walker.user, walker.room) : ledger.leave(walker.user, walker.room);
    const auto committed = Clock::now();
    while ((walker.client.publish(topic, R"({"typing":true})") == 0) != comes) {
      if (Clock::now() - committed > 5s)
        throw std::runtime_error("the probe's change is not in force after 5 s");
      std::this_thread::sleep_for(200us);
    }
    (comes ? permitted : refused).add(ns_since(committed));
    std::this_thread::sleep_for(50ms);
  }
}

void measure_enforcement(const Settings& settings, Measured& measured) {
  Full full(settings.members);
  Broker broker;
  Bridge bridge({.database = full.url, .brokers = {&broker}, .roles = "control"});
  Admin admin(broker);
  wait_for_version(admin, full.ledger.head(), 120s);

  constexpr std::size_t kWriters = 4;
  std::vector<Walker> walkers;
  for (std::uint64_t i = 0; i < 64; ++i) {
    walkers.push_back(make_walker(full.town, broker, 100 + i));
    walkers.back().client.subscribe("users/" + walkers.back().user + "/events");
  }
  Walker prober = make_walker(full.town, broker, 99);
  Underway underway;
  Histogram permitted;
  Histogram refused;
  std::atomic<bool> done{false};
  std::atomic<bool> failed{false};
  const auto guarded = [&](auto&& what) {
    try {
      what();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      failed = true;
    }
  };
  std::thread ears([&] { guarded([&] { listen(walkers, underway, done); }); });
  std::atomic<bool> enough{false};
  std::thread prober_thread(
      [&] { guarded([&] { probe(full.ledger, prober, enough, permitted, refused); }); });
  const auto start = Clock::now();
  std::vector<std::thread> writers;
  for (std::size_t w = 0; w < kWriters; ++w)
    writers.emplace_back(
        [&, w] { guarded([&] { walk(full.ledger, walkers, w, kWriters, settings, underway); }); });
  for (std::thread& writer : writers) writer.join();
  const double took = static_cast<double>(ns_since(start)) / 1e9;
  enough = true;
  prober_thread.join();
  for (const Deadline patience = 10s; underway.left() > 0 && !patience.passed();)
    std::this_thread::sleep_for(10ms);
  done = true;
  ears.join();

  measured.section("COMMIT to the broker, " + std::to_string(full.town.members) + " memberships loaded");
  measured.add("changes_per_s", "changes", static_cast<double>(underway.from_begin.total()) / took, "/s");
  add_latency(measured, "transaction", "of which the transaction alone", underway.transaction);
  add_latency(measured, "begin_to_force", "BEGIN until in force", underway.from_begin, below(50));
  add_latency(measured, "commit_to_force", "COMMIT until in force", underway.from_commit, below(50));
  add_latency(measured, "commit_to_permission", "COMMIT until a client is permitted", permitted, below(50));
  add_latency(measured, "commit_to_refusal", "COMMIT until a client is refused", refused, below(50));
  measured.require("all_heard", "changes that nobody was told of", underway.left() == 0 && !failed);
}

// --- a snapshot while people chat

std::uint64_t resident_bytes(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  in >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t bytes_below(const std::filesystem::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

std::string metrics_of(const Broker& broker) {
  return run({.argv = {"curl", "-s",
                       "http://127.0.0.1:" + std::to_string(broker.metrics_port()) + "/metrics"}})
      .text;
}

// The bound of the highest bucket in which `after` has more than `before`: what has happened was that long at
// most.
double longest_ms(const std::string& before, const std::string& after, const std::string& histogram) {
  const auto buckets = [&](const std::string& metrics) {
    std::map<double, double> upto;
    const std::string start = histogram + "_bucket{le=\"";
    std::istringstream lines(metrics);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(start) && line[start.size()] != '+')
        upto[std::atof(line.c_str() + start.size())] = std::atof(line.c_str() + line.rfind(' '));
    return upto;
  };
  const auto earlier = buckets(before);
  double longest = 0;
  double below_it = 0;
  for (const auto& [bound, count] : buckets(after)) {
    const auto was = earlier.find(bound);
    const double more = count - (was == earlier.end() ? 0 : was->second);
    if (more > below_it) longest = bound * 1000;
    below_it = more;
  }
  return longest;
}

// Somebody who says something all the time, and what each PUBACK took.
class Chatter {
 public:
  explicit Chatter(const Broker& broker)
      : thread_([this, &broker] {
          try {
            chat(broker);
          } catch (const std::exception& error) {
            std::fprintf(stderr, "the chat broke off: %s\n", error.what());
            ++refused_;
          }
        }) {}
  ~Chatter() { stop(); }
  void begin() { under_way_ = true; }
  void stop() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int refused() const { return refused_; }

  Histogram before;
  Histogram meanwhile;

 private:
  void chat(const Broker& broker) {
    RawClient client = RawClient::connected(
        broker.port(), {.client_id = "user0:phone", .password = broker.token("user0", {.device = "phone"})});
    while (!done_) {
      const auto sent = Clock::now();
      if (client.publish("rooms/room0/send", "hello") != 0) ++refused_;
      (under_way_ ? meanwhile : before).add(ns_since(sent));
      std::this_thread::sleep_for(500us);
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<bool> under_way_{false};
  std::atomic<int> refused_{0};
  std::thread thread_;  // last: it uses the others
};

// Who chats is known to the node, and nothing else is. It is far ahead of the database, so that it gets a
// snapshot.
void acquaint(Admin& admin) {
  ControlRequest known;
  known.cmd = "apply";
  known.to = 1'000'000'000'000;
  known.ops = {UserPut{.user = "user0", .limits = "unlimited"},
               RoomPut{.room = "room0", .limits = "unlimited"},
               MemberPut{.room = "room0", .user = "user0", .role = MemberRole::owner}};
  const json::object answer = admin.command(known);
  if (answer.contains("error")) throw std::runtime_error("the node refuses: " + json::serialize(answer));
}

void measure_snapshot(const Settings& settings, Measured& measured) {
  Full full(settings.snapshot_members);
  const std::uint64_t head = full.ledger.head();
  Broker broker;
  Admin admin(broker);
  acquaint(admin);
  const std::uint64_t resident = resident_bytes(broker.pid());
  Chatter chatter(broker);
  std::this_thread::sleep_for(2s);
  const std::string metrics = metrics_of(broker);
  chatter.begin();
  const auto start = Clock::now();
  Bridge bridge({.database = full.url, .brokers = {&broker}, .roles = "control"});
  while (admin.version() != head) {
    if (ns_since(start) > 120'000'000'000)
      throw std::runtime_error("no snapshot after 120 s\n" + bridge.log());
    std::this_thread::sleep_for(5ms);
  }
  const double took = static_cast<double>(ns_since(start)) / 1e9;
  std::this_thread::sleep_for(200ms);
  chatter.stop();
  const std::string later = metrics_of(broker);

  ControlRequest request;
  request.cmd = "stats";
  const json::object stats = admin.command(request).at("stats").as_object();
  const auto facts = static_cast<double>(number(stats, "memberships"));
  measured.section("Snapshot of " + std::to_string(full.town.members) + " memberships, " +
                   std::to_string(full.town.users) + " users, " + std::to_string(full.town.rooms) +
                   " rooms into a fresh node");
  measured.add("seconds", "from starting the bridge until in force", took, "s", below(10));
  measured.add("memberships_per_s", "memberships", facts / took, "/s");
  measured.add("request_longest_cpu", "the broker's thread on one request, at most",
               longest_ms(metrics, later, "parley_control_cpu_seconds"), "ms", below(5));
  measured.add("request_longest", "the same with its waits for a processor, at most",
               longest_ms(metrics, later, "parley_control_seconds"), "ms");
  measured.add("drain_longest", "the broker's thread on what others hand it, at most",
               longest_ms(metrics, later, "parley_drain_seconds"), "ms", below(5));
  add_latency(measured, "puback_before", "PUBACK of a chat beside it, before", chatter.before);
  add_latency(measured, "puback_meanwhile", "PUBACK of a chat beside it, meanwhile", chatter.meanwhile);
  measured.add("facts_bytes", "facts in memory, a membership",
               static_cast<double>(number(stats, "facts_bytes")) / facts, "B", below(100));
  measured.add("resident_bytes", "the broker's memory grew by, a membership",
               static_cast<double>(resident_bytes(broker.pid()) - resident) / facts, "B");
  measured.add("disk_bytes", "replica on disk, a membership",
               static_cast<double>(bytes_below(broker.data() / "replica")) / facts, "B");
  measured.require("complete", "the snapshot is not complete",
                   facts == static_cast<double>(full.town.members));
  measured.require("nobody_refused", "messages of the chat were refused", chatter.refused() == 0);
}

int run_bench(int argc, char** argv) {
  CLI::App app(
      "How fast a change in Postgres comes into force on a broker, and how fast a node gets everything.");
  Settings settings;
  app.add_option("--works", settings.works, "Which of enforce, snapshot, with commas")->capture_default_str();
  app.add_option("--members", settings.members, "enforce: memberships in the database")
      ->capture_default_str();
  app.add_option("--rate", settings.rate, "enforce: changes a second")
      ->check(CLI::Range(1.0, 100'000.0))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "enforce: for how long")
      ->check(CLI::Range(0.5, 3600.0))
      ->capture_default_str();
  app.add_option("--snapshot-members", settings.snapshot_members, "snapshot: memberships in the database")
      ->capture_default_str();
  app.add_option("--json", settings.json_file, "Write all figures to this file");
  app.add_flag("--lenient", settings.lenient,
               "Succeed whatever the figures are, as long as everything works");
  CLI11_PARSE(app, argc, argv);
  Measured measured;
  for (const std::string& work : split_commas(settings.works)) {
    if (work == "enforce") {
      measure_enforcement(settings, measured);
    } else if (work == "snapshot") {
      measure_snapshot(settings, measured);
    } else {
      throw std::runtime_error("no such work: " + work + "; there are enforce and snapshot");
    }
  }
  if (!settings.json_file.empty()) measured.write_json("control", settings.json_file);
  return (settings.lenient ? measured.sound() : measured.good()) ? 0 : 2;
}

}  // namespace
}  // namespace parley::bench

int main(int argc, char** argv) {
  try {
    return parley::bench::run_bench(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
