#include "bridge/api/room_access.h"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <stdexcept>

#include "bridge/api/broker_turn.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_json.h"
#include "bridge/broker_link.h"
#include "schemas/ids.h"
#include "storage/metadata.h"

namespace parley::api {

using storage::MetadataError;

constexpr std::chrono::milliseconds kTailDeadline{1500};

void throw_exception_from_error(const http::Response& answer, const boost::source_location&) {
  throw std::logic_error("a refusal was taken for a value: " + answer.body);
}

http::Response no_such_room() {
  return http::problem({.status = 404,
                        .code = "room_not_found",
                        .message = "there is no such room, or you are not in it",
                        .field = "room"});
}

bool allowed(const storage::RoomView& view, const Context& context, RoomAction action) {
  return static_cast<bool>(may({.action = action,
                                .kind = view.room.kind,
                                .access = view.room.access,
                                .actor = view.own.role,
                                .site_admin = context.caller.admin}));
}

Step<storage::RoomView> visible_room(const http::Request& request, Context& context) {
  const std::string& name = request.param("room");
  if (!is_room_name(name)) return no_such_room();
  auto view = context.metadata.rooms().get(name, context.caller.user);
  if (!view) {
    if (view.error().code == MetadataError::not_found) return no_such_room();
    return refused(view.error());
  }
  if (!allowed(*view, context, RoomAction::view)) return no_such_room();
  return *std::move(view);
}

http::Response refused_in_room(const storage::MetadataFault& fault, std::string_view room, Context& context) {
  if (fault.code == MetadataError::not_found && fault.field == "room") return no_such_room();
  const bool says_nothing = fault.code == MetadataError::unavailable || fault.code == MetadataError::internal;
  if (context.caller.admin || says_nothing) return refused(fault);
  const auto view = context.metadata.rooms().get(room, context.caller.user);
  if (!view) return view.error().code == MetadataError::not_found ? no_such_room() : refused(view.error());
  return allowed(*view, context, RoomAction::view) ? refused(fault) : no_such_room();
}

Step<Seq> tail_for_newcomer(const storage::Room& room, Context& context) {
  if (room.history == RoomHistory::all) return Seq{0};
  if (context.broker == nullptr)
    return http::unavailable("this server has no broker to ask; try again later");
  const BrokerTurn turn(context.config);
  if (!turn) return http::unavailable("the broker is slow just now; try again in a moment");
  const auto tail = context.broker->room_tail(room.room, std::chrono::steady_clock::now() + kTailDeadline);
  if (tail) return *tail;
  // Made a moment ago: the broker has not heard of it, so nothing was written in it either.
  if (tail.error().code == "room_not_found") return Seq{0};
  return refused(tail.error());
}

http::Response room_answer(const storage::RoomView& view, unsigned status) {
  http::Response response = http::json(to_object(view), status).etag(view.room.version);
  // The version is the room's, for If-Match; the number of members and what is the caller's own change
  // without it.
  response.same_by_etag = false;
  return response;
}

http::Response room_answer(std::string_view room, Context& context, unsigned status) {
  const auto view = context.metadata.rooms().get(room, context.caller.user);
  return view ? room_answer(*view, status) : refused(view.error());
}

}  // namespace parley::api
