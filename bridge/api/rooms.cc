#include "bridge/api/rooms.h"

#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "bridge/api/invites.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "schemas/token_text.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

constexpr std::size_t kMaxCode = 64;

boost::json::object render(const storage::RoomView& view) { return to_object(view); }

// Names of this form are made by the server, so that nobody can take the name of a pair's direct room.
bool is_made_name(std::string_view room) { return room.starts_with("g-") || room.starts_with("d-"); }

void read_channel(http::Fields& body, storage::NewRoom& room) {
  room.room = body.room("room");
  if (is_made_name(room.room))
    body.wrong("room", "names that start with g- or d- are the server's; pick another");
}

storage::NewRoom read_new_room(http::Fields& body, const BridgeLimits& limits) {
  storage::NewRoom room;
  const auto kind = room_kind(body);
  if (!kind) body.wrong("kind", "is needed: channel, group or direct");
  room.kind = kind.value_or(RoomKind::channel);
  if (room.kind == RoomKind::channel) read_channel(body, room);
  if (room.kind == RoomKind::direct) {
    room.members = {body.user("user")};
  } else {
    room.members = body.optional_users("members", kMaxFirstMembers).value_or(std::vector<std::string>());
    room.name = body.optional_line("name", 0, kMaxRoomTitle).value_or("");
    room.topic = body.optional_line("topic", 0, kMaxTopic).value_or("");
    room.access = room_access(body);
    if (room.kind == RoomKind::group && room.access == RoomAccess::open)
      body.wrong("access", "a group is always private; make a channel for everybody");
    room.guests_post = room_guests_post(body).value_or(false);
    room.pin_role = room_pin_role(body);
    room.history = room_history(body).value_or(RoomHistory::all);
  }
  room.max_per_hour = limits.room_creations_per_h;
  room.max_members = room.kind == RoomKind::group ? limits.group_size : 0;
  return room;
}

}  // namespace

http::Response list_rooms(const http::Request& request, Context& context) {
  storage::PageRequest page;
  storage::RoomFilter filter;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  if (auto refusal = read_flag(request, "public", filter.public_only)) return *std::move(refusal);
  if (auto refusal = read_query(request, "prefix", kMaxRoomTitle, filter.prefix)) return *std::move(refusal);
  if (!filter.prefix.empty() && !filter.public_only)
    return http::invalid("prefix", "goes with public=true only");
  storage::Rooms& rooms = context.metadata.rooms();
  const auto found = filter.public_only ? rooms.list(filter, context.caller.user, page)
                                        : rooms.list_mine(context.caller.user, page);
  return found ? http::json(page_object(*found, render)) : refused(found.error());
}

http::Response create_room(const http::Request& request, Context& context) {
  http::Fields body(request);
  const storage::NewRoom room = read_new_room(body, context.config.limits);
  if (room.kind == RoomKind::direct && room.members.front() == context.caller.user)
    body.wrong("user", "this is you; a direct room is with somebody else");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  storage::Actor creator;
  if (auto refusal = idempotent_actor(request, context, creator)) return *std::move(refusal);
  const auto made = context.metadata.rooms().create(creator, room);
  if (!made) return refused(made.error());
  // A key from long ago: the room has changed hands since.
  if (made->replayed && !allowed(made->value, context, RoomAction::view)) return no_such_room();
  return room_answer(made->value, made->existed ? 200 : 201)
      .header("Location", "/api/v1/rooms/" + made->value.room.room);
}

http::Response get_room(const http::Request& request, Context& context) {
  const auto view = visible_room(request, context);
  return view ? room_answer(*view) : view.error();
}

http::Response change_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  http::Fields body(request);
  storage::RoomPatch patch;
  body.clear_by_null("name", "");
  body.clear_by_null("topic", "");
  patch.name = body.optional_line("name", 0, kMaxRoomTitle);
  patch.topic = body.optional_line("topic", 0, kMaxTopic);
  patch.access = room_access(body);
  patch.history = room_history(body);
  patch.status = room_status(body);
  patch.guests_post = room_guests_post(body);
  patch.pin_role = room_pin_role(body);
  patch.if_version = room_version(request, room, context);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (body.object().empty()) return http::bad_request("say what to change: name, topic, access, ...");
  const auto view = context.metadata.rooms().update(actor(request, context), room, patch);
  return view ? room_answer(*view) : refused_in_room(view.error(), room, context);
}

http::Response delete_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  const auto gone =
      context.metadata.rooms().remove(actor(request, context), room, room_version(request, room, context));
  return gone ? http::no_content() : refused_in_room(gone.error(), room, context);
}

http::Response join_room(const http::Request& request, Context& context) {
  http::Fields body(request);
  const auto code = body.optional_text("invite", 1, kMaxCode);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (code) return accept_code(std::string(trim_token(*code)), request.param("room"), request, context);
  const auto view = visible_room(request, context);
  if (!view) return view.error();
  if (view->own.role != MemberRole::none) return room_answer(*view);
  const auto tail = tail_for_newcomer(view->room, context);
  if (!tail) return tail.error();
  const std::string& room = view->room.room;
  const auto joined =
      context.metadata.members().join(actor(request, context), room, {.user = {}, .tail = *tail});
  return joined ? room_answer(room, context) : refused_in_room(joined.error(), room, context);
}

http::Response leave_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  const auto left = context.metadata.members().leave(actor(request, context), room);
  return left ? http::no_content() : refused_in_room(left.error(), room, context);
}

http::Response mute_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  http::Fields body(request);
  storage::MuteSettings to;
  body.refuse_other_nulls();
  body.clear_by_null("until", 0);
  to.muted_until_ms = body.optional_integer("until", 0, storage::kMutedForever);
  if (const auto muted = body.optional_boolean("muted")) {
    if (to.muted_until_ms) body.wrong("muted", "say either muted or until, not both");
    to.muted_until_ms = *muted ? storage::kMutedForever : 0;
  }
  if (const auto word = body.optional_choice("notify", {"all", "mentions", "none"}))
    to.notify = storage::parse_notify(*word);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (!to.muted_until_ms && !to.notify)
    return http::bad_request("say what to change: muted, until or notify");
  const auto set = context.metadata.members().mute(actor(request, context), room, to);
  return set ? room_answer(room, context) : refused_in_room(set.error(), room, context);
}

}  // namespace parley::api
