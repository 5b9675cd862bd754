#include "storage/postgres/paging.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/rooms.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

#define INVITE_COLUMNS "i.code, i.room, i.role, i.by_user, i.created_ms, i.expires_ms, i.uses_left"

const Statement kInsert{"invite.insert",
                        "INSERT INTO invites (code, room, role, by_user, created_ms, expires_ms, uses_left) "
                        "VALUES ($1, $2, $3, $4, $5, $6, nullif($7, 0)) "};
const Statement kGet{"invite.get", "SELECT " INVITE_COLUMNS " FROM invites i WHERE i.code = $1"};
const Statement kLock{"invite.lock", "SELECT " INVITE_COLUMNS " FROM invites i WHERE i.code = $1 FOR UPDATE"};
const Statement kPage{
    "invites.page", "SELECT " INVITE_COLUMNS " FROM invites i WHERE " PAGE_OF("i.room", "$1", "i.code", "$2")
                        ALSO("(i.expires_ms = 0 OR i.expires_ms > $4) AND (i.uses_left IS NULL OR "
                             "i.uses_left > 0) AND i.role <= $5") "ORDER BY i.room, i.code LIMIT $3"};
const Statement kView{"invites.view",
                      select_view("FROM rooms r LEFT JOIN members o ON o.room = r.room AND o.user_name = $2 "
                                  "WHERE r.room = $1 AND r.deleted_ms = 0")};
// The room, the caller's place, and what the invite is worth to this caller; kInviteColumn and those after
// it.
const Statement kLookUp{
    "invite.look_up",
    std::string("SELECT ") + kRoomColumns + ", " + kOwnColumns +
        ", i.role, w.name IS NULL, w.status = 0, w.admin, m.role, "
        "EXISTS (" OF_ACCOUNT_OR_PERSON("", "FROM bans b WHERE b.room = r.room AND b.user_name", "$2") "), "
        "EXISTS (SELECT FROM blocks b WHERE b.user_name = coalesce(w.owner, w.name) AND b.blocked = "
        OWNER_OF("$2") ") OR "
        "EXISTS (SELECT FROM blocks b WHERE b.user_name = " OWNER_OF("$2")
        " AND b.blocked = coalesce(w.owner, w.name)), "
        "EXISTS (" OF_ACCOUNT_OR_PERSON("", "FROM removals v WHERE v.room = r.room "
        "AND v.removed_ms > i.created_ms "
        "AND v.user_name", "$2") ") "
        "FROM invites i JOIN rooms r ON r.room = i.room "
        "LEFT JOIN members o ON o.room = r.room AND o.user_name = $2 "
        "LEFT JOIN users w ON w.name = i.by_user "
        "LEFT JOIN members m ON m.room = r.room AND m.user_name = i.by_user "
        "WHERE i.code = $1 AND r.deleted_ms = 0 "
        "AND (i.expires_ms = 0 OR i.expires_ms > $3) AND (i.uses_left IS NULL OR i.uses_left > 0)"};
constexpr int kInviteColumn = kRoomColumnCount + 5;  // after kOwnColumns
const Statement kUse{"invite.use", "UPDATE invites SET uses_left = uses_left - 1 WHERE code = $1"};
const Statement kRemove{"invite.remove", "DELETE FROM invites WHERE room = $1 AND code = $2 AND role <= $3"};

Invite read_invite(const Rows& rows, int row) {
  Invite invite;
  invite.code = rows.string(row, 0);
  invite.room = rows.string(row, 1);
  invite.role = rows.as<MemberRole>(row, 2);
  invite.by = rows.string(row, 3);
  invite.created_ms = rows.integer(row, 4);
  invite.expires_ms = rows.integer(row, 5);
  invite.limited = !rows.null(row, 6);
  invite.uses_left = static_cast<std::uint32_t>(rows.integer(row, 6));
  return invite;
}

// An invite is its maker bringing somebody in: it counts while the maker could still do so.
struct Offer {
  RoomView view;
  bool stands = false;   // the maker could still give this role, and the caller was not taken out since
  bool banned = false;   // the caller, from the room
  bool blocked = false;  // the maker and the caller, one by the other
  bool member() const { return view.own.role != MemberRole::none; }
};

Offer read_offer(const Rows& rows, int row, std::string_view caller) {
  Offer offer;
  offer.view = read_room_view(rows, row, caller);
  const auto role = rows.as<MemberRole>(row, kInviteColumn);
  const bool service = rows.boolean(row, kInviteColumn + 1);
  const bool active = rows.boolean(row, kInviteColumn + 2);
  const bool site_admin = service || rows.boolean(row, kInviteColumn + 3);
  const MemberRole maker =
      rows.null(row, kInviteColumn + 4) ? MemberRole::none : rows.as<MemberRole>(row, kInviteColumn + 4);
  const bool removed_since = rows.boolean(row, kInviteColumn + 7);
  offer.stands = (service || active) && role <= highest_given(maker, site_admin) && !removed_since;
  offer.banned = rows.boolean(row, kInviteColumn + 5);
  offer.blocked = rows.boolean(row, kInviteColumn + 6);
  return offer;
}

MetadataFault no_invite() {
  return {MetadataError::not_found, "this invite does not exist, has expired or is used up", "invite"};
}

MetadataResult<Created<Invite>> create_in(Change& change, std::string_view name, const NewInvite& wanted) {
  ASSIGN_OR_RETURN(const auto earlier, change.made_before("invite.create"));
  if (earlier) {
    ASSIGN_OR_RETURN(const Rows rows, change.run(kGet, Params(*earlier)));
    if (rows.empty()) return no_invite();
    return Created<Invite>{read_invite(rows, 0), true, false};
  }
  ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, name));
  RETURN_IF_FAULT(allow(change, locked, RoomAction::invite, wanted.role));
  if (wanted.role == MemberRole::none || wanted.role == MemberRole::owner)
    return MetadataFault{MetadataError::invalid, "an invite gives the role guest, member or admin", "role"};
  if (wanted.expires_ms != 0 && wanted.expires_ms <= change.now_ms())
    return MetadataFault{MetadataError::invalid, "the invite would have expired already", "expires_in"};
  const std::string code = random_name(24);
  RETURN_IF_FAULT(change.run(kInsert, Params(code, name, wanted.role, change.actor().user, change.now_ms(),
                                             wanted.expires_ms, wanted.uses)));
  change.audit("invite.create", room_target(name), name,
               {{"role", role_name(wanted.role)}, {"uses", wanted.uses}, {"expires_ms", wanted.expires_ms}});
  RETURN_IF_FAULT(change.made(code));
  ASSIGN_OR_RETURN(const Rows rows, change.run(kGet, Params(code)));
  if (rows.empty()) return no_invite();
  return Created<Invite>{read_invite(rows, 0), false, false};
}

MetadataResult<Created<RoomView>> accept_in(Change& change, std::string_view code, const NewMember& member) {
  // The room's row is locked before the invite's, as everywhere.
  ASSIGN_OR_RETURN(const Rows found, change.run(kGet, Params(code)));
  if (found.empty()) return no_invite();
  const std::string name = found.string(0, 1);
  auto locked = lock_room(change, name);
  if (!locked) return locked.error().code == MetadataError::not_found ? no_invite() : locked.error();
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLock, Params(code)));
  if (rows.empty()) return no_invite();
  const Invite invite = read_invite(rows, 0);
  const bool member_already = locked->actor.role != MemberRole::none;
  if (!member_already) {
    if (invite.expires_ms != 0 && invite.expires_ms <= change.now_ms()) return no_invite();
    if (invite.limited && invite.uses_left == 0) return no_invite();
    ASSIGN_OR_RETURN(const Rows offered,
                     change.run(kLookUp, Params(code, change.actor().user, change.now_ms())));
    if (offered.empty()) return no_invite();
    const Offer offer = read_offer(offered, 0, change.actor().user);
    if (!offer.stands && !offer.banned) return no_invite();  // the banned are told that they are
    if (offer.blocked && !offer.banned && !change.actor().admin)
      return MetadataFault{MetadataError::blocked,
                           "you and the maker of this invite: one has blocked the other", "invite"};
    RETURN_IF_FAULT(check_own_door(change, locked->room, invite.by, change.actor().user));
    NewMember self = member;
    self.role = invite.role;
    RETURN_IF_FAULT(come_in(change, *locked, self));
    if (invite.limited) RETURN_IF_FAULT(change.run(kUse, Params(code)));
    change.audit("invite.accept", room_target(name), name, {{"by", invite.by}});
  }
  ASSIGN_OR_RETURN(const Rows view, change.run(kView, Params(name, change.actor().user)));
  if (view.empty()) return no_invite();
  return Created<RoomView>{read_room_view(view, 0, change.actor().user), false, member_already};
}

}  // namespace

MetadataResult<Created<Invite>> PostgresInvites::create(const Actor& actor, std::string_view room,
                                                        const NewInvite& invite) {
  return store_.change(actor, [&](Change& change) { return create_in(change, room, invite); });
}

MetadataResult<Page<Invite>> PostgresInvites::list(const Actor& actor, std::string_view room,
                                                   const PageRequest& page) {
  ASSIGN_OR_RETURN(const Rows found, store_.read(kView, Params(room, actor.user)));
  if (found.empty()) return MetadataFault{MetadataError::not_found, "there is no such room", "room"};
  const RoomView view = read_room_view(found, 0, actor.user);
  RETURN_IF_FAULT(allow(actor, view, RoomAction::invite));
  const MemberRole highest = highest_given(view.own.role, actor.admin);
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kPage, Params(room, page.after, page_limit(page) + 1,
                                                              store_.now_ms(), highest)));
  return make_page<Invite>(rows, page, read_invite, [](const Invite& invite) { return invite.code; });
}

MetadataResult<void> PostgresInvites::remove(const Actor& actor, std::string_view room,
                                             std::string_view code) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    ASSIGN_OR_RETURN(const LockedRoom locked, lock_room(change, room));
    RETURN_IF_FAULT(allow(change, locked, RoomAction::invite));
    const MemberRole highest = highest_given(locked.actor.role, actor.admin);
    ASSIGN_OR_RETURN(const Rows gone, change.run(kRemove, Params(room, code, highest)));
    if (gone.affected() == 0) return no_invite();
    change.audit("invite.remove", room_target(room), room);
    return {};
  });
}

MetadataResult<RoomView> PostgresInvites::look_up(std::string_view code, std::string_view caller) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kLookUp, Params(code, caller, store_.now_ms())));
  if (rows.empty()) return no_invite();
  Offer offer = read_offer(rows, 0, caller);
  if (!offer.member() && (!offer.stands || offer.banned || offer.blocked)) return no_invite();
  return std::move(offer.view);
}

MetadataResult<Created<RoomView>> PostgresInvites::accept(const Actor& actor, std::string_view code,
                                                          const NewMember& member) {
  return store_.change(actor, [&](Change& change) { return accept_in(change, code, member); });
}

}  // namespace parley::storage::postgres
