// Metadata of rooms: settings, members, bans, invites. Threads and failure as in metadata_accounts.h. Whether
// the actor may do it is decided by schemas/room_policy.h inside the transaction, with the room's row locked.
#ifndef PARLEY_STORAGE_METADATA_ROOMS_H_
#define PARLEY_STORAGE_METADATA_ROOMS_H_

#include "storage/metadata_types.h"

namespace parley::storage {

std::string_view to_string(RoomAccess access);  // "public", "private"
std::optional<RoomAccess> parse_room_access(std::string_view text);

enum class Notify : std::uint8_t { all, mentions, none };
std::string_view to_string(Notify notify);
std::optional<Notify> parse_notify(std::string_view text);

struct Room {
  std::string room;
  RoomKind kind = RoomKind::channel;
  std::string name;
  std::string topic;
  RoomAccess access = RoomAccess::invite;
  RoomHistory history = RoomHistory::all;
  RoomStatus status = RoomStatus::active;
  bool guests_post = false;
  MemberRole pin_role = MemberRole::admin;
  std::string limits = "default";
  std::uint32_t members = 0;
  std::uint64_t version = 0;  // of the settings: the ETag; members coming and going do not change it
  std::string creator;
  std::int64_t created_ms = 0;
  std::string other;  // of a direct room, as seen by one of the two: the other user
};

// The caller's own place in a room.
struct OwnMembership {
  MemberRole role = MemberRole::none;  // none: not a member
  Seq since{0};
  std::int64_t joined_ms = 0;
  std::int64_t muted_until_ms = 0;  // kMutedForever: until switched off
  Notify notify = Notify::all;
};
inline constexpr std::int64_t kMutedForever = 4102444800000;  // 2100-01-01

struct RoomView {
  Room room;
  OwnMembership own;
};

struct NewRoom {
  RoomKind kind = RoomKind::channel;
  std::string room;  // channels only; groups and direct rooms get theirs here
  std::string name;
  std::string topic;
  std::optional<RoomAccess> access;  // channels: open unless said otherwise; others: invite
  RoomHistory history = RoomHistory::all;
  bool guests_post = false;
  std::optional<MemberRole> pin_role;  // direct: member; others: admin
  std::string limits = "default";      // anything else needs an admin
  std::vector<std::string> members;    // besides the actor, as `member`; direct: exactly one
  // Checked inside the transaction; 0: no limit. Admins are exempt.
  std::uint32_t max_per_hour = 0;
  std::uint32_t max_members = 0;
};

struct RoomPatch {
  std::optional<std::string> name;
  std::optional<std::string> topic;
  std::optional<RoomAccess> access;
  std::optional<RoomHistory> history;
  std::optional<RoomStatus> status;
  std::optional<bool> guests_post;
  std::optional<MemberRole> pin_role;
  std::optional<std::string> limits;  // admins of the server only
  std::optional<std::uint64_t> if_version;
};

struct RoomFilter {
  std::string prefix;  // of room or name
  std::optional<RoomKind> kind;
  bool public_only = false;  // channels anybody may join: the directory
};

class Rooms {
 public:
  virtual ~Rooms() = default;
  // A direct room of the same pair that is there already is given back with `existed`. `conflict`: the name
  // is or ever was taken. `not_found` with field "members": a user who is not there. `blocked`: a direct room
  // of such a pair; blocked users among `members` too.
  virtual MetadataResult<Created<RoomView>> create(const Actor& actor, const NewRoom& room) = 0;
  // One round trip. The room and the caller's place in it, whether or not the caller may see it (policy:
  // view).
  virtual MetadataResult<RoomView> get(std::string_view room, std::string_view caller) = 0;
  virtual MetadataResult<Page<RoomView>> list_mine(std::string_view user,
                                                   const PageRequest& page) = 0;  // by room
  virtual MetadataResult<Page<RoomView>> list(const RoomFilter& filter, std::string_view caller,
                                              const PageRequest& page) = 0;
  virtual MetadataResult<RoomView> update(const Actor& actor, std::string_view room,
                                          const RoomPatch& patch) = 0;
  // For good: the name stays taken (its history must not come to strangers).
  virtual MetadataResult<void> remove(const Actor& actor, std::string_view room,
                                      std::optional<std::uint64_t> if_version = {}) = 0;
};

struct Member {
  std::string user;
  std::string display_name;
  MemberRole role = MemberRole::member;
  std::int64_t joined_ms = 0;
};
struct MembersPage {
  Page<Member> page;
  RoomView caller;  // the room and who asks
};
struct NewMember {
  std::string user;
  MemberRole role = MemberRole::member;
  // Rooms with history=joined: the room's last seq (control command room.tail); ignored by the others.
  Seq tail{0};
  std::uint32_t max_members = 0;  // 0: no limit; channels have none
};
struct MuteSettings {
  std::optional<std::int64_t> muted_until_ms;  // 0: not muted; kMutedForever
  std::optional<Notify> notify;
};
struct Ban {
  std::string user;
  std::string by;
  std::string reason;
  std::int64_t created_ms = 0;
};

class Members {
 public:
  virtual ~Members() = default;
  // One round trip each.
  virtual MetadataResult<MemberRole> role_of(std::string_view room,
                                             std::string_view user) = 0;  // none: no member
  virtual MetadataResult<MembersPage> list(std::string_view room, std::string_view caller,
                                           const PageRequest& page) = 0;
  virtual MetadataResult<Member> get(std::string_view room, std::string_view user) = 0;

  // Who is a member already: `existed`, unchanged. `banned`, `blocked` (either of actor and user), `limit`.
  virtual MetadataResult<Created<Member>> add(const Actor& actor, std::string_view room,
                                              const NewMember& member) = 0;
  // By oneself; `member.user` is ignored.
  virtual MetadataResult<Created<Member>> join(const Actor& actor, std::string_view room,
                                               const NewMember& member) = 0;
  virtual MetadataResult<void> leave(const Actor& actor,
                                     std::string_view room) = 0;  // last owner: `conflict`
  virtual MetadataResult<void> remove(const Actor& actor, std::string_view room, std::string_view user) = 0;
  virtual MetadataResult<Member> set_role(const Actor& actor, std::string_view room, std::string_view user,
                                          MemberRole role) = 0;
  virtual MetadataResult<OwnMembership> mute(const Actor& actor, std::string_view room,
                                             const MuteSettings& to) = 0;

  // Removes the member, if it is one, and keeps the user out. Again: nothing happens.
  virtual MetadataResult<void> ban(const Actor& actor, std::string_view room, std::string_view user,
                                   std::string_view reason) = 0;
  virtual MetadataResult<void> unban(const Actor& actor, std::string_view room, std::string_view user) = 0;
  virtual MetadataResult<Page<Ban>> bans(const Actor& actor, std::string_view room,
                                         const PageRequest& page) = 0;
};

struct Invite {
  std::string code;  // unguessable; made here
  std::string room;
  MemberRole role = MemberRole::member;
  std::string by;
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = 0;  // 0: no end
  std::uint32_t uses_left = 0;  // 0 with `limited`: used up
  bool limited = false;         // false: any number of uses
};
struct NewInvite {
  MemberRole role = MemberRole::member;
  std::int64_t expires_ms = 0;
  std::uint32_t uses = 0;  // 0: any number
};

class Invites {
 public:
  virtual ~Invites() = default;
  virtual MetadataResult<Created<Invite>> create(const Actor& actor, std::string_view room,
                                                 const NewInvite& invite) = 0;
  virtual MetadataResult<Page<Invite>> list(const Actor& actor, std::string_view room,
                                            const PageRequest& page) = 0;
  virtual MetadataResult<void> remove(const Actor& actor, std::string_view room, std::string_view code) = 0;
  // What it leads to, so that the caller can ask the broker for the tail; `not_found`: unknown, expired, used
  // up.
  virtual MetadataResult<RoomView> look_up(std::string_view code, std::string_view caller) = 0;
  // A use is only counted when the user comes in by it. `member.user` and `member.role` are ignored.
  virtual MetadataResult<Created<RoomView>> accept(const Actor& actor, std::string_view code,
                                                   const NewMember& member) = 0;
};

}  // namespace parley::storage

#endif
