#include <algorithm>

#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/rooms.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

const Statement kRole{"member.role",
                      "SELECT m.role FROM members m JOIN rooms r ON r.room = m.room "
                      "WHERE m.room = $1 AND m.user_name = $2 AND r.deleted_ms = 0"};
const Statement kView{"members.view",
                      select_view("FROM rooms r LEFT JOIN members o ON o.room = r.room AND o.user_name = $2 "
                                  "WHERE r.room = $1 AND r.deleted_ms = 0")};
const Statement kPage{"members.page",
                      "SELECT m.user_name, (SELECT u.display_name FROM users u WHERE u.name = m.user_name), "
                      "m.role, m.joined_ms FROM members m WHERE " PAGE_OF(
                          "m.room", "$1", "m.user_name", "$2") " ORDER BY m.room, m.user_name LIMIT $3"};
const Statement kGet{"member.get",
                     "SELECT m.user_name, u.display_name, m.role, m.joined_ms "
                     "FROM rooms r LEFT JOIN members m ON m.room = r.room AND m.user_name = $2 "
                     "LEFT JOIN users u ON u.name = m.user_name WHERE r.room = $1 AND r.deleted_ms = 0"};
// A ban is the person's. Those of bots alone are from before that was so.
const Statement kBanned{"bans.is_banned",
                        OF_ACCOUNT_OR_PERSON("", "FROM bans b WHERE b.room = $1 AND b.user_name", "$2")};
const Statement kOtherOwner{
    "members.other_owner",
    "SELECT FROM members WHERE room = $1 AND role = 4 AND user_name <> ALL ($2::text[]) LIMIT 1"};
const Statement kAccounts{"members.accounts_of",
                          "SELECT m.user_name, m.role, m.since_seq FROM " ACCOUNTS_OF(
                              "$2") " a CROSS JOIN LATERAL (SELECT * FROM members i WHERE i.room = $1 "
                                    "AND i.user_name = a.name OFFSET 0) m"};
// Between a person and the people in a room; enough for those who are in it themselves.
const Statement kBlockInside{
    "members.block_inside",
    "SELECT EXISTS (SELECT FROM blocks b JOIN members m ON m.room = $1 AND m.user_name = b.blocked "
    "WHERE b.user_name = " OWNER_OF("$2") ") OR "
    "EXISTS (SELECT FROM blocks b JOIN members m ON m.room = $1 AND m.user_name = b.user_name "
    "WHERE b.blocked = " OWNER_OF("$2") ")"};
const Statement kPersonInside{"members.person_inside",
                              "SELECT FROM members WHERE room = $1 AND user_name = " OWNER_OF("$2")};
const Statement kTakenOut{
    "removals.of_person",
    OF_ACCOUNT_OR_PERSON("", "FROM removals v WHERE v.room = $1 AND v.user_name", "$2")};
const Statement kSetRole{"member.set_role",
                         "UPDATE members SET role = $3 WHERE room = $1 AND user_name = $2"};
const Statement kMute{
    "member.mute", "UPDATE members SET muted_until_ms = $3, notify = $4 WHERE room = $1 AND user_name = $2"};
const Statement kBan{
    "bans.add",
    "INSERT INTO bans (room, user_name, by_user, reason, created_ms) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT DO NOTHING"};
const Statement kUnban{"bans.remove",
                       "WITH own AS (DELETE FROM bans WHERE room = $1 AND user_name = $2 "
                       "RETURNING user_name), of_person AS (DELETE FROM bans "
                       "WHERE room = $1 AND user_name = " OWNER_OF("$2")
                       " AND user_name <> $2 RETURNING user_name) "
                       "SELECT user_name FROM own UNION ALL SELECT user_name FROM of_person"};
const Statement kBans{"bans.page", "SELECT user_name, by_user, reason, created_ms FROM bans WHERE " PAGE_OF(
                                       "room", "$1", "user_name", "$2") " ORDER BY room, user_name LIMIT $3"};

Member read_member(const Rows& rows, int row) {
  return {rows.string(row, 0), rows.string(row, 1), rows.as<MemberRole>(row, 2), rows.integer(row, 3)};
}

MetadataFault no_member() {
  return {MetadataError::not_found, "this user is not a member of the room", "member"};
}

MetadataResult<Member> member_of(Change& change, std::string_view room, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kGet, Params(room, user)));
  if (rows.empty() || rows.null(0, 0)) return no_member();
  return read_member(rows, 0);
}

// An account in the room.
struct Place {
  std::string user;
  MemberRole role = MemberRole::none;
  Seq since{0};
};

// Of a person in the room: the account of this name and the bots it owns. Of a bot, itself.
MetadataResult<std::vector<Place>> places_of(Change& change, std::string_view room, std::string_view person) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kAccounts, Params(room, person)));
  std::vector<Place> places;
  places.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row)
    places.push_back({rows.string(row, 0), rows.as<MemberRole>(row, 1),
                      Seq{static_cast<std::uint64_t>(rows.integer(row, 2))}});
  return places;
}

// A room never is without an owner: of these, who are about to be none any more, nobody is the last.
MetadataResult<void> keep_an_owner(Change& change, const Room& room, const std::vector<Place>& going) {
  if (std::ranges::none_of(going, [](const Place& place) { return place.role == MemberRole::owner; }))
    return {};
  std::vector<std::string> names;
  names.reserve(going.size());
  for (const Place& place : going) names.push_back(place.user);
  ASSIGN_OR_RETURN(const Rows other, change.run(kOtherOwner, Params(room.room, names)));
  if (!other.empty()) return {};
  return MetadataFault{MetadataError::conflict,
                       "this is the room's last owner: make somebody else owner first, or delete the room",
                       "member"};
}

MetadataResult<Known> check_known(Change& change, std::string_view user, bool other_than_actor) {
  ASSIGN_OR_RETURN(const std::vector<Known> known,
                   known_users(change, {std::string(user)}, change.actor().user));
  if (known.empty()) return MetadataFault{MetadataError::not_found, "there is no such user", "user"};
  if (other_than_actor && known[0].blocked)
    return MetadataFault{MetadataError::blocked, "one of you has blocked the other", "user"};
  return known[0];
}

}  // namespace

MetadataResult<void> check_own_door(Change& change, const Room& room, std::string_view maker,
                                    std::string_view user) {
  if (change.actor().admin) return {};
  ASSIGN_OR_RETURN(const bool own, same_person(change, maker, user));
  if (!own) return {};
  ASSIGN_OR_RETURN(const Rows inside, change.run(kPersonInside, Params(room.room, user)));
  if (!inside.empty()) return {};
  ASSIGN_OR_RETURN(const Rows taken_out, change.run(kTakenOut, Params(room.room, user)));
  if (!taken_out.empty())
    return MetadataFault{MetadataError::forbidden,
                         "you were removed from this room; let somebody else bring you in", "user"};
  if (room.access == RoomAccess::open) return {};
  ASSIGN_OR_RETURN(const Rows rows, change.run(kBlockInside, Params(room.room, user)));
  if (!rows.boolean(0, 0)) return {};
  return MetadataFault{
      MetadataError::blocked,
      "you and somebody in this room: one has blocked the other; let somebody else bring you in", "user"};
}

namespace {

MetadataResult<void> put_role(Change& change, std::string_view room, const Place& place, MemberRole role) {
  RETURN_IF_FAULT(change.run(kSetRole, Params(room, place.user, role)));
  if (role < place.role)
    RETURN_IF_FAULT(withdraw_invites(change, room, place.user, {.was = place.role, .now = role}));
  const std::string& by = change.actor().user;
  change.fact(MemberPut{.room = std::string(room), .user = place.user, .role = role, .since = place.since});
  change.post(room, Kind::role, place.user, {{"role", role_name(role)}, {"by", by}});
  change.tell(place.user, "room.updated", {{"room", room}, {"role", role_name(role)}, {"by", by}});
  change.audit("member.role", user_target(place.user), room,
               {{"from", role_name(place.role)}, {"to", role_name(role)}});
  return {};
}

// Bots of somebody whom others take rights from: a bot that may do more would give them back.
bool falls_too(const Change& change, const LockedRoom& locked, const Place& bot, MemberRole role) {
  LockedRoom about = locked;
  about.target.role = bot.role;
  return bot.role > std::max(role, MemberRole::member) &&
         allow(change, about, RoomAction::set_role, std::max(role, MemberRole::member)).has_value();
}

// Who loses rights when `user`'s role becomes `role`: the user first, then bots. By one's own will, one loses
// one's own alone.
MetadataResult<std::vector<Place>> losing(Change& change, const LockedRoom& locked, std::string_view user,
                                          MemberRole role) {
  std::vector<Place> all = {{std::string(user), locked.target.role, locked.target.since}};
  if (role >= locked.target.role) return all;
  ASSIGN_OR_RETURN(const bool own_will, same_person(change, user, change.actor().user));
  if (own_will) return all;
  ASSIGN_OR_RETURN(const std::vector<Place> places, places_of(change, locked.room.room, user));
  for (const Place& bot : places)
    if (bot.user != user && falls_too(change, locked, bot, role)) all.push_back(bot);
  return all;
}

// A new member of a locked room, whoever brings it in. Its role is already decided upon.
MetadataResult<Created<Member>> bring_one_in(Change& change, const LockedRoom& locked, std::string_view user,
                                             MemberRole role, const NewMember& member) {
  const Room& room = locked.room;
  ASSIGN_OR_RETURN(const Rows banned, change.run(kBanned, Params(room.room, user)));
  if (!banned.empty())
    return MetadataFault{MetadataError::banned, "this user is banned from the room", "user"};
  const bool sized = member.max_members != 0 && room.kind != RoomKind::channel && !change.actor().admin;
  if (sized && room.members >= member.max_members)
    return MetadataFault{MetadataError::limit,
                         "the room is full: at most " + std::to_string(member.max_members) + " members", ""};
  RETURN_IF_FAULT(forget_removal(change, room.room, user));
  RETURN_IF_FAULT(bring_in(change, room, {{std::string(user), role}}, member.tail));
  ASSIGN_OR_RETURN(Member made, member_of(change, room.room, user));
  return Created<Member>{std::move(made), false, false};
}

MetadataResult<Created<Member>> add_in(Change& change, std::string_view name, const NewMember& member) {
  ASSIGN_OR_RETURN(const auto earlier, change.made_before("member.add"));
  if (earlier) {
    ASSIGN_OR_RETURN(Member there, member_of(change, name, member.user));
    return Created<Member>{std::move(there), true, false};
  }
  if (member.role == MemberRole::none)
    return MetadataFault{MetadataError::invalid, "guest, member, admin or owner", "role"};
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name, member.user));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::add_member, member.role));
  RETURN_IF_FAULT(change.made(member.user));
  if (locked.target.role != MemberRole::none) {
    ASSIGN_OR_RETURN(Member there, member_of(change, name, member.user));
    return Created<Member>{std::move(there), false, true};
  }
  RETURN_IF_FAULT(check_known(change, member.user, !change.actor().admin));
  RETURN_IF_FAULT(check_own_door(change, locked.room, change.actor().user, member.user));
  change.audit("member.add", user_target(member.user), name, {{"role", role_name(member.role)}});
  return bring_one_in(change, locked, member.user, member.role, member);
}

// The ban of an account is the ban of the person behind it, and reaches all of that person's accounts.
MetadataResult<void> ban_in(Change& change, std::string_view name, std::string_view user,
                            std::string_view reason) {
  ASSIGN_OR_RETURN(LockedRoom locked, lock_room(change, name, user));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::ban));
  ASSIGN_OR_RETURN(const Known known, check_known(change, user, false));
  ASSIGN_OR_RETURN(const bool oneself, same_person(change, user, change.actor().user));
  if (oneself && user == change.actor().user)
    return MetadataFault{MetadataError::invalid, "you cannot ban yourself; leave the room", "user"};
  if (oneself)
    return MetadataFault{MetadataError::invalid, "this is one of your own accounts; remove it instead",
                         "user"};
  ASSIGN_OR_RETURN(const std::vector<Place> places, places_of(change, name, known.owner));
  for (const Place& place : places) {
    locked.target.role = place.role;
    RETURN_IF_FAULT(allow(change, locked, RoomAction::ban));
  }
  RETURN_IF_FAULT(keep_an_owner(change, locked.room, places));
  ASSIGN_OR_RETURN(const Rows added,
                   change.run(kBan, Params(name, known.owner, change.actor().user, reason, change.now_ms())));
  for (const Place& place : places)
    RETURN_IF_FAULT(take_out(change, locked.room, place.user, place.role, "banned"));
  if (added.affected() != 0)
    change.audit("member.ban", user_target(user), name, {{"reason", reason}, {"person", known.owner}});
  return {};
}

MetadataResult<void> remove_in(Change& change, std::string_view name, std::string_view user) {
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name, user));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::remove_member));
  if (locked.target.role == MemberRole::none) return no_member();
  ASSIGN_OR_RETURN(const std::vector<Place> places, losing(change, locked, user, MemberRole::none));
  RETURN_IF_FAULT(keep_an_owner(change, locked.room, places));
  for (std::size_t bot = 1; bot < places.size(); ++bot)
    RETURN_IF_FAULT(put_role(change, name, places[bot], MemberRole::member));
  change.audit("member.remove", user_target(user), name);
  return take_out(change, locked.room, user, locked.target.role,
                  user == change.actor().user ? "left" : "removed");
}

MetadataResult<Member> set_role_in(Change& change, std::string_view name, std::string_view user,
                                   MemberRole role) {
  if (role == MemberRole::none)
    return MetadataFault{MetadataError::invalid, "guest, member, admin or owner", "role"};
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name, user));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::set_role, role, user == change.actor().user));
  if (locked.target.role == MemberRole::none) return no_member();
  if (locked.target.role == role) return member_of(change, name, user);
  ASSIGN_OR_RETURN(const std::vector<Place> places, losing(change, locked, user, role));
  if (role < MemberRole::owner) RETURN_IF_FAULT(keep_an_owner(change, locked.room, places));
  RETURN_IF_FAULT(put_role(change, name, places[0], role));
  for (std::size_t bot = 1; bot < places.size(); ++bot)
    RETURN_IF_FAULT(put_role(change, name, places[bot], std::max(role, MemberRole::member)));
  return member_of(change, name, user);
}

MetadataResult<OwnMembership> mute_in(Change& change, std::string_view name, const MuteSettings& to) {
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name));
  OwnMembership own = locked.actor;
  if (own.role == MemberRole::none)
    return MetadataFault{MetadataError::not_member, "you are not a member of this room", ""};
  if (to.muted_until_ms) own.muted_until_ms = *to.muted_until_ms;
  if (to.notify) own.notify = *to.notify;
  if (own.muted_until_ms == locked.actor.muted_until_ms && own.notify == locked.actor.notify) return own;
  const std::string& user = change.actor().user;
  RETURN_IF_FAULT(change.run(kMute, Params(name, user, own.muted_until_ms, own.notify)));
  change.tell(user, "room.updated",
              {{"room", name}, {"muted_until", own.muted_until_ms}, {"notify", to_string(own.notify)}});
  return own;
}

}  // namespace

MetadataResult<Created<Member>> come_in(Change& change, const LockedRoom& locked, const NewMember& member) {
  const std::string& user = change.actor().user;
  if (locked.actor.role != MemberRole::none) {
    ASSIGN_OR_RETURN(Member there, member_of(change, locked.room.room, user));
    return Created<Member>{std::move(there), false, true};
  }
  RETURN_IF_FAULT(check_known(change, user, false));
  return bring_one_in(change, locked, user, member.role, member);
}

MetadataResult<MemberRole> PostgresMembers::role_of(std::string_view room, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kRole, Params(room, user)));
  return rows.empty() ? MemberRole::none : rows.as<MemberRole>(0, 0);
}

MetadataResult<MembersPage> PostgresMembers::list(std::string_view room, std::string_view caller,
                                                  const PageRequest& page) {
  const Params view(room, caller);
  const Params members(room, page.after, page_limit(page) + 1);
  const Connection::Query queries[] = {{kView, view}, {kPage, members}};
  ASSIGN_OR_RETURN(const std::vector<Rows> rows, store_.read_together(queries));
  if (rows[0].empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  return MembersPage{make_page<Member>(rows[1], page, read_member, [](const Member& m) { return m.user; }),
                     read_room_view(rows[0], 0, caller)};
}

MetadataResult<Member> PostgresMembers::get(std::string_view room, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kGet, Params(room, user)));
  if (rows.empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  if (rows.null(0, 0)) return no_member();
  return read_member(rows, 0);
}

MetadataResult<Created<Member>> PostgresMembers::add(const Actor& actor, std::string_view room,
                                                     const NewMember& member) {
  return store_.change(actor, [&](Change& change) { return add_in(change, room, member); });
}

MetadataResult<Created<Member>> PostgresMembers::join(const Actor& actor, std::string_view room,
                                                      const NewMember& member) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<Created<Member>> {
    ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, room));
    if (locked.actor.role == MemberRole::none) RETURN_IF_FAULT(allow(change, locked, RoomAction::join));
    NewMember self = member;
    self.role = MemberRole::member;
    return come_in(change, locked, self);
  });
}

MetadataResult<void> PostgresMembers::leave(const Actor& actor, std::string_view room) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, room));
    RETURN_IF_FAULT(allow(change, locked, RoomAction::leave));
    RETURN_IF_FAULT(keep_an_owner(change, locked.room, {{actor.user, locked.actor.role, {}}}));
    return take_out(change, locked.room, actor.user, locked.actor.role, "left");
  });
}

MetadataResult<void> PostgresMembers::remove(const Actor& actor, std::string_view room,
                                             std::string_view user) {
  if (user == actor.user && !actor.admin) return leave(actor, room);
  return store_.change(actor, [&](Change& change) { return remove_in(change, room, user); });
}

MetadataResult<Member> PostgresMembers::set_role(const Actor& actor, std::string_view room,
                                                 std::string_view user, MemberRole role) {
  return store_.change(actor, [&](Change& change) { return set_role_in(change, room, user, role); });
}

MetadataResult<OwnMembership> PostgresMembers::mute(const Actor& actor, std::string_view room,
                                                    const MuteSettings& to) {
  return store_.change(actor, [&](Change& change) { return mute_in(change, room, to); });
}

MetadataResult<void> PostgresMembers::ban(const Actor& actor, std::string_view room, std::string_view user,
                                          std::string_view reason) {
  return store_.change(actor, [&](Change& change) { return ban_in(change, room, user, reason); });
}

MetadataResult<void> PostgresMembers::unban(const Actor& actor, std::string_view room,
                                            std::string_view user) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, room));
    RETURN_IF_FAULT(allow(change, locked, RoomAction::unban));
    ASSIGN_OR_RETURN(const Rows gone, change.run(kUnban, Params(room, user)));
    if (gone.empty())
      return MetadataFault{MetadataError::not_found, "this user is not banned from the room", "user"};
    for (int row = 0; row < gone.size(); ++row)
      RETURN_IF_FAULT(forget_removal(change, room, gone.text(row, 0)));
    change.audit("member.unban", user_target(user), room);
    return {};
  });
}

MetadataResult<Page<Ban>> PostgresMembers::bans(const Actor& actor, std::string_view room,
                                                const PageRequest& page) {
  const Params view(room, actor.user);
  const Params bans(room, page.after, page_limit(page) + 1);
  const Connection::Query queries[] = {{kView, view}, {kBans, bans}};
  ASSIGN_OR_RETURN(const std::vector<Rows> rows, store_.read_together(queries));
  if (rows[0].empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  RETURN_IF_FAULT(allow(actor, read_room_view(rows[0], 0, actor.user), RoomAction::list_bans));
  return make_page<Ban>(
      rows[1], page,
      [](const Rows& r, int row) {
        return Ban{r.string(row, 0), r.string(row, 1), r.string(row, 2), r.integer(row, 3)};
      },
      [](const Ban& ban) { return ban.user; });
}

}  // namespace parley::storage::postgres
