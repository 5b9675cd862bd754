#include "broker-plugin/admission.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "broker-plugin/authorize.h"
#include "broker-plugin/limiter.h"
#include "schemas/operation.h"
#include "schemas/snowflake.h"

namespace parley::plugin {
namespace {

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Refusal rate_limited(std::string_view what, std::chrono::nanoseconds wait) {
  if (wait == kNever) return {Code::rate_limited, std::string(what) + "; the limit is zero", {}};
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait);
  return {Code::rate_limited, std::string(what) + "; send again after retry_after_ms",
          std::max(ms, std::chrono::milliseconds(1))};
}

// A room's limit is meant by the minute, so it may be used up in a burst.
constexpr double kRoomBurstSeconds = 60;

// What is kept of a will's cid, so that its ending has room.
constexpr std::size_t kWillCidCharacters = 40;

std::string_view first_characters(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  for (; end < text.size(); ++end)
    if ((static_cast<unsigned char>(text[end]) & 0xc0) != 0x80 && count-- == 0) break;
  return text.substr(0, end);
}

}  // namespace

Admission::Admission(const Parts& parts)
    : parts_(parts),
      decoder_(parts.config.messages),
      ids_(parts.config.node.id, parts.log.last_id()),
      first_(parts.log.stats().low) {}

Result<Placed> Admission::admit(const Author& author, std::string_view room, std::string_view payload,
                                CidRule cid) {
  const auto send = decoder_.decode(as_bytes(payload));
  if (!send) return send.error();
  if (cid == CidRule::required && send->cid.empty()) {
    return Refusal{
        Code::bad_payload,
        "with QoS 2 a message needs a `cid`, or a repeated one would be stored twice; give it one, as "
        "{\"cid\":\"...\",\"body\":\"...\"}, or publish with QoS 1",
        {}};
  }
  return place(author, room, *send);
}

Result<Placed> Admission::admit_will(const Author& author, std::string_view room, std::string_view payload) {
  auto send = decoder_.decode(as_bytes(payload));
  if (!send) return send.error();
  if (!send->cid.empty()) {
    will_cid_.assign(first_characters(send->cid, kWillCidCharacters));
    will_cid_.append("~").append(std::to_string(parts_.clock.unix_ms()));
    will_cid_.append("-").append(std::to_string(++wills_ % 1'000'000));
    send->cid = will_cid_;
  }
  return place(author, room, *send);
}

// What follows the decoding.
Result<Placed> Admission::place(const Author& author, std::string_view room_text, const Send& send) {
  const Facts& facts = *parts_.facts;
  const RoomIndex room = facts.directory().find_room(room_text);
  const auto role = may_post(author.user, room, send.kind, facts);
  if (!role) return role.error();
  const std::string_view room_name = facts.directory().room_name(room);
  if (const auto able = protect(); !able) return able.error();
  if (const auto within = limit(author, room); !within) return within.error();
  if (!send.cid.empty()) {
    const auto earlier = parts_.log.find_cid(room_name, author.name, send.cid);
    if (!earlier) return log_refusal(earlier.error());
    if (*earlier) {
      const Placed placed{.seq = (*earlier)->seq,
                          .prev = {},
                          .id = (*earlier)->id,
                          .ts_ms = time_of(**earlier),
                          .duplicate = true};
      acknowledge_again(author, room, room_name, send, placed);
      return placed;
    }
  }
  if (is_operation(send.kind))
    if (const auto target = check_target(author, *role, room, room_name, send); !target)
      return target.error();
  Stamp stamp;
  stamp.room = room_name;
  stamp.from = author.name;
  stamp.device = author.device;
  stamp.role = *role;
  if (send.mentions.empty() || !facts.has_blocks(author.user))
    return append(stamp, CidOwner{author.name}, send, pending(author, room, room_name));
  Send reaching = send;
  reaching.mentions = those_reached(author, send.mentions);
  return append(stamp, CidOwner{author.name}, reaching, pending(author, room, room_name));
}

// Who has blocked somebody, or has been blocked by them, is not called by their mention.
std::span<const std::string_view> Admission::those_reached(const Author& author,
                                                           std::span<const std::string_view> mentions) {
  const Facts& facts = *parts_.facts;
  mentions_.clear();
  for (const std::string_view name : mentions) {
    const UserIndex user = facts.directory().find_user(name);
    if (user == kNoUser || !facts.blocked_between(author.user, user)) mentions_.push_back(name);
  }
  return mentions_;
}

Result<void> Admission::post(const EventPost& event) {
  Directory& directory = parts_.facts->directory();
  const RoomIndex room = directory.intern_room(event.room);
  const UserIndex user = directory.intern_user(event.from);
  if (room == kNoRoom || user == kNoUser) return Refusal{Code::bad_payload, "a name is too long"};
  if (const auto able = protect(); !able) return able.error();
  const std::string_view room_name = directory.room_name(room);
  // No user's name begins so. The time is part of it, because a database that was restored counts its changes
  // again from an earlier one.
  cid_owner_.assign("$").append(event.from).append("@").append(std::to_string(event.ts_ms));
  const auto earlier = parts_.log.find_cid(room_name, cid_owner_, event.cid);
  if (!earlier) return log_refusal(earlier.error());
  if (*earlier) return {};
  if (event.ts_ms != 0 && event.ts_ms < trimmed_before_ms()) return {};
  Stamp stamp;
  stamp.room = room_name;
  stamp.from = directory.user_name(user);
  stamp.role = parts_.facts->member(room, user).role;
  stamp.ts_ms = event.ts_ms;
  Send send;
  send.cid = event.cid;
  send.kind = event.kind;
  send.body = event.body;
  send.meta = event.meta;
  Pending p;
  p.room = room;
  p.room_name = room_name;
  p.sender = stamp.from;
  p.appended_ns = parts_.clock.steady_ns();
  const auto placed = append(stamp, CidOwner{cid_owner_}, send, p);
  if (!placed) return placed.error();
  return {};
}

Result<void> Admission::admit_typing(const Author& author, std::string_view room) const {
  const auto role = may_type(author.user, parts_.facts->directory().find_room(room), *parts_.facts);
  if (!role) return role.error();
  return {};
}

Result<void> Admission::admit_receipt(const Author& author, std::string_view room) const {
  const auto role = may_send_receipt(author.user, parts_.facts->directory().find_room(room), *parts_.facts);
  if (!role) return role.error();
  return {};
}

Result<void> Admission::admit_request(const Author& author) {
  const UserIndex payer = parts_.facts->limited_as(author.user);
  const Limits& limits = parts_.facts->limits(parts_.facts->user(payer).limits);
  if (limits.unlimited || author.role == TokenRole::service) return {};
  UserState& user = parts_.users.at(payer);
  const auto wait =
      take(user.requests, limits.requests_per_s, limits.requests_per_s, parts_.clock.steady_ns());
  if (wait.count() > 0) return rate_limited("too many requests", wait);
  return {};
}

bool Admission::sheds_typing() const {
  return parts_.load.degraded.load(std::memory_order_relaxed) ||
         parts_.load.lag_ns.load(std::memory_order_relaxed) >
             std::chrono::nanoseconds(parts_.config.queues.shed_typing_lag).count();
}

// Refuses early, while there is room for what has been accepted already.
Result<void> Admission::protect() const {
  const QueueConfig& queues = parts_.config.queues;
  const char* why = nullptr;
  if (parts_.load.degraded.load(std::memory_order_relaxed)) {
    why = "the node cannot write its log at the moment";
  } else if (parts_.queue.bytes() > queues.uncommitted_bytes) {
    why = "the disk is behind";
  } else if (parts_.delivery.bytes() > queues.undelivered_bytes ||
             parts_.load.lag_ns.load(std::memory_order_relaxed) >
                 std::chrono::nanoseconds(queues.refuse_lag).count()) {
    why = "the node is behind with deliveries";
  }
  if (why == nullptr) return {};
  return Refusal{Code::unavailable, std::string(why) + "; send again after retry_after_ms",
                 queues.retry_after};
}

Result<void> Admission::limit(const Author& author, RoomIndex room) {
  if (author.role == TokenRole::service) return {};
  const Facts& facts = *parts_.facts;
  const std::uint64_t now_ns = parts_.clock.steady_ns();
  const UserIndex payer = facts.limited_as(author.user);
  const Limits& mine = facts.limits(facts.user(payer).limits);
  UserState* user = mine.unlimited ? nullptr : &parts_.users.at(payer);
  if (user != nullptr) {
    const auto wait = take(user->messages, mine.messages_per_s, mine.burst, now_ns);
    if (wait.count() > 0) return rate_limited("you send too fast", wait);
  }
  const Limits& rooms = facts.limits(facts.room(room).limits);
  if (rooms.unlimited) return {};
  RoomState& state = parts_.rooms.at(room);
  const bool person = author.role == TokenRole::user;
  const double rate = person ? rooms.room_messages_per_s : rooms.room_bot_messages_per_s;
  const auto wait =
      take(person ? state.people : state.bots, rate, rate * (person ? kRoomBurstSeconds : 1), now_ns);
  if (wait.count() == 0) return {};
  if (user != nullptr) refund(user->messages, {mine.messages_per_s, mine.burst});
  return rate_limited("the room is too busy", wait);
}

// Operations name a message that must be in this room. What is from before this node's log, or has been
// trimmed from it, cannot be looked at here; readers decide by the same rule (schemas/operation.h) whether
// such an operation takes effect.
Result<void> Admission::check_target(const Author& author, MemberRole role, RoomIndex room,
                                     std::string_view room_name, const Send& send) {
  const auto found = parts_.log.find_id(send.target, target_bytes_);
  if (!found && found.error() != storage::LogError::not_found) return log_refusal(found.error());
  if (!found) {
    if (raw(send.target) < std::max(raw(first_), raw(parts_.log.low()))) return {};
    return Refusal{Code::target_not_found, "there is no message with the id in `target`"};
  }
  const auto target = reader_.read(as_bytes(target_bytes_));
  if (!target || target->stamp.room != room_name)
    return Refusal{Code::target_not_found, "there is no message with the id in `target` in this room"};
  if (!takes_effect(send.kind, author.name, role, target->stamp.from, parts_.facts->room(room).pin_role))
    return Refusal{Code::forbidden, std::string("you may not ") + std::string(to_string(send.kind)) +
                                        " somebody else's message in this room"};
  return {};
}

Pending Admission::pending(const Author& author, RoomIndex room, std::string_view room_name) {
  Pending p;
  p.room = room;
  p.room_name = room_name;
  p.sender = author.name;
  p.appended_ns = parts_.clock.steady_ns();
  p.ack = parts_.users.at(author.user).events.known > 0;
  return p;
}

void Admission::acknowledge_again(const Author& author, RoomIndex room, std::string_view room_name,
                                  const Send& send, const Placed& placed) {
  parts_.metrics.messages_duplicate.add();
  Pending p = pending(author, room, room_name);
  if (!p.ack) return;
  p.seq = placed.seq;
  p.id = placed.id;
  p.ts_ms = placed.ts_ms;
  p.duplicate = true;
  // Through the queue like the event itself, which may still be waiting for its sync.
  parts_.queue.push(p, {}, send.cid);
}

// What its event says; its id only where that cannot be looked at.
std::uint64_t Admission::time_of(const storage::Stored& stored) {
  if (parts_.log.find_id(stored.id, target_bytes_)) {
    if (const auto event = reader_.read(as_bytes(target_bytes_))) return event->stamp.ts_ms;
  }
  return snowflake_ms(stored.id);
}

// Until when all has gone from the log. Its beginning is an id, which says no time while ids are ahead of the
// clock.
std::uint64_t Admission::trimmed_before_ms() const {
  const MessageId low = parts_.log.low();
  if (low == MessageId{0}) return 0;
  const std::uint64_t now_ms = parts_.clock.unix_ms();
  if (snowflake_ms(low) <= now_ms) return snowflake_ms(low);
  const auto kept_ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(parts_.config.log.retention).count());
  return now_ms - std::min(now_ms, kept_ms);
}

Result<Placed> Admission::append(Stamp stamp, CidOwner owner, const Send& send, Pending p) {
  RoomState& state = parts_.rooms.at(p.room);
  stamp.prev = state.last;
  stamp.seq = Seq{raw(state.last) + 1};
  const std::uint64_t now_ms = parts_.clock.unix_ms();
  stamp.id = ids_.next(now_ms);
  if (stamp.ts_ms == 0) stamp.ts_ms = now_ms;
  const Bytes event = builder_.build(stamp, send);
  const auto appended = parts_.log.append({.room = stamp.room,
                                           .seq = stamp.seq,
                                           .id = stamp.id,
                                           .sender = owner.name,
                                           .cid = send.cid,
                                           .event = event});
  if (!appended) return log_refusal(appended.error());
  state.last = stamp.seq;
  if (first_ == MessageId{0}) first_ = stamp.id;

  p.seq = stamp.seq;
  p.id = stamp.id;
  p.ts_ms = stamp.ts_ms;
  for (std::size_t f = 0; f < kFormats; ++f)
    p.listeners[f] = std::max(state.listeners[f].known, parts_.everywhere[f] ? 1u : 0u);
  p.tail = parts_.tail_listeners.known > 0;
  parts_.queue.push(p, event, p.ack ? send.cid : std::string_view());
  parts_.metrics.messages_admitted.add();
  return Placed{
      .seq = stamp.seq, .prev = stamp.prev, .id = stamp.id, .ts_ms = stamp.ts_ms, .duplicate = false};
}

Refusal Admission::log_refusal(storage::LogError error) {
  if (error != storage::LogError::stalled) parts_.load.degraded.store(true);
  return {Code::unavailable,
          "the node cannot store messages at the moment (" + std::string(storage::to_string(error)) +
              "); send again after retry_after_ms",
          parts_.config.queues.retry_after};
}

}  // namespace parley::plugin
