#include "bridge/api/members.h"

#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

constexpr std::size_t kMaxReason = 300;  // characters

boost::json::object render(const storage::Member& member) { return to_object(member); }
boost::json::object render_ban(const storage::Ban& ban) { return to_object(ban); }

http::Response members_only() {
  return http::forbidden("only members see who is in the room; join it first", "not_member");
}

http::Response no_such_member() {
  return http::problem({.status = 404,
                        .code = "not_found",
                        .message = "there is no such member in the room",
                        .field = "user"});
}

// The two names of /rooms/{room}/members/{user}: what is no name cannot be there.
std::optional<http::Response> bad_names(const http::Request& request) {
  if (!is_room_name(request.param("room"))) return no_such_room();
  if (!is_user_name(request.param("user"))) return no_such_member();
  return std::nullopt;
}

}  // namespace

http::Response list_members(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const auto found = context.metadata.members().list(room, context.caller.user, page);
  if (!found) return refused_in_room(found.error(), room, context);
  if (!allowed(found->caller, context, RoomAction::view)) return no_such_room();
  if (!allowed(found->caller, context, RoomAction::list_members)) return members_only();
  return http::json(page_object(found->page, render));
}

http::Response add_member(const http::Request& request, Context& context) {
  http::Fields body(request);
  storage::NewMember member;
  member.user = body.user("user");
  member.role = member_role(body).value_or(MemberRole::member);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  storage::Actor inviter;
  if (auto refusal = idempotent_actor(request, context, inviter)) return *std::move(refusal);
  const auto view = visible_room(request, context);
  if (!view) return view.error();
  const auto tail = tail_for_newcomer(view->room, context);
  if (!tail) return tail.error();
  member.tail = *tail;
  if (view->room.kind == RoomKind::group) member.max_members = context.config.limits.group_size;
  const std::string& room = view->room.room;
  const auto added = context.metadata.members().add(inviter, room, member);
  if (!added) return refused_in_room(added.error(), room, context);
  return http::json(to_object(added->value), added->existed ? 200 : 201)
      .header("Location", "/api/v1/rooms/" + room + "/members/" + added->value.user);
}

http::Response get_member(const http::Request& request, Context& context) {
  if (auto refusal = bad_names(request)) return *std::move(refusal);
  const auto view = visible_room(request, context);
  if (!view) return view.error();
  if (!allowed(*view, context, RoomAction::list_members)) return members_only();
  const auto member = context.metadata.members().get(view->room.room, request.param("user"));
  if (member) return http::json(to_object(*member));
  return member.error().code == storage::MetadataError::not_found ? no_such_member()
                                                                  : refused(member.error());
}

http::Response change_member(const http::Request& request, Context& context) {
  if (auto refusal = bad_names(request)) return *std::move(refusal);
  http::Fields body(request);
  const auto role = member_role(body);
  if (!role) body.wrong("role", "is needed: owner, admin, member or guest");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const std::string& room = request.param("room");
  const auto member =
      context.metadata.members().set_role(actor(request, context), room, request.param("user"), *role);
  return member ? http::json(to_object(*member)) : refused_in_room(member.error(), room, context);
}

http::Response remove_member(const http::Request& request, Context& context) {
  if (auto refusal = bad_names(request)) return *std::move(refusal);
  bool ban = false;
  std::string reason;
  if (auto refusal = read_flag(request, "ban", ban)) return *std::move(refusal);
  if (auto refusal =
          http::read_longer_text("reason", request.query("reason").value_or(""), kMaxReason, reason))
    return *std::move(refusal);
  const std::string& room = request.param("room");
  const std::string& user = request.param("user");
  storage::Members& members = context.metadata.members();
  const auto gone = ban ? members.ban(actor(request, context), room, user, reason)
                        : members.remove(actor(request, context), room, user);
  return gone ? http::no_content() : refused_in_room(gone.error(), room, context);
}

http::Response list_bans(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const auto found = context.metadata.members().bans(actor(request, context), room, page);
  return found ? http::json(page_object(*found, render_ban)) : refused_in_room(found.error(), room, context);
}

http::Response lift_ban(const http::Request& request, Context& context) {
  if (auto refusal = bad_names(request)) return *std::move(refusal);
  const std::string& room = request.param("room");
  const auto lifted = context.metadata.members().unban(actor(request, context), room, request.param("user"));
  return lifted ? http::no_content() : refused_in_room(lifted.error(), room, context);
}

}  // namespace parley::api
