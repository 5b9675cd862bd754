// The metadata: who there is and who may what. PostgreSQL is the truth; this is the only door to it.
//
// Every mutation is one transaction: the rows, a numbered change with the operations for the brokers and the
// events (metadata_feed.h), the audit row, and the idempotency record when a key came with it. Either all of
// it is committed or nothing. Serialization failures and deadlocks are retried, lost connections replaced; a
// commit whose answer was lost is looked up before anything is tried again.
//
// Threads: everything may be called from any thread but what metadata_feed.h says otherwise; calls block, at
// most about 2 s, and less where a CallBudget (call_budget.h) says so. A Metadata must outlive all calls into
// it.
#ifndef PARLEY_STORAGE_METADATA_H_
#define PARLEY_STORAGE_METADATA_H_

#include <functional>
#include <memory>

#include "storage/metadata_accounts.h"
#include "storage/metadata_feed.h"
#include "storage/metadata_rooms.h"

namespace parley::storage {

struct AuditEntry {
  std::uint64_t id = 0;
  std::int64_t at_ms = 0;
  std::string actor;
  std::string action;  // "room.update", "login.failed", ...
  std::string target;  // "user:bob", "room:general"; empty: none
  std::string room;    // when it happened in a room
  std::string detail;  // JSON object
  std::string request_id;
  std::string address;
};
struct AuditFilter {
  std::string actor;
  std::string action;
  std::string target;
  std::string room;
};

// Limits, audit, state of the store.
class Administration {
 public:
  virtual ~Administration() = default;
  virtual MetadataResult<LimitsPut> put_limits(const Actor& actor, const LimitsPut& limits) = 0;
  virtual MetadataResult<std::vector<LimitsPut>> limits() = 0;
  virtual MetadataResult<void> remove_limits(const Actor& actor,
                                             std::string_view name) = 0;  // in use: `conflict`

  // For what is no mutation here: failed logins, kicks, ... Mutations write theirs themselves.
  virtual MetadataResult<void> audit(const Actor& actor, std::string_view action, std::string_view target,
                                     std::string_view detail_json) = 0;
  virtual MetadataResult<Page<AuditEntry>> audit_log(const AuditFilter& filter,
                                                     const PageRequest& page) = 0;  // newest first

  struct Counts {
    std::uint64_t users = 0;
    std::uint64_t rooms = 0;
    std::uint64_t head = 0;
  };
  virtual MetadataResult<Counts> counts() = 0;  // estimates from statistics, cheap
};

class Metadata {
 public:
  virtual ~Metadata() = default;
  virtual Users& users() = 0;
  virtual Sessions& sessions() = 0;
  virtual ApiTokens& api_tokens() = 0;
  virtual People& people() = 0;
  virtual Rooms& rooms() = 0;
  virtual Members& members() = 0;
  virtual Invites& invites() = 0;
  virtual Administration& administration() = 0;
  virtual Feed& feed() = 0;

  // A round trip, which also sees whether changes are taken and there is room for them. To be called each
  // second or so; it waits, at most as long as any call.
  virtual MetadataResult<void> ping() = 0;
  // Why there is no database now, or why it takes no changes, in words for the operator; empty: nothing is
  // known to be wrong. Does not wait.
  virtual std::string trouble() const { return {}; }
  struct PoolStats {
    std::uint32_t size = 0;
    std::uint32_t busy = 0;
    std::uint64_t reconnects = 0;
    std::uint64_t retries = 0;  // of transactions
    std::uint64_t waits = 0;    // calls that found no idle connection
  };
  virtual PoolStats pool_stats() const = 0;
};

struct PostgresOptions {
  std::string url;  // libpq connection string or URI
  std::uint32_t pool = 8;
  std::uint32_t statement_timeout_ms = 2000;
  std::uint32_t connect_timeout_s = 2;
  std::uint32_t call_timeout_ms =
      2000;                          // the whole of one call, retries and waiting for a connection included
  std::uint32_t access_ttl_s = 900;  // a revoked session is told to brokers for as long
  std::function<std::int64_t()> now_ms = {};       // empty: the system's clock
  std::function<void(std::string_view)> log = {};  // what an operator should see; any thread
};

// Applies the migrations that are missing (safe when several start at once) and gives how many it applied.
MetadataResult<std::uint32_t> migrate_postgres(const PostgresOptions& options);
// Does not need Postgres to be there: calls answer `unavailable` until it is. Does not migrate. A connection
// string that cannot be parsed is `invalid`.
MetadataResult<std::unique_ptr<Metadata>> open_postgres(const PostgresOptions& options);
enum class WhyNotPostgres {
  nothing,
  options,  // as they are: a connection string that cannot be parsed, a pooler in a mode that will not do
  refused,  // the server lets nobody of that name in: no such database, a wrong password, ...
  away,     // no server takes a connection just now
};
struct PostgresTrial {
  WhyNotPostgres why = WhyNotPostgres::nothing;
  std::string words;  // one line for the operator, without a password
};
// Connects once, to tell what would keep these options from working. Waits, at most connect_timeout_s and 5
// s.
PostgresTrial try_postgres(const PostgresOptions& options);

}  // namespace parley::storage

#endif
