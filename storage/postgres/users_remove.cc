// The end of an account. What must hold at once is one transaction; taking the user out of its rooms, which
// may be thousands, follows in small ones and is taken up again by the sweep if it is cut short.
#include "storage/postgres/accounts.h"
#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/rooms.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

constexpr int kRoomsAtOnce = 100;

// FOR UPDATE, unlike elsewhere: it waits for those who are bringing this user into a room.
const Statement kLockToRemove{"user.lock_to_remove", std::string("SELECT ") + kUserColumns +
                                                         " FROM users u WHERE u.name = $1 AND u.status <> 2 "
                                                         "FOR UPDATE"};
const Statement kRemove{
    "user.remove",
    "UPDATE users SET status = 2, leaving = true, admin = false, display_name = '', about = '', "
    "tokens_after_s = $2, version = version + 1 WHERE name = $1"};
const Statement kForget[] = {
    {"user.forget_credential", "DELETE FROM credentials WHERE user_name = $1"},
    {"user.forget_identities", "DELETE FROM identities WHERE user_name = $1"},
    {"user.forget_tokens", "DELETE FROM api_tokens WHERE user_name = $1"},
    {"user.forget_devices", "DELETE FROM push_devices WHERE user_name = $1"},
    {"user.forget_contacts", "DELETE FROM contacts WHERE user_name = $1"},
    {"user.forget_as_contact", "DELETE FROM contacts WHERE other = $1"},
    {"user.forget_blocks", "DELETE FROM blocks WHERE user_name = $1"},
    {"user.forget_as_blocked", "DELETE FROM blocks WHERE blocked = $1"},
};
const Statement kBots{"user.bots", "SELECT name FROM users WHERE owner = $1 AND status <> 2 ORDER BY name"};
const Statement kNextRooms{
    "user.next_rooms", "SELECT room FROM members WHERE " PAGE_OF("user_name", "$1", "room",
                                                                 "''") " ORDER BY user_name, room LIMIT $2"};
const Statement kLeft{"user.left", "UPDATE users SET leaving = false WHERE name = $1"};
const Statement kOwners{"members.owner_beside",
                        "SELECT FROM members WHERE room = $1 AND role = 4 AND user_name <> $2 LIMIT 1"};
// People who can do something about it come first: a room must not go to who is blocked, or to a bot, while
// there is somebody else. Asked about one after the other, in their order, until there is one.
#define HEIRS                                                                                   \
  "SELECT user_name, since_seq FROM members WHERE room = $1 AND user_name <> $2 AND role >= 2 " \
  "ORDER BY role DESC, joined_ms, user_name "
const Statement kHeir{"members.heir",
                      "SELECT h.user_name, h.since_seq FROM (" HEIRS
                      "OFFSET 0) h WHERE "
                      "(SELECT u.status = 0 AND u.role = 0 FROM users u WHERE u.name = h.user_name) LIMIT 1"};
const Statement kAnyHeir{"members.any_heir", HEIRS "LIMIT 1"};
const Statement kPromote{"member.promote", "UPDATE members SET role = 4 WHERE room = $1 AND user_name = $2"};
const Statement kDropMember{"member.drop", "DELETE FROM members WHERE room = $1 AND user_name = $2"};

// Somebody has to own it from now on, or nobody is left.
MetadataResult<bool> hand_over(Change& change, const Room& room, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows owners, change.run(kOwners, Params(room.room, user)));
  if (!owners.empty()) return true;
  ASSIGN_OR_RETURN(Rows heir, change.run(kHeir, Params(room.room, user)));
  if (heir.empty()) {
    ASSIGN_OR_RETURN(heir, change.run(kAnyHeir, Params(room.room, user)));
  }
  if (heir.empty()) return false;
  RETURN_IF_FAULT(change.run(kPromote, Params(room.room, heir.text(0, 0))));
  change.fact(MemberPut{.room = room.room,
                        .user = heir.string(0, 0),
                        .role = MemberRole::owner,
                        .since = Seq{static_cast<std::uint64_t>(heir.integer(0, 1))}});
  change.post(room.room, Kind::role, heir.text(0, 0), {{"role", "owner"}, {"by", user}});
  change.tell(heir.text(0, 0), "room.updated", {{"room", room.room}, {"role", "owner"}, {"by", user}});
  return true;
}

MetadataResult<void> leave_one(Change& change, std::string_view name, std::string_view user) {
  auto locked = lock_room(change, name, user);
  if (!locked && locked.error().code != MetadataError::not_found) return locked.error();
  if (!locked) {  // the room is deleted
    RETURN_IF_FAULT(change.run(kDropMember, Params(name, user)));
    return {};
  }
  if (locked->target.role == MemberRole::none) return {};
  // Of a direct room the other half stays: what was written there is the other user's, too.
  if (locked->target.role == MemberRole::owner && locked->room.kind != RoomKind::direct) {
    ASSIGN_OR_RETURN(const bool owned, hand_over(change, locked->room, user));
    if (!owned) RETURN_IF_FAULT(remove_locked_room(change, locked->room));
  }
  return take_out(change, locked->room, user, locked->target.role, "left");
}

// The user and the bots it owns; all of them go into `removed`.
MetadataResult<void> remove_in(Store& store, Change& change, const std::string& name,
                               std::optional<std::uint64_t> if_version, std::vector<std::string>& removed) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLockToRemove, Params(name)));
  if (rows.empty()) return no_user();
  const User user = read_user(rows, 0);
  if (removed.empty()) RETURN_IF_FAULT(allow_owner(change.actor(), user));
  RETURN_IF_FAULT(check_version(if_version, user.version));
  RETURN_IF_FAULT(keep_an_admin(change, user));
  RETURN_IF_FAULT(revoke_sessions(store, change, name, "", "deleted"));
  for (const Statement& forget : kForget) RETURN_IF_FAULT(change.run(forget, Params(name)));
  RETURN_IF_FAULT(change.run(kRemove, Params(name, change.now_s())));
  change.fact(UserRemove{.user = name});
  change.audit("user.remove", user_target(name));
  removed.push_back(name);
  ASSIGN_OR_RETURN(const Rows bots, change.run(kBots, Params(name)));
  for (int row = 0; row < bots.size(); ++row)
    RETURN_IF_FAULT(remove_in(store, change, bots.string(row, 0), {}, removed));
  return {};
}

}  // namespace

MetadataResult<void> leave_all_rooms(Store& store, const Actor& actor, std::string_view user,
                                     Deadline until) {
  while (Clock::now() < until) {
    bool last = false;
    MetadataResult<void> some = store.change(actor, [&](Change& change) -> MetadataResult<void> {
      ASSIGN_OR_RETURN(const Rows rooms, change.run(kNextRooms, Params(user, kRoomsAtOnce)));
      for (int row = 0; row < rooms.size(); ++row)
        RETURN_IF_FAULT(leave_one(change, rooms.text(row, 0), user));
      last = rooms.size() < kRoomsAtOnce;
      if (last) RETURN_IF_FAULT(change.run(kLeft, Params(user)));
      return {};
    });
    if (!some) return some;
    if (last) break;
  }
  return {};
}

MetadataResult<void> PostgresUsers::remove(const Actor& actor, std::string_view name,
                                           std::optional<std::uint64_t> if_version) {
  const Deadline until = store_.deadline();
  std::vector<std::string> removed;
  RETURN_IF_FAULT(store_.change(actor, [&](Change& change) {
    removed.clear();
    return remove_in(store_, change, std::string(name), if_version, removed);
  }));
  for (const std::string& user : removed) {
    Actor self = actor;
    self.user = user;
    self.once = {};
    // The account is gone; what is left is done by the sweep if it cannot be done now.
    (void)leave_all_rooms(store_, self, user, until);
  }
  return {};
}

}  // namespace parley::storage::postgres
