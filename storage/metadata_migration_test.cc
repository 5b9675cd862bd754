// Migrations of a database that others go on using: nobody is held up by what does not concern them.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

#include "storage/postgres/connection.h"
#include "storage/postgres/store.h"
#include "storage/testing/metadata_test.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using postgres::Clock;

class MigrationTest : public MetadataTest {
 protected:
  // As a database of before them is.
  void undo_plans() {
    sql("DELETE FROM schema_migrations WHERE number BETWEEN 10 AND 14; "
        "DROP INDEX IF EXISTS users_by_shown_name, rooms_by_shown_name, users_by_display_name, "
        "rooms_by_name; "
        "CREATE INDEX users_by_display_name ON users (search_name, name) "
        "WHERE status = 0 AND search_name <> ''; "
        "CREATE INDEX rooms_by_name ON rooms (search_name, room) WHERE deleted_ms = 0 AND search_name <> ''");
  }
  // As a bridge does, which tries again for as long as the database has no time for it. Gives what went
  // wrong.
  std::future<std::string> migrate() {
    return std::async(std::launch::async, [options = options()]() -> std::string {
      for (const auto until = Clock::now() + 60s; Clock::now() < until;) {
        const auto applied = migrate_postgres(options);
        if (applied) return "ok";
        if (applied.error().code != MetadataError::unavailable) return applied.error().message;
      }
      return "it never came to it";
    });
  }
  // One that waits for as long as it takes.
  std::unique_ptr<postgres::Connection> connect() {
    PostgresOptions patient = options();
    patient.statement_timeout_ms = 60'000;
    auto opened = postgres::Connection::open(
        {url_, postgres::session_settings(patient) + "; SET idle_in_transaction_session_timeout = 0"},
        Clock::now() + 10s);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  static std::string run(postgres::Connection& connection, const std::string& text) {
    const auto rows = connection.run_text(text, Clock::now() + 60s);
    return rows ? "ok" : rows.error().message;
  }
  bool waited_for(const std::string& table) {
    for (const auto until = Clock::now() + 60s; Clock::now() < until;) {
      if (sql("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = '" + table + "'::regclass LIMIT 1") ==
          "1\n")
        return true;
    }
    return false;
  }
  std::string indexes_by_name() {
    return sql(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%(search_name, %' "
        "ORDER BY 1");
  }
};

struct Step {
  const char* first;   // reads or writes one table
  const char* waited;  // for which the migration then waits
  const char* second;  // and the change goes on with another one
};

// A change in the middle of which the migration begins: neither waits for the other's other table.
TEST_F(MigrationTest, IndexesAreExchangedWithoutHoldingUpWhoIsInTheMiddleOfAChange) {
  constexpr Step kSteps[] = {
      {"SELECT FROM rooms FOR NO KEY UPDATE", "rooms", "SELECT FROM users FOR KEY SHARE"},
      {"SELECT FROM rooms FOR NO KEY UPDATE", "rooms", "UPDATE users SET about = about"},
      {"UPDATE rooms SET topic = topic", "rooms", "UPDATE users SET about = about"},
      {"SELECT FROM users FOR KEY SHARE", "users", "UPDATE rooms SET topic = topic"},
      {"UPDATE users SET about = about", "users", "UPDATE rooms SET topic = topic"},
  };
  make_users({"alice"});
  make_channel("general", "alice");
  for (const Step& step : kSteps) {
    undo_plans();
    const std::unique_ptr<postgres::Connection> change = connect();
    const std::string what = std::string(step.first) + ", then " + step.second;
    EXPECT_EQ(run(*change, "BEGIN"), "ok") << what;
    EXPECT_EQ(run(*change, step.first), "ok") << what;
    std::future<std::string> migrated = migrate();
    EXPECT_TRUE(waited_for(step.waited)) << what;
    EXPECT_EQ(run(*change, step.second), "ok") << what;
    EXPECT_EQ(run(*change, "COMMIT"), "ok") << what;
    EXPECT_EQ(migrated.get(), "ok") << what;
    EXPECT_EQ(indexes_by_name(), "rooms_by_shown_name\nusers_by_shown_name\n") << what;
  }
}

// A backup, or a snapshot for a broker, reads for long: others read meanwhile.
TEST_F(MigrationTest, WhoReadsForLongDoesNotKeepOthersFromTheTable) {
  make_users({"alice"});
  undo_plans();
  const std::unique_ptr<postgres::Connection> reader = connect();
  ASSERT_EQ(run(*reader, "BEGIN; SELECT FROM users"), "ok");
  std::future<std::string> migrated = migrate();
  EXPECT_TRUE(waited_for("users"));
  EXPECT_EQ(sql("SET lock_timeout = '30s'; SELECT name FROM users"), "alice\n");
  EXPECT_EQ(indexes_by_name(),
            "rooms_by_name\nrooms_by_shown_name\nusers_by_display_name\nusers_by_shown_name\n");
  EXPECT_EQ(run(*reader, "COMMIT"), "ok");
  EXPECT_EQ(migrated.get(), "ok");
  EXPECT_EQ(indexes_by_name(), "rooms_by_shown_name\nusers_by_shown_name\n");
}

}  // namespace
}  // namespace parley::storage
