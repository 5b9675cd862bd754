#include <algorithm>
#include <boost/json/parse.hpp>
#include <cmath>

#include "schemas/control_names.h"
#include "schemas/raw_json.h"
#include "schemas/utf8.h"

namespace parley {
namespace {

constexpr std::size_t kMaxLimitsName = 32;
constexpr std::size_t kMaxSid = 64;
constexpr double kMaxRate = 1e9;
constexpr std::uint64_t kMaxTimeMs = std::uint64_t{1} << 53;  // what JavaScript's numbers hold

// Compact, because it is put into events as it is, and those go one to a line; not deep, because it is read
// again inside other documents.
std::optional<boost::json::object> parse_compact_object(std::string_view text) {
  constexpr std::size_t kMaxDepth = 8;
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(text, error, {}, options);
  if (error || !value.is_object() || !is_compact_json(text)) return std::nullopt;
  return value.get_object();
}

bool is_limits_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLimitsName && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_sid(std::string_view text) {
  return !text.empty() && text.size() <= kMaxSid &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

template <class Enum, std::size_t N>
bool is_named(Enum value, const std::array<std::string_view, N>& names) {
  return static_cast<std::size_t>(value) < names.size() && !names[static_cast<std::size_t>(value)].empty();
}

// Collects the first thing that is wrong.
class Checker {
 public:
  std::optional<Refusal> refusal() && { return std::move(refusal_); }

  void user(std::string_view field, std::string_view text) {
    require(is_user_name(text), field, "a user name: [a-z0-9][a-z0-9_.-]{1,31}");
  }
  void room(std::string_view text) {
    require(is_room_name(text), "room", "a room name: [a-z0-9][a-z0-9_-]{1,63}");
  }
  void limits(std::string_view field, std::string_view text) {
    require(is_limits_name(text), field, "the name of a class of limits: [a-z0-9_-]{1,32}");
  }
  void time(std::string_view field, std::int64_t seconds) {
    require(seconds >= 0, field, "seconds since 1970, not negative");
  }
  void rate(std::string_view field, double value) {
    require(std::isfinite(value) && value >= 0 && value <= kMaxRate, field, "a number from 0 to 1e9");
  }
  template <class Enum, std::size_t N>
  void named(std::string_view field, Enum value, const std::array<std::string_view, N>& names) {
    require(is_named(value, names), field, "one of the values of control.h");
  }
  void require(bool holds, std::string_view field, std::string_view what) {
    if (holds || refusal_) return;
    std::string message("field \"");
    message.append(field).append("\" must be ").append(what);
    refusal_ = Refusal{Code::bad_payload, std::move(message)};
  }

  void operator()(const UserPut& op) {
    user("user", op.user);
    named("role", op.role, kTokenRoleNames);
    limits("limits", op.limits);
    time("tokens_after", op.tokens_after_s);
    named("status", op.status, kUserStatusNames);
    if (op.owner.empty()) return;
    user("owner", op.owner);
    require(op.owner != op.user, "owner", "somebody else than \"user\"");
  }
  void operator()(const UserRemove& op) { user("user", op.user); }
  void operator()(const RoomPut& op) {
    room(op.room);
    named("kind", op.kind, kRoomKindNames);
    limits("limits", op.limits);
    named("history", op.history, kRoomHistoryNames);
    named("status", op.status, kRoomStatusNames);
    named("pin", op.pin_role, kMemberRoleNames);
    require(op.pin_role >= MemberRole::member, "pin", "\"member\", \"admin\" or \"owner\"");
  }
  void operator()(const RoomRemove& op) { room(op.room); }
  void operator()(const MemberPut& op) {
    room(op.room);
    user("user", op.user);
    named("role", op.role, kMemberRoleNames);
    require(raw(op.since) < kSeqLimit, "since", "a seq, below 2^53");
  }
  void operator()(const MemberRemove& op) {
    room(op.room);
    user("user", op.user);
  }
  void operator()(const BlockPut& op) {
    user("user", op.user);
    user("blocked", op.blocked);
    require(op.user != op.blocked, "blocked", "somebody else than \"user\"");
  }
  void operator()(const BlockRemove& op) {
    user("user", op.user);
    user("blocked", op.blocked);
  }
  void operator()(const SessionRevoke& op) {
    require(is_sid(op.sid), "sid", "1 to 64 printable characters without spaces");
    time("until", op.until_s);
  }
  void operator()(const TokenPut& op) {
    user("user", op.user);
    require(is_device_name(op.device), "device", "a device name: [A-Za-z0-9_-]{1,64}");
    named("role", op.role, kTokenRoleNames);
    time("until", op.until_s);
  }
  void operator()(const TokenRemove&) {}
  void operator()(const LimitsPut& op) {
    limits("name", op.name);
    require(op.name != "unlimited", "name", "another one: \"unlimited\" is built in and cannot be changed");
    rate("messages_per_s", op.messages_per_s);
    rate("burst", op.burst);
    rate("requests_per_s", op.requests_per_s);
    rate("typing_per_s", op.typing_per_s);
    rate("room_messages_per_s", op.room_messages_per_s);
    rate("room_bot_messages_per_s", op.room_bot_messages_per_s);
  }
  void operator()(const EventPost& op) {
    room(op.room);
    require(is_server_made(op.kind) && op.kind <= Kind::system, "kind", "join, leave, role, room or system");
    user("from", op.from);
    require(is_cid(op.cid), "cid", "1 to 64 characters");
    require(op.ts_ms < kMaxTimeMs, "ts", "milliseconds since 1970, below 2^53");
    require(op.body.size() <= kMaxEventText && scan_utf8(op.body).valid, "body", "UTF-8 of at most 16 KiB");
    if (op.meta.empty()) return;
    require(op.meta.size() <= kMaxEventText && parse_compact_object(op.meta), "meta",
            "a JSON object of at most 16 KiB that is not deep");
  }
  void operator()(const UserEvent& op) {
    user("user", op.user);
    const auto event = op.event.size() <= kMaxEventText ? parse_compact_object(op.event) : std::nullopt;
    require(event.has_value(), "event", "a JSON object of at most 16 KiB that is not deep");
    if (!event) return;
    const boost::json::value* type = event->if_contains("type");
    require(type != nullptr && type->is_string(), "event", "an object with a text \"type\"");
  }

 private:
  std::optional<Refusal> refusal_;
};

}  // namespace

std::optional<Refusal> check_control_op(const ControlOp& op) {
  Checker checker;
  std::visit(checker, op);
  return std::move(checker).refusal();
}

}  // namespace parley
