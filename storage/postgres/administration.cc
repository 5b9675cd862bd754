#include "storage/postgres/administration.h"

#include <boost/json/parse.hpp>
#include <charconv>

#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

const Statement kPutLimits{"limits.put",
                           "INSERT INTO limit_classes (name, fact) VALUES ($1, $2) "
                           "ON CONFLICT (name) DO UPDATE SET fact = excluded.fact"};
const Statement kLimits{"limits.list", "SELECT fact FROM limit_classes ORDER BY name"};
const Statement kLimitsInUse{
    "limits.in_use",
    "SELECT EXISTS (SELECT FROM users WHERE limits = $1 AND limits <> 'default' "
    "AND status <> 2) OR "
    "EXISTS (SELECT FROM rooms WHERE limits = $1 AND limits <> 'default' AND deleted_ms = 0)"};
const Statement kDropLimits{"limits.drop", "DELETE FROM limit_classes WHERE name = $1"};
const Statement kCounts{
    "counts",
    "SELECT (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'users'::regclass), "
    "(SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'rooms'::regclass), "
    "(SELECT version FROM change_head)"};

#define AUDIT "SELECT id, at_ms, actor, action, target, room, detail, request_id, address FROM audit WHERE "
#define AUDIT_FILTER                                                                           \
  ALSO(                                                                                        \
      "($2 = '' OR actor = $2) AND ($3 = '' OR action = $3) AND ($4 = '' OR target = $4) AND " \
      "($5 = '' OR room = $5)")
// Backwards, unlike PAGE_OF.
#define AUDIT_BY(index, column, value)                                                                      \
  AUDIT index "(" column ", id) < (" value ", $1) AND " column " >= " value AUDIT_FILTER "ORDER BY " column \
              " DESC, id DESC LIMIT $6"
// One for each index: the rest of the filter is applied to what the index gives.
const Statement kAudit{"audit.all", AUDIT "id < $1" AUDIT_FILTER "ORDER BY id DESC LIMIT $6"};
const Statement kAuditByActor{"audit.by_actor", AUDIT_BY("", "actor", "$2")};
const Statement kAuditByAction{"audit.by_action", AUDIT_BY("", "action", "$3")};
const Statement kAuditByTarget{"audit.by_target", AUDIT_BY("target <> '' AND ", "target", "$4")};
const Statement kAuditByRoom{"audit.by_room", AUDIT_BY("room <> '' AND ", "room", "$5")};

// The one that leaves the least to filter, as a rule.
const Statement& audit_statement(const AuditFilter& filter) {
  if (!filter.target.empty()) return kAuditByTarget;
  if (!filter.room.empty()) return kAuditByRoom;
  if (!filter.actor.empty()) return kAuditByActor;
  if (!filter.action.empty()) return kAuditByAction;
  return kAudit;
}

AuditEntry read_entry(const Rows& rows, int row) {
  AuditEntry entry;
  entry.id = static_cast<std::uint64_t>(rows.integer(row, 0));
  entry.at_ms = rows.integer(row, 1);
  entry.actor = rows.string(row, 2);
  entry.action = rows.string(row, 3);
  entry.target = rows.string(row, 4);
  entry.room = rows.string(row, 5);
  entry.detail = rows.string(row, 6);
  entry.request_id = rows.string(row, 7);
  entry.address = rows.string(row, 8);
  return entry;
}

MetadataResult<void> admins_only(const Actor& actor) {
  if (actor.admin) return {};
  return MetadataFault{MetadataError::forbidden, "only admins of the server may do this", ""};
}

}  // namespace

MetadataResult<LimitsPut> PostgresAdministration::put_limits(const Actor& actor, const LimitsPut& limits) {
  RETURN_IF_FAULT(admins_only(actor));
  const std::string fact = to_json(ControlOp(limits));
  // What a broker would refuse must not get into its feed.
  if (const auto checked = parse_control_op(fact); !checked)
    return MetadataFault{MetadataError::invalid, checked.error().message, "limits"};
  return store_.change(actor, [&](Change& change) -> MetadataResult<LimitsPut> {
    RETURN_IF_FAULT(change.run(kPutLimits, Params(limits.name, fact)));
    change.fact(limits);
    change.audit("limits.put", "limits:" + limits.name);
    return limits;
  });
}

MetadataResult<std::vector<LimitsPut>> PostgresAdministration::limits() {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kLimits, Params{}));
  std::vector<LimitsPut> classes;
  for (int row = 0; row < rows.size(); ++row) {
    const auto op = parse_control_op(rows.text(row, 0));
    if (op && std::holds_alternative<LimitsPut>(*op)) classes.push_back(std::get<LimitsPut>(*op));
  }
  return classes;
}

MetadataResult<void> PostgresAdministration::remove_limits(const Actor& actor, std::string_view name) {
  RETURN_IF_FAULT(admins_only(actor));
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const Rows used, change.run(kLimitsInUse, Params(name)));
    if (used.boolean(0, 0))
      return MetadataFault{MetadataError::conflict,
                           "users or rooms are of this class; give them another one first", "limits"};
    ASSIGN_OR_RETURN(const Rows gone, change.run(kDropLimits, Params(name)));
    if (gone.affected() == 0)
      return MetadataFault{MetadataError::not_found, "there is no class of limits of this name", "limits"};
    // Back to what is built in: brokers forget the class itself with their next snapshot.
    if (name == "default") change.fact(LimitsPut{.name = "default"});
    change.audit("limits.remove", "limits:" + std::string(name));
    return {};
  });
}

MetadataResult<void> PostgresAdministration::audit(const Actor& actor, std::string_view action,
                                                   std::string_view target, std::string_view detail_json) {
  boost::system::error_code error;
  const boost::json::value detail = boost::json::parse(detail_json.empty() ? "{}" : detail_json, error);
  if (error || !detail.is_object())
    return MetadataFault{MetadataError::invalid, "the detail of an audit entry is a JSON object", "detail"};
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    const std::string_view room = target.starts_with("room:") ? target.substr(5) : std::string_view();
    change.audit(action, target, room, detail.get_object());
    return {};
  });
}

MetadataResult<Page<AuditEntry>> PostgresAdministration::audit_log(const AuditFilter& filter,
                                                                   const PageRequest& page) {
  std::int64_t before = std::numeric_limits<std::int64_t>::max();
  if (!page.after.empty()) {
    const char* end = page.after.data() + page.after.size();
    const auto parsed = std::from_chars(page.after.data(), end, before);
    if (parsed.ec != std::errc() || parsed.ptr != end || before < 0)
      return MetadataFault{MetadataError::invalid, "no cursor of this list", "cursor"};
  }
  ASSIGN_OR_RETURN(const Rows rows, store_.read(audit_statement(filter),
                                                Params(before, filter.actor, filter.action, filter.target,
                                                       filter.room, page_limit(page) + 1)));
  return make_page<AuditEntry>(rows, page, read_entry,
                               [](const AuditEntry& entry) { return std::to_string(entry.id); });
}

MetadataResult<Administration::Counts> PostgresAdministration::counts() {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kCounts, Params{}));
  return Counts{static_cast<std::uint64_t>(rows.integer(0, 0)),
                static_cast<std::uint64_t>(rows.integer(0, 1)),
                static_cast<std::uint64_t>(rows.integer(0, 2))};
}

}  // namespace parley::storage::postgres
