#include "storage/postgres/change.h"

#include <sys/random.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "storage/postgres/store.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

const Statement kAudit{"audit.add",
                       "INSERT INTO audit (at_ms, actor, action, target, room, detail, request_id, address) "
                       "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
const Statement kOnceBegin{
    "once.begin",
    "INSERT INTO idempotency (actor, operation, key, fingerprint, subject, created_ms) "
    "VALUES ($1, $2, $3, $4, '', $5) ON CONFLICT DO NOTHING"};
const Statement kOnceFind{
    "once.find",
    "SELECT fingerprint, subject FROM idempotency WHERE actor = $1 AND operation = $2 AND key = $3"};
const Statement kOnceMade{
    "once.made", "UPDATE idempotency SET subject = $4 WHERE actor = $1 AND operation = $2 AND key = $3"};
const Statement kTransaction{"change.transaction",
                             "WITH written AS (SELECT pg_current_xact_id_if_assigned()::text AS id), "
                             "marked AS (INSERT INTO commits (at_ms, mark) SELECT $1::bigint, $2::bigint "
                             "FROM written WHERE id IS NOT NULL) "
                             "SELECT id FROM written"};
// The last two statements of a change: from here to COMMIT the head's row is locked.
const Statement kNextVersion{"change.version",
                             "UPDATE change_head SET version = version + 1 WHERE one "
                             "RETURNING version, pg_current_xact_id()::text"};
const Statement kChange{
    "change.add",
    "WITH added AS (INSERT INTO changes (version, at_ms, ops, mark) VALUES ($1, $2, $3, $4)), "
    "marked AS (INSERT INTO commits (at_ms, mark) VALUES ($2, $4)) "
    "SELECT pg_notify('parley_changes', '')"};

// Of this transaction, and of its change in the feed: from 1 to 2^53 - 1.
std::int64_t random_mark() {
  std::int64_t mark = 0;
  if (::getrandom(&mark, sizeof mark, 0) != sizeof mark)
    throw std::runtime_error("the system gives no random bytes");
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(mark) >> 11) | 1;
}

int turn_of(const ControlOp& op) {
  if (std::holds_alternative<EventPost>(op)) return 1;
  return std::holds_alternative<UserEvent>(op) ? 2 : 0;
}

}  // namespace

Change::Change(Store& store, Connection& connection, const Actor& actor, Deadline deadline)
    : store_(store),
      connection_(connection),
      actor_(actor),
      deadline_(deadline),
      now_ms_(store.now_ms()),
      mark_(random_mark()) {}

MetadataResult<Rows> Change::run(const Statement& statement, const Params& params) {
  auto rows = connection_.run(statement, params, deadline_);
  if (rows) return std::move(*rows);
  error_ = rows.error();
  return store_.fault_of(rows.error(), statement.name);
}

void Change::post(std::string_view room, Kind kind, std::string_view from, const boost::json::object& meta) {
  ops_.emplace_back(EventPost{.room = std::string(room),
                              .kind = kind,
                              .from = std::string(from),
                              .cid = {},  // known at commit
                              .ts_ms = static_cast<std::uint64_t>(now_ms_),
                              .body = {},
                              .meta = boost::json::serialize(meta)});
}

void Change::tell(std::string_view user, std::string_view type, boost::json::object event) {
  event["type"] = type;
  ops_.emplace_back(UserEvent{.user = std::string(user), .event = boost::json::serialize(event)});
}

void Change::audit(std::string_view action, std::string_view target, std::string_view room,
                   const boost::json::object& detail) {
  audit_.push_back(
      {std::string(action), std::string(target), std::string(room), boost::json::serialize(detail)});
}

MetadataResult<std::optional<std::string>> Change::made_before(std::string_view operation) {
  const IdempotencyKey& once = actor_.once;
  if (once.key.empty()) return std::nullopt;
  if (once.key.size() > 255)
    return MetadataFault{MetadataError::invalid, "an idempotency key has at most 255 bytes",
                         "idempotency_key"};
  // Of two at once, the second waits here for the first one's end.
  ASSIGN_OR_RETURN(const Rows begun,
                   run(kOnceBegin, Params(actor_.user, operation, once.key, once.fingerprint, now_ms_)));
  if (begun.affected() == 1) {
    once_operation_ = operation;
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const Rows found, run(kOnceFind, Params(actor_.user, operation, once.key)));
  if (found.empty())  // swept away between the two
    return MetadataFault{MetadataError::unavailable, "try again", ""};
  if (found.text(0, 0) != once.fingerprint)
    return MetadataFault{MetadataError::key_reused,
                         "this idempotency key was used for a different request; take a new one",
                         "idempotency_key"};
  return std::optional(found.string(0, 1));
}

MetadataResult<void> Change::made(std::string_view subject) {
  if (once_operation_.empty()) return {};
  RETURN_IF_FAULT(run(kOnceMade, Params(actor_.user, once_operation_, actor_.once.key, subject)));
  return {};
}

MetadataResult<std::string> Change::finish() {
  for (const AuditRow& row : audit_) {
    RETURN_IF_FAULT(run(kAudit, Params(now_ms_, actor_.user, row.action, row.target, row.room, row.detail,
                                       actor_.request_id, actor_.address)));
  }
  if (!ops_.empty()) return number_ops();
  ASSIGN_OR_RETURN(const Rows transaction, run(kTransaction, Params(now_ms_, mark_)));
  return transaction.string(0, 0);
}

MetadataResult<std::string> Change::number_ops() {
  ASSIGN_OR_RETURN(const Rows next, run(kNextVersion, Params{}));
  if (next.empty()) return MetadataFault{MetadataError::internal, "the database is not set up", ""};
  version_ = static_cast<std::uint64_t>(next.integer(0, 0));
  const std::string version = std::to_string(version_);
  // Facts first, then what is posted in rooms, then what is told to users: who reads one knows what came
  // before.
  std::stable_sort(ops_.begin(), ops_.end(),
                   [](const ControlOp& a, const ControlOp& b) { return turn_of(a) < turn_of(b); });
  std::string json = "[";
  int posts = 0;
  for (ControlOp& op : ops_) {
    if (auto* post = std::get_if<EventPost>(&op)) post->cid = "pg-" + version + "-" + std::to_string(++posts);
    if (auto* told = std::get_if<UserEvent>(&op)) {
      told->event.pop_back();  // the closing brace
      told->event += ",\"version\":" + version + "}";
    }
    if (json.size() > 1) json += ',';
    json += to_json(op);
  }
  json += ']';
  RETURN_IF_FAULT(run(kChange, Params(version, now_ms_, json, mark_)));
  return next.string(0, 1);
}

}  // namespace parley::storage::postgres
