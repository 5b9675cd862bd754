// Who may do what in a room: one pure table, asked by the REST handlers for an early answer and by the
// metadata store again inside the transaction that makes the change. Any thread.
#ifndef PARLEY_SCHEMAS_ROOM_POLICY_H_
#define PARLEY_SCHEMAS_ROOM_POLICY_H_

#include <cstdint>
#include <string_view>

#include "schemas/control.h"

namespace parley {

enum class RoomAction : std::uint8_t {
  view,           // the room's settings; of a public channel also those who are not members
  list_members,   //
  join,           // by oneself, without an invite
  leave,          //
  update,         // name, topic, access, history, status, guests, pin
  remove,         // the room itself, for good
  add_member,     // `role` is the new member's
  remove_member,  // `target` is the member's role
  ban,            // as remove_member; `target` is none when it is not a member
  unban,          //
  list_bans,      //
  set_role,       // from `target` to `role`
  invite,         // make, list and withdraw invites; `role` is the one an invite gives
};

// Who may come in by oneself. JSON "access": "public" | "private". Groups and direct rooms are always
// private.
enum class RoomAccess : std::uint8_t { open, invite };

struct RoomQuestion {
  RoomAction action = RoomAction::view;
  RoomKind kind = RoomKind::channel;
  RoomAccess access = RoomAccess::invite;
  MemberRole actor = MemberRole::none;   // of who asks; none: not a member
  bool site_admin = false;               // of the whole server: may do everything that makes sense
  MemberRole target = MemberRole::none;  // of the member it is about
  MemberRole role = MemberRole::none;    // wanted
  bool self = false;                     // the member it is about is who asks
};

// `why` is empty when allowed, otherwise a sentence for people.
struct RoomVerdict {
  bool allowed = false;
  std::string_view why;
  constexpr explicit operator bool() const { return allowed; }
};

namespace room_policy_internal {

inline constexpr RoomVerdict kYes{true, ""};
constexpr RoomVerdict no(std::string_view why) { return {false, why}; }

// Admins handle those below them; owners handle everybody, other owners too.
constexpr bool outranks(const RoomQuestion& q) {
  return q.site_admin || q.actor == MemberRole::owner ||
         (q.actor == MemberRole::admin && q.target < MemberRole::admin);
}
constexpr bool may_grant(const RoomQuestion& q) {
  return q.site_admin || q.actor == MemberRole::owner ||
         (q.actor == MemberRole::admin && q.role < MemberRole::admin);
}

// What a direct room has none of: its two members are there for good, as equals.
constexpr bool fixed_in_direct(RoomAction action) {
  switch (action) {
    case RoomAction::view:
    case RoomAction::list_members:
    case RoomAction::list_bans:
    case RoomAction::remove:
      return false;
    default:
      return true;
  }
}

}  // namespace room_policy_internal

constexpr RoomVerdict may(const RoomQuestion& q) {
  using namespace room_policy_internal;
  const bool closes = q.site_admin && q.action == RoomAction::update;  // archives it, limits it
  if (q.kind == RoomKind::direct && fixed_in_direct(q.action) && !closes)
    return no("a direct room stays as it is; block the other user to end it");
  const bool member = q.actor != MemberRole::none;
  const bool staff = q.site_admin || q.actor >= MemberRole::admin;
  switch (q.action) {
    case RoomAction::view:
      return member || q.site_admin || q.access == RoomAccess::open ? kYes
                                                                    : no("you are not a member of this room");
    case RoomAction::list_members:
      return member || q.site_admin ? kYes : no("you are not a member of this room");
    case RoomAction::join:
      return q.site_admin || q.access == RoomAccess::open ? kYes : no("this room needs an invite");
    case RoomAction::leave:
      return member ? kYes : no("you are not a member of this room");
    case RoomAction::update:
    case RoomAction::list_bans:
    case RoomAction::unban:
      return staff ? kYes : no("only admins and owners of the room may do this");
    case RoomAction::remove:
      return q.site_admin || q.actor == MemberRole::owner ? kYes : no("only an owner may delete the room");
    case RoomAction::add_member:
    case RoomAction::invite:
      if (!staff) return no("only admins and owners of the room may bring somebody in");
      return may_grant(q) ? kYes : no("only an owner may make somebody admin or owner");
    case RoomAction::remove_member:
    case RoomAction::ban:
      if (!staff) return no("only admins and owners of the room may do this");
      return outranks(q) ? kYes : no("only an owner may do this to an admin or owner");
    case RoomAction::set_role:
      if (q.self && q.role != MemberRole::none && q.role < q.target) return kYes;  // stepping down
      if (!staff) return no("only admins and owners of the room may change roles");
      if (!outranks(q)) return no("only an owner may change the role of an admin or owner");
      return may_grant(q) ? kYes : no("only an owner may make somebody admin or owner");
  }
  return no("unknown action");
}

// The highest role that somebody with this one in a room may give by an invite; none: may give none. Whose
// invites one may not make, one does not see either.
constexpr MemberRole highest_given(MemberRole actor, bool site_admin = false) {
  for (const MemberRole role : {MemberRole::owner, MemberRole::admin, MemberRole::member, MemberRole::guest})
    if (may({.action = RoomAction::invite, .actor = actor, .site_admin = site_admin, .role = role}))
      return role;
  return MemberRole::none;
}

}  // namespace parley

#endif
