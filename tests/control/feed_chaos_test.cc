// Bridges that die at any moment, hundreds of times, while people come and go: afterwards the broker knows
// exactly what Postgres knows, and each room's log holds each event once, in the order of commit.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "tests/chaos/chaos_options.h"
#include "tests/control/plane.h"

namespace parley::test {
namespace {

constexpr int kRounds = 200;
constexpr int kRooms = 4;
constexpr int kUsers = 12;

std::string room(std::uint64_t i) { return "room" + std::to_string(i % kRooms); }
std::string user(std::uint64_t i) { return "user" + std::to_string(i % kUsers); }

// Changes things until it is told to end. What is refused (somebody who is a member already joins) is left.
class People {
 public:
  People(Ledger& ledger, std::uint64_t seed) : ledger_(ledger), random_(seed) {
    ledger_.add_user("owner");
    for (int i = 0; i < kUsers; ++i) ledger_.add_user(user(static_cast<std::uint64_t>(i)));
    for (int i = 0; i < kRooms; ++i) ledger_.add_room("owner", room(static_cast<std::uint64_t>(i)));
    thread_ = std::thread([this] { run(); });
  }
  ~People() { end(); }
  void end() {
    ended_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int changes() const { return changes_; }

 private:
  void run() {
    while (!ended_) {
      try {
        change();
        ++changes_;
      } catch (const std::exception&) {
        // Refused, or Postgres is away: somebody else will do something else.
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random_() % 4000));
    }
  }
  void change() {
    const std::string where = room(random_());
    const std::string who = user(random_());
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return ledger_.join(who, where);
      case 3:
        return ledger_.leave(who, where);
      case 4:
        return ledger_.remove_member("owner", where, who);
      case 5:
        return ledger_.set_role("owner", where, who,
                                random_() % 2 == 0 ? MemberRole::admin : MemberRole::member);
      case 6:
        return ledger_.rename_room("owner", where, "name " + std::to_string(random_() % 100));
      default:
        return ledger_.block(who, user(random_()));
    }
  }

  Ledger& ledger_;
  std::mt19937_64 random_;
  std::atomic<bool> ended_{false};
  std::atomic<int> changes_{0};
  std::thread thread_;
};

using Line = std::string;  // "kind from cid"

std::map<std::string, std::vector<Line>> committed(Ledger& ledger) {
  std::map<std::string, std::vector<Line>> rooms;
  for (const EventPost& post : ledger.posts())
    rooms[post.room].push_back(std::string(to_string(post.kind)) + " " + post.from + " " + post.cid);
  return rooms;
}
std::map<std::string, std::vector<Line>> logged(Admin& admin) {
  std::map<std::string, std::vector<Line>> rooms;
  for (const json::object& event : admin.read_log())
    rooms[text(event, "room")].push_back(text(event, "kind") + " " + text(event, "from") + " " +
                                         text(event, "cid"));
  return rooms;
}

class FeedChaosTest : public testing::Test {
 protected:
  FeedChaosTest() { std::printf("seed %llu\n", static_cast<unsigned long long>(chaos_options().seed)); }

  BridgeOptions bridge_options() {
    BridgeOptions options;
    options.database = ledger_.url();
    options.brokers = {&broker_};
    options.roles = "control";
    options.start = false;
    return options;
  }
  void expect_nothing_lost() {
    Bridge bridge(bridge_options());
    bridge.start();
    Admin admin(broker_, "judge");
    wait_for_version(admin, ledger_.head(), 60s);
    EXPECT_EQ(admin.version(), ledger_.head());
    EXPECT_EQ(facts_of(admin), listable(ledger_.facts()));
    EXPECT_EQ(logged(admin), committed(ledger_));
  }

  std::mt19937_64 random_{chaos_options().seed};
  PostgresCluster postgres_;
  Ledger ledger_{postgres_.create_database()};
  Broker broker_;
};

TEST_F(FeedChaosTest, BridgesMayDieAtAnyMoment) {
  People people(ledger_, random_());
  Bridge bridge(bridge_options());
  const int rounds = chaos_options().rounds.value_or(kRounds);
  Admin admin(broker_, "watcher");
  int fed = 0;  // rounds in which the bridge got as far as feeding
  for (int round = 0; round < rounds; ++round) {
    const std::uint64_t before = admin.version();
    bridge.launch();
    // Every other one has come to feeding, however slow the machine is.
    if (round % 2 == 0) wait_for_version(admin, before + 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(random_() % (round % 2 == 0 ? 30 : 160)));
    bridge.kill9();
    fed += admin.version() > before ? 1 : 0;
  }
  EXPECT_GE(fed, rounds / 2);
  std::printf("%d of %d bridges died while they fed\n", fed, rounds);
  people.end();
  EXPECT_GT(people.changes(), rounds);
  expect_nothing_lost();
}

TEST_F(FeedChaosTest, TwoBridgesTheBrokerAndPostgresMayDieInTurn) {
  People people(ledger_, random_());
  Bridge first(bridge_options());
  Bridge second(bridge_options());
  first.launch();
  second.launch();
  const int rounds = chaos_options().rounds.value_or(kRounds) / 10;
  for (int round = 0; round < rounds; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50 + random_() % 200));
    switch (random_() % 4) {
      case 0:
        first.kill9();
        first.launch();
        break;
      case 1:
        second.kill9();
        second.launch();
        break;
      case 2:
        broker_.kill9();
        broker_.start();
        break;
      default:
        postgres_.kill();
        postgres_.start();
    }
  }
  first.kill9();
  second.kill9();
  people.end();
  expect_nothing_lost();
}

}  // namespace
}  // namespace parley::test
