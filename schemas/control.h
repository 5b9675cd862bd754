// Control operations: the facts a broker node must know to decide on its own (protocol.md, "Control").
// Pure; JSON both ways, and FlatBuffers (control.fbs, identifier PRLC) for large snapshots.
#ifndef PARLEY_SCHEMAS_CONTROL_H_
#define PARLEY_SCHEMAS_CONTROL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "schemas/errors.h"
#include "schemas/ids.h"
#include "schemas/message.h"
#include "schemas/token.h"

namespace parley {

enum class UserStatus : std::uint8_t { active, blocked };
enum class RoomKind : std::uint8_t { channel, group, direct };
// read_only: only owners and admins post. archived: nobody posts, members read.
enum class RoomStatus : std::uint8_t { active, read_only, archived };
enum class RoomHistory : std::uint8_t { all, joined };
// As they are spelled on the wire.
std::string_view to_string(RoomKind kind);
std::string_view to_string(RoomStatus status);
std::string_view to_string(RoomHistory history);

struct UserPut {
  std::string user;
  TokenRole role = TokenRole::user;
  std::string limits = "default";
  std::int64_t tokens_after_s = 0;  // tokens with an earlier iat are refused
  UserStatus status = UserStatus::active;
  // The person behind this account: who made this bot or device. Blocks, bans and limits count for that
  // person. Empty: the account is a person's own. Never an account that has an owner itself.
  std::string owner{};
};
struct UserRemove {
  std::string user;
};
struct RoomPut {
  std::string room;
  RoomKind kind = RoomKind::channel;
  std::string limits = "default";
  RoomHistory history = RoomHistory::all;
  RoomStatus status = RoomStatus::active;
  bool guests_post = false;  // JSON "guests": "read" | "post"
  // The lowest role that may pin; JSON "pin": "member" | "admin" | "owner".
  MemberRole pin_role = MemberRole::admin;
};
struct RoomRemove {
  std::string room;
};
struct MemberPut {
  std::string room;
  std::string user;
  MemberRole role = MemberRole::member;
  Seq since{0};  // sees events after this one
};
struct MemberRemove {
  std::string room;
  std::string user;
};
struct BlockPut {
  std::string user;
  std::string blocked;
};
struct BlockRemove {
  std::string user;
  std::string blocked;
};
struct SessionRevoke {
  std::string sid;
  std::int64_t until_s = 0;  // the fact may be forgotten after this (the session's last token has expired)
};
struct TokenPut {
  Sha256 sha256{};
  std::string user;
  std::string device;
  TokenRole role = TokenRole::bot;
  std::int64_t until_s = 0;  // 0: no end
};
struct TokenRemove {
  Sha256 sha256{};
};
// A class of limits; a field left out in JSON keeps the built-in default. "unlimited" is built in and cannot
// be put.
struct LimitsPut {
  std::string name;
  double messages_per_s = 10;
  double burst = 30;
  std::uint32_t connections = 5;
  double requests_per_s = 20;
  double typing_per_s = 1;
  double room_messages_per_s = 1000.0 / 60;  // for a room of this class, sent by people
  double room_bot_messages_per_s = 100;      // for a room of this class, sent by bots and devices
};

// Two that are no facts. They travel with the facts of the change that caused them, and happen once however
// often the change is sent.
//
// An event that the server makes in a room: it joins the room's log as if somebody had sent it, without
// asking whether `from` is a member. (room, from, cid, ts) is the key by which a second copy is known.
struct EventPost {
  std::string room;
  Kind kind = Kind::system;  // join, leave, role, room or system
  std::string from;          // whom it is about: the user who joined; who changed the room
  std::string cid;
  std::uint64_t ts_ms = 0;  // since the Unix epoch; 0: when it is posted
  std::string body;         // system only
  std::string meta;         // compact text of a JSON object; empty: none
};
// What concerns an account, on users/{user}/events.
struct UserEvent {
  std::string user;
  std::string event;  // compact text of a JSON object that has a "type"
};

using ControlOp =
    std::variant<UserPut, UserRemove, RoomPut, RoomRemove, MemberPut, MemberRemove, BlockPut, BlockRemove,
                 SessionRevoke, TokenPut, TokenRemove, LimitsPut, EventPost, UserEvent>;
// A fact is kept in the replica; the others happen and are over.
inline bool is_fact(const ControlOp& op) {
  return !std::holds_alternative<EventPost>(op) && !std::holds_alternative<UserEvent>(op);
}

// One JSON object; unknown fields are ignored (later versions add some), wrong types and bad names are
// refused with bad_payload and the field's name.
Result<ControlOp> parse_control_op(std::string_view json);
std::string to_json(const ControlOp& op);

// Many at once, for snapshots: FlatBuffers, verified when read.
std::vector<std::uint8_t> control_ops_to_flatbuffer(const std::vector<ControlOp>& ops);
Result<std::vector<ControlOp>> control_ops_from_flatbuffer(Bytes bytes);

// A request on $CONTROL/parley/v1, JSON only (a snapshot.chunk may carry its ops as base64 FlatBuffers in
// "ops_fb").
struct ControlRequest {
  std::string req;  // the caller's; comes back in the answer
  std::string cmd;  // version, apply, snapshot.begin, ...
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t mark = 0;  // apply, snapshot.commit: tells `to` from another change of that version; 0: none
  std::uint64_t from_mark = 0;  // apply: the mark of `from`; 0: not said
  std::vector<ControlOp> ops;
  std::string client;          // kick
  std::string consumer;        // log.cursor
  std::string room;            // log.read: only this room's
  std::uint64_t offset = 0;    // log.read (after this), log.cursor (up to this)
  std::uint32_t limit = 0;     // log.read; 0: the server's default
  std::string what;            // list: "users", "rooms" or "members" (of `room`)
  std::string after;           // list: names after this one
  std::string encoding;        // log.read: "json" (default) or "flatbuffers"
  std::uint64_t snapshot = 0;  // snapshot.chunk, snapshot.commit: what snapshot.begin answered; 0: not said
  std::string user;            // send: in whose name
  std::string device;          // send
  TokenRole role = TokenRole::user;  // send
  std::string payload;               // send: compact text of the Send object
};
Result<ControlRequest> parse_control_request(std::string_view json);
// The `req` of a request that was refused, so that the refusal finds its way back; empty when there is none.
std::string control_request_id(std::string_view json);
std::string to_json(const ControlRequest& request);

}  // namespace parley

#endif
