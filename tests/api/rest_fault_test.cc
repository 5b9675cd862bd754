// PostgreSQL killed, stopped, standing still, behind a way that swallows everything, replaced by another
// server: over MQTT people chat on, REST says `unavailable` within 2 s, all mends itself, and nothing is lost
// or done twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/api/rest_world.h"
#include "tests/control/plane.h"
#include "tests/support/postgres.h"
#include "tests/support/slow_proxy.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The promise is 2 s; the rest is for a machine that has others to serve.
constexpr auto kQuickly = 6s;

struct Asked {
  const char* method;
  const char* path;
  const char* body;
  bool with_token = true;
};
// Reads and writes, long and short, of every kind of caller.
constexpr Asked kAsked[] = {
    {"GET", "/users/me", ""},
    {"GET", "/rooms", ""},
    {"GET", "/rooms/tea", ""},
    {"GET", "/rooms/tea/members", ""},
    {"GET", "/users/search?q=a", ""},
    {"POST", "/rooms", R"({"kind":"group"})"},
    {"PATCH", "/rooms/tea", R"({"topic":"faults"})"},
    {"POST", "/rooms/tea/invites", "{}"},
    {"PUT", "/users/me/contacts/bob", "{}"},
    {"POST", "/users/me/tokens", R"({"device":"lamp"})"},
    {"POST", "/auth/login", R"({"user":"alice","password":"correct horse battery"})", false},
    {"POST", "/auth/register", R"({"user":"dave","password":"correct horse battery"})", false},
    {"POST", "/auth/refresh", R"({"refresh_token":"rt_nobody"})", false},
};

class RestFault : public testing::Test {
 protected:
  // alice and bob are in the channel "tea", and connected.
  void start(const std::string& database) {
    url_ = database;
    bridge_ = std::make_unique<Bridge>(BridgeOptions{.database = database, .brokers = {&broker_}});
    bridge_->wait_until_ready();
    people_ = std::make_unique<RestWorld>(*bridge_, broker_);
    ASSERT_EQ(people_->as("alice", "POST", "/rooms", R"({"kind":"channel","room":"tea"})").status, 201u);
    ASSERT_EQ(people_->as("bob", "POST", "/rooms/tea/join").status, 200u);
    reader_.emplace(people_->reader("bob", "tea"));
    writer_.emplace(people_->connect("alice"));
  }
  void start() { start(postgres_.create_database()); }
  // The same through a proxy.
  void start_behind_proxy() {
    const std::string url = postgres_.create_database();
    const std::string database = url.substr(14, url.find('?') - 14);  // after "postgresql:///"
    proxy_ = std::make_unique<SlowProxy>(proxy_folder_.path() / ".s.PGSQL.5432", postgres_.socket_path());
    start(PostgresCluster::url(database, proxy_folder_.path()));
    direct_ = url;
  }

  // alice writes over MQTT, bob reads it.
  void expect_chat() {
    const std::string body = "chat goes on " + std::to_string(++said_);
    EXPECT_EQ(writer_->publish("rooms/tea/send", message(body)), 0);
    std::string heard;
    while (heard != body) {
      const json::object event = expect_event(*reader_, "tea");
      if (text(event, "kind") == "text") heard = text(event, "body");
    }
  }
  struct Timed {
    Reply reply;
    Clock::duration took;
  };
  Timed ask(const Asked& what) {
    const std::string token = what.with_token ? people_->token("alice") : "";
    const auto began = Clock::now();
    Reply reply = people_->call(what.method, what.path, {token, what.body});
    return {std::move(reply), Clock::now() - began};
  }
  // All of kAsked, each so many times, in its order.
  std::vector<Timed> ask_at_once(std::size_t times) {
    people_->token("alice");
    std::vector<Timed> answers(times * std::size(kAsked));
    std::vector<std::thread> callers;
    for (std::size_t i = 0; i < answers.size(); ++i)
      callers.emplace_back([&, i] { answers[i] = ask(kAsked[i % std::size(kAsked)]); });
    for (std::thread& caller : callers) caller.join();
    return answers;
  }
  static void expect_unavailable(const Timed& answer, const Asked& what) {
    EXPECT_EQ(answer.reply.status, 503u) << what.method << " " << what.path << answer.reply.text;
    EXPECT_EQ(answer.reply.code(), "unavailable") << what.method << " " << what.path;
    EXPECT_NE(answer.reply.header("retry-after"), "") << what.method << " " << what.path;
    EXPECT_LT(answer.took, kQuickly) << what.method << " " << what.path;
  }
  // One after the other, all at once, and chat in between.
  void expect_outage() {
    for (const Asked& what : kAsked) expect_unavailable(ask(what), what);
    expect_chat();
    const std::vector<Timed> answers = ask_at_once(4);
    for (std::size_t i = 0; i < answers.size(); ++i)
      expect_unavailable(answers[i], kAsked[i % std::size(kAsked)]);
    expect_chat();
    EXPECT_EQ(bridge_->get("/health/live")->status, 200);
    EXPECT_TRUE(eventually([&] { return bridge_->get("/health/ready")->status == 503; }));
    EXPECT_THAT(bridge_->get("/health/ready")->body, testing::HasSubstr("postgres"));
  }
  // Nobody does anything about it; afterwards a change reaches the broker as ever.
  void expect_recovery(const std::string& newcomer) {
    EXPECT_TRUE(eventually([&] { return ask(kAsked[0]).reply.status == 200; }));
    bridge_->wait_until_ready();
    EXPECT_TRUE(eventually([&] { return ask(kAsked[5]).reply.status == 201; }));
    const Reply joined = people_->as(newcomer, "POST", "/rooms/tea/join");
    EXPECT_EQ(joined.status, 200u) << joined.text;
    EXPECT_EQ(text(expect_kind("join"), "from"), newcomer);
    expect_chat();
  }
  json::object expect_kind(std::string_view kind) {
    while (true) {
      json::object event = expect_event(*reader_, "tea");
      if (text(event, "kind") == kind) return event;
    }
  }
  // The broker has what Postgres has, and each event once, in the order of commit.
  void expect_nothing_lost(const std::string& url) {
    Ledger ledger(url);
    Admin admin(broker_, "judge");
    wait_for_version(admin, ledger.head());
    EXPECT_EQ(facts_of(admin), listable(ledger.facts()));
    std::vector<std::string> committed;
    for (const EventPost& post : ledger.posts()) committed.push_back(post.cid);
    std::vector<std::string> logged;
    for (const json::object& event : admin.read_log()) {
      const json::value* cid = event.if_contains("cid");
      if (cid != nullptr && cid->as_string().starts_with("pg-")) logged.emplace_back(cid->as_string());
    }
    EXPECT_EQ(logged, committed);
  }

  // People who make groups, each with a key of its own, and ask again until they are told that it is done.
  class Makers {
   public:
    Makers(RestWorld& people, int each) : people_(people), each_(each) {
      const std::string tokens[] = {people.token("alice"), people.token("bob")};
      for (int w = 0; w < kMakers; ++w)
        threads_.emplace_back([this, w, token = tokens[w % 2]] { run(w, token); });
    }
    ~Makers() { join(); }
    void join() {
      for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
    }
    int done() const { return done_; }
    int wanted() const { return kMakers * each_; }
    int wrong() const { return wrong_; }
    void wait_for(int count) const {
      const Deadline deadline = 60s;
      while (done_ < std::min(count, wanted()) && !deadline.passed()) std::this_thread::sleep_for(1ms);
    }

   private:
    static constexpr int kMakers = 4;
    void run(int w, const std::string& token) {
      const Deadline deadline = 90s;
      for (int i = 0; i < each_ && !deadline.passed(); ++i) {
        const Call call{
            token, R"({"kind":"group"})", {{"Idempotency-Key", std::to_string(w) + "-" + std::to_string(i)}}};
        unsigned status = 0;
        while (status != 201 && !deadline.passed()) {
          status = people_.call("POST", "/rooms", call).status;
          if (status != 201 && status != 503) ++wrong_;
        }
        ++done_;
      }
    }
    RestWorld& people_;
    const int each_;
    std::atomic<int> done_{0};
    std::atomic<int> wrong_{0};
    std::vector<std::thread> threads_;
  };

  std::string groups(const std::string& url) {
    return postgres_.sql(url, "SELECT count(*) FROM rooms WHERE kind = 1");
  }

  PostgresCluster postgres_;
  Broker broker_;
  TempDir proxy_folder_;
  std::unique_ptr<SlowProxy> proxy_;
  std::string url_;
  std::string direct_;
  std::unique_ptr<Bridge> bridge_;
  std::unique_ptr<RestWorld> people_;
  std::optional<RawClient> reader_;
  std::optional<RawClient> writer_;
  int said_ = 0;
};

TEST_F(RestFault, PostgresKilledStoppedOrStandingStill) {
  start();
  postgres_.kill();
  expect_outage();
  postgres_.start();
  expect_recovery("carol");
  postgres_.stop();
  expect_outage();
  postgres_.start();
  expect_recovery("dora");
  postgres_.pause();
  expect_outage();
  postgres_.resume();
  expect_recovery("emil");
  expect_nothing_lost(url_);
}

TEST_F(RestFault, AWayThatSwallowsEverything) {
  start_behind_proxy();
  proxy_->freeze(true);
  expect_outage();
  // What somebody else commits meanwhile arrives when the way is open again.
  Ledger other(direct_);
  other.rename_room("alice", "tea", "Tea");
  proxy_->freeze(false);
  expect_kind("room");
  expect_recovery("carol");
  // The same, but what was on the way is lost.
  proxy_->freeze(true);
  expect_outage();
  proxy_->drop_all();
  proxy_->freeze(false);
  expect_recovery("dora");
  expect_nothing_lost(direct_);
}

TEST_F(RestFault, ALongWayIsSlowAndATooLongOneIsUnavailable) {
  start_behind_proxy();
  proxy_->delay(5ms);
  for (const Asked& what : kAsked) {
    if (!what.with_token) continue;
    const Timed answer = ask(what);
    EXPECT_LT(answer.reply.status, 300u) << what.method << " " << what.path << answer.reply.text;
  }
  // Each answer comes in time for the one statement, not for all that a request asks.
  for (const auto delay : {100ms, 700ms}) {
    proxy_->delay(delay);
    const std::vector<Timed> answers = ask_at_once(1);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const std::string what = std::string(kAsked[i].path) + " " + std::to_string(delay.count());
      EXPECT_LT(answers[i].took, kQuickly) << what;
      if (answers[i].reply.status < 500) continue;
      EXPECT_EQ(answers[i].reply.code(), "unavailable") << what << answers[i].reply.text;
    }
    expect_chat();
  }
  proxy_->delay(0ms);
  expect_recovery("carol");
  expect_nothing_lost(direct_);
}

TEST_F(RestFault, KilledAtAnyMomentNothingIsLostOrDoneTwice) {
  constexpr int kKills = 4;
  start();
  Makers makers(*people_, 30);
  for (int kill = 1; kill <= kKills; ++kill) {
    makers.wait_for(kill * makers.wanted() / (kKills + 2));
    postgres_.kill();
    expect_chat();
    postgres_.start();
  }
  makers.join();
  EXPECT_EQ(makers.wrong(), 0);
  EXPECT_EQ(groups(url_), std::to_string(makers.wanted()) + "\n");
  expect_nothing_lost(url_);
}

class RestFailover : public RestFault {
 protected:
  void start_with_standby() {
    const std::string url = postgres_.create_database();
    const std::string database = url.substr(14, url.find('?') - 14);
    standby_ = postgres_.add_standby();
    start(PostgresCluster::url(database, postgres_, *standby_));
    there_ = PostgresCluster::url(database, standby_->socket_folder());
  }
  // With people who make groups: none that was promised is missing on the new server, none is there twice.
  void fail_over(const std::function<void()>& lose_primary) {
    start_with_standby();
    Makers makers(*people_, 25);
    makers.wait_for(makers.wanted() / 3);
    lose_primary();
    expect_chat();
    const Asked what = kAsked[5];
    expect_unavailable(ask(what), what);
    standby_->promote();
    makers.join();
    EXPECT_EQ(makers.done(), makers.wanted());
    EXPECT_EQ(makers.wrong(), 0);
    EXPECT_EQ(groups(there_), std::to_string(makers.wanted()) + "\n");
    expect_recovery("carol");
    expect_nothing_lost(there_);
  }

  std::unique_ptr<PostgresCluster> standby_;
  std::string there_;
};

TEST_F(RestFailover, TheStandbyTakesOverFromOneThatDied) {
  fail_over([&] { postgres_.kill(); });
}

// A machine that is gone does not refuse connections: nothing comes back at all.
TEST_F(RestFailover, TheStandbyTakesOverFromOneThatIsSilent) {
  fail_over([&] { postgres_.pause(); });
}

}  // namespace
}  // namespace parley::test
