#include "storage/postgres/store.h"

#include <random>
#include <thread>

#include "storage/committed_version.h"
#include "storage/postgres/session.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

const Statement kBegin{"transaction.begin", "BEGIN ISOLATION LEVEL READ COMMITTED"};
const Statement kCommit{"transaction.commit", "COMMIT"};
const Statement kRollback{"transaction.rollback", "ROLLBACK"};
const Statement kFate{"transaction.fate", "SELECT pg_xact_status($1::xid8)"};
const Statement kProbe{"probe",
                       "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean, "
                       "pg_backend_pid()"};
const Statement kMarked{"transaction.marked", "SELECT 1 FROM commits WHERE at_ms = $1 AND mark = $2"};

constexpr std::int64_t kRetryAfterMs = 1000;
constexpr std::string_view kReadOnly = "25006";
constexpr std::string_view kLimitOfConfiguration = "53400";

MetadataFault unavailable(std::string message = "the database is not available; try again in a moment") {
  return {MetadataError::unavailable, std::move(message), "", kRetryAfterMs};
}

std::chrono::milliseconds system_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

PostgresOptions with_clock(PostgresOptions options) {
  if (!options.now_ms)
    options.now_ms = [] { return static_cast<std::int64_t>(system_milliseconds().count()); };
  return options;
}

void back_off(int attempt) {
  thread_local std::minstd_rand random{std::random_device{}()};
  const int most = std::min(5 << std::min(attempt, 5), 100);
  std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(1, most)(random)));
}

}  // namespace

// How statements are planned is left to PostgreSQL: they are written so that it goes by the index, whatever
// it knows of the tables (see paging.h and schemas/sql/010_plans.sql). Only compiling them is not worth
// while: a tenth of a second, for what then takes a millisecond, when it expects more rows than there are.
std::string session_settings(const PostgresOptions& options) {
  const std::string timeout = std::to_string(options.statement_timeout_ms);
  return "SET statement_timeout = " + timeout + "; SET lock_timeout = " + timeout +
         "; SET jit = off"
         "; SET idle_in_transaction_session_timeout = 10000; SET client_connection_check_interval = 1000"
         "; SET timezone = 'UTC'; SET default_transaction_isolation = 'read committed'";
}

Store::Store(const PostgresOptions& options)
    : options_(with_clock(options)),
      servers_(std::make_shared<Servers>(options.url)),
      pool_({.connect = {options.url, session_settings(options), servers_},
             .size = std::max(1u, options.pool),
             .connect_timeout = std::chrono::seconds(std::max(1u, options.connect_timeout_s)),
             .log = options.log}) {}

DbResult<std::unique_ptr<Connection>> Store::connect(std::string_view more_settings) const {
  return Connection::open({options_.url, session_settings(options_) + std::string(more_settings), servers_},
                          Clock::now() + std::chrono::seconds(std::max(1u, options_.connect_timeout_s)));
}

MetadataFault Store::fault_of(const DbError& error, std::string_view statement) const {
  const auto note = [&] {
    log("database, " + std::string(statement) + ": " + error.sqlstate + " " + error.message +
        (error.constraint.empty() ? "" : " (" + error.constraint + ")"));
  };
  switch (error.kind) {
    case DbErrorKind::lost:
      if (error.sqlstate == kReadOnly) note_trouble("it takes no changes: " + error.message);
      return unavailable();
    case DbErrorKind::retry:
      return unavailable();
    case DbErrorKind::resources:
      note_trouble(error.message + " (" + error.sqlstate + ")");
      return unavailable(
          "the database cannot do this just now, and nothing was changed; try again in a moment");
    case DbErrorKind::timeout:
      return unavailable("the database is too slow just now; try again in a moment");
    case DbErrorKind::bad_text:
      return {MetadataError::invalid,
              "text must be valid UTF-8 without zero bytes, and numbers within their range", ""};
    case DbErrorKind::constraint:
      note();
      return {MetadataError::invalid, "a value is outside of what can be stored", error.constraint};
    case DbErrorKind::other:
      break;
  }
  note();
  return {MetadataError::internal, "the database refused this; the log has more", ""};
}

void Store::note_trouble(std::string what) const {
  constexpr std::chrono::seconds kTellAgain{10};
  std::string line;
  {
    const std::lock_guard lock(trouble_mutex_);
    const auto now = Clock::now();
    if (what.empty() && trouble_.empty()) return;
    const bool tell = what.empty() != trouble_.empty() || now - trouble_told_ >= kTellAgain;
    if (tell) trouble_told_ = now;
    if (tell)
      line = what.empty() ? "the database takes changes again" : "the database is in trouble: " + what;
    trouble_ = std::move(what);
  }
  if (!line.empty()) log(line);
}

std::string Store::trouble() const {
  if (std::string why = pool_.why_down(); !why.empty()) return why;
  const std::lock_guard lock(trouble_mutex_);
  return trouble_;
}

MetadataResult<void> Store::probe() {
  // A sort that does not fit in memory: PostgreSQL writes it to a file of its own, which needs what every
  // change needs, room, and leaves nothing behind, neither in a table nor in its log.
  static const std::string kRoom =
      "BEGIN READ ONLY; SET LOCAL work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 20000); COMMIT";
  constexpr std::uint32_t kRoomEvery = 3;
  const Deadline until = deadline();
  auto lease = pool_.take(until);
  if (!lease) {
    if (lease.error().kind == DbErrorKind::timeout) note_trouble(lease.error().message);
    return fault_of(lease.error(), kProbe.name);
  }
  const auto failed = [&](const DbError& error) {
    if (error.kind == DbErrorKind::timeout) {
      pool_.doubt();
      note_trouble("it does not answer; it is frozen, or has far too much to do");
    }
    return fault_of(error, kProbe.name);
  };
  auto answer = (*lease)->run(kProbe, Params{}, until);
  if (!answer) return failed(answer.error());
  if (answer->integer(0, 1) != (*lease)->backend()) {
    note_trouble(session_is_not_kept().message);
    (*lease)->close();
    return unavailable();
  }
  if (answer->boolean(0, 0)) {
    note_trouble("it takes no changes: it is a standby, or set to default_transaction_read_only");
    return unavailable();
  }
  if (probes_++ % kRoomEvery == 0 || !trouble().empty()) {
    auto room = (*lease)->run_text(kRoom, until);
    // A limit that the operator has set for such files says nothing about the disk.
    if (!room && room.error().sqlstate != kLimitOfConfiguration) return failed(room.error());
    note_trouble("");
  }
  return {};
}

template <class Answer, class Ask>
MetadataResult<Answer> Store::read_again(std::string_view name, const Ask& ask) {
  const Deadline until = deadline();
  for (int attempt = 0;; ++attempt) {
    auto lease = pool_.take(until);
    if (!lease) return fault_of(lease.error(), name);
    DbResult<Answer> answer = ask(**lease, until);
    if (answer) return std::move(*answer);
    const bool again = answer.error().kind == DbErrorKind::lost || answer.error().kind == DbErrorKind::retry;
    if (answer.error().kind == DbErrorKind::timeout) pool_.doubt();
    if (!again || attempt >= 2 || Clock::now() >= until) return fault_of(answer.error(), name);
    pool_.count_retry();
  }
}

MetadataResult<Rows> Store::read(const Statement& statement, const Params& params) {
  return read_again<Rows>(statement.name, [&](Connection& connection, Deadline until) {
    return connection.run(statement, params, until);
  });
}

MetadataResult<std::vector<Rows>> Store::read_together(std::span<const Connection::Query> queries) {
  return read_again<std::vector<Rows>>(
      queries.front().statement.name,
      [&](Connection& connection, Deadline until) { return connection.run_together(queries, until); });
}

MetadataResult<void> Store::transact(const Actor& actor, const Body& body) {
  const Deadline until = deadline();
  for (int attempt_number = 0;; ++attempt_number) {
    bool again = false;
    auto outcome = attempt(actor, body, until, again);
    if (outcome || !again || Clock::now() >= until) return outcome;
    pool_.count_retry();
    back_off(attempt_number);
  }
}

MetadataResult<void> Store::attempt(const Actor& actor, const Body& body, Deadline until, bool& again) {
  auto lease = pool_.take(until);
  if (!lease) return fault_of(lease.error(), "connect");
  Connection& connection = **lease;
  // Before COMMIT is sent nothing can have been kept, so whatever was lost may simply be done again.
  const auto failed = [&](const DbError& error) {
    again = error.kind == DbErrorKind::lost || error.kind == DbErrorKind::retry;
    if (error.kind == DbErrorKind::timeout) pool_.doubt();
  };
  if (auto begun = connection.run(kBegin, Params{}, until); !begun) {
    failed(begun.error());
    return fault_of(begun.error(), kBegin.name);
  }
  Change change(*this, connection, actor, until);
  MetadataResult<void> outcome = body(change);
  if (outcome && change.error()) outcome = fault_of(*change.error(), "a statement that was taken for good");
  const bool keep = !change.error() && (outcome.has_value() || change.commits_anyway());
  MetadataResult<std::string> transaction = std::string();
  if (keep) {
    transaction = change.finish();
    if (!transaction) outcome = transaction.error();
  }
  if (!keep || !transaction) {
    if (change.error()) failed(*change.error());
    // One that cannot be rolled back is thrown away by the pool.
    (void)connection.run(kRollback, Params{}, until);
    return outcome;
  }
  auto commit = connection.run(kCommit, Params{}, until);
  if (commit) {
    CommittedVersion::set(change.version());
    return outcome;
  }
  if (commit.error().kind == DbErrorKind::retry) {
    again = true;
    return fault_of(commit.error(), kCommit.name);
  }
  if (commit.error().kind != DbErrorKind::lost && commit.error().kind != DbErrorKind::timeout)
    return fault_of(commit.error(), kCommit.name);
  if (transaction->empty()) return outcome;  // it had written nothing
  // The dead connection's place in the pool may be the only one there is.
  { const Pool::Lease dead = std::move(*lease); }
  const std::optional<bool> took_place = committed(change, *transaction, until);
  if (!took_place)
    return unavailable(
        "the database went away while it committed: whether the change was made is not known; ask again with "
        "the same "
        "idempotency key");
  if (*took_place) {
    CommittedVersion::set(change.version());
    return outcome;
  }
  again = true;
  return unavailable();
}

std::optional<bool> Store::committed(const Change& change, const std::string& transaction, Deadline until) {
  while (Clock::now() < until) {
    if (auto lease = pool_.take(until)) {
      const auto fate = (*lease)->run(kFate, Params(transaction), until);
      // Refused: an id that this server has not come to yet, so its transaction died with another's memory.
      const bool unknown = !fate && fate.error().kind == DbErrorKind::bad_text;
      if (unknown || (fate && !fate->empty() && fate->text(0, 0) != "in progress")) {
        // Asked for after it has ended, in a snapshot of its own: what was committed is seen.
        const auto marked = (*lease)->run(kMarked, Params(change.now_ms(), change.mark()), until);
        if (marked) return !marked->empty();
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return std::nullopt;
}

}  // namespace parley::storage::postgres
