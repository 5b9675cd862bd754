// How PostgreSQL does what is asked often, on big tables: by indexes only, reading no more than it gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "storage/postgres/connection.h"
#include "storage/postgres/store.h"
#include "storage/testing/metadata_test.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

// A room of 100,000 members, a user in 5,000 rooms, and as many sessions, tokens, changes and audit rows.
constexpr char kBigTables[] = R"sql(
  INSERT INTO users (name, display_name, created_ms)
    SELECT 'user' || lpad(i::text, 6, '0'), 'Person ' || i, 1 FROM generate_series(0, 99999) i;
  INSERT INTO credentials SELECT name, 'hash', 1 FROM users;
  INSERT INTO rooms (room, kind, name, access, pin_role, creator, created_ms, members)
    SELECT 'room' || lpad(i::text, 5, '0'), 0, 'Room ' || i, i % 2, 3, 'user000000', i, 1
    FROM generate_series(0, 19999) i;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT 'room00000', name, CASE WHEN name = 'user000000' THEN 4 ELSE 2 END, 1 FROM users;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT 'room' || lpad(i::text, 5, '0'), 'user000001', 4, 1 FROM generate_series(1, 4999) i;
  INSERT INTO members (room, user_name, role, joined_ms)
    SELECT 'room' || lpad((5000 + i % 15000)::text, 5, '0'), 'user' || lpad(i::text, 6, '0'), 2, 1
    FROM generate_series(2, 99999) i;
  INSERT INTO sessions (sid, user_name, device, created_ms, used_ms, expires_ms)
    SELECT 's' || i, 'user' || lpad((i % 100000)::text, 6, '0'), 'd' || i, i, i, 9000000000000
    FROM generate_series(0, 199999) i;
  INSERT INTO refresh_tokens (sha256, sid, created_ms)
    SELECT sha256(('r' || i)::bytea), 's' || i, 1 FROM generate_series(0, 199999) i;
  INSERT INTO api_tokens (sha256, id, user_name, device, role, created_ms)
    SELECT sha256(('t' || i)::bytea), 'id' || i, 'user' || lpad(i::text, 6, '0'), 'd', 1, 1
    FROM generate_series(0, 49999) i;
  INSERT INTO contacts (user_name, other, created_ms)
    SELECT 'user000001', name, 1 FROM users WHERE name > 'user050000';
  INSERT INTO blocks (user_name, blocked, created_ms)
    SELECT 'user000001', name, 1 FROM users WHERE name > 'user080000';
  INSERT INTO invites (code, room, role, by_user, created_ms)
    SELECT 'code' || i, 'room00000', 2, 'user000000', 1 FROM generate_series(0, 9999) i;
  INSERT INTO bans (room, user_name, by_user, created_ms)
    SELECT 'room00001', name, 'x', 1 FROM users WHERE name > 'user090000';
  INSERT INTO changes SELECT i, 1, '[]' FROM generate_series(1, 100000) i;
  UPDATE change_head SET version = 100000;
  INSERT INTO audit (at_ms, actor, action, target, room)
    SELECT i, 'user' || lpad((i % 1000)::text, 6, '0'), 'a' || i % 7, 'user:u' || i % 500, 'room' || i % 300
    FROM generate_series(1, 100000) i;
  INSERT INTO idempotency SELECT 'user000001', 'op', 'k' || i, 'f', '', 1 FROM generate_series(0, 9999) i;
)sql";

struct Question {
  const char* statement;
  const char* values;  // of EXECUTE
  int buffers;         // pages it may look at, at most
  bool sorts = false;  // a few rows, by nature
};

// A page of 100 costs a few pages for each index, and one or two for each row that is looked up beside it.
constexpr Question kQuestions[] = {
    {"member.role", "'room00000', 'user054321'", 12},
    {"room.get", "'room00000', 'user054321'", 12},
    {"members.view", "'room00000', 'user054321'", 12},
    {"members.page", "'room00000', '', 101", 520},
    {"members.page", "'room00000', 'user070000', 101", 520},
    {"member.get", "'room00000', 'user054321'", 14},
    {"rooms.mine", "'user000001', '', 101", 520},
    {"rooms.mine", "'user000001', 'room03000', 101", 520},
    {"rooms.directory", "'user000001', '', 'room1', 'room2', -1, 101", 1100},
    {"rooms.by_name", "'user000001', '', '', 'Room 77', 'Room 78', -1, false, 101", 1100},
    {"user.get", "'user054321'", 6},
    {"user.credential", "'user054321'", 10},
    {"session.lock_by_refresh", "sha256('r777')", 30},
    {"session.by_refresh", "sha256('r777')", 24},
    {"session.get", "'s777', 5", 14},
    {"sessions.list", "'user000777', 5", 12},
    {"api_token.by_hash", "sha256('t777'), 5", 14},
    {"feed.head", "", 4},
    {"feed.changes_after", "50000, 500", 60},
    {"feed.mark", "50000", 6},
    {"room.places", "'room00000', 'user000001', 'user070000'", 16},
    {"members.other_owner", "'room00000', '{user000000}'", 10},
    {"members.block_inside", "'room00001', 'user000005'", 30},
    {"members.accounts_of", "'room00000', 'user000001'", 20},
    {"members.heir", "'room05000', 'user000000'", 60, true},
    {"bans.is_banned", "'room00001', 'user095000'", 26},
    {"bans.page", "'room00001', '', 101", 130},
    {"contacts.page", "'user000001', 'user060000', 101", 520},
    {"blocks.page", "'user000001', 'user085000', 101", 130},
    {"blocks.between", "'user000001', 'user090000'", 28},
    {"invite.look_up", "'code777', 'user000777', 5", 60},
    {"invites.page", "'room00000', 'code5', 101, 5, 4", 130},
    {"users.search", "'', 'user07', 'user08', 101", 130},
    {"users.search_by_display_name", "'', '', 'Person 77', 'Person 78', 101", 260},
    {"users.known", "'{user000001,user090000}', 'user000005'", 60},
    {"rooms.created_since", "'user000000', 19990", 60},
    {"once.find", "'user000001', 'op', 'k777'", 8},
    {"audit.all", "50000, '', '', '', '', 101", 130},
    {"audit.by_room", "9000000000, '', '', '', 'room77', 101", 260},
    {"audit.by_target", "9000000000, '', '', 'user:u77', '', 101", 260},
    {"audit.by_actor", "9000000000, 'user000077', '', '', '', 101", 260},
};

class PlanTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    test::PostgresCluster& cluster = test::PostgresCluster::shared();
    options_.url = cluster.create_database();
    ASSERT_TRUE(migrate_postgres(options_));
    ASSERT_TRUE(open_postgres(options_));  // brings the statements with it
    cluster.sql(options_.url, kBigTables);
  }
  static std::string lines(const postgres::Rows& rows) {
    std::string text;
    for (int row = 0; row < rows.size(); ++row) text += rows.string(row, 0) + "\n";
    return text;
  }
  // The plan as it is after the statement has run.
  static std::string plan(postgres::Connection& connection, const Question& question) {
    const postgres::Statement* statement = postgres::find_statement(question.statement);
    if (statement == nullptr) return "there is no such statement";
    const auto deadline = postgres::Clock::now() + 30s;
    const std::string values = *question.values ? "(" + std::string(question.values) + ")" : "";
    auto prepared = connection.run_text("DEALLOCATE ALL; PREPARE q AS " + statement->sql, deadline);
    if (!prepared) return prepared.error().message;
    auto rows = connection.run_text("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) EXECUTE q" + values, deadline);
    return rows ? lines(*rows) : rows.error().message;
  }
  static void check_all(postgres::Connection& connection) {
    for (const Question& question : kQuestions) {
      const std::string plan = PlanTest::plan(connection, question);
      const std::string what = std::string(question.statement) + "(" + question.values + ")\n" + plan;
      EXPECT_THAT(plan, HasSubstr("Execution Time")) << what;
      EXPECT_THAT(plan, Not(HasSubstr("Seq Scan"))) << what;
      EXPECT_EQ(plan.find("Sort") != plan.npos, question.sorts) << what;
      EXPECT_LE(buffers_of(plan), question.buffers) << what;
    }
  }
  // Of the topmost node, which counts those below it.
  static int buffers_of(const std::string& plan) {
    const auto number = [&](const char* name) {
      std::smatch found;
      const std::string line =
          plan.substr(plan.find("Buffers:"), plan.find('\n', plan.find("Buffers:")) - plan.find("Buffers:"));
      return std::regex_search(line, found, std::regex(std::string(name) + "=(\\d+)")) ? std::stoi(found[1])
                                                                                       : 0;
    };
    return plan.find("Buffers:") == plan.npos ? 0 : number("hit") + number("read");
  }
  static std::unique_ptr<postgres::Connection> connect() {
    auto connection = postgres::Connection::open({options_.url, postgres::session_settings(options_)},
                                                 postgres::Clock::now() + 10s);
    if (!connection) throw std::runtime_error(connection.error().message);
    return std::move(*connection);
  }
  static inline PostgresOptions options_;
};

// As it is right after an import, and after many have joined at once: nobody has counted yet what is there.
TEST_F(PlanTest, HotQueriesUseIndexesBeforeStatisticsAreTaken) {
  const auto connection = connect();
  check_all(*connection);
}

TEST_F(PlanTest, HotQueriesUseIndexesWithStatistics) {
  test::PostgresCluster::shared().sql(options_.url, "ANALYZE");
  const auto connection = connect();
  check_all(*connection);
}

TEST_F(PlanTest, EveryStatementIsOneThatPostgresTakes) {
  const auto connection = connect();
  EXPECT_GT(postgres::all_statements().size(), 100u);
  for (const postgres::Statement* statement : postgres::all_statements()) {
    if (statement->sql.starts_with("BEGIN") || statement->name.starts_with("transaction.")) continue;
    const auto prepared = connection->run_text("PREPARE \"" + statement->name + "\" AS " + statement->sql,
                                               postgres::Clock::now() + 10s);
    EXPECT_TRUE(prepared.has_value()) << statement->name << ": " << prepared.error().message;
  }
}

}  // namespace
}  // namespace parley::storage
