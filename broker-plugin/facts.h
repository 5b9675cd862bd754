// The broker node's facts in memory: who there is, which rooms, who may do what. Everything the plugin
// decides, it decides from here, without I/O. Filled from the replica store at start and by control
// operations after that.
//
// One thread (the broker's) uses a Facts object; a new one may be filled on any single thread and swapped in.
// Users and rooms are interned: an index, once given, stands for that name as long as the process lives, in
// every Facts that shares the Directory, whether or not the user or room exists at the moment. So per-room
// state that is no fact (counters, pacing, listeners) is kept in arrays by RoomIndex beside this.
//
// Memory: a membership costs under 48 bytes here, both directions counted (room -> user and user -> room).
#ifndef PARLEY_BROKER_PLUGIN_FACTS_H_
#define PARLEY_BROKER_PLUGIN_FACTS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/directory.h"
#include "broker-plugin/member_table.h"
#include "schemas/control.h"

namespace parley::plugin {

// A class of limits; `unlimited` is built in.
struct Limits {
  double messages_per_s = 10;
  double burst = 30;
  std::uint32_t connections = 5;
  double requests_per_s = 20;
  double typing_per_s = 1;
  double room_messages_per_s = 1000.0 / 60;
  double room_bot_messages_per_s = 100;
  bool unlimited = false;
  bool operator==(const Limits&) const = default;
};

struct UserFacts {
  bool exists = false;
  TokenRole role = TokenRole::user;
  UserStatus status = UserStatus::active;
  std::int64_t tokens_after_s = 0;
  std::uint16_t limits = 0;   // index for Facts::limits()
  UserIndex owner = kNoUser;  // of a bot or device: the person behind it
  bool operator==(const UserFacts&) const = default;
};

struct RoomFacts {
  bool exists = false;
  RoomKind kind = RoomKind::channel;
  RoomStatus status = RoomStatus::active;
  RoomHistory history = RoomHistory::all;
  bool guests_post = false;
  MemberRole pin_role = MemberRole::admin;
  std::uint16_t limits = 0;
  bool operator==(const RoomFacts&) const = default;
};

struct ApiToken {
  UserIndex user = kNoUser;
  std::string device;
  TokenRole role = TokenRole::bot;
  std::int64_t until_s = 0;  // 0: no end
  bool operator==(const ApiToken&) const = default;
};

// What an operation changed that open connections must feel.
struct Effect {
  enum class What : std::uint8_t {
    user_changed,  // status, role, limits or tokens_after: recheck the user's sessions
    user_removed,
    room_changed,
    room_removed,
    member_removed,  // user, room
    member_changed,
    session_revoked,  // sid
    token_removed,    // digest
  } what;
  UserIndex user = kNoUser;
  RoomIndex room = kNoRoom;
  std::string sid;
  Sha256 token{};
};

class Facts {
 public:
  explicit Facts(std::shared_ptr<Directory> directory, Limits default_limits = {});

  // Applies one operation; appends what open connections must feel. Never fails: an operation on what does
  // not exist makes it (member.put in an unknown room is kept and counts once room.put comes), or is no
  // change.
  void apply(const ControlOp& op, std::vector<Effect>* effects);

  Directory& directory() const { return *directory_; }
  const UserFacts& user(UserIndex i) const;  // exists == false for unknown ones and kNoUser
  const RoomFacts& room(RoomIndex i) const;
  Member member(RoomIndex room, UserIndex user) const;  // none where the room does not exist
  std::uint32_t member_count(RoomIndex room) const;
  const MemberTable& members(RoomIndex room) const;
  std::span<const RoomIndex> rooms_of(UserIndex user) const;  // no order
  bool share_a_room(UserIndex a, UserIndex b) const;

  // The person behind an account: a bot's owner, anybody else oneself. What holds between people (blocks,
  // limits) is asked of the person, so everything below takes any account of theirs.
  UserIndex owner_of(UserIndex account) const {
    const UserIndex owner = user(account).owner;
    return owner == kNoUser ? account : owner;
  }
  std::span<const UserIndex> bots_of(UserIndex person) const;  // no order
  bool blocks(UserIndex user, UserIndex other) const;          // `user` has blocked `other`
  bool blocked_between(UserIndex a, UserIndex b) const;        // either has blocked the other
  bool has_blocks(UserIndex user) const;  // has blocked somebody, or somebody has: nearly nobody
  // In a direct room: has anybody there blocked `user`, or been blocked by `user`?
  bool blocked_in_direct(RoomIndex room, UserIndex user) const;
  // Whose limits an account uses up: a bot of class "default" its owner's, together with the owner and the
  // other bots, so that having bots allows no more. One that an operator has given a class of its own counts
  // alone, as does a person.
  UserIndex limited_as(UserIndex account) const;
  // All accounts whose limits are this one's, itself first.
  template <class Visit>
  void for_each_limited_as(UserIndex payer, Visit&& visit) const {
    visit(payer);
    for (const UserIndex bot : bots_of(payer))
      if (limited_as(bot) == payer) visit(bot);
  }
  const ApiToken* api_token(const Sha256& digest) const;
  bool session_revoked(std::string_view sid) const;
  const Limits& limits(std::uint16_t index) const;  // those of "default" while the class is not put
  std::string_view limits_name(std::uint16_t index) const;
  // Forgets revoked sessions and API tokens whose `until` has passed, if not at once; may be called often.
  void expire(std::int64_t now_s);

  // For `list` and snapshots: operations that would make the present facts, users / rooms / members of a
  // room, in the order of their names, after `after`, at most `limit`.
  std::vector<ControlOp> list_users(std::string_view after, std::size_t limit) const;
  std::vector<ControlOp> list_rooms(std::string_view after, std::size_t limit) const;
  std::vector<ControlOp> list_members(RoomIndex room, std::string_view after, std::size_t limit) const;

  struct Counts {
    std::size_t users = 0, rooms = 0, memberships = 0, blocks = 0, tokens = 0, revoked_sessions = 0;
  };
  Counts counts() const;
  std::size_t memory_bytes() const;

 private:
  struct Impl;
  std::shared_ptr<Directory> directory_;
  std::shared_ptr<Impl> impl_;
};

}  // namespace parley::plugin

#endif
