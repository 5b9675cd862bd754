// Brings the database to the form this program knows.
#include <set>

#include "schemas/migrations.h"
#include "storage/postgres/store.h"
#include "storage/postgres/try.h"

namespace parley::storage {
namespace {

using namespace postgres;

// Migrations may take long on big tables; who waits for somebody else's waits as long.
constexpr std::chrono::minutes kPatience{10};

class Migrator {
 public:
  Migrator(Store& store, Connection& connection) : store_(store), connection_(connection) {}

  MetadataResult<std::uint32_t> run() {
    // Held until all is done: of two that start at once, the second finds everything there.
    RETURN_IF_FAULT(ask("SELECT pg_advisory_lock(123576517158264)"));
    RETURN_IF_FAULT(
        ask("CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, name text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"));
    ASSIGN_OR_RETURN(const Rows rows, ask("SELECT number FROM schema_migrations"));
    std::set<std::int64_t> done;
    for (int row = 0; row < rows.size(); ++row) done.insert(rows.integer(row, 0));
    const auto all = migrations();
    if (!done.empty() && *done.rbegin() > all.back().number)
      return MetadataFault{MetadataError::conflict,
                           "the database was set up by a newer version of Parley (migration " +
                               std::to_string(*done.rbegin()) + "); use that version or a newer one",
                           ""};
    std::uint32_t applied = 0;
    for (const Migration& migration : all) {
      if (done.contains(migration.number)) continue;
      RETURN_IF_FAULT(apply(migration));
      ++applied;
    }
    return applied;
  }

 private:
  MetadataResult<void> apply(const Migration& migration) {
    // The statements of one query without BEGIN are one transaction; COMMIT is said to be sure.
    const std::string sql =
        "BEGIN;\n" + std::string(migration.sql) + "\n;INSERT INTO schema_migrations (number, name) VALUES (" +
        std::to_string(migration.number) + ", '" + std::string(migration.name) + "');\nCOMMIT";
    RETURN_IF_FAULT(ask(sql));
    store_.log("database: applied migration " + std::string(migration.name));
    return {};
  }

  MetadataResult<Rows> ask(const std::string& sql) {
    auto rows = connection_.run_text(sql, Clock::now() + kPatience);
    if (rows) return std::move(*rows);
    if (rows.error().kind == DbErrorKind::lost || rows.error().kind == DbErrorKind::timeout)
      return store_.fault_of(rows.error(), "migration");
    return MetadataFault{MetadataError::internal, "a migration failed: " + rows.error().message, ""};
  }

  Store& store_;
  Connection& connection_;
};

}  // namespace

MetadataResult<std::uint32_t> migrate_postgres(const PostgresOptions& options) {
  forget_startup_environment();
  if (const std::string fault = fault_in_url(options.url); !fault.empty())
    return MetadataFault{MetadataError::invalid, "the database's url: " + fault, "url"};
  Store store(options);
  auto connection = store.connect(
      "; SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0");
  if (!connection)
    return MetadataFault{MetadataError::unavailable,
                         "cannot reach the database: " + connection.error().message, "", 1000};
  auto applied = Migrator(store, **connection).run();
  // Where a pooler keeps the session after us as it is, its lock would not end with our connection.
  (void)(*connection)->run_text("SELECT pg_advisory_unlock_all()", Clock::now() + std::chrono::seconds(1));
  return applied;
}

}  // namespace parley::storage
