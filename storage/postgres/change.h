// One attempt at a mutation: the statements of an open transaction, and what the brokers, the audit log and
// the idempotency table are to hear of it when it commits. Internal to storage/postgres; one thread.
#ifndef PARLEY_STORAGE_POSTGRES_CHANGE_H_
#define PARLEY_STORAGE_POSTGRES_CHANGE_H_

#include <boost/json/object.hpp>
#include <optional>

#include "storage/metadata_types.h"
#include "storage/postgres/connection.h"

namespace parley::storage::postgres {

class Store;

class Change {
 public:
  Change(Store& store, Connection& connection, const Actor& actor, Deadline deadline);

  const Actor& actor() const { return actor_; }
  std::int64_t now_ms() const { return now_ms_; }
  std::int64_t now_s() const { return now_ms_ / 1000; }

  MetadataResult<Rows> run(const Statement& statement, const Params& params);

  // For the brokers: each sort in the order given. Facts and events get the change's version at commit.
  void fact(ControlOp op) { ops_.push_back(std::move(op)); }
  void post(std::string_view room, Kind kind, std::string_view from, const boost::json::object& meta);
  void tell(std::string_view user, std::string_view type, boost::json::object event);

  void audit(std::string_view action, std::string_view target, std::string_view room = {},
             const boost::json::object& detail = {});

  // The subject of an earlier change under the actor's idempotency key; nothing: this is the first (or there
  // is no key), and it says made() before it ends.
  MetadataResult<std::optional<std::string>> made_before(std::string_view operation);
  MetadataResult<void> made(std::string_view subject);

  // The fault that `body` gives goes to the caller, and what was done until then is kept all the same.
  void commit_anyway() { commit_anyway_ = true; }
  bool commits_anyway() const { return commit_anyway_; }

  // Of the last statement that failed.
  const std::optional<DbError>& error() const { return error_; }

  // Everything up to COMMIT itself. Gives the transaction's id, which tells when it has ended; empty when
  // nothing was written. Whether it took place, its row in `commits` tells: now_ms(), mark().
  MetadataResult<std::string> finish();
  std::int64_t mark() const { return mark_; }
  std::uint64_t version() const { return version_; }  // after finish(); 0: brokers hear nothing of it

 private:
  struct AuditRow {
    std::string action, target, room, detail;
  };
  MetadataResult<std::string> number_ops();

  Store& store_;
  Connection& connection_;
  const Actor& actor_;
  const Deadline deadline_;
  const std::int64_t now_ms_;
  const std::int64_t mark_;  // of this transaction alone
  std::vector<ControlOp> ops_;
  std::vector<AuditRow> audit_;
  std::string once_operation_;
  bool commit_anyway_ = false;
  std::uint64_t version_ = 0;
  std::optional<DbError> error_;
};

}  // namespace parley::storage::postgres

#endif
