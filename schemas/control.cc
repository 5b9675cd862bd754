#include "schemas/control.h"

#include <boost/json/parse.hpp>
#include <charconv>
#include <limits>

#include "schemas/base64url.h"
#include "schemas/control_names.h"
#include "schemas/json_text.h"
#include "schemas/raw_json.h"
#include "schemas/whole_number.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 512;  // of any string in a control document but a chunk of operations
// What a request holds may itself be 32 levels deep, as a payload is that comes by MQTT.
constexpr std::size_t kMaxDepth = 40;

Refusal bad(std::string message) { return {Code::bad_payload, std::move(message)}; }

// Takes members out of one object and remembers the first that is missing or of the wrong type. null counts
// as absent; members nobody asks for are ignored. `text` is what the object was parsed from.
class Fields {
 public:
  Fields(const json::object& object, std::string_view text) : object_(object), text_(text) {}

  const json::value* find(std::string_view name) const {
    const json::value* value = object_.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  void required(std::string_view name) {
    if (find(name) == nullptr) refuse(name, "is missing");
  }
  void text(std::string_view name, std::string& out, std::size_t max = kMaxText) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_string()) return refuse(name, "must be a string");
    const json::string& text = value->get_string();
    if (text.size() > max) return refuse(name, "is too long");
    out.assign(text.data(), text.size());
  }
  void required_text(std::string_view name, std::string& out) {
    required(name);
    text(name, out);
  }
  template <class Integer>
  void integer(std::string_view name, Integer& out) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    const auto number = whole_number<Integer>(*value);
    if (!number) return refuse(name, "must be a whole number within its range");
    out = *number;
  }
  // A place in the log: above what JavaScript's numbers hold, so decimal text is taken too.
  void offset(std::string_view name, std::uint64_t& out) {
    const json::value* value = find(name);
    if (value == nullptr || !value->is_string()) return integer(name, out);
    const std::string_view digits(value->get_string());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
      refuse(name, "must be a whole number, as such or as decimal text");
    }
  }
  void number(std::string_view name, double& out) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_number()) return refuse(name, "must be a number");
    out = value->to_number<double>();
  }
  template <class Enum, std::size_t N>
  void choice(std::string_view name, Enum& out, const std::array<std::string_view, N>& names) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (value->is_string()) {
      const std::string_view text(value->get_string());
      for (std::size_t i = 0; i < N; ++i) {
        if (!text.empty() && names[i] == text) {
          out = static_cast<Enum>(i);
          return;
        }
      }
    }
    std::string what("must be one of:");
    for (const std::string_view each : names) {
      if (!each.empty()) what.append(" \"").append(each).append("\"");
    }
    refuse(name, what);
  }
  void digest(Sha256& out) {
    std::string hex;
    required_text("sha256", hex);
    if (const auto parsed = parse_sha256_hex(hex)) {
      out = *parsed;
    } else {
      refuse("sha256", "must be 64 hexadecimal digits");
    }
  }
  // A nested object, as it was sent but for white space.
  void object(std::string_view name, std::string& out) {
    const json::value* value = find(name);
    if (value == nullptr) return;
    if (!value->is_object()) return refuse(name, "must be a JSON object");
    out = compact_json(raw(name));
  }
  // The member's value as it was sent; empty when it is not there.
  std::string_view raw(std::string_view name) const { return raw_member(text_, name).value_or(""); }
  void refuse(std::string_view name, std::string_view what) {
    if (!problem_.empty()) return;
    problem_.append("field \"").append(name).append("\" ").append(what);
  }
  const std::string& problem() const { return problem_; }

 private:
  const json::object& object_;
  std::string_view text_;
  std::string problem_;
};

// --- from JSON, one function an operation

ControlOp user_put(Fields& f) {
  UserPut op;
  f.required_text("user", op.user);
  f.choice("role", op.role, kTokenRoleNames);
  f.text("limits", op.limits);
  f.integer("tokens_after", op.tokens_after_s);
  f.choice("status", op.status, kUserStatusNames);
  f.text("owner", op.owner);
  return op;
}
ControlOp user_remove(Fields& f) {
  UserRemove op;
  f.required_text("user", op.user);
  return op;
}
ControlOp room_put(Fields& f) {
  constexpr std::array<std::string_view, 2> kGuests = {"read", "post"};
  RoomPut op;
  f.required_text("room", op.room);
  f.choice("kind", op.kind, kRoomKindNames);
  f.text("limits", op.limits);
  f.choice("history", op.history, kRoomHistoryNames);
  f.choice("status", op.status, kRoomStatusNames);
  f.choice("guests", op.guests_post, kGuests);
  f.choice("pin", op.pin_role, kMemberRoleNames);
  return op;
}
ControlOp room_remove(Fields& f) {
  RoomRemove op;
  f.required_text("room", op.room);
  return op;
}
ControlOp member_put(Fields& f) {
  MemberPut op;
  std::uint64_t since = 0;
  f.required_text("room", op.room);
  f.required_text("user", op.user);
  f.choice("role", op.role, kMemberRoleNames);
  f.integer("since", since);
  op.since = Seq{since};
  return op;
}
ControlOp member_remove(Fields& f) {
  MemberRemove op;
  f.required_text("room", op.room);
  f.required_text("user", op.user);
  return op;
}
template <class Op>
ControlOp block(Fields& f) {
  Op op;
  f.required_text("user", op.user);
  f.required_text("blocked", op.blocked);
  return op;
}
ControlOp session_revoke(Fields& f) {
  SessionRevoke op;
  f.required_text("sid", op.sid);
  f.required("until");
  f.integer("until", op.until_s);
  return op;
}
ControlOp token_put(Fields& f) {
  TokenPut op;
  f.digest(op.sha256);
  f.required_text("user", op.user);
  f.required_text("device", op.device);
  f.choice("role", op.role, kTokenRoleNames);
  f.integer("until", op.until_s);
  return op;
}
ControlOp token_remove(Fields& f) {
  TokenRemove op;
  f.digest(op.sha256);
  return op;
}
ControlOp limits_put(Fields& f) {
  LimitsPut op;
  f.required_text("name", op.name);
  f.number("messages_per_s", op.messages_per_s);
  f.number("burst", op.burst);
  f.integer("connections", op.connections);
  f.number("requests_per_s", op.requests_per_s);
  f.number("typing_per_s", op.typing_per_s);
  f.number("room_messages_per_s", op.room_messages_per_s);
  f.number("room_bot_messages_per_s", op.room_bot_messages_per_s);
  return op;
}

ControlOp event_post(Fields& f) {
  EventPost op;
  std::string kind;
  f.required_text("room", op.room);
  f.required_text("kind", kind);
  f.required_text("from", op.from);
  f.required_text("cid", op.cid);
  f.integer("ts", op.ts_ms);
  f.text("body", op.body, kMaxEventText);
  f.object("meta", op.meta);
  op.kind = parse_kind(kind).value_or(kUnknownKind);
  return op;
}
ControlOp user_event(Fields& f) {
  UserEvent op;
  f.required_text("user", op.user);
  f.required("event");
  f.object("event", op.event);
  return op;
}

struct Entry {
  std::string_view name;
  ControlOp (*read)(Fields&);
};
constexpr std::array<Entry, 14> kOps = {{{"user.put", user_put},
                                         {"user.remove", user_remove},
                                         {"room.put", room_put},
                                         {"room.remove", room_remove},
                                         {"member.put", member_put},
                                         {"member.remove", member_remove},
                                         {"block.put", block<BlockPut>},
                                         {"block.remove", block<BlockRemove>},
                                         {"session.revoke", session_revoke},
                                         {"token.put", token_put},
                                         {"token.remove", token_remove},
                                         {"limits.put", limits_put},
                                         {"event.post", event_post},
                                         {"user.event", user_event}}};
static_assert(std::variant_size_v<ControlOp> == kOps.size());

Result<ControlOp> read_op(const json::value& value, std::string_view text) {
  if (!value.is_object())
    return bad("a control operation must be a JSON object such as {\"op\":\"user.put\",...}");
  Fields fields(value.get_object(), text);
  std::string name;
  fields.required_text("op", name);
  if (!fields.problem().empty()) return bad(fields.problem());
  for (const Entry& entry : kOps) {
    if (entry.name != name) continue;
    ControlOp op = entry.read(fields);
    if (!fields.problem().empty()) return bad(name + ": " + fields.problem());
    if (auto refusal = check_control_op(op)) return bad(name + ": " + refusal->message);
    return op;
  }
  return bad("field \"op\": there is no operation \"" + name + "\"");
}

Result<json::value> parse_object(std::string_view text) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::value document = json::parse(skip_byte_order_mark(text), error, {}, options);
  if (error) return bad("this is not one JSON object: " + error.message());
  if (!document.is_object()) return bad("this is JSON, but not an object");
  return document;
}

// --- to JSON

struct Writer {
  std::string& out;

  // Members in the order of protocol.md.
  void operator()(const UserPut& op) {
    JsonObjectWriter w = begin("user.put");
    w.text("user", op.user);
    w.text("role", to_string(op.role));
    w.text("limits", op.limits);
    w.json_if("tokens_after", std::to_string(op.tokens_after_s));
    w.text("status", kUserStatusNames[static_cast<std::size_t>(op.status)]);
    w.text_if("owner", op.owner);
    w.close();
  }
  void operator()(const UserRemove& op) {
    JsonObjectWriter w = begin("user.remove");
    w.text("user", op.user);
    w.close();
  }
  void operator()(const RoomPut& op) {
    JsonObjectWriter w = begin("room.put");
    w.text("room", op.room);
    w.text("kind", to_string(op.kind));
    w.text("limits", op.limits);
    w.text("history", to_string(op.history));
    w.text("status", to_string(op.status));
    w.text("guests", op.guests_post ? "post" : "read");
    w.text("pin", to_string(op.pin_role));
    w.close();
  }
  void operator()(const RoomRemove& op) {
    JsonObjectWriter w = begin("room.remove");
    w.text("room", op.room);
    w.close();
  }
  void operator()(const MemberPut& op) {
    JsonObjectWriter w = begin("member.put");
    w.text("room", op.room);
    w.text("user", op.user);
    w.text("role", to_string(op.role));
    w.number("since", raw(op.since));
    w.close();
  }
  void operator()(const MemberRemove& op) {
    JsonObjectWriter w = begin("member.remove");
    w.text("room", op.room);
    w.text("user", op.user);
    w.close();
  }
  void operator()(const BlockPut& op) { write_block("block.put", op.user, op.blocked); }
  void operator()(const BlockRemove& op) { write_block("block.remove", op.user, op.blocked); }
  void operator()(const SessionRevoke& op) {
    JsonObjectWriter w = begin("session.revoke");
    w.text("sid", op.sid);
    w.json_if("until", std::to_string(op.until_s));
    w.close();
  }
  void operator()(const TokenPut& op) {
    JsonObjectWriter w = begin("token.put");
    w.text("sha256", to_hex(op.sha256));
    w.text("user", op.user);
    w.text("device", op.device);
    w.text("role", to_string(op.role));
    w.json_if("until", std::to_string(op.until_s));
    w.close();
  }
  void operator()(const TokenRemove& op) {
    JsonObjectWriter w = begin("token.remove");
    w.text("sha256", to_hex(op.sha256));
    w.close();
  }
  void operator()(const LimitsPut& op) {
    JsonObjectWriter w = begin("limits.put");
    w.text("name", op.name);
    w.decimal("messages_per_s", op.messages_per_s);
    w.decimal("burst", op.burst);
    w.number("connections", op.connections);
    w.decimal("requests_per_s", op.requests_per_s);
    w.decimal("typing_per_s", op.typing_per_s);
    w.decimal("room_messages_per_s", op.room_messages_per_s);
    w.decimal("room_bot_messages_per_s", op.room_bot_messages_per_s);
    w.close();
  }
  void operator()(const EventPost& op) {
    JsonObjectWriter w = begin("event.post");
    w.text("room", op.room);
    w.text("kind", to_string(op.kind));
    w.text("from", op.from);
    w.text("cid", op.cid);
    w.number_if("ts", op.ts_ms);
    w.text_if("body", op.body);
    w.json_if("meta", op.meta);
    w.close();
  }
  void operator()(const UserEvent& op) {
    JsonObjectWriter w = begin("user.event");
    w.text("user", op.user);
    w.json_if("event", op.event);
    w.close();
  }

 private:
  JsonObjectWriter begin(std::string_view name) {
    JsonObjectWriter w(out);
    w.text("op", name);
    return w;
  }
  void write_block(std::string_view name, std::string_view user, std::string_view blocked) {
    JsonObjectWriter w = begin(name);
    w.text("user", user);
    w.text("blocked", blocked);
    w.close();
  }
};

Result<std::vector<ControlOp>> read_ops(const Fields& fields) {
  std::vector<ControlOp> ops;
  const json::value* list = fields.find("ops");
  const json::value* encoded = fields.find("ops_fb");
  if (list != nullptr && encoded != nullptr) return bad("give either \"ops\" or \"ops_fb\", not both");
  if (encoded != nullptr) {
    const auto bytes = encoded->is_string() ? decode_base64(encoded->get_string()) : std::nullopt;
    if (!bytes) return bad("field \"ops_fb\" must be base64 of FlatBuffers (control.fbs)");
    return control_ops_from_flatbuffer({reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()});
  }
  if (list == nullptr) return ops;
  if (!list->is_array()) return bad("field \"ops\" must be an array of control operations");
  const json::array& array = list->get_array();
  ops.reserve(array.size());
  RawElements texts(fields.raw("ops"));
  for (std::size_t i = 0; i < array.size(); ++i) {
    Result<ControlOp> op = read_op(array[i], texts.next().value_or(""));
    if (!op) return bad("ops[" + std::to_string(i) + "]: " + op.error().message);
    ops.push_back(std::move(*op));
  }
  return ops;
}

}  // namespace

std::string_view to_string(RoomKind kind) { return kRoomKindNames[static_cast<std::size_t>(kind)]; }
std::string_view to_string(RoomStatus status) { return kRoomStatusNames[static_cast<std::size_t>(status)]; }
std::string_view to_string(RoomHistory history) {
  return kRoomHistoryNames[static_cast<std::size_t>(history)];
}

Result<ControlOp> parse_control_op(std::string_view text) {
  Result<json::value> document = parse_object(text);
  if (!document) return document.error();
  return read_op(*document, skip_byte_order_mark(text));
}

std::string to_json(const ControlOp& op) {
  std::string out;
  std::visit(Writer{out}, op);
  return out;
}

Result<ControlRequest> parse_control_request(std::string_view text) {
  Result<json::value> document = parse_object(text);
  if (!document) return document.error();
  Fields fields(document->get_object(), skip_byte_order_mark(text));
  ControlRequest request;
  fields.text("req", request.req);
  fields.required_text("cmd", request.cmd);
  fields.integer("from", request.from);
  fields.integer("to", request.to);
  fields.integer("mark", request.mark);
  fields.integer("from_mark", request.from_mark);
  fields.text("client", request.client, std::numeric_limits<std::uint16_t>::max());  // any MQTT client id
  fields.text("consumer", request.consumer);
  fields.text("room", request.room);
  fields.offset("offset", request.offset);
  fields.integer("limit", request.limit);
  fields.text("what", request.what);
  fields.text("after", request.after);
  fields.text("encoding", request.encoding);
  fields.integer("snapshot", request.snapshot);
  fields.text("user", request.user);
  fields.text("device", request.device);
  fields.choice("role", request.role, kTokenRoleNames);
  fields.object("payload", request.payload);
  if (!request.encoding.empty() && request.encoding != "json" && request.encoding != "flatbuffers") {
    fields.refuse("encoding", "must be \"json\" or \"flatbuffers\"");
  }
  if (!request.room.empty() && !is_room_name(request.room))
    fields.refuse("room", "must be the name of a room");
  if (!fields.problem().empty()) return bad(fields.problem());
  Result<std::vector<ControlOp>> ops = read_ops(fields);
  if (!ops) return ops.error();
  request.ops = std::move(*ops);
  return request;
}

std::string control_request_id(std::string_view text) {
  Result<json::value> document = parse_object(text);
  if (!document) return {};
  Fields fields(document->get_object(), skip_byte_order_mark(text));
  std::string req;
  fields.text("req", req);
  return req;
}

std::string to_json(const ControlRequest& request) {
  std::string out;
  JsonObjectWriter w(out);
  w.text_if("req", request.req);
  w.text("cmd", request.cmd);
  w.number_if("from", request.from);
  w.number_if("to", request.to);
  w.number_if("mark", request.mark);
  w.number_if("from_mark", request.from_mark);
  w.text_if("client", request.client);
  w.text_if("consumer", request.consumer);
  w.text_if("room", request.room);
  w.number_if("offset", request.offset);
  w.number_if("limit", request.limit);
  w.text_if("what", request.what);
  w.text_if("after", request.after);
  w.text_if("encoding", request.encoding);
  w.number_if("snapshot", request.snapshot);
  w.text_if("user", request.user);
  w.text_if("device", request.device);
  if (request.role != TokenRole::user) w.text("role", to_string(request.role));
  w.json_if("payload", request.payload);
  if (!request.ops.empty()) {
    w.key("ops");
    char separator = '[';
    for (const ControlOp& op : request.ops) {
      out += separator;
      std::visit(Writer{out}, op);
      separator = ',';
    }
    out += ']';
  }
  w.close();
  return out;
}

}  // namespace parley
