// What rooms, members and invites share: reading rows, locking a room, bringing members in and taking them
// out. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_ROOM_ROWS_H_
#define PARLEY_STORAGE_POSTGRES_ROOM_ROWS_H_

#include <string>
#include <vector>

#include "storage/metadata_rooms.h"
#include "storage/postgres/change.h"

namespace parley::storage::postgres {

// Columns of a room `r`, for the reader below; and of the caller's membership `o`, which may be NULL.
inline constexpr char kRoomColumns[] =
    "r.room, r.kind, r.name, r.topic, r.access, r.history, r.status, r.guests_post, r.pin_role, r.limits, "
    "r.members, "
    "r.version, r.creator, r.created_ms, r.pair_low, r.pair_high";
inline constexpr int kRoomColumnCount = 16;
inline constexpr char kOwnColumns[] = "o.role, o.since_seq, o.joined_ms, o.muted_until_ms, o.notify";

Room read_room(const Rows& rows, int row);
OwnMembership read_own(const Rows& rows, int row, int first_column);
// kRoomColumns, kOwnColumns.
RoomView read_room_view(const Rows& rows, int row, std::string_view caller);
// "r" and "o" joined for one caller: for statements that start with it.
std::string select_view(std::string_view from_where);

inline std::string room_target(std::string_view room) { return "room:" + std::string(room); }
inline std::string user_target(std::string_view user) { return "user:" + std::string(user); }
std::string_view role_name(MemberRole role);

// A room whose row is locked until the end of the transaction, so that what is decided about it stays true.
struct LockedRoom {
  Room room;
  OwnMembership actor;
  OwnMembership target;  // of the user it is about; role none: no member
};
// `not_found` when there is no such room. `target` may be empty.
MetadataResult<LockedRoom> lock_room(Change& change, std::string_view room, std::string_view target = {});
// The policy's verdict as a fault.
MetadataResult<void> allow(const Change& change, const LockedRoom& locked, RoomAction action,
                           MemberRole role = MemberRole::none, bool self = false);
MetadataResult<void> allow(const Actor& actor, const RoomView& view,
                           RoomAction action);  // as it was just read
MetadataResult<void> check_version(const std::optional<std::uint64_t>& wanted, std::uint64_t is);

RoomPut room_fact(const Room& room);

struct Newcomer {
  std::string user;
  MemberRole role = MemberRole::member;
};
// Inserts them, counts them, and says so to brokers, room and users. They are active users and no members
// yet. `with_joins`: as events of the room too.
MetadataResult<void> bring_in(Change& change, const Room& room, const std::vector<Newcomer>& newcomers,
                              Seq since, bool with_joins = true);
// When a member's role falls: takes back the invites of theirs that they could not make any more, and those
// of others that make staff and that they could see until now and could not make any more, because they may
// have kept the codes.
struct RoleLoss {
  MemberRole was = MemberRole::none;
  MemberRole now = MemberRole::none;
};
MetadataResult<void> withdraw_invites(Change& change, std::string_view room, std::string_view user,
                                      const RoleLoss& loss);
// Invites go too, as above; `was` is their role until now. `reason`: left (by their own will), removed,
// banned. Whom others take out, no invite from before brings back.
MetadataResult<void> take_out(Change& change, const Room& room, std::string_view user, MemberRole was,
                              std::string_view reason);
// That others took this account, and the bots it owns, out of the room counts no more.
MetadataResult<void> forget_removal(Change& change, std::string_view room, std::string_view user);

// Of those names, the active users, locked against their removal; who is behind each, and whether either side
// blocks the other: that person, and the one behind `actor`.
struct Known {
  std::string user;
  bool blocked = false;
  std::string owner;  // oneself, when it is no bot
};
MetadataResult<std::vector<Known>> known_users(Change& change, const std::vector<std::string>& names,
                                               std::string_view actor);

// A change in a room of more members than this is told in the room only, not to each account.
inline constexpr std::uint32_t kToldMembers = 1000;
// Nor one that would be larger than this told to each: the feed takes a change in one packet of less than
// twice as much, and what is larger makes it send everything anew.
inline constexpr std::size_t kToldBytes = 200 << 10;
inline constexpr std::size_t kToldBytesBeside =
    120;  // of each operation: the user, the type, what encloses it
// Tells each member of a room of modest size.
MetadataResult<void> tell_members(Change& change, const Room& room, std::string_view type,
                                  const boost::json::object& event);

// Random, of 32 letters and digits that are not mixed up (5 bits each).
std::string random_name(std::size_t length);

}  // namespace parley::storage::postgres

#endif
