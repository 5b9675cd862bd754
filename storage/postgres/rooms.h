// Rooms and invites on PostgreSQL. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_ROOMS_H_
#define PARLEY_STORAGE_POSTGRES_ROOMS_H_

#include "storage/metadata_rooms.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/store.h"

namespace parley::storage::postgres {

class PostgresRooms : public Rooms {
 public:
  explicit PostgresRooms(Store& store) : store_(store) {}
  MetadataResult<Created<RoomView>> create(const Actor& actor, const NewRoom& room) override;
  MetadataResult<RoomView> get(std::string_view room, std::string_view caller) override;
  MetadataResult<Page<RoomView>> list_mine(std::string_view user, const PageRequest& page) override;
  MetadataResult<Page<RoomView>> list(const RoomFilter& filter, std::string_view caller,
                                      const PageRequest& page) override;
  MetadataResult<RoomView> update(const Actor& actor, std::string_view room, const RoomPatch& patch) override;
  MetadataResult<void> remove(const Actor& actor, std::string_view room,
                              std::optional<std::uint64_t> if_version) override;

 private:
  Store& store_;
};

class PostgresInvites : public Invites {
 public:
  explicit PostgresInvites(Store& store) : store_(store) {}
  MetadataResult<Created<Invite>> create(const Actor& actor, std::string_view room,
                                         const NewInvite& invite) override;
  MetadataResult<Page<Invite>> list(const Actor& actor, std::string_view room,
                                    const PageRequest& page) override;
  MetadataResult<void> remove(const Actor& actor, std::string_view room, std::string_view code) override;
  MetadataResult<RoomView> look_up(std::string_view code, std::string_view caller) override;
  MetadataResult<Created<RoomView>> accept(const Actor& actor, std::string_view code,
                                           const NewMember& member) override;

 private:
  Store& store_;
};

class PostgresMembers : public Members {
 public:
  explicit PostgresMembers(Store& store) : store_(store) {}
  MetadataResult<MemberRole> role_of(std::string_view room, std::string_view user) override;
  MetadataResult<MembersPage> list(std::string_view room, std::string_view caller,
                                   const PageRequest& page) override;
  MetadataResult<Member> get(std::string_view room, std::string_view user) override;
  MetadataResult<Created<Member>> add(const Actor& actor, std::string_view room,
                                      const NewMember& member) override;
  MetadataResult<Created<Member>> join(const Actor& actor, std::string_view room,
                                       const NewMember& member) override;
  MetadataResult<void> leave(const Actor& actor, std::string_view room) override;
  MetadataResult<void> remove(const Actor& actor, std::string_view room, std::string_view user) override;
  MetadataResult<Member> set_role(const Actor& actor, std::string_view room, std::string_view user,
                                  MemberRole role) override;
  MetadataResult<OwnMembership> mute(const Actor& actor, std::string_view room,
                                     const MuteSettings& to) override;
  MetadataResult<void> ban(const Actor& actor, std::string_view room, std::string_view user,
                           std::string_view reason) override;
  MetadataResult<void> unban(const Actor& actor, std::string_view room, std::string_view user) override;
  MetadataResult<Page<Ban>> bans(const Actor& actor, std::string_view room, const PageRequest& page) override;

 private:
  Store& store_;
};

// Ends a room whose row is locked; the rows of its members go later (Feed::sweep).
MetadataResult<void> remove_locked_room(Change& change, const Room& room);

// Nobody lets themselves, by an account of theirs, into a room that they were removed from, nor into a
// private one with somebody they have a block with. Whoever is inside brings in their bots: they meet nobody
// anew. `maker` adds `user`, or made the invite.
MetadataResult<void> check_own_door(Change& change, const Room& room, std::string_view maker,
                                    std::string_view user);

// Everything about coming into a locked room by one's own will, but for the right to: bans, blocks of a
// direct room, size. `existed`: is a member already.
MetadataResult<Created<Member>> come_in(Change& change, const LockedRoom& locked, const NewMember& member);

}  // namespace parley::storage::postgres

#endif
