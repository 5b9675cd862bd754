// How PostgreSQL does what requests and the feed ask, on tables of every size: it reads about as much as it
// gives, however much there is beside it.
//
// Asserted is what is read - pages, rows, and nothing of a big table from end to end - and not how: on a
// small table a Seq Scan is right. Plans are made at bad times too: on empty tables that are filled
// afterwards, and on big ones that nobody has counted yet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "storage/postgres/connection.h"
#include "storage/postgres/store.h"
#include "storage/testing/metadata_test.h"
#include "storage/testing/plan_questions.h"

namespace parley::storage {
namespace {

using namespace std::chrono_literals;
using Link = std::unique_ptr<postgres::Connection>;

// A session plans a statement anew for its first five executions, then keeps a plan if it seems good enough.
constexpr int kUntilPlansAreKept = 6;
// Rows that are read beside any index: of tables that are small by nature.
constexpr int kReadFromEndToEnd = 100;

// The digits of names brought down to what there is in small tables.
std::string scaled(const std::string& values, int size) {
  static const std::regex kNumbered("\\b(user|bot|room|code|id|token|s|r|t|k|d)(\\d+)\\b");
  const std::map<std::string, int> kinds{{"bot", size / 10}, {"room", size / 5},  {"code", size / 10},
                                         {"id", size / 2},   {"token", size / 2}, {"t", size / 2},
                                         {"k", size / 10},   {"d", size / 2}};
  std::string result;
  auto from = values.begin();
  for (std::sregex_iterator at(values.begin(), values.end(), kNumbered), end; at != end; ++at) {
    const std::smatch& found = *at;
    const auto kind = kinds.find(found[1]);
    std::string number = std::to_string(std::stoi(found[2]) % (kind == kinds.end() ? size : kind->second));
    const auto width = static_cast<std::size_t>(found[2].length());
    if (width > 4 || found[2].str()[0] == '0') number.insert(0, width - number.size(), '0');
    result.append(from, found[0].first).append(found[1]).append(number);
    from = found[0].second;
  }
  return result.append(from, values.end());
}

// Of the topmost node, which counts those below it.
int buffers_of(const std::string& plan) {
  const auto at = plan.find("Buffers:");
  if (at == plan.npos || at > plan.find("Planning:")) return 0;
  const std::string line = plan.substr(at, plan.find('\n', at) - at);
  static const std::regex kPages("(?:hit|read)=(\\d+)");
  int sum = 0;
  for (std::sregex_iterator page(line.begin(), line.end(), kPages), end; page != end; ++page)
    sum += std::stoi((*page)[1]);
  return sum;
}

// Of the node that gave the most.
std::int64_t rows_of(const std::string& plan) {
  static const std::regex kRows("actual rows=(\\d+) loops=(\\d+)");
  std::int64_t most = 0;
  for (std::sregex_iterator node(plan.begin(), plan.end(), kRows), end; node != end; ++node)
    most = std::max(most, std::int64_t{std::stoi((*node)[1])} * std::stoi((*node)[2]));
  return most;
}

// A database, and sessions in it that are set up as the store's are.
class Database {
 public:
  Database() {
    options_.url = test::PostgresCluster::shared().create_database();
    options_.statement_timeout_ms = 60'000;  // asserted is what is read: a busy machine may take its time
    if (!migrate_postgres(options_) || !open_postgres(options_))  // which brings the statements with it
      throw std::runtime_error("no database");
  }
  void sql(const std::string& text) const { test::PostgresCluster::shared().sql(options_.url, text); }
  void fill(int size) const { sql(std::regex_replace(kTables, std::regex("\\$N"), std::to_string(size))); }

  Link connect() const {
    auto connection = postgres::Connection::open({options_.url, postgres::session_settings(options_)},
                                                 postgres::Clock::now() + 10s);
    if (!connection) throw std::runtime_error(connection.error().message);
    for (const postgres::Statement* statement : postgres::all_statements()) {
      if (statement->name.starts_with("transaction.") && statement->name != "transaction.marked") continue;
      ask(**connection, "PREPARE \"" + statement->name + "\" AS " + statement->sql);
    }
    return std::move(*connection);
  }

  static std::string ask(postgres::Connection& connection, const std::string& text) {
    const auto rows = connection.run_text(text, postgres::Clock::now() + 60s);
    if (!rows) return rows.error().message;
    std::string lines;
    for (int row = 0; row < rows->size(); ++row) lines += rows->string(row, 0) + "\n";
    return lines;
  }

 private:
  PostgresOptions options_;
};

std::string execute(const Question& question, int size) {
  const std::string values = scaled(question.values, size);
  return "EXECUTE \"" + std::string(question.statement) + "\"" + (values.empty() ? "" : "(" + values + ")");
}

void ask_all(postgres::Connection& connection, int size) {
  for (const Question& question : kQuestions) {
    if (size == kBig && question.buffers >= kSweeps) continue;  // takes long, and is asked once an hour
    Database::ask(connection, "BEGIN");
    Database::ask(connection, execute(question, size));
    Database::ask(connection, "ROLLBACK");
  }
}

void ask_until_plans_are_kept(postgres::Connection& connection, int size) {
  for (int time = 0; time < kUntilPlansAreKept; ++time) ask_all(connection, size);
}

void check_one(postgres::Connection& connection, const Question& question, int size) {
  const auto read_through = [&] {  // by foreign keys too, which no plan shows
    return std::stoll(Database::ask(
        connection, "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_xact_user_tables"));
  };
  Database::ask(connection, "BEGIN");
  const std::int64_t before = read_through();
  const std::string plan =
      Database::ask(connection, "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) " + execute(question, size));
  const std::string what = execute(question, size) + "\n" + plan;
  EXPECT_THAT(plan, testing::HasSubstr("Execution Time")) << what;
  EXPECT_LE(buffers_of(plan), question.buffers) << what;
  EXPECT_LE(rows_of(plan), question.rows) << what;
  if (size == kBig && question.buffers < kSweeps && plan.find("Execution Time") != plan.npos) {
    EXPECT_LE(read_through() - before, kReadFromEndToEnd) << what;
  }
  Database::ask(connection, "ROLLBACK");
}

void check_all(postgres::Connection& connection, int size) {
  for (const Question& question : kQuestions) check_one(connection, question, size);
}

// Planned for these values, and with the plan that is kept for all of them.
void check_fresh(const Database& database, int size) {
  const Link connection = database.connect();
  check_all(*connection, size);
  ask_until_plans_are_kept(*connection, size);
  check_all(*connection, size);
}

class PlanTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    big_ = std::make_unique<Database>();
    from_empty_ = big_->connect();
    ask_until_plans_are_kept(*from_empty_, kSmall);
    big_->fill(kSmall);
    from_small_ = big_->connect();
    ask_until_plans_are_kept(*from_small_, kSmall);
    big_->fill(kBig);
  }
  static void TearDownTestSuite() {
    from_small_.reset();
    from_empty_.reset();
    big_.reset();
  }
  static inline std::unique_ptr<Database> big_;
  static inline Link from_empty_;
  static inline Link from_small_;
};

TEST_F(PlanTest, PlansMadeForEmptyTablesDoForBigOnes) { check_all(*from_empty_, kBig); }

TEST_F(PlanTest, PlansMadeForSmallTablesDoForBigOnes) { check_all(*from_small_, kBig); }

// As it is right after an import, and after many have joined at once: nobody has counted yet what is there.
TEST_F(PlanTest, BigTablesBeforeStatisticsAreTaken) { check_fresh(*big_, kBig); }

TEST_F(PlanTest, BigTablesWithStatistics) {
  big_->sql("ANALYZE");
  check_fresh(*big_, kBig);
  // Plans from before are made anew.
  check_all(*from_empty_, kBig);
}

TEST_F(PlanTest, SmallDatabase) {
  const Database small;
  small.fill(kSmall);
  check_fresh(small, kSmall);
  small.sql("ANALYZE");
  check_fresh(small, kSmall);
}

// What PlansMadeForSmallTablesDoForBigOnes takes for granted: by itself, PostgreSQL does not count them.
TEST_F(PlanTest, SmallTablesAreNotCounted) {
  const Link connection = big_->connect();
  EXPECT_EQ(Database::ask(*connection,
                          "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                          "'public'::regnamespace AND NOT coalesce(reloptions @> "
                          "'{autovacuum_analyze_threshold=1000,autovacuum_vacuum_threshold=1000}', false) "
                          "ORDER BY 1"),
            "change_head\nlimit_classes\nschema_migrations\n");
}

TEST_F(PlanTest, NothingIsSwitchedForAWholeSession) {
  const Link connection = big_->connect();
  EXPECT_EQ(
      Database::ask(*connection,
                    "SELECT name FROM pg_settings WHERE source IN ('session', 'client') AND category LIKE "
                    "'Query Tuning%' ORDER BY 1"),
      "jit\n");
}

TEST_F(PlanTest, EveryStatementIsAsked) {
  std::set<std::string> asked = kUnasked;
  for (const Question& question : kQuestions) asked.insert(question.statement);
  std::set<std::string> all;
  for (const postgres::Statement* statement : postgres::all_statements()) all.insert(statement->name);
  EXPECT_THAT(asked, testing::ContainerEq(all));
}

TEST_F(PlanTest, EveryStatementIsOneThatPostgresTakes) {
  const Link connection = big_->connect();
  Database::ask(*connection, "DEALLOCATE ALL");
  for (const postgres::Statement* statement : postgres::all_statements()) {
    if (statement->sql.starts_with("BEGIN") || statement->name.starts_with("transaction.")) continue;
    const auto prepared = connection->run_text("PREPARE \"" + statement->name + "\" AS " + statement->sql,
                                               postgres::Clock::now() + 10s);
    EXPECT_TRUE(prepared.has_value()) << statement->name << ": " << prepared.error().message;
  }
}

}  // namespace
}  // namespace parley::storage
