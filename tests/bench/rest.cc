// parley_rest_bench: reads by REST and sign-ins, with the whole bridge, a real database and a broker behind
// them; the load (wrk) shares the machine.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "bridge/api/password.h"
#include "storage/metadata.h"
#include "tests/bench/measured.h"
#include "tests/bench/town.h"
#include "tests/bench/work.h"
#include "tests/bench/wrk.h"
#include "tests/support/bridge.h"
#include "tests/support/broker.h"

namespace parley::bench {
namespace {

using namespace test;
using Clock = std::chrono::steady_clock;

struct Settings {
  std::string works = "me,room,rooms,members,mixed,login";
  std::uint64_t members = 100'000;
  int connections = 32;
  double seconds = 8;
  std::vector<std::string> options;  // of bridge.toml
  std::string json_file;
  bool lenient = false;
};

constexpr std::uint64_t kCallers = 64;
constexpr const char* kPassword = "correct horse battery staple";
constexpr unsigned kArgon2Ops = 2;  // as config/bridge.toml has it
constexpr std::size_t kArgon2Mem = std::size_t{19} << 20;

std::string user(std::uint64_t number) { return "user" + std::to_string(number); }
std::string room_of(const Town& town, std::uint64_t caller) {
  // See Town::fill for who is where.
  for (std::uint64_t room = 0; room < town.rooms; ++room)
    if ((caller + town.users * 61 - room * 61 % town.users) % town.users < kRoomMembers)
      return "room" + std::to_string(room);
  throw std::logic_error("user" + std::to_string(caller) + " is in no room");
}

struct World {
  explicit World(const Settings& settings)
      : town(settings.members), url((make_durable(postgres), postgres.create_database())) {
    storage::PostgresOptions options;
    options.url = url;
    if (!storage::migrate_postgres(options)) throw std::runtime_error("cannot make the tables");
    town.fill(postgres, url);
    let_in();
    broker = std::make_unique<Broker>();
    std::vector<std::string> lines = {"auth.argon2_ops = " + std::to_string(kArgon2Ops),
                                      "auth.argon2_mem_mb = " + std::to_string(kArgon2Mem >> 20)};
    lines.insert(lines.end(), settings.options.begin(), settings.options.end());
    bridge = std::make_unique<Bridge>(
        BridgeOptions{.database = url, .brokers = {broker.get()}, .settings = std::move(lines)});
    bridge->wait_until_ready();
    for (std::uint64_t i = 0; i < kCallers; ++i)
      tokens.push_back(broker->token(user(i), {.device = "bench", .sid = "bench-" + std::to_string(i)}));
  }

  // Sessions and passwords of those who call.
  void let_in() {
    bridge::Metrics metrics;
    const std::string hash =
        api::Passwords(kArgon2Ops, kArgon2Mem, metrics).hash(*text::prepare_password(kPassword));
    const std::string last = std::to_string(2 * kCallers - 1);
    postgres.sql(url,
                 "INSERT INTO sessions (sid, user_name, device, created_ms, used_ms, expires_ms) "
                 "SELECT 'bench-' || i, 'user' || i, 'bench', 0, 0, 4102444800000 FROM generate_series(0, " +
                     last + ") i");
    postgres.sql(url, "INSERT INTO credentials (user_name, password_hash, changed_ms) SELECT 'user' || i, '" +
                          hash + "', 0 FROM generate_series(0, " + last + ") i");
  }

  const Town town;
  PostgresCluster postgres;
  const std::string url;
  std::unique_ptr<Broker> broker;
  std::unique_ptr<Bridge> bridge;
  std::vector<std::string> tokens;
};

// One request of each caller.
std::vector<HttpRequest> reads_of(const World& world, const std::string& work) {
  std::vector<HttpRequest> requests;
  for (std::uint64_t i = 0; i < kCallers; ++i) {
    const std::string room = "/api/v1/rooms/" + room_of(world.town, i);
    const std::map<std::string, std::string> paths = {{"me", "/api/v1/users/me"},
                                                      {"room", room},
                                                      {"rooms", "/api/v1/rooms"},
                                                      {"members", room + "/members?limit=20"}};
    for (const auto& [name, path] : paths)
      if (work == name || work == "mixed")
        requests.push_back({.method = "GET", .path = path, .token = world.tokens[i], .body = ""});
  }
  if (requests.empty())
    throw std::runtime_error("no such work: " + work +
                             "; there are me, room, rooms, members, mixed and login");
  return requests;
}

// Of others than those who read: a sign-in on the same device would end the session that reads.
std::vector<HttpRequest> sign_ins() {
  std::vector<HttpRequest> requests;
  for (std::uint64_t i = kCallers; i < 2 * kCallers; ++i)
    requests.push_back(
        {.method = "POST",
         .path = "/api/v1/auth/login",
         .token = "",
         .body = R"({"user":")" + user(i) + R"(","password":")" + kPassword + R"(","device":"bench"})"});
  return requests;
}

WrkResult read(const World& world, const std::string& work, const Settings& settings) {
  return Wrk(world.bridge->port(), reads_of(world, work), settings.connections, settings.seconds).wait();
}

// At most 4,000 a second: a server that has something to do, not one that cannot keep up.
WrkResult read_at_ease(const World& world, const Settings& settings) {
  return Wrk(world.bridge->port(), reads_of(world, "mixed"), 40, settings.seconds, 10).wait();
}

// What the same server answers at most when all that is asked is SELECT 1, by as many connections as the
// bridge's pool has.
double round_trips_per_s(const World& world, double seconds) {
  const TempDir folder;
  write_file(folder.path() / "one.sql", "SELECT 1;\n");
  const Output output =
      run({.argv = {"pgbench", "-n", "-M", "prepared", "-f", (folder.path() / "one.sql").string(), "-c", "8",
                    "-j", "1", "-T", std::to_string(static_cast<int>(std::max(1.0, std::round(seconds)))),
                    world.url}},
          std::chrono::seconds(static_cast<int>(seconds) + 30));
  const auto at = output.text.find("tps = ");
  if (output.status != 0 || at == std::string::npos) throw std::runtime_error("pgbench: " + output.text);
  return std::atof(output.text.c_str() + at + 6);
}

double hashes_per_s(double seconds) {
  bridge::Metrics metrics;
  const api::Passwords passwords(kArgon2Ops, kArgon2Mem, metrics);
  const text::PreparedPassword password = *text::prepare_password(kPassword);
  const std::string hash = passwords.hash(password);
  const auto start = Clock::now();
  int count = 0;
  double took = 0;
  while (took < seconds) {
    if (passwords.match(password, hash) != api::Passwords::Match::yes)
      throw std::logic_error("Argon2id is not itself");
    ++count;
    took = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return count / took;
}

void add_latency(Measured& measured, const std::string& key, const std::string& what, const WrkResult& result,
                 Asked p99 = {}) {
  measured.add(key + "_p50", what + ", p50", result.p50_ms, "ms");
  measured.add(key + "_p99", what + ", p99", result.p99_ms, "ms", p99);
  measured.add(key + "_longest", what + ", longest", result.longest_ms, "ms");
}

void measure_reads(const World& world, const std::vector<std::string>& works, const Settings& settings,
                   Measured& measured) {
  measured.section("Reads, " + std::to_string(settings.connections) + " connections of " +
                   std::to_string(kCallers) + " people, " + std::to_string(world.town.members) +
                   " memberships");
  const double bare = round_trips_per_s(world, settings.seconds / 2);
  measured.add("bare_per_s", "SELECT 1 of the same PostgreSQL, 8 connections", bare, "/s");
  for (const std::string& work : works) {
    const WrkResult result = read(world, work, settings);
    measured.add(work + "_per_s", work + ", requests", result.requests_per_s, "/s", above(5000));
    add_latency(measured, work, work, result, below(20));
    measured.require(work + "_all_good", work + ": answers other than 2xx", result.bad == 0);
    measured.add(work + "_ratio", work + ", of the bare round trips", result.requests_per_s / bare, "");
  }
}

void measure_logins(const World& world, const Settings& settings, Measured& measured) {
  measured.section("Sign-ins, and reads beside them");
  const double hashes = hashes_per_s(1);
  measured.add("hashes_per_s", "Argon2id alone, one thread", hashes, "/s");
  const auto sign_in = [&](double seconds) { return Wrk(world.bridge->port(), sign_ins(), 4, seconds); };
  const WrkResult alone = sign_in(settings.seconds).wait();
  measured.add("logins_per_s", "sign-ins, nothing beside them", alone.requests_per_s, "/s");
  measured.add("logins_ratio", "sign-ins, of Argon2id alone", alone.requests_per_s / hashes, "");
  const WrkResult ease = read_at_ease(world, settings);
  add_latency(measured, "paced", "reads at ease", ease);
  {
    Wrk hammer = sign_in(settings.seconds + 1);
    const WrkResult beside = read_at_ease(world, settings);
    add_latency(measured, "paced_beside_logins", "the same beside sign-ins", beside, below(20));
    measured.add("paced_logins_per_s", "sign-ins beside them", hammer.wait().requests_per_s, "/s");
    measured.require("paced_all_good", "reads with other answers than 2xx", ease.bad + beside.bad == 0);
  }
  Wrk hammer = sign_in(settings.seconds + 1);
  const WrkResult beside = read(world, "mixed", settings);
  const WrkResult logins = hammer.wait();
  measured.add("beside_logins_per_s", "reads as fast as it goes beside sign-ins", beside.requests_per_s, "/s",
               above(5000));
  add_latency(measured, "beside_logins", "their time", beside);
  measured.add("logins_beside_per_s", "sign-ins beside them", logins.requests_per_s, "/s");
  measured.require("all_good", "requests with other answers than 2xx",
                   beside.bad + alone.bad + logins.bad == 0);
}

int run_bench(int argc, char** argv) {
  CLI::App app("Reads a second and their latency, sign-ins, and what they do to each other. Needs wrk.");
  Settings settings;
  app.add_option(
         "--works", settings.works,
         "Which of me, room, rooms, members (GET users/me, a room, all one's rooms, a page of a room's "
         "members), mixed (all of them in turn), login, with commas")
      ->capture_default_str();
  app.add_option("--members", settings.members, "Memberships in the database")->capture_default_str();
  app.add_option("--connections", settings.connections, "Of the load")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "For each work")
      ->check(CLI::Range(1.0, 3600.0))
      ->capture_default_str();
  app.add_option("--set", settings.options,
                 "section.option=value for bridge.toml; may be given several times");
  app.add_option("--json", settings.json_file, "Write all figures to this file");
  app.add_flag("--lenient", settings.lenient,
               "Succeed whatever the figures are, as long as everything works");
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> reads;
  bool logins = false;
  for (const std::string& work : split_commas(settings.works)) {
    if (work == "login") {
      logins = true;
    } else {
      reads.push_back(work);
    }
  }
  const World world(settings);
  Measured measured;
  if (!reads.empty()) measure_reads(world, reads, settings, measured);
  if (logins) measure_logins(world, settings, measured);
  if (!settings.json_file.empty()) measured.write_json("rest", settings.json_file);
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
