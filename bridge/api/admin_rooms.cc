// Rooms and classes of limits, for admins.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

#include "bridge/api/admin.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLimitsName = 32;
constexpr double kMaxRate = 1e9;
constexpr std::int64_t kMaxConnections = 1'000'000;

json::object render(const storage::RoomView& view) { return to_object(view); }

json::object render_limits(const LimitsPut& limits) {
  json::object object;
  object["name"] = limits.name;
  object["messages_per_s"] = limits.messages_per_s;
  object["burst"] = limits.burst;
  object["connections"] = limits.connections;
  object["requests_per_s"] = limits.requests_per_s;
  object["typing_per_s"] = limits.typing_per_s;
  object["room_messages_per_s"] = limits.room_messages_per_s;
  object["room_bot_messages_per_s"] = limits.room_bot_messages_per_s;
  return object;
}

bool is_limits_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxLimitsName && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

http::Response no_such_class() {
  return http::problem(
      {.status = 404, .code = "not_found", .message = "there is no such class of limits", .field = "name"});
}

}  // namespace

http::Response admin_list_rooms(const http::Request& request, Context& context) {
  storage::PageRequest page;
  storage::RoomFilter filter;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  if (auto refusal = read_query(request, "prefix", kMaxRoomTitle, filter.prefix)) return *std::move(refusal);
  const auto found = context.metadata.rooms().list(filter, context.caller.user, page);
  return found ? http::json(page_object(*found, render)) : refused(found.error());
}

http::Response admin_change_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  http::Fields body(request);
  storage::RoomPatch patch;
  body.clear_by_null("limits", "default");
  patch.status = room_status(body);
  patch.limits = body.optional_text("limits", 1, kMaxLimitsName);
  patch.if_version = room_version(request, room, context);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (body.object().empty()) return http::bad_request("say what to change: status or limits");
  const auto view = context.metadata.rooms().update(actor(request, context), room, patch);
  return view ? room_answer(*view) : refused_in_room(view.error(), room, context);
}

http::Response admin_delete_room(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  const auto gone =
      context.metadata.rooms().remove(actor(request, context), room, room_version(request, room, context));
  return gone ? http::no_content() : refused_in_room(gone.error(), room, context);
}

http::Response admin_list_limits(const http::Request&, Context& context) {
  const auto classes = context.metadata.administration().limits();
  if (!classes) return refused(classes.error());
  json::array items;
  for (const LimitsPut& limits : *classes) items.emplace_back(render_limits(limits));
  json::object object;
  object["items"] = std::move(items);
  return http::json(object);
}

http::Response admin_put_limits(const http::Request& request, Context& context) {
  LimitsPut limits;
  limits.name = request.param("name");
  if (!is_limits_name(limits.name) || limits.name == "unlimited")
    return http::invalid("name", "must be [a-z0-9_-]{1,32}, and not unlimited, which is built in");
  http::Fields body(request);
  const auto rate = [&](std::string_view name, double& out) {
    out = body.optional_number(name, 0, kMaxRate).value_or(out);
  };
  rate("messages_per_s", limits.messages_per_s);
  rate("burst", limits.burst);
  rate("requests_per_s", limits.requests_per_s);
  rate("typing_per_s", limits.typing_per_s);
  rate("room_messages_per_s", limits.room_messages_per_s);
  rate("room_bot_messages_per_s", limits.room_bot_messages_per_s);
  if (const auto connections = body.optional_integer("connections", 0, kMaxConnections))
    limits.connections = static_cast<std::uint32_t>(*connections);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const auto put = context.metadata.administration().put_limits(actor(request, context), limits);
  return put ? http::json(render_limits(*put)) : refused(put.error());
}

http::Response admin_remove_limits(const http::Request& request, Context& context) {
  const std::string& name = request.param("name");
  if (!is_limits_name(name)) return no_such_class();
  const auto gone = context.metadata.administration().remove_limits(actor(request, context), name);
  return gone ? http::no_content() : refused(gone.error());
}

}  // namespace parley::api
