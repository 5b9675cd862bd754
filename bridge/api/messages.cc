#include "bridge/api/messages.h"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "bridge/api/broker_turn.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/broker_link.h"
#include "bridge/http/fields.h"
#include "schemas/json_text.h"
#include "schemas/message.h"
#include "schemas/raw_json.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kSendDeadline{3};
// A room made, or joined, a moment ago is known to the broker within 50 ms; for so long a refusal is asked
// again.
constexpr milliseconds kCatchUp{400};
constexpr milliseconds kCatchUpStep{20};

// 128 random bits: an id that nobody else's message has.
std::string random_cid() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::random_device device;
  std::string cid;
  for (int word = 0; word < 4; ++word) {
    for (unsigned bits = device(), i = 0; i < 8; ++i, bits >>= 4) cid += kHex[bits & 15];
  }
  return cid;
}

bool has_cid(const json::object& payload) {
  const json::value* cid = payload.if_contains("cid");
  return cid != nullptr && !cid->is_null() && !(cid->is_string() && cid->get_string().empty());
}

// Of members given twice the last counts, so this one does.
void add_member(std::string& compact_object, std::string_view name, std::string_view value) {
  if (compact_object.empty()) compact_object = "{}";  // no body
  compact_object.pop_back();
  if (compact_object.size() > 1) compact_object += ',';
  append_json_string(name, compact_object);
  compact_object += ':';
  append_json_string(value, compact_object);
  compact_object += '}';
}

http::Response sent_answer(const std::string& room, const bridge::Sent& sent, unsigned status) {
  json::object object;
  object["room"] = room;
  object["cid"] = sent.cid;
  object["seq"] = raw(sent.seq);
  object["id"] = std::to_string(raw(sent.id));
  object["ts"] = sent.ts_ms;
  object["duplicate"] = sent.duplicate;
  return http::json(object, status);
}

bool may_be_behind(const bridge::BrokerError& error) {
  return error.answered && (error.code == "room_not_found" || error.code == "not_member");
}

// The broker says that the caller is no member, or that there is no such room. Is it only behind what
// Postgres knows?
bool is_member_by_postgres(const std::string& room, Context& context) {
  const auto role = context.metadata.members().role_of(room, context.caller.user);
  return role && *role != MemberRole::none;
}

http::Response refused_send(const bridge::BrokerError& error, const std::string& room, Context& context) {
  if (!may_be_behind(error)) return refused(error);
  // What a stranger may know is what a read of the room would say; when Postgres is away, nothing.
  const auto view = context.metadata.rooms().get(room, context.caller.user);
  if (!view || !allowed(*view, context, RoomAction::view)) return no_such_room();
  if (view->own.role != MemberRole::none)
    return http::unavailable("the broker has not heard of your membership yet; send it again in a moment");
  return http::forbidden("you are not in this room; join it first", "not_member");
}

http::Response refused_payload(const Refusal& refusal) {
  bridge::BrokerError error;  // the same words as the broker's own
  error.code = to_string(refusal.code);
  error.message = refusal.message;
  return refused(error);
}

// `text`: the object of protocol.md, "Sending", in the client's own spelling where it is the client's: what a
// document tree makes of numbers and escapes in `meta` is not what was sent.
http::Response send(const std::string& text, unsigned stored_status, const http::Request& request,
                    Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  SendDecoder decoder;  // what the broker would refuse need not travel there
  const auto checked = decoder.decode({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  if (!checked) return refused_payload(checked.error());
  if (context.broker == nullptr) return http::unavailable("this server has no broker to send through");
  const BrokerTurn turn(context.config);
  if (!turn) return http::unavailable("the broker is slow just now; send it again in a moment");
  const bridge::SendAs who{context.caller.user, context.caller.device, context.caller.role};
  const auto give_up = steady_clock::now() + kCatchUp;
  while (true) {
    const auto sent = context.broker->send_as(who, room, text, steady_clock::now() + kSendDeadline);
    if (sent) return sent_answer(room, *sent, sent->duplicate ? 200 : stored_status);
    const bool again = may_be_behind(sent.error()) && steady_clock::now() < give_up;
    if (!again || !is_member_by_postgres(room, context)) return refused_send(sent.error(), room, context);
    std::this_thread::sleep_for(kCatchUpStep);
  }
}

// An operation on the {message} of the path.
http::Response operate(std::string_view kind, json::object payload, const http::Request& request,
                       Context& context) {
  const std::string& target = request.param("message");
  if (raw(parse_message_id(target).value_or(MessageId{0})) == 0)
    return http::not_found("there is no such message in this room", "target_not_found");
  payload["kind"] = kind;
  payload["target"] = target;
  if (!has_cid(payload)) payload["cid"] = random_cid();
  return send(json::serialize(payload), 200, request, context);
}

http::Response react_or_not(std::string_view kind, const http::Request& request, Context& context) {
  json::object payload;
  payload["emoji"] = request.param("emoji");
  return operate(kind, std::move(payload), request, context);
}

}  // namespace

http::Response send_message(const http::Request& request, Context& context) {
  http::Fields body(request);
  for (const auto& member : body.object()) body.raw(member.key());  // SendDecoder knows their shapes
  const json::value* kind = body.raw("kind");
  const auto named = kind != nullptr && kind->is_string() ? parse_kind(kind->get_string()) : std::nullopt;
  if (named && is_operation(*named))
    body.wrong("kind", "operations have routes of their own below /messages/{message}");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  std::optional<std::string> key;
  if (auto refusal = http::read_idempotency_key(request, key)) return *std::move(refusal);
  std::string payload = compact_json(skip_byte_order_mark(request.body));
  if (!has_cid(body.object())) add_member(payload, "cid", key ? *key : random_cid());
  return send(payload, 201, request, context);
}

http::Response edit_message(const http::Request& request, Context& context) {
  http::Fields body(request);
  json::object payload;
  for (const std::string_view name : {"body", "cid"}) {
    if (const json::value* value = body.raw(name))
      payload[name] = *value;  // SendDecoder knows what they may be
  }
  if (auto refusal = body.refusal()) return *std::move(refusal);
  return operate("edit", std::move(payload), request, context);
}

http::Response delete_message(const http::Request& request, Context& context) {
  return operate("delete", {}, request, context);
}

http::Response react(const http::Request& request, Context& context) {
  return react_or_not("react", request, context);
}

http::Response unreact(const http::Request& request, Context& context) {
  return react_or_not("unreact", request, context);
}

http::Response pin_message(const http::Request& request, Context& context) {
  return operate("pin", {}, request, context);
}

http::Response unpin_message(const http::Request& request, Context& context) {
  return operate("unpin", {}, request, context);
}

}  // namespace parley::api
