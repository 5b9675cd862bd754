#include "storage/postgres/room_rows.h"

#include <sys/random.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "storage/postgres/paging.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

const Statement kLock{"room.lock",
                      std::string("SELECT ") + kRoomColumns +
                          " FROM rooms r WHERE r.room = $1 AND r.deleted_ms = 0 FOR NO KEY UPDATE"};
// Apart from the lock: what a statement sees was fixed when it began, before it waited. Two lookups by the
// whole key: for "one of the two" the planner may prefer to walk through the room.
std::string place(const char* which) {
  return std::string("SELECT o.user_name, ") + kOwnColumns +
         " FROM members o WHERE o.room = $1 AND o.user_name = " + which;
}
const Statement kPlaces{"room.places", place("$2") + " UNION ALL " + place("$3") + " AND $3 <> $2"};
const Statement kInsert{"members.insert",
                        "INSERT INTO members (room, user_name, role, since_seq, joined_ms) "
                        "SELECT $1, n.user_name, n.role::smallint, $4::bigint, $5::bigint "
                        "FROM unnest($2::text[], $3::text[]) AS n (user_name, role) ON CONFLICT DO NOTHING"};
const Statement kDelete{"members.delete", "DELETE FROM members WHERE room = $1 AND user_name = $2"};
const Statement kCount{"room.count", "UPDATE rooms SET members = members + $2::integer WHERE room = $1"};
const Statement kKnown{
    "users.known",
    "SELECT u.name, EXISTS (SELECT FROM blocks b WHERE b.user_name = coalesce(u.owner, u.name) "
    "AND b.blocked = " OWNER_OF("$2") ") OR "
    "EXISTS (SELECT FROM blocks b WHERE b.user_name = " OWNER_OF("$2")
    " AND b.blocked = coalesce(u.owner, u.name)), coalesce(u.owner, u.name) "
    "FROM unnest($1::text[]) AS n (name) CROSS JOIN LATERAL "
    "(SELECT * FROM users t WHERE t.name = n.name AND t.status = 0 FOR KEY SHARE) u"};
const Statement kWithdraw{"invites.withdraw",
                          "DELETE FROM invites WHERE room = $1 AND (by_user = $2 AND role > $3 "
                          "OR role > $4 AND role <= $5)"};
const Statement kRemoved{"removals.put",
                         "INSERT INTO removals (room, user_name, removed_ms) VALUES ($1, $2, $3) "
                         "ON CONFLICT (room, user_name) DO UPDATE SET removed_ms = excluded.removed_ms"};
const Statement kRemovals{"removals.of_accounts",
                          "SELECT v.user_name FROM " ACCOUNTS_OF("$2") " a CROSS JOIN LATERAL "
                          "(SELECT * FROM removals r WHERE r.room = $1 AND r.user_name = a.name OFFSET 0) v"};
const Statement kForgetRemoval{"removals.forget", "DELETE FROM removals WHERE room = $1 AND user_name = $2"};
const Statement kNames{"members.names",
                       "SELECT user_name FROM members WHERE " PAGE_OF(
                           "room", "$1", "user_name", "''") " ORDER BY room, user_name LIMIT $2"};

}  // namespace

std::string_view role_name(MemberRole role) { return to_string(role); }

std::string select_view(std::string_view from_where) {
  return std::string("SELECT ") + kRoomColumns + ", " + kOwnColumns + " " + std::string(from_where);
}

Room read_room(const Rows& rows, int row) {
  Room room;
  room.room = rows.string(row, 0);
  room.kind = rows.as<RoomKind>(row, 1);
  room.name = rows.string(row, 2);
  room.topic = rows.string(row, 3);
  room.access = rows.as<RoomAccess>(row, 4);
  room.history = rows.as<RoomHistory>(row, 5);
  room.status = rows.as<RoomStatus>(row, 6);
  room.guests_post = rows.boolean(row, 7);
  room.pin_role = rows.as<MemberRole>(row, 8);
  room.limits = rows.string(row, 9);
  room.members = static_cast<std::uint32_t>(rows.integer(row, 10));
  room.version = static_cast<std::uint64_t>(rows.integer(row, 11));
  room.creator = rows.string(row, 12);
  room.created_ms = rows.integer(row, 13);
  return room;
}

OwnMembership read_own(const Rows& rows, int row, int first) {
  OwnMembership own;
  if (rows.null(row, first)) return own;
  own.role = rows.as<MemberRole>(row, first);
  own.since = Seq{static_cast<std::uint64_t>(rows.integer(row, first + 1))};
  own.joined_ms = rows.integer(row, first + 2);
  own.muted_until_ms = rows.integer(row, first + 3);
  own.notify = rows.as<Notify>(row, first + 4);
  return own;
}

RoomView read_room_view(const Rows& rows, int row, std::string_view caller) {
  RoomView view{read_room(rows, row), read_own(rows, row, kRoomColumnCount)};
  if (rows.text(row, 14) == caller) view.room.other = rows.string(row, 15);
  if (rows.text(row, 15) == caller) view.room.other = rows.string(row, 14);
  return view;
}

MetadataResult<LockedRoom> lock_room(Change& change, std::string_view room, std::string_view target) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLock, Params(room)));
  if (rows.empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  LockedRoom locked{read_room(rows, 0), {}, {}};
  const std::string& actor = change.actor().user;
  ASSIGN_OR_RETURN(const Rows places, change.run(kPlaces, Params(room, actor, target)));
  for (int row = 0; row < places.size(); ++row) {
    if (places.text(row, 0) == actor) locked.actor = read_own(places, row, 1);
    if (places.text(row, 0) == target) locked.target = read_own(places, row, 1);
  }
  return locked;
}

namespace {

MetadataResult<void> as_fault(const RoomVerdict& verdict, const RoomQuestion& question) {
  if (verdict) return {};
  const bool outsider =
      question.actor == MemberRole::none && !question.site_admin && question.action != RoomAction::join;
  return MetadataFault{outsider ? MetadataError::not_member : MetadataError::forbidden,
                       std::string(verdict.why), ""};
}

}  // namespace

MetadataResult<void> allow(const Change& change, const LockedRoom& locked, RoomAction action, MemberRole role,
                           bool self) {
  const RoomQuestion question = {.action = action,
                                 .kind = locked.room.kind,
                                 .access = locked.room.access,
                                 .actor = locked.actor.role,
                                 .site_admin = change.actor().admin,
                                 .target = locked.target.role,
                                 .role = role,
                                 .self = self};
  return as_fault(may(question), question);
}

MetadataResult<void> allow(const Actor& actor, const RoomView& view, RoomAction action) {
  RoomQuestion question;
  question.action = action;
  question.kind = view.room.kind;
  question.access = view.room.access;
  question.actor = view.own.role;
  question.site_admin = actor.admin;
  return as_fault(may(question), question);
}

MetadataResult<void> check_version(const std::optional<std::uint64_t>& wanted, std::uint64_t is) {
  if (!wanted || *wanted == is) return {};
  return MetadataFault{MetadataError::version_mismatch, "it has changed meanwhile; get it again", ""};
}

RoomPut room_fact(const Room& room) {
  return RoomPut{.room = room.room,
                 .kind = room.kind,
                 .limits = room.limits,
                 .history = room.history,
                 .status = room.status,
                 .guests_post = room.guests_post,
                 .pin_role = room.pin_role};
}

MetadataResult<void> bring_in(Change& change, const Room& room, const std::vector<Newcomer>& newcomers,
                              Seq since, bool with_joins) {
  std::vector<std::string> users;
  std::vector<std::string> roles;
  for (const Newcomer& newcomer : newcomers) {
    users.push_back(newcomer.user);
    roles.push_back(std::to_string(static_cast<int>(newcomer.role)));
  }
  const Seq visible = room.history == RoomHistory::joined ? since : Seq{0};
  ASSIGN_OR_RETURN(const Rows inserted,
                   change.run(kInsert, Params(room.room, users, roles, raw(visible), change.now_ms())));
  RETURN_IF_FAULT(change.run(kCount, Params(room.room, inserted.affected())));
  for (const Newcomer& newcomer : newcomers)
    change.fact(MemberPut{.room = room.room, .user = newcomer.user, .role = newcomer.role, .since = visible});
  const std::string& by = change.actor().user;
  if (with_joins) {
    for (const Newcomer& newcomer : newcomers)
      change.post(room.room, Kind::join, newcomer.user, {{"by", by}, {"role", role_name(newcomer.role)}});
  }
  for (const Newcomer& newcomer : newcomers) {
    change.tell(newcomer.user, "room.added",
                {{"room", room.room}, {"role", role_name(newcomer.role)}, {"by", by}});
  }
  return {};
}

MetadataResult<void> take_out(Change& change, const Room& room, std::string_view user, MemberRole was,
                              std::string_view reason) {
  ASSIGN_OR_RETURN(const Rows gone, change.run(kDelete, Params(room.room, user)));
  if (gone.affected() == 0) return {};
  RETURN_IF_FAULT(change.run(kCount, Params(room.room, -1)));
  RETURN_IF_FAULT(withdraw_invites(change, room.room, user, {.was = was, .now = MemberRole::none}));
  const std::string& by = change.actor().user;
  if (reason != "left") {
    // Who takes out an account of their own may bring it back.
    ASSIGN_OR_RETURN(const bool own, same_person(change, user, by));
    if (!own) RETURN_IF_FAULT(change.run(kRemoved, Params(room.room, user, change.now_ms())));
  }
  change.fact(MemberRemove{.room = room.room, .user = std::string(user)});
  change.post(room.room, Kind::leave, user, {{"by", by}, {"reason", reason}});
  change.tell(user, "room.removed", {{"room", room.room}, {"reason", reason}, {"by", by}});
  return {};
}

MetadataResult<void> forget_removal(Change& change, std::string_view room, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows removals, change.run(kRemovals, Params(room, user)));
  for (int row = 0; row < removals.size(); ++row)
    RETURN_IF_FAULT(change.run(kForgetRemoval, Params(room, removals.text(row, 0))));
  return {};
}

MetadataResult<void> withdraw_invites(Change& change, std::string_view room, std::string_view user,
                                      const RoleLoss& loss) {
  const MemberRole gave = highest_given(loss.was);
  const MemberRole gives = highest_given(loss.now);
  const MemberRole kept = std::max(gives, MemberRole::member);
  ASSIGN_OR_RETURN(const Rows gone, change.run(kWithdraw, Params(room, user, gives, kept, gave)));
  if (gone.affected() != 0)
    change.audit("invite.withdraw", user_target(user), room, {{"invites", gone.affected()}});
  return {};
}

MetadataResult<std::vector<Known>> known_users(Change& change, const std::vector<std::string>& names,
                                               std::string_view actor) {
  // Always in one order, so that two transactions do not wait for each other.
  std::vector<std::string> sorted = names;
  std::sort(sorted.begin(), sorted.end());
  ASSIGN_OR_RETURN(const Rows rows, change.run(kKnown, Params(sorted, actor)));
  std::vector<Known> known;
  known.reserve(rows.count());
  for (int row = 0; row < rows.size(); ++row)
    known.push_back({rows.string(row, 0), rows.boolean(row, 1), rows.string(row, 2)});
  return known;
}

MetadataResult<void> tell_members(Change& change, const Room& room, std::string_view type,
                                  const boost::json::object& event) {
  if (room.members > kToldMembers) return {};
  const std::size_t each = boost::json::serialize(event).size() + kToldBytesBeside;
  if (room.members * each > kToldBytes) return {};
  ASSIGN_OR_RETURN(const Rows rows, change.run(kNames, Params(room.room, kToldMembers)));
  for (int row = 0; row < rows.size(); ++row) change.tell(rows.text(row, 0), type, event);
  return {};
}

std::string random_name(std::size_t length) {
  static constexpr char kLetters[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::string bytes(length, '\0');
  if (::getrandom(bytes.data(), length, 0) != static_cast<ssize_t>(length))
    throw std::runtime_error("the system gives no random bytes");
  for (char& byte : bytes) byte = kLetters[static_cast<unsigned char>(byte) & 31];
  return bytes;
}

}  // namespace parley::storage::postgres
