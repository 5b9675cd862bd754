// What every noun of the metadata stands on: single reads, and transactions that are tried again. Internal to
// storage/postgres. Any thread.
#ifndef PARLEY_STORAGE_POSTGRES_STORE_H_
#define PARLEY_STORAGE_POSTGRES_STORE_H_

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "storage/call_budget.h"
#include "storage/metadata.h"
#include "storage/postgres/change.h"
#include "storage/postgres/pool.h"

namespace parley::storage::postgres {

// What every session of the pool is set to, for ConnectOptions.
std::string session_settings(const PostgresOptions& options);

class Store {
 public:
  explicit Store(const PostgresOptions& options);

  std::int64_t now_ms() const { return options_.now_ms(); }
  const PostgresOptions& options() const { return options_; }
  Deadline deadline() const {
    return std::min(Clock::now() + std::chrono::milliseconds(options_.call_timeout_ms), CallBudget::until());
  }

  // One statement that only reads, in one round trip; again on another connection when the first one was
  // lost.
  MetadataResult<Rows> read(const Statement& statement, const Params& params);

  // Several of them in one round trip.
  MetadataResult<std::vector<Rows>> read_together(std::span<const Connection::Query> queries);

  // One transaction around `body`, which gets a Change and gives a MetadataResult; a fault rolls back (unless
  // Change::commit_anyway). `body` may run several times: it must start from nothing each time.
  template <class Body>
  auto change(const Actor& actor, Body&& body) {
    using Outcome = decltype(body(std::declval<Change&>()));
    std::optional<Outcome> outcome;
    const MetadataResult<void> done = transact(actor, [&](Change& change) -> MetadataResult<void> {
      outcome.emplace(body(change));
      if (!*outcome) return outcome->error();
      return {};
    });
    if (!done) return Outcome(done.error());
    return std::move(*outcome);
  }

  // For what needs a connection to itself.
  DbResult<std::unique_ptr<Connection>> connect(std::string_view more_settings) const;
  void log(std::string_view line) const {
    if (options_.log) options_.log(line);
  }
  Metadata::PoolStats pool_stats() const { return pool_.stats(); }
  // Whether the server answers, takes changes, and has room: a round trip, now and then with a file that is
  // written and thrown away.
  MetadataResult<void> probe();
  // Why changes are refused now, for the operator; empty: nothing is known to be wrong.
  std::string trouble() const;
  // What the caller is told; what only the operator may know goes to the log.
  MetadataFault fault_of(const DbError& error, std::string_view statement) const;

 private:
  template <class Answer, class Ask>
  MetadataResult<Answer> read_again(std::string_view name, const Ask& ask);

  using Body = std::function<MetadataResult<void>(Change&)>;

  MetadataResult<void> transact(const Actor& actor, const Body& body);
  MetadataResult<void> attempt(const Actor& actor, const Body& body, Deadline deadline, bool& again);
  // Did the transaction whose COMMIT was not answered take place? Nothing: it cannot be found out in time.
  std::optional<bool> committed(const Change& change, const std::string& transaction, Deadline deadline);

  PostgresOptions options_;
  // Logged when it is new and every ten seconds while it lasts; empty: it is over.
  void note_trouble(std::string what) const;

  std::shared_ptr<Servers> servers_;
  mutable std::mutex trouble_mutex_;
  mutable std::string trouble_;               // guarded by trouble_mutex_
  mutable Clock::time_point trouble_told_{};  // the same
  std::atomic<std::uint32_t> probes_{0};
  Pool pool_;
};

}  // namespace parley::storage::postgres

#endif
