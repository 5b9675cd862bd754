// Through a real PgBouncer: in session mode everything works; in the other modes the operator is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/metadata_feed.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/session.h"
#include "storage/postgres/store.h"
#include "storage/testing/metadata_test.h"
#include "tests/support/pgbouncer.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class PoolerTest : public MetadataTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(test::PgBouncer::installed()) << "apt-get install pgbouncer";
    MetadataTest::SetUp();  // its tables, without a pooler
    store_.reset();
  }
  void TearDown() override {
    store_.reset();
    pooler_.reset();
  }

  PostgresOptions far() {
    PostgresOptions far = options();
    far.url = pooler_->url(url_);
    far.log = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      logged_ += std::string(line) + "\n";
    };
    return far;
  }
  // From now on the store is behind a pooler of this mode.
  void go_through(const std::string& mode, const std::string& more = {}, std::uint32_t pool = 8) {
    pooler_ = std::make_unique<test::PgBouncer>(cluster(), mode, more);
    PostgresOptions options = far();
    options.pool = pool;
    store_ = open(options);
  }
  std::string logged() {
    const std::lock_guard lock(mutex_);
    return logged_;
  }
  static postgres::Deadline soon() { return postgres::Clock::now() + 10s; }
  static std::unique_ptr<postgres::Connection> connect(const PostgresOptions& options) {
    auto opened = postgres::Connection::open({options.url, postgres::session_settings(options)}, soon());
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  static std::string ask(postgres::Connection& connection, const std::string& sql) {
    const auto rows = connection.run_text(sql, soon());
    if (!rows) return rows.error().message;
    return rows->empty() ? "" : rows->string(0, 0);
  }
  void make_users_directly() {
    store_ = open(options());
    make_users({"alice", "bob"});
    store_.reset();
  }
  bool until(const std::function<bool()>& holds) {
    const test::Deadline deadline(test::kPatience);
    while (!holds()) {
      if (deadline.passed()) return false;
      std::this_thread::sleep_for(10ms);
    }
    return true;
  }
  bool recovers() {
    return until([&] { return store_->ping().has_value(); }) &&
           until([&] { return people().put_contact(as("alice"), "bob", "b").has_value(); });
  }
  bool tells(const std::string& words) {
    return until([&] {
      (void)store_->ping();
      return store_->trouble().find(words) != std::string::npos;
    });
  }
  // How many of so many calls, in as many threads as the pool has places, went well.
  int busy(int threads, int each) {
    std::atomic<int> good = 0;
    std::vector<std::thread> callers;
    for (int t = 0; t < threads; ++t) {
      callers.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) {
          const bool read = users().get("alice").has_value();
          const bool written = people().put_contact(as("alice"), "bob", std::to_string(t)).has_value();
          if (read && written) ++good;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    return good;
  }

  std::unique_ptr<test::PgBouncer> pooler_;
  std::mutex mutex_;
  std::string logged_;
};

TEST_F(PoolerTest, SessionModeDoesAllThatTheBridgeNeeds) {
  url_ = cluster().create_database();
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  PostgresOptions options = far();
  options.statement_timeout_ms = 12345;
  ASSERT_OK(migrate_postgres(options)) << pooler_->log();
  EXPECT_EQ(try_postgres(options).why, WhyNotPostgres::nothing);
  store_ = open(options);
  make_users({"alice", "bob"});
  EXPECT_EQ(busy(8, 10), 80);
  int facts = 0;
  EXPECT_OK(feed().snapshot([&](std::vector<ControlOp> some) {
    facts += static_cast<int>(some.size());
    return true;
  }));
  EXPECT_GE(facts, 2);
  EXPECT_OK(store_->ping());
  EXPECT_EQ(store_->trouble(), "");
  EXPECT_THAT(logged(), Not(AnyOf(HasSubstr("away"), HasSubstr("pooler"), HasSubstr("no more"))));
}

// The same ones directly at the server and behind a pooler, and in every session, whichever server's it is.
TEST_F(PoolerTest, SettingsHoldInEverySession) {
  const char* const kSettings =
      "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings "
      "WHERE name IN ('statement_timeout', 'lock_timeout', 'plan_cache_mode', 'jit', 'TimeZone', "
      "'idle_in_transaction_session_timeout', 'client_connection_check_interval', 'client_encoding', "
      "'default_transaction_isolation', 'application_name') OR name LIKE 'enable_%'";
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  PostgresOptions direct = options();
  direct.statement_timeout_ms = 12345;
  PostgresOptions behind = far();
  behind.statement_timeout_ms = 12345;
  const std::string wanted = ask(*connect(direct), kSettings);
  EXPECT_THAT(wanted, HasSubstr("statement_timeout=12345"));
  EXPECT_THAT(wanted, HasSubstr("TimeZone=UTC"));
  EXPECT_THAT(wanted, HasSubstr("application_name=parley-bridge"));
  EXPECT_THAT(wanted, HasSubstr("client_encoding=UTF8"));
  std::vector<std::unique_ptr<postgres::Connection>> held;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ask(*connect(behind), kSettings), wanted) << "one that is given back at once";
    held.push_back(connect(behind));
    EXPECT_EQ(ask(*held.back(), kSettings), wanted);
  }
  pooler_->kill();
  pooler_->start();
  EXPECT_EQ(ask(*connect(behind), kSettings), wanted);
}

TEST_F(PoolerTest, AStatementThatTakesTooLongIsEndedByTheServer) {
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  PostgresOptions options = far();
  options.statement_timeout_ms = 200;
  const auto connection = connect(options);
  EXPECT_THAT(ask(*connection, "SELECT pg_sleep(60)"), HasSubstr("statement timeout"));
  EXPECT_EQ(ask(*connection, "SELECT 7"), "7");
  // And one whose caller does not wait that long: the server notices that nobody listens any more.
  PostgresOptions patient = far();
  patient.statement_timeout_ms = 60'000;
  const auto leaver = connect(patient);
  EXPECT_FALSE(leaver->run_text("SELECT pg_sleep(50)", postgres::Clock::now() + 100ms));
  EXPECT_TRUE(until([&] {
    return sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(50)%' AND state = 'active' "
               "AND "
               "pid <> pg_backend_pid()") == "0\n";
  }));
}

// The leader's lock and LISTEN are a session's.
TEST_F(PoolerTest, LeadingAndListeningWork) {
  go_through("session");
  const auto second = open(far());
  Feed& other = second->feed();
  EXPECT_TRUE(feed().try_lead().value());
  EXPECT_FALSE(other.try_lead().value());
  EXPECT_EQ(feed().wait_for_change(5s), Wake::changed);  // what was before
  make_users({"carol"});
  EXPECT_EQ(feed().wait_for_change(10s), Wake::changed);
  EXPECT_EQ(feed().wait_for_change(1ms), Wake::timeout);
  feed().resign();
  EXPECT_TRUE(until([&] { return other.try_lead().value(); }));
  pooler_->kill();
  EXPECT_TRUE(until([&] { return !other.leading(); }));
  EXPECT_EQ(feed().wait_for_change(10s), Wake::lost);
  pooler_->start();
  EXPECT_TRUE(until([&] {
    const auto leads = feed().try_lead();
    return leads.has_value() && *leads;
  }));
  EXPECT_TRUE(until([&] { return feed().wait_for_change(1s) == Wake::changed; }));
  make_users({"dora"});
  EXPECT_EQ(feed().wait_for_change(10s), Wake::changed);
}

// A lock that is not held any more is not believed in, nor a notification waited for that cannot come.
TEST_F(PoolerTest, WhatASessionHasLostIsNoticed) {
  go_through("session");
  ASSERT_TRUE(feed().try_lead().value());
  EXPECT_EQ(feed().wait_for_change(5s), Wake::changed);
  // As after a pooler that has changed the session behind.
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
      "pid <> pg_backend_pid()");
  EXPECT_TRUE(until([&] { return !feed().leading(); }));
  EXPECT_TRUE(until([&] { return feed().wait_for_change(100ms) == Wake::lost; }));
}

// A pooler that does not clean up between two of its clients: our names are prepared already, our locks are
// held, and what others have set is set.
TEST_F(PoolerTest, ASessionThatWasNotCleanedIsCleaned) {
  pooler_ = std::make_unique<test::PgBouncer>(
      cluster(), "session", "server_reset_query =\ndefault_pool_size = 2\nreserve_pool_size = 0");
  static const postgres::Statement kSame{"pooler_test.same", "SELECT pg_try_advisory_lock(4711)"};
  const std::string stranger = far().url;
  for (int i = 0; i < 6; ++i) {  // either of the two
    const auto connection = connect(far());
    const auto rows = connection->run(kSame, postgres::Params{}, soon());
    ASSERT_TRUE(rows.has_value()) << i << ": " << rows.error().message;
    EXPECT_TRUE(rows->boolean(0, 0));
    EXPECT_EQ(ask(*connection, "SELECT count(*) FROM pg_listening_channels()"), "0");
    EXPECT_EQ(ask(*connection, "SELECT count(*) FROM users"), "0") << "our table, not the stranger's";
    EXPECT_EQ(ask(*connection, "SELECT current_user || ' ' || current_setting('transaction_read_only')"),
              "postgres off");
    EXPECT_EQ(ask(*connection, "LISTEN something"), "");
    EXPECT_EQ(ask(*connection,
                  "CREATE TEMP TABLE users AS SELECT 1; SET search_path = nowhere; "
                  "SET default_transaction_read_only = on; SET ROLE pg_monitor"),
              "");
  }
}

// One bridge after the other: the first one's locks are given back though its session goes on.
TEST_F(PoolerTest, LocksAreGivenBackWhereSessionsAreKept) {
  go_through("session", "server_reset_query =");
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(migrate_postgres(far()));
    const auto one = open(far());
    EXPECT_TRUE(one->feed().try_lead().value()) << i;
    if (i == 1) one->feed().resign();
  }
  EXPECT_EQ(sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM "
                "pg_database WHERE datname = current_database())"),
            "0\n");
}

TEST_F(PoolerTest, TheOtherModesAreRefusedInWords) {
  for (const char* mode : {"transaction", "statement"}) {
    for (const char* size : {"default_pool_size = 20", "default_pool_size = 20\nserver_round_robin = 1",
                             "default_pool_size = 1\nreserve_pool_size = 0"}) {
      const std::string which = std::string(mode) + ", " + size;
      logged_.clear();
      go_through(mode, size);
      const auto migrated = migrate_postgres(far());
      ASSERT_FALSE(migrated) << which;
      EXPECT_THAT(migrated.error().message, HasSubstr("pool_mode = session")) << which;
      EXPECT_EQ(outcome(store_->users().get("alice")), "unavailable") << which;
      EXPECT_TRUE(tells("pool_mode = session")) << which;
      EXPECT_THAT(logged(), HasSubstr("pool_mode = session")) << which;
      EXPECT_EQ(try_postgres(far()).why, WhyNotPostgres::options) << which;
      EXPECT_THAT(try_postgres(far()).words, HasSubstr("pool_mode = session")) << which;
      EXPECT_EQ(outcome(feed().try_lead()), "unavailable") << which;
    }
  }
}

// Many at a time, who get in between each other's questions: none is taken in, however few sessions there
// are.
TEST_F(PoolerTest, TheOtherModesAreRefusedInACrowdToo) {
  for (const char* mode : {"transaction", "statement"}) {
    for (const char* size : {"default_pool_size = 1\nreserve_pool_size = 0",
                             "default_pool_size = 3\nserver_round_robin = 1", "default_pool_size = 20"}) {
      pooler_ = std::make_unique<test::PgBouncer>(cluster(), mode, size);
      std::atomic<int> in = 0, told = 0;
      std::vector<std::thread> crowd;
      for (int t = 0; t < 6; ++t) {
        crowd.emplace_back([&] {
          const PostgresOptions options = far();
          for (int i = 0; i < 2; ++i) {
            const auto opened = postgres::Connection::open({options.url, postgres::session_settings(options)},
                                                           postgres::Clock::now() + 2s);
            if (opened) ++in;
            if (!opened && postgres::is_session_not_kept(opened.error())) ++told;
          }
        });
      }
      for (std::thread& each : crowd) each.join();
      EXPECT_EQ(in, 0) << mode << ", " << size;
      EXPECT_GE(told, 1) << mode << ", " << size;
    }
  }
}

// And the other way round: nobody is refused where sessions are whole.
TEST_F(PoolerTest, ACrowdIsTakenInWhereSessionsAreKept) {
  for (const char* size : {"default_pool_size = 20", "default_pool_size = 9\nreserve_pool_size = 0"}) {
    pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session", size);
    std::atomic<int> in = 0;
    std::vector<std::thread> crowd;
    const PostgresOptions options = far();
    const auto servers = std::make_shared<postgres::Servers>(options.url);
    for (int t = 0; t < 8; ++t) {
      crowd.emplace_back([&] {
        for (int i = 0; i < 5; ++i) {
          const auto opened =
              postgres::Connection::open({options.url, postgres::session_settings(options), servers}, soon());
          if (opened) ++in;
          if (!opened) ADD_FAILURE() << opened.error().message;
        }
      });
    }
    for (std::thread& each : crowd) each.join();
    EXPECT_EQ(in, 40) << size;
  }
}

// A server that takes its time is no pooler that lends for a transaction.
TEST_F(PoolerTest, ASlowServerIsNotTakenForAnotherMode) {
  go_through("session");
  make_users({"alice", "bob"});
  std::atomic<bool> done = false;
  std::thread slow([&] {
    for (int i = 0; i < 6; ++i) {
      cluster().pause();
      std::this_thread::sleep_for(700ms);
      cluster().resume();
      std::this_thread::sleep_for(50ms);
    }
    done = true;
  });
  while (!done) {
    const PostgresOptions options = far();
    const auto opened = postgres::Connection::open({options.url, postgres::session_settings(options)},
                                                   postgres::Clock::now() + 2s);
    const bool taken_for_it = !opened && postgres::is_session_not_kept(opened.error());
    EXPECT_FALSE(taken_for_it);
  }
  slow.join();
}

// Nor is a connection given up because one of its questions takes a while.
TEST_F(PoolerTest, ASlowServerIsWaitedForWhileItIsSeenWhatThePoolerLends) {
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  const PostgresOptions options = far();
  const auto mine = connect(options);
  postgres::Servers::SessionsSeen seen;
  std::thread later;
  const auto open = [&](postgres::Deadline until) {
    auto other = postgres::Connection::open({options.url, ""}, until);
    if (later.joinable()) return other;
    cluster().pause();
    later = std::thread([&] {
      std::this_thread::sleep_for(1s);
      cluster().resume();
    });
    return other;
  };
  const auto kept = postgres::check_session_is_kept(*mine, seen, open, soon());
  if (later.joinable()) later.join();
  EXPECT_TRUE(kept.has_value());
  EXPECT_TRUE(seen.ever);
  EXPECT_EQ(ask(*mine, "SELECT 7"), "7");
}

// What was seen of one of several servers says nothing of another.
TEST_F(PoolerTest, EachServerIsSeenByItself) {
  const postgres::Servers servers("postgresql://u@one,two/parley");
  servers.at(0).sessions_seen->ever = true;
  EXPECT_FALSE(servers.at(1).sessions_seen->ever);
}

// Its mode is changed while we run, and put right again.
TEST_F(PoolerTest, AModeThatChangesIsNoticed) {
  go_through("session");
  make_users({"alice", "bob"});
  EXPECT_EQ(busy(4, 3), 12);
  pooler_->kill();
  pooler_->configure("transaction");
  pooler_->start();
  EXPECT_TRUE(tells("pool_mode = session")) << store_->trouble();
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  pooler_->kill();
  pooler_->configure("session");
  pooler_->start();
  EXPECT_TRUE(recovers()) << store_->trouble();
  EXPECT_EQ(store_->trouble(), "");
}

// The same without a connection that ends: sessions are changed below those that there are.
TEST_F(PoolerTest, AModeThatChangesBelowOpenConnectionsIsNoticed) {
  go_through("session");
  make_users({"alice", "bob"});
  EXPECT_EQ(busy(4, 3), 12);
  pooler_->configure("transaction");
  pooler_->admin("RELOAD");
  EXPECT_TRUE(until([&] {
    busy(4, 1);
    (void)store_->ping();
    return store_->trouble().find("pool_mode = session") != std::string::npos;
  })) << store_->trouble();
  pooler_->kill();
  pooler_->configure("session");
  pooler_->start();
  EXPECT_TRUE(recovers()) << store_->trouble();
}

// Directly at the server nothing is asked twice.
TEST_F(PoolerTest, WithoutAPoolerOneConnectionIsOne) {
  const auto connection = connect(options());
  EXPECT_EQ(ask(*connection,
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'parley-bridge' "
                "AND datname = current_database()"),
            "1");
}

TEST_F(PoolerTest, StartupParametersAreSetAfterConnecting) {
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  for (const std::string& base : {far().url, url_}) {
    PostgresOptions own = options();
    own.url = base +
              "&options=-c%20search_path%3Done,%22t%5C%20w%22,public%20--work-mem%3D8MB%20-cgeqo%3Doff%20"
              "-c%20statement_timeout%3D1";
    const auto connection = connect(own);
    EXPECT_EQ(ask(*connection,
                  "SELECT current_setting('search_path') || '|' || current_setting('work_mem') || '|' "
                  "|| current_setting('geqo') || '|' || current_setting('statement_timeout')"),
              "one,\"t w\",public|8MB|off|2s")
        << "ours come last";
    EXPECT_EQ(ask(*connection, "SELECT array_to_string(current_schemas(false), ' ')"), "public");
    own.url = base + "&options=-c%20no_such_thing%3D1";
    EXPECT_THAT(migrate_postgres(own).error().message, HasSubstr("no_such_thing"));
  }
  // What is no setting goes to the server, and a pooler that refuses it is told of.
  PostgresOptions own = far();
  own.url += "&options=-B%20128";
  EXPECT_THAT(migrate_postgres(own).error().message, AllOf(HasSubstr("unsupported startup parameter"),
                                                           HasSubstr("write all of them as -c name=value")));
}

TEST_F(PoolerTest, TheEnvironmentAddsNothingAtTheStartup) {
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  ::setenv("PGOPTIONS", "-c statement_timeout=1", 1);
  ::setenv("PGGEQO", "off", 1);
  ::setenv("PGTZ", "Asia/Tokyo", 1);
  EXPECT_OK(migrate_postgres(far()));
  EXPECT_EQ(ask(*connect(far()), "SELECT current_setting('timezone') || current_setting('geqo')"), "UTCon");
}

TEST_F(PoolerTest, ItMayDieFreezePauseAndComeBack) {
  go_through("session");
  make_users({"alice", "bob"});
  EXPECT_EQ(busy(4, 3), 12);
  pooler_->kill();
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("failed")) << store_->trouble();
  pooler_->start();
  EXPECT_TRUE(recovers());
  // Between two calls it is not even noticed.
  pooler_->kill();
  pooler_->start();
  EXPECT_EQ(outcome(users().get("alice")), "ok");
  pooler_->freeze();
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("answer")) << store_->trouble();
  pooler_->thaw();
  EXPECT_TRUE(recovers());
  // Takes clients in and lets them wait.
  const std::string database = url_.substr(14, url_.find('?') - 14);
  pooler_->admin("KILL " + database);
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("paused")) << store_->trouble();
  pooler_->admin("RESUME " + database);
  EXPECT_TRUE(recovers());
  pooler_->admin("RECONNECT " + database);
  pooler_->admin("RELOAD");
  EXPECT_EQ(busy(4, 3), 12);
  EXPECT_EQ(store_->trouble(), "");
}

// PAUSE lets those go on who have a session, and nobody else in.
TEST_F(PoolerTest, WhileItIsPausedTheSessionsThatThereAreServe) {
  go_through("session");
  make_users({"alice", "bob"});
  const std::string database = url_.substr(14, url_.find('?') - 14);
  std::thread pausing([&] { pooler_->admin("PAUSE " + database); });  // until all of ours have gone
  EXPECT_EQ(busy(1, 20), 20);
  store_.reset();
  pausing.join();
  store_ = open(far());
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("paused")) << store_->trouble();
  pooler_->admin("RESUME " + database);
  EXPECT_TRUE(recovers());
}

// Fewer connections than the pool would like: callers take turns.
TEST_F(PoolerTest, FewerConnectionsThanWantedServeAll) {
  for (const char* few :
       {"max_client_conn = 3", "max_db_connections = 3", "default_pool_size = 3\nreserve_pool_size = 0",
        "default_pool_size = 3\nreserve_pool_size = 0\nquery_wait_timeout = 1"}) {
    logged_.clear();
    go_through("session", few);
    if (!users().get("alice").has_value()) make_users({"alice", "bob"});
    EXPECT_EQ(busy(8, 10), 80) << few << "\n" << logged();
    EXPECT_OK(store_->ping()) << few;
    EXPECT_EQ(store_->trouble(), "") << few;
    EXPECT_THAT(logged(), Not(HasSubstr("away"))) << few;
  }
}

TEST_F(PoolerTest, NoConnectionAtAllIsToldInItsWords) {
  go_through("session", "max_client_conn = 1");
  postgres::DbResult<std::unique_ptr<postgres::Connection>> taker = nullptr;
  // Whoever looked whether it had started may not have gone yet.
  ASSERT_TRUE(until([&] {
    return (taker = postgres::Connection::open({far().url, ""}, soon())).has_value();
  }));
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("max_client_conn")) << store_->trouble();
  EXPECT_THAT(store_->trouble(), Not(AnyOf(HasSubstr("LOCATION"), HasSubstr("08P01"))));
  // Nor one by which it could be seen what the pooler does.
  (*taker)->close();
  EXPECT_TRUE(tells("gives no second connection")) << store_->trouble();
}

TEST_F(PoolerTest, ARefusedSignInIsToldAndTriedAgain) {
  make_users_directly();
  go_through("session");
  pooler_->write("users.txt", "\"postgres\" \"right\"\n");
  pooler_->kill();
  pooler_->configure("session",
                     "auth_type = plain\nauth_file = " + (pooler_->folder() / "users.txt").string());
  pooler_->start();
  PostgresOptions wrong = far();
  wrong.url += "&password=hidden";
  store_ = open(wrong);
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_TRUE(tells("authentication failed")) << store_->trouble();
  EXPECT_THAT(store_->trouble() + logged(), Not(HasSubstr("hidden")));
  pooler_->write("users.txt", "\"postgres\" \"hidden\"\n");
  // It reads the file again by itself when somebody asks to.
  pooler_->kill();
  pooler_->start();
  EXPECT_TRUE(recovers()) << store_->trouble();
}

TEST_F(PoolerTest, ADatabaseThatIsNotThereIsTold) {
  pooler_ = std::make_unique<test::PgBouncer>(cluster(), "session");
  PostgresOptions nowhere = far();
  nowhere.url = pooler_->url("postgresql:///no_such_database?");
  store_ = open(nowhere);
  EXPECT_TRUE(tells("no_such_database")) << store_->trouble();
  for (int i = 0; i < 3; ++i) (void)store_->ping();
  EXPECT_TRUE(tells("no_such_database")) << "also while it lets us wait";
}

TEST_F(PoolerTest, TheServerBehindItMayDie) {
  test::PostgresCluster own;
  url_ = own.create_database();
  ASSERT_OK(migrate_postgres(options()));
  pooler_ = std::make_unique<test::PgBouncer>(own, "session", "server_login_retry = 1");
  store_ = open(far());
  make_users({"alice", "bob"});
  EXPECT_EQ(busy(4, 3), 12);
  own.kill();
  EXPECT_EQ(outcome(users().get("alice")), "unavailable");
  EXPECT_EQ(outcome(people().put_contact(as("alice"), "bob", "b")), "unavailable");
  own.start();
  EXPECT_TRUE(recovers()) << store_->trouble();
  store_.reset();
  pooler_.reset();
}

}  // namespace
}  // namespace parley::storage
