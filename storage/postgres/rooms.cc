#include "storage/postgres/rooms.h"

#include <algorithm>

#include "schemas/control_names.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

const Statement kGet{"room.get",
                     select_view("FROM rooms r LEFT JOIN members o ON o.room = r.room AND o.user_name = $2 "
                                 "WHERE r.room = $1 AND r.deleted_ms = 0")};
const Statement kCreatedSince{
    "rooms.created_since",
    // Of each account by the index of creator and time; another join reads the newest rooms of everybody.
    "SELECT count(*) FROM " ACCOUNTS_OF("$1") " a CROSS JOIN LATERAL "
    "(SELECT FROM rooms r WHERE r.creator = a.name AND r.created_ms > $2 OFFSET 0) made"};
const Statement kPair{"room.pair",
                      "SELECT room FROM rooms WHERE pair_low = $1 AND pair_high = $2 AND deleted_ms = 0"};
const Statement kInsert{
    "room.insert",
    "INSERT INTO rooms (room, kind, name, topic, access, history, guests_post, pin_role, limits, "
    "creator, created_ms, pair_low, pair_high) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, nullif($12, ''), nullif($13, '')) "
    "ON CONFLICT DO NOTHING"};
const Statement kUpdate{
    "room.update",
    "UPDATE rooms SET name = $2, topic = $3, access = $4, history = $5, status = $6, "
    "guests_post = $7, pin_role = $8, limits = $9, version = version + 1 WHERE room = $1"};
const Statement kRemove{"room.remove",
                        "UPDATE rooms SET deleted_ms = $2, version = version + 1 WHERE room = $1"};
const Statement kRemoveInvites{"room.remove_invites", "DELETE FROM invites WHERE room = $1"};
const Statement kLimits{"limits.exists", "SELECT FROM limit_classes WHERE name = $1"};

MetadataFault invalid(std::string message, std::string field) {
  return {MetadataError::invalid, std::move(message), std::move(field)};
}

MetadataResult<RoomView> view_of(Change& change, std::string_view room) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kGet, Params(room, change.actor().user)));
  if (rows.empty()) return MetadataFault{MetadataError::not_found, "the room is gone", "room"};
  return read_room_view(rows, 0, change.actor().user);
}

MetadataResult<void> check_limits_class(Change& change, const std::string& name) {
  if (name == "default" || name == "unlimited") return {};
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLimits, Params(name)));
  if (rows.empty()) return invalid("there is no class of limits of this name", "limits");
  return {};
}

// What can be said without asking the database; gives the members besides the actor, each once.
MetadataResult<std::vector<std::string>> check(const Actor& actor, const NewRoom& room) {
  if (!is_user_name(actor.user)) return invalid("a room is made by a user", "user");
  if (room.kind == RoomKind::channel) {
    if (!is_room_name(room.room))
      return invalid("2 to 64 of a-z, 0-9, _ and -, the first a letter or digit", "room");
    if (room.room.starts_with("g-") || room.room.starts_with("d-"))
      return invalid("names that begin with g- and d- are given by the server", "room");
  } else if (!room.room.empty()) {
    return invalid("only channels are named by who makes them; leave it out", "room");
  }
  if (room.kind != RoomKind::channel && room.access == RoomAccess::open)
    return invalid("only channels can be public", "access");
  if (room.limits != "default" && !actor.admin)
    return MetadataFault{MetadataError::forbidden, "only admins of the server choose limits", "limits"};
  std::vector<std::string> members = room.members;
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  std::erase(members, actor.user);
  if (room.kind == RoomKind::direct && members.size() != 1)
    return invalid("a direct room has exactly one other user", room.members.empty() ? "user" : "members");
  if (room.max_members != 0 && members.size() + 1 > room.max_members && !actor.admin)
    return MetadataFault{MetadataError::limit,
                         "at most " + std::to_string(room.max_members) + " members are allowed", "members"};
  return members;
}

MetadataResult<void> check_members(Change& change, const NewRoom& room,
                                   const std::vector<std::string>& members) {
  const std::string& actor = change.actor().user;
  std::vector<std::string> all = members;
  all.push_back(actor);
  ASSIGN_OR_RETURN(const std::vector<Known> known, known_users(change, all, actor));
  for (const std::string& name : all) {
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const Known& k) { return k.user == name; });
    if (found == known.end())
      return MetadataFault{MetadataError::not_found, "there is no user " + name,
                           room.kind == RoomKind::direct ? "user" : "members"};
    if (found->blocked)
      return MetadataFault{MetadataError::blocked, "you and " + name + " cannot share a new room",
                           room.kind == RoomKind::direct ? "user" : "members"};
  }
  return {};
}

MetadataResult<void> check_rate(Change& change, const NewRoom& room) {
  if (room.max_per_hour == 0 || change.actor().admin) return {};
  constexpr std::int64_t kHourMs = 3'600'000;
  // Those that are being made at once count each other, and a person's bots count with the person.
  ASSIGN_OR_RETURN(const User person, lock_owner(change, change.actor().user));
  ASSIGN_OR_RETURN(const Rows rows,
                   change.run(kCreatedSince, Params(person.name, change.now_ms() - kHourMs)));
  if (rows.integer(0, 0) < room.max_per_hour) return {};
  return MetadataFault{MetadataError::limit,
                       "at most " + std::to_string(room.max_per_hour) + " rooms an hour; wait a while", "",
                       kHourMs / room.max_per_hour};
}

struct Pair {
  std::string low, high;
};

Room room_to_make(const Change& change, const NewRoom& wanted) {
  Room room;
  const bool direct = wanted.kind == RoomKind::direct;
  room.room = wanted.room;
  if (direct) room.room = "d-" + random_name(20);
  if (wanted.kind == RoomKind::group) room.room = "g-" + random_name(20);
  room.kind = wanted.kind;
  room.name = wanted.name;
  room.topic = wanted.topic;
  room.access =
      wanted.kind == RoomKind::channel ? wanted.access.value_or(RoomAccess::open) : RoomAccess::invite;
  room.history = wanted.history;
  room.guests_post = wanted.guests_post;
  room.pin_role = wanted.pin_role.value_or(direct ? MemberRole::member : MemberRole::admin);
  room.limits = wanted.limits;
  room.creator = change.actor().user;
  room.created_ms = change.now_ms();
  return room;
}

MetadataResult<Created<RoomView>> already_there(Change& change, std::string_view room) {
  RETURN_IF_FAULT(change.made(room));
  ASSIGN_OR_RETURN(RoomView view, view_of(change, room));
  return Created<RoomView>{std::move(view), false, true};
}

MetadataResult<Created<RoomView>> create_in(Change& change, const NewRoom& wanted) {
  const std::string& actor = change.actor().user;
  ASSIGN_OR_RETURN(const auto earlier, change.made_before("room.create"));
  if (earlier) {
    ASSIGN_OR_RETURN(RoomView view, view_of(change, *earlier));
    return Created<RoomView>{std::move(view), true, false};
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> members, check(change.actor(), wanted));
  const bool direct = wanted.kind == RoomKind::direct;
  const Pair pair = direct ? Pair{std::min(actor, members[0]), std::max(actor, members[0])} : Pair{};
  if (direct) {
    ASSIGN_OR_RETURN(const Rows there, change.run(kPair, Params(pair.low, pair.high)));
    if (!there.empty()) return already_there(change, there.text(0, 0));
  }
  RETURN_IF_FAULT(check_members(change, wanted, members));
  RETURN_IF_FAULT(check_rate(change, wanted));
  RETURN_IF_FAULT(check_limits_class(change, wanted.limits));
  const Room room = room_to_make(change, wanted);
  ASSIGN_OR_RETURN(const Rows inserted,
                   change.run(kInsert, Params(room.room, room.kind, room.name, room.topic, room.access,
                                              room.history, room.guests_post, room.pin_role, room.limits,
                                              room.creator, room.created_ms, pair.low, pair.high)));
  if (inserted.affected() == 0 && direct) {  // the other one was quicker
    ASSIGN_OR_RETURN(const Rows there, change.run(kPair, Params(pair.low, pair.high)));
    if (!there.empty()) return already_there(change, there.text(0, 0));
  }
  if (inserted.affected() == 0)
    return MetadataFault{MetadataError::conflict, "this name is taken, or was once; take another", "room"};
  change.fact(room_fact(room));
  // What changed, as in every event of a room: a name or topic it has none of is not there.
  boost::json::object meta{{"created", true}, {"kind", to_string(room.kind)}};
  if (!room.name.empty()) meta["name"] = room.name;
  if (!room.topic.empty()) meta["topic"] = room.topic;
  meta["by"] = actor;
  change.post(room.room, Kind::room, actor, meta);
  std::vector<Newcomer> newcomers = {{actor, direct ? MemberRole::member : MemberRole::owner}};
  for (const std::string& member : members) newcomers.push_back({member, MemberRole::member});
  RETURN_IF_FAULT(bring_in(change, room, newcomers, Seq{0}));
  change.audit("room.create", room_target(room.room), room.room);
  RETURN_IF_FAULT(change.made(room.room));
  ASSIGN_OR_RETURN(RoomView view, view_of(change, room.room));
  return Created<RoomView>{std::move(view), false, false};
}

// The room as it will be, and in `meta` what is different.
Room patched(const Room& now, const RoomPatch& patch, boost::json::object& meta) {
  Room next = now;
  const auto take = [&](auto& value, const auto& wanted, const char* key, auto shown) {
    if (!wanted || *wanted == value) return;
    value = *wanted;
    meta[key] = shown(value);
  };
  const auto same = [](const std::string& text) { return std::string_view(text); };
  take(next.name, patch.name, "name", same);
  take(next.topic, patch.topic, "topic", same);
  take(next.access, patch.access, "access", [](RoomAccess value) { return to_string(value); });
  take(next.history, patch.history, "history", [](RoomHistory value) { return to_string(value); });
  take(next.status, patch.status, "status", [](RoomStatus value) { return to_string(value); });
  take(next.guests_post, patch.guests_post, "guests", [](bool post) { return post ? "post" : "read"; });
  take(next.pin_role, patch.pin_role, "pin", [](MemberRole value) { return role_name(value); });
  take(next.limits, patch.limits, "limits", same);
  return next;
}

MetadataResult<RoomView> update_in(Change& change, std::string_view name, const RoomPatch& patch) {
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::update));
  RETURN_IF_FAULT(check_version(patch.if_version, locked.room.version));
  if (patch.limits && !change.actor().admin)
    return MetadataFault{MetadataError::forbidden, "only admins of the server choose limits", "limits"};
  if (patch.access == RoomAccess::open && locked.room.kind != RoomKind::channel)
    return invalid("only channels can be public", "access");
  if (patch.limits) RETURN_IF_FAULT(check_limits_class(change, *patch.limits));
  boost::json::object meta;
  const Room next = patched(locked.room, patch, meta);
  if (meta.empty()) return view_of(change, name);
  RETURN_IF_FAULT(change.run(kUpdate, Params(name, next.name, next.topic, next.access, next.history,
                                             next.status, next.guests_post, next.pin_role, next.limits)));
  const boost::json::object changed = meta;
  change.fact(room_fact(next));
  meta["by"] = change.actor().user;
  change.post(name, Kind::room, change.actor().user, meta);
  meta["room"] = name;
  RETURN_IF_FAULT(tell_members(change, next, "room.updated", meta));
  change.audit("room.update", room_target(name), name, changed);
  return view_of(change, name);
}

MetadataResult<void> remove_in(Change& change, std::string_view name,
                               std::optional<std::uint64_t> if_version) {
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::remove));
  RETURN_IF_FAULT(check_version(if_version, locked.room.version));
  return remove_locked_room(change, locked.room);
}

}  // namespace

MetadataResult<void> remove_locked_room(Change& change, const Room& room) {
  RETURN_IF_FAULT(change.run(kRemove, Params(room.room, change.now_ms())));
  RETURN_IF_FAULT(change.run(kRemoveInvites, Params(room.room)));
  const std::string& by = change.actor().user;
  change.post(room.room, Kind::room, by, {{"deleted", true}, {"by", by}});
  change.fact(RoomRemove{.room = room.room});
  RETURN_IF_FAULT(
      tell_members(change, room, "room.removed", {{"room", room.room}, {"reason", "deleted"}, {"by", by}}));
  change.audit("room.remove", room_target(room.room), room.room);
  return {};
}

MetadataResult<Created<RoomView>> PostgresRooms::create(const Actor& actor, const NewRoom& room) {
  return store_.change(actor, [&](Change& change) { return create_in(change, room); });
}

MetadataResult<RoomView> PostgresRooms::get(std::string_view room, std::string_view caller) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kGet, Params(room, caller)));
  if (rows.empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  return read_room_view(rows, 0, caller);
}

MetadataResult<RoomView> PostgresRooms::update(const Actor& actor, std::string_view room,
                                               const RoomPatch& patch) {
  return store_.change(actor, [&](Change& change) { return update_in(change, room, patch); });
}

MetadataResult<void> PostgresRooms::remove(const Actor& actor, std::string_view room,
                                           std::optional<std::uint64_t> if_version) {
  return store_.change(actor, [&](Change& change) { return remove_in(change, room, if_version); });
}

}  // namespace parley::storage::postgres
