// Whether a bridge could work with these options, found out by connecting once.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "storage/metadata.h"
#include "storage/postgres/session.h"
#include "storage/postgres/sqlstate.h"
#include "storage/postgres/store.h"
#include "storage/postgres/url.h"

namespace parley::storage {
namespace {

// Where a bridge has not been before it makes tables; where one has, it must be able to write in them.
constexpr char kMayWork[] =
    "SELECT CASE WHEN to_regclass('schema_migrations') IS NOT NULL THEN"
    " CASE WHEN has_table_privilege('schema_migrations', 'INSERT') THEN ''"
    " ELSE 'the tables that are there belong to another role: connect as that one' END"
    " WHEN current_schema() IS NULL THEN 'none of the schemas in its search_path is there: make one'"
    " WHEN NOT has_schema_privilege(current_schema(), 'CREATE') THEN"
    " format('%I may make no tables there: name the right database, or GRANT CREATE ON SCHEMA %I TO %1$I',"
    " current_user, current_schema())"
    " ELSE '' END";

}  // namespace

PostgresTrial try_postgres(const PostgresOptions& options) {
  constexpr std::uint32_t kLongest = 5;  // somebody waits for it
  constexpr std::chrono::seconds kPatience{2};
  postgres::forget_startup_environment();
  if (std::string fault = postgres::fault_in_url(options.url); !fault.empty())
    return {WhyNotPostgres::options, std::move(fault)};
  PostgresOptions once = options;
  once.connect_timeout_s = std::min(options.connect_timeout_s, kLongest);
  const auto connection = postgres::Store(once).connect("");
  if (connection) {
    const auto words = (*connection)->run_text(kMayWork, postgres::Clock::now() + kPatience);
    if (!words || words->empty() || words->text(0, 0).empty()) return {};
    return {WhyNotPostgres::refused, "the server lets the bridge in, but " + words->string(0, 0)};
  }
  const postgres::DbError& error = connection.error();
  if (postgres::is_session_not_kept(error)) return {WhyNotPostgres::options, error.message};
  if (postgres::is_refusal(error.sqlstate, error.message))
    return {WhyNotPostgres::refused, "the server does not let the bridge in: " + error.message};
  return {WhyNotPostgres::away, "no server takes a connection: " + error.message};
}

}  // namespace parley::storage
