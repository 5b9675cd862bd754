// All facts at one version: one REPEATABLE READ transaction, each kind of fact through a cursor.
#include "storage/postgres/feed.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

constexpr int kPortion = 5000;

// How one kind of fact is asked for and read; $NOW stands for the time in seconds.
struct Kind {
  const char* query;
  ControlOp (*read)(const Rows& rows, int row);
};

ControlOp read_limits(const Rows& rows, int row) {
  const auto op = parse_control_op(rows.text(row, 0));
  return op ? *op : ControlOp(LimitsPut{.name = "default"});
}
ControlOp read_user_fact(const Rows& rows, int row) {
  return UserPut{.user = rows.string(row, 0),
                 .role = rows.as<TokenRole>(row, 1),
                 .limits = rows.string(row, 2),
                 .tokens_after_s = rows.integer(row, 3),
                 .status = rows.integer(row, 4) == 0 ? UserStatus::active : UserStatus::blocked,
                 .owner = rows.string(row, 5)};
}
ControlOp read_token_fact(const Rows& rows, int row) {
  return TokenPut{.sha256 = parse_sha256_hex(rows.text(row, 0)).value_or(Sha256{}),
                  .user = rows.string(row, 1),
                  .device = rows.string(row, 2),
                  .role = rows.as<TokenRole>(row, 3),
                  .until_s = rows.integer(row, 4)};
}
ControlOp read_session_fact(const Rows& rows, int row) {
  return SessionRevoke{.sid = rows.string(row, 0), .until_s = rows.integer(row, 1)};
}
ControlOp read_block_fact(const Rows& rows, int row) {
  return BlockPut{.user = rows.string(row, 0), .blocked = rows.string(row, 1)};
}
ControlOp read_room_fact(const Rows& rows, int row) {
  return RoomPut{.room = rows.string(row, 0),
                 .kind = rows.as<RoomKind>(row, 1),
                 .limits = rows.string(row, 2),
                 .history = rows.as<RoomHistory>(row, 3),
                 .status = rows.as<RoomStatus>(row, 4),
                 .guests_post = rows.boolean(row, 5),
                 .pin_role = rows.as<MemberRole>(row, 6)};
}
ControlOp read_member_fact(const Rows& rows, int row) {
  return MemberPut{.room = rows.string(row, 0),
                   .user = rows.string(row, 1),
                   .role = rows.as<MemberRole>(row, 2),
                   .since = Seq{static_cast<std::uint64_t>(rows.integer(row, 3))}};
}

// In an order in which they can be applied.
constexpr Kind kKinds[] = {
    {"SELECT fact FROM limit_classes ORDER BY name", read_limits},
    {"SELECT name, role, limits, tokens_after_s, status, owner FROM users WHERE status <> 2", read_user_fact},
    {"SELECT encode(sha256, 'hex'), user_name, device, role, until_s FROM api_tokens "
     "WHERE until_s = 0 OR until_s > $NOW",
     read_token_fact},
    {"SELECT sid, revoke_until_s FROM sessions WHERE revoked_ms <> 0 AND revoke_until_s > $NOW",
     read_session_fact},
    {"SELECT user_name, blocked FROM blocks", read_block_fact},
    {"SELECT room, kind, limits, history, status, guests_post, pin_role FROM rooms WHERE deleted_ms = 0",
     read_room_fact},
    // Members of deleted rooms and users are there until the sweep has come by.
    {"SELECT m.room, m.user_name, m.role, m.since_seq FROM members m "
     "WHERE m.room NOT IN (SELECT room FROM rooms WHERE deleted_ms <> 0 AND members > 0) "
     "AND m.user_name NOT IN (SELECT name FROM users WHERE leaving)",
     read_member_fact},
};

std::string with_time(std::string query, std::int64_t now_s) {
  if (const auto at = query.find("$NOW"); at != std::string::npos)
    query.replace(at, 4, std::to_string(now_s));
  return query;
}

}  // namespace

MetadataResult<FeedPosition> PostgresFeed::snapshot(const FactVisitor& visit) {
  // Whole tables are read: quickest from end to end. It may take its time as a whole, but not for one
  // portion.
  auto opened = store_.connect(
      "; SET cursor_tuple_fraction = 1"
      "; SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 30000");
  if (!opened) return store_.fault_of(opened.error(), "connect");
  Connection& connection = **opened;
  const auto ask = [&](const std::string& sql) -> MetadataResult<Rows> {
    auto rows = connection.run_text(sql, Clock::now() + std::chrono::seconds(30));
    if (!rows) return store_.fault_of(rows.error(), "snapshot");
    return std::move(*rows);
  };
  RETURN_IF_FAULT(ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  ASSIGN_OR_RETURN(
      const Rows head,
      ask("SELECT h.version, coalesce(c.mark, 0) FROM change_head h LEFT JOIN changes c USING (version)"));
  if (head.empty()) return MetadataFault{MetadataError::internal, "the database is not set up", ""};
  const std::int64_t now_s = store_.now_ms() / 1000;
  const std::string fetch = "FETCH " + std::to_string(kPortion) + " FROM facts";
  for (const Kind& kind : kKinds) {
    RETURN_IF_FAULT(ask("DECLARE facts NO SCROLL CURSOR FOR " + with_time(kind.query, now_s)));
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(const Rows rows, ask(fetch));
      more = rows.size() == kPortion;
      std::vector<ControlOp> facts;
      facts.reserve(static_cast<std::size_t>(rows.size()));
      for (int row = 0; row < rows.size(); ++row) facts.push_back(kind.read(rows, row));
      if (!facts.empty() && !visit(std::move(facts)))
        return MetadataFault{MetadataError::conflict, "the snapshot was not wanted any more", ""};
    }
    RETURN_IF_FAULT(ask("CLOSE facts"));
  }
  RETURN_IF_FAULT(ask("COMMIT"));
  return FeedPosition(static_cast<std::uint64_t>(head.integer(0, 0)),
                      static_cast<std::uint64_t>(head.integer(0, 1)));
}

}  // namespace parley::storage::postgres
