// PostgreSQL killed, stopped, standing still, far away, and losing answers: callers are told quickly,
// everything recovers by itself, and nothing is done twice.
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "storage/call_budget.h"
#include "storage/testing/metadata_test.h"
#include "tests/support/slow_proxy.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The promise is 2 s for a call; the rest is for a loaded machine.
constexpr auto kQuickly = 6s;

class FaultTest : public MetadataTest {
 protected:
  void SetUp() override {
    server_ = std::make_unique<test::PostgresCluster>();
    url_ = server_->create_database();
    ASSERT_OK(migrate_postgres(options()));
    store_ = open(options());
    make_users({"alice", "bob"});
  }
  void TearDown() override {
    store_.reset();
    proxy_.reset();
    server_.reset();
  }
  std::string ask(const std::string& text) { return server_->sql(url_, text); }

  // From now on the store reaches the server through the proxy.
  void go_through_proxy(std::uint32_t call_timeout_ms = 2000, std::uint32_t pool = 8) {
    go_by(proxy_folder_.path(), call_timeout_ms, pool);
  }
  // By sockets in these folders, of which the proxy's is one.
  void go_by(const std::string& folders, std::uint32_t call_timeout_ms = 2000, std::uint32_t pool = 8) {
    proxy_ =
        std::make_unique<test::SlowProxy>(proxy_folder_.path() / ".s.PGSQL.5432", server_->socket_path());
    PostgresOptions far = options();
    const std::string database = url_.substr(14, url_.find('?') - 14);  // after "postgresql:///"
    far.url = test::PostgresCluster::url(database, folders);
    far.call_timeout_ms = call_timeout_ms;
    far.pool = pool;
    store_ = open(far);
  }

  struct Timed {
    std::string outcome;
    std::chrono::milliseconds took;
  };
  template <class Call>
  static Timed timed(const Call& call) {
    const auto begun = Clock::now();
    const auto result = call();
    return {outcome(result), std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun)};
  }
  Timed timed_read() {
    return timed([&] { return users().get("alice"); });
  }
  Timed timed_write() {
    return timed([&] { return people().put_contact(as("alice"), "bob", "b"); });
  }
  void expect_refused_quickly(const std::string& when) {
    for (int i = 0; i < 3; ++i) {
      const Timed read = timed_read();
      EXPECT_EQ(read.outcome, "unavailable") << when;
      EXPECT_LT(read.took, kQuickly) << when;
      const Timed write = timed_write();
      EXPECT_EQ(write.outcome, "unavailable") << when;
      EXPECT_LT(write.took, kQuickly) << when;
    }
  }
  // Everything works again within seconds, without anybody doing something about it.
  void expect_recovery() {
    const auto deadline = Clock::now() + 10s;
    while (timed_read().outcome != "ok" && Clock::now() < deadline) std::this_thread::sleep_for(20ms);
    EXPECT_EQ(timed_read().outcome, "ok");
    EXPECT_EQ(timed_write().outcome, "ok");
  }
  static NewRoom group() {
    NewRoom room;
    room.kind = RoomKind::group;
    return room;
  }

  std::unique_ptr<test::PostgresCluster> server_;
  test::TempDir proxy_folder_;
  std::unique_ptr<test::SlowProxy> proxy_;
};

TEST_F(FaultTest, KilledAndStartedAgain) {
  server_->kill();
  expect_refused_quickly("killed");
  server_->start();
  expect_recovery();
}

TEST_F(FaultTest, StoppedAndStartedAgain) {
  server_->stop();
  expect_refused_quickly("stopped");
  server_->start();
  expect_recovery();
}

TEST_F(FaultTest, ARestartBetweenTwoCallsIsNotNoticed) {
  ASSERT_EQ(timed_write().outcome, "ok");
  server_->stop();
  server_->start();
  EXPECT_EQ(timed_read().outcome, "ok");
  server_->kill();
  server_->start();
  EXPECT_EQ(timed_write().outcome, "ok");
}

TEST_F(FaultTest, OneThatStandsStill) {
  // Two connections idle in the pool: neither may cost every caller its whole time.
  std::thread other([&] { timed_write(); });
  timed_write();
  other.join();
  server_->pause();
  expect_refused_quickly("paused");
  const auto begun = Clock::now();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(timed_read().outcome, "unavailable");
  EXPECT_LT(Clock::now() - begun, 15s) << "most are refused at once; each for itself would take 40 s";
  server_->resume();
  expect_recovery();
}

TEST_F(FaultTest, ManyCallersOfADeadServerAreAllRefusedQuickly) {
  server_->pause();
  std::vector<std::thread> callers;
  std::vector<Timed> calls(32);
  for (std::size_t i = 0; i < calls.size(); ++i)
    callers.emplace_back([&, i] { calls[i] = i % 2 ? timed_read() : timed_write(); });
  for (std::thread& caller : callers) caller.join();
  for (const Timed& call : calls) {
    EXPECT_EQ(call.outcome, "unavailable");
    EXPECT_LT(call.took, kQuickly);
  }
  server_->resume();
  expect_recovery();
}

TEST_F(FaultTest, ALongWayIsOnlySlow) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  proxy_->delay(20ms);
  EXPECT_EQ(timed_read().outcome, "ok");
  EXPECT_EQ(timed_write().outcome, "ok");
  proxy_->delay(1500ms);
  expect_refused_quickly("too long a way");
  proxy_->delay(0ms);
  expect_recovery();
}

TEST_F(FaultTest, ABudgetIsForAllCallsTogether) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  proxy_->delay(100ms);
  const auto begun = Clock::now();
  {
    const CallBudget budget(begun + 700ms);
    for (int i = 0; i < 20; ++i) timed_read();
    EXPECT_LT(Clock::now() - begun, 3s) << "each of the twenty would have taken 200 ms";
    EXPECT_EQ(timed_read().outcome, "unavailable");
    const CallBudget more(Clock::now() + 5s);
    EXPECT_EQ(timed_read().outcome, "ok") << "the inner one counts";
  }
  EXPECT_EQ(timed_read().outcome, "ok");
  CallBudget paused(Clock::now() + 1s);
  {
    const CallBudget::Pause pause;
    std::this_thread::sleep_for(1100ms);
  }
  EXPECT_EQ(timed_read().outcome, "ok") << "what was spent on something else does not count";
}

TEST_F(FaultTest, ACallerWithoutTimeDoesNotMakeTheDatabaseGoAwayForOthers) {
  go_through_proxy();
  proxy_->freeze(true);
  {
    const CallBudget hardly_any(Clock::now() + 50ms);
    EXPECT_EQ(timed_read().outcome, "unavailable");
  }
  proxy_->freeze(false);
  EXPECT_EQ(timed_read().outcome, "ok");
}

// Of two servers in the connection string the first one does not even refuse.
TEST_F(FaultTest, ASilentServerDoesNotHideTheNextOne) {
  proxy_.reset();
  go_by(proxy_folder_.path().string() + "," + server_->socket_folder().string());
  proxy_->freeze(true);
  EXPECT_EQ(timed_read().outcome, "ok");
  const std::size_t tried = proxy_->connections();
  ASSERT_GE(tried, 1u);
  std::vector<std::thread> callers;
  std::vector<Timed> calls(8);
  for (Timed& call : calls) callers.emplace_back([&] { call = timed_write(); });
  for (std::thread& caller : callers) caller.join();
  for (const Timed& call : calls) EXPECT_EQ(call.outcome, "ok");
  EXPECT_EQ(proxy_->connections(), tried) << "only the first one waits for it";
}

// What died with the server's memory leaves its id to another transaction, which is not to be taken for it.
TEST_F(FaultTest, ALostTransactionIsNotTakenForAnotherOfItsId) {
  ask("ALTER SYSTEM SET wal_writer_delay = '10s'");  // only commits reach the disk
  ask("SELECT pg_reload_conf()");
  go_through_proxy(20'000);
  ASSERT_EQ(timed_write().outcome, "ok");
  const std::string before = ask("SELECT count(*) FROM rooms");
  proxy_->freeze_before("transaction.commit");
  std::string how;
  std::thread maker([&] { how = outcome(rooms().create(as("alice"), group())); });
  while (!proxy_->lost_one()) std::this_thread::yield();
  server_->kill();
  server_->start();
  for (int i = 0; i < 20; ++i) ask("SELECT pg_current_xact_id()");  // among them the one that was lost
  proxy_->freeze(false);
  maker.join();
  EXPECT_EQ(how, "ok");
  EXPECT_EQ(ask("SELECT count(*) - 1 FROM rooms"), before);
}

TEST_F(FaultTest, ConnectionsThatBreakAreReplaced) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  for (int i = 0; i < 5; ++i) {
    proxy_->drop_all();
    EXPECT_EQ(timed_write().outcome, "ok");
  }
}

TEST_F(FaultTest, ACommitWhoseAnswerIsLostIsLookedUp) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  const std::string before = ask("SELECT count(*) FROM rooms");
  proxy_->lose_answer_to("transaction.commit");
  const auto made = rooms().create(as("alice"), group());
  ASSERT_OK(made);
  EXPECT_TRUE(proxy_->lost_one());
  EXPECT_EQ(ask("SELECT count(*) - 1 FROM rooms"), before) << "once";
  EXPECT_OK(rooms().get(made->value.room.room, "alice"));
}

TEST_F(FaultTest, ACommitIsLookedUpByAPoolOfOne) {
  go_through_proxy(2000, 1);
  ASSERT_EQ(timed_write().outcome, "ok");
  proxy_->lose_answer_to("transaction.commit");
  EXPECT_OK(rooms().create(as("alice"), group()));
  EXPECT_TRUE(proxy_->lost_one());
}

// A refresh token that has been used is no more: doing it again would look like theft.
TEST_F(FaultTest, ARefreshWhoseAnswerIsLostIsNotTakenForReuse) {
  go_through_proxy();
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  proxy_->lose_answer_to("transaction.commit");
  EXPECT_OK(refresh(1, 2));
  EXPECT_TRUE(proxy_->lost_one());
  EXPECT_OK(refresh(2, 3));
}

TEST_F(FaultTest, AStatementLostBeforeTheCommitIsDoneAgain) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  for (const char* statement : {"transaction.begin", "room.insert", "change.version", "change.add"}) {
    const std::string before = ask("SELECT count(*) FROM rooms");
    proxy_->lose_answer_to(statement);
    EXPECT_OK(rooms().create(as("alice"), group())) << statement;
    EXPECT_TRUE(proxy_->lost_one()) << statement;
    EXPECT_EQ(ask("SELECT count(*) - 1 FROM rooms"), before) << statement;
  }
}

TEST_F(FaultTest, AnUnknownOutcomeIsCarriedOverByTheKey) {
  go_through_proxy();
  ASSERT_EQ(timed_write().outcome, "ok");
  // The answer to the commit is lost, and then the way itself: nobody can know.
  proxy_->lose_answer_to("transaction.commit");
  std::thread cut([&] {
    while (!proxy_->lost_one()) std::this_thread::yield();
    proxy_->freeze(true);
  });
  const Timed first = timed([&] { return rooms().create(once(as("alice"), "key"), group()); });
  cut.join();
  EXPECT_LT(first.took, kQuickly);
  proxy_->freeze(false);
  proxy_->drop_all();
  expect_recovery();
  const auto second = rooms().create(once(as("alice"), "key"), group());
  ASSERT_OK(second);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(ask("SELECT count(*) FROM rooms"), "1\n");
}

// Writers that go on until they are told "ok", as clients do, while the server dies again and again.
TEST_F(FaultTest, KilledAtAnyMomentNothingIsLostOrDoneTwice) {
  constexpr int kWriters = 4, kEach = 40, kKills = 4;
  std::vector<std::thread> writers;
  std::atomic<int> done = 0, wrong = 0;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kEach; ++i) {
        const Actor actor = once(as(w % 2 ? "alice" : "bob"), std::to_string(w) + "-" + std::to_string(i));
        for (;;) {
          const std::string how = outcome(rooms().create(actor, group()));
          if (how == "ok") break;
          if (how != "unavailable") ++wrong;
          std::this_thread::sleep_for(5ms);
        }
        ++done;
      }
    });
  }
  for (int kill = 0; kill < kKills; ++kill) {
    const int until = done + kWriters * kEach / (kKills + 2);
    while (done < until && done < kWriters * kEach) std::this_thread::sleep_for(1ms);
    server_->kill();
    server_->start();
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ask("SELECT count(*) FROM rooms"), std::to_string(kWriters * kEach) + "\n");
  EXPECT_EQ(ask("SELECT count(*) FROM idempotency WHERE subject <> ''"),
            std::to_string(kWriters * kEach) + "\n");
  // Numbered without gaps, and each room told once.
  EXPECT_EQ(ask("SELECT max(version) - count(*) FROM changes"), "0\n");
  EXPECT_EQ(ask("SELECT count(*) FROM changes WHERE ops LIKE '%room.put%'"),
            std::to_string(kWriters * kEach) + "\n");
}

TEST_F(FaultTest, TheFeederLearnsOfItAndGoesOn) {
  ASSERT_EQ(feed().wait_for_change(10s), Wake::changed);
  ASSERT_TRUE(feed().try_lead().value());
  std::thread killer([&] { server_->kill(); });
  EXPECT_EQ(feed().wait_for_change(30s), Wake::lost);
  killer.join();
  EXPECT_FALSE(feed().leading());
  EXPECT_EQ(outcome(feed().try_lead()), "unavailable");
  const auto begun = Clock::now();
  EXPECT_EQ(feed().wait_for_change(30s), Wake::lost);
  EXPECT_LT(Clock::now() - begun, 5s) << "it does not wait for what cannot come";
  server_->start();
  expect_recovery();
  const auto deadline = Clock::now() + 10s;
  while (feed().wait_for_change(1s) != Wake::changed && Clock::now() < deadline) continue;
  EXPECT_TRUE(feed().try_lead().value());
  EXPECT_TRUE(feed().leading());
  EXPECT_OK(feed().changes_after(0, 10));
}

TEST_F(FaultTest, AStandbyTakesOverWhenTheLeaderVanishes) {
  const auto leader = open(options());
  ASSERT_TRUE(leader->feed().try_lead().value());
  EXPECT_FALSE(feed().try_lead().value());
  ask("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted");
  const auto deadline = Clock::now() + 10s;
  bool leads = false;
  while (!leads && Clock::now() < deadline) leads = feed().try_lead().value();
  EXPECT_TRUE(leads);
  EXPECT_FALSE(leader->feed().leading());
}

TEST_F(FaultTest, ItMayBeAwayFromTheBeginning) {
  server_->stop();
  const auto early = open(options());
  EXPECT_EQ(outcome(early->ping()), "unavailable");
  EXPECT_EQ(outcome(migrate_postgres(options())), "unavailable");
  server_->start();
  const auto deadline = Clock::now() + 10s;
  while (!early->ping() && Clock::now() < deadline) std::this_thread::sleep_for(20ms);
  EXPECT_OK(early->ping());
}

// Somebody holds the lock on a room for long: who wants it is told in time, and others are not kept.
TEST_F(FaultTest, ALockThatIsHeldForLongIsGivenUpOn) {
  make_channel("general", "alice");
  std::thread holder([&] { ask("BEGIN; SELECT 1 FROM rooms FOR UPDATE; SELECT pg_sleep(4); COMMIT"); });
  const auto deadline = Clock::now() + 10s;
  while (ask("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(4)%' AND wait_event = "
             "'PgSleep'") != "1\n" &&
         Clock::now() < deadline)
    continue;
  RoomPatch patch;
  patch.topic = "x";
  const Timed blocked = timed([&] { return rooms().update(as("alice"), "general", patch); });
  EXPECT_EQ(blocked.outcome, "unavailable");
  EXPECT_LT(blocked.took, kQuickly);
  EXPECT_EQ(timed_read().outcome, "ok");
  EXPECT_EQ(timed_write().outcome, "ok");
  holder.join();
  EXPECT_OK(rooms().update(as("alice"), "general", patch));
}

// Whatever PostgreSQL complains of, whoever asked is told whether to try again, to send something else, or to
// call somebody.
TEST_F(FaultTest, EveryErrorOfTheServerIsToldForWhatItIs) {
  ask("CREATE TABLE complaint (state text); INSERT INTO complaint VALUES ('');"
      "CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN "
      "SELECT state INTO s FROM complaint; IF s <> '' THEN RAISE EXCEPTION 'could not extend file' USING "
      "ERRCODE = s; "
      "END IF; RETURN NEW; END $$;"
      "CREATE TRIGGER complain BEFORE INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION complain();"
      "GRANT ALL ON complaint TO public");
  const auto with = [&](const std::string& state) {
    ask("UPDATE complaint SET state = '" + state + "'");
    return people().put_contact(as("alice"), "bob", state);
  };
  for (const char* state :
       {"53000", "53100", "53200", "53400", "58000", "58030", "58P01", "58P02", "55000", "F0001"}) {
    const auto answer = with(state);
    ASSERT_FALSE(answer) << state;
    EXPECT_EQ(to_string(answer.error().code), "unavailable") << state;
    EXPECT_GT(answer.error().retry_after_ms, 0) << state;
    EXPECT_EQ(answer.error().message.find("extend"), std::string::npos) << "what the operator is told";
    EXPECT_NE(store_->trouble().find(state), std::string::npos) << store_->trouble();
  }
  for (const char* state : {"53300", "57P01", "57014", "08006", "25006", "40001", "40P01"})
    EXPECT_EQ(outcome(with(state)), "unavailable") << state;
  for (const char* state : {"22001", "54000", "23514"}) EXPECT_EQ(outcome(with(state)), "invalid") << state;
  for (const char* state : {"42501", "42P01", "P0001", "XX000"})
    EXPECT_EQ(outcome(with(state)), "internal") << state;
  // A round trip that finds all well again ends the trouble.
  EXPECT_OK(with(""));
  EXPECT_OK(store_->ping());
  EXPECT_EQ(store_->trouble(), "");
}

// What is said of a connection string that cannot be read comes to logs and screens.
TEST_F(FaultTest, AFaultyConnectionStringShowsNoPassword) {
  for (const char* url :
       {"postgresql://parley:hidden@[::1/parley", "postgresql://parley:hidden%zz@db/parley",
        "host=db password='hidden", "host=db password hidden", "postgresql://parley:hidden@db:x:y/parley",
        "host=db hidden", "postgresql://parley:hid\"den@[::1/parley"}) {
    PostgresOptions wrong = options();
    wrong.url = url;
    const auto opened = open_postgres(wrong);
    if (opened) continue;  // libpq is generous with some
    EXPECT_EQ(opened.error().message.find("hidden"), std::string::npos) << opened.error().message;
    EXPECT_EQ(opened.error().message.find("den@"), std::string::npos) << opened.error().message;
  }
  PostgresOptions wrong = options();
  wrong.url = "host=db pasword=hidden";
  EXPECT_NE(open_postgres(wrong).error().message.find("pasword"), std::string::npos);
}

// Before a bridge that works is given up for one with these options.
TEST_F(FaultTest, TellsWhoIsNeverLetInFromAServerThatIsAway) {
  const std::string database = url_.substr(14, url_.find('?') - 14);
  const auto why = [&](const std::string& url, bool must_answer = false) {
    PostgresOptions tried = options();
    tried.url = url;
    tried.connect_timeout_s = 1;
    const PostgresTrial trial = try_postgres(tried);
    return trial.why == WhyNotPostgres::away && !must_answer ? std::string() : trial.words;
  };
  const auto with_user = [&](const std::string& user) { return url_ + "&user=" + user; };
  const auto expect = [&](const std::string& url, const std::string& words, bool must_answer = false) {
    const std::string said = why(url, must_answer);
    EXPECT_NE(said.find(words), std::string::npos) << url << ": " << said;
    EXPECT_EQ(said.find_first_of("\n\r"), std::string::npos) << said;
    EXPECT_EQ(said.find("LOCATION"), std::string::npos) << said;
    EXPECT_EQ(said.find("wrong-one"), std::string::npos) << said;
  };
  EXPECT_EQ(why(url_, true), "");
  expect(test::PostgresCluster::url("nope", server_->socket_folder()), "database \"nope\" does not exist");
  expect(url_ + "&sslmode=require&host=127.0.0.1&sslrootcert=/nowhere&port=1", "no server takes", true);
  ask("CREATE ROLE mute NOLOGIN; CREATE ROLE guarded LOGIN PASSWORD 'right-one'; CREATE ROLE outsider LOGIN; "
      "CREATE ROLE rejected LOGIN;"
      "REVOKE CONNECT ON DATABASE " +
      database + " FROM PUBLIC");
  std::string access = ask("SHOW hba_file");
  access.erase(access.find_last_not_of('\n') + 1);
  std::ofstream(access, std::ios::trunc)
      << "local all guarded scram-sha-256\nlocal all rejected reject\nlocal all all trust\n";
  ask("SELECT pg_reload_conf()");
  const auto deadline = Clock::now() + 20s;
  while (why(with_user("guarded")).find("no pass") == std::string::npos && Clock::now() < deadline) continue;
  expect(with_user("guarded"), "no password supplied");
  expect(with_user("guarded") + "&password=wrong-one", "password authentication failed");
  expect(with_user("stranger"), "role \"stranger\" does not exist");
  expect(with_user("mute"), "not permitted to log in");
  expect(with_user("rejected"), "pg_hba.conf rejects");
  expect(with_user("outsider"), "permission denied for database");
  // Somebody else's database, in which it may make nothing.
  const auto in = [&](const std::string& other) {
    return test::PostgresCluster::url(other, server_->socket_folder()) + "&user=guest";
  };
  ask("CREATE ROLE guest LOGIN");
  expect(in("postgres"), "GRANT CREATE ON SCHEMA public TO guest");
  expect(in("postgres") + "&options=-csearch_path%3Dnowhere",
         "none of the schemas in its search_path is there");
  EXPECT_EQ(why(url_, true), "");
  // One of two servers lets it in.
  EXPECT_EQ(why(test::PostgresCluster::url(database, "/nowhere," + server_->socket_folder().string())), "");
  for (const bool frozen : {true, false}) {
    frozen ? server_->pause() : server_->stop();
    const auto begun = Clock::now();
    EXPECT_EQ(why(url_), "");
    expect(url_, "no server takes a connection: ", true);
    EXPECT_LT(Clock::now() - begun, kQuickly);
    if (frozen) server_->resume();
  }
  expect(test::PostgresCluster::url(database, "/nowhere"), "No such file or directory", true);
  EXPECT_EQ(why(test::PostgresCluster::url(database, "/nowhere")), "");
}

TEST_F(FaultTest, TheOperatorIsToldWhatIsWrong) {
  const auto until_trouble = [&](const std::string& words) {
    const auto deadline = Clock::now() + 20s;
    while (store_->trouble().find(words) == std::string::npos && Clock::now() < deadline)
      (void)store_->ping();
    return store_->trouble();
  };
  EXPECT_OK(store_->ping());
  EXPECT_EQ(store_->trouble(), "");
  const std::string database = url_.substr(14, url_.find('?') - 14);
  ask("ALTER DATABASE " + database + " SET default_transaction_read_only = on");
  ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '" +
      database + "'");
  EXPECT_NE(until_trouble("takes no changes").find("read_only"), std::string::npos) << store_->trouble();
  ask("BEGIN READ WRITE; ALTER DATABASE " + database + " RESET default_transaction_read_only; COMMIT");
  ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = '" +
      database + "'");
  const auto well = [&] {
    const auto deadline = Clock::now() + 20s;
    while (!(store_->ping() && store_->trouble().empty()) && Clock::now() < deadline) continue;
    return store_->trouble();
  };
  EXPECT_EQ(well(), "");
  server_->pause();
  EXPECT_NE(until_trouble("answer"), "");
  EXPECT_NE(store_->trouble().find("answer"), std::string::npos) << store_->trouble();
  server_->resume();
  EXPECT_EQ(well(), "");
  server_->stop();
  EXPECT_NE(until_trouble("failed").find("failed"), std::string::npos) << store_->trouble();
  server_->start();
  EXPECT_EQ(well(), "");
}

}  // namespace
}  // namespace parley::storage
