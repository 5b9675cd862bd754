#include "bridge/api/invites.h"

#include <boost/json/serialize.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "bridge/api/limits.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

constexpr std::int64_t kWeek_s = std::int64_t{7} * 24 * 3600;
constexpr std::int64_t kYear_s = std::int64_t{366} * 24 * 3600;
constexpr std::int64_t kMaxUses = 100'000;

std::int64_t to_ms(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Made by us: base64url. Anything else is not worth asking for.
bool is_code(std::string_view text) {
  constexpr std::size_t kMax = 64;
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !text.empty() && text.size() <= kMax && text.find_first_not_of(kAlphabet) == std::string_view::npos;
}

// One answer for what never was, is over, or is used up.
http::Response no_such_invite() {
  return http::problem({.status = 404,
                        .code = "not_found",
                        .message = "the invite is unknown, expired or used up; ask for a new one",
                        .field = "invite"});
}

http::Response refused_invite(const storage::MetadataFault& fault) {
  return fault.code == storage::MetadataError::not_found ? no_such_invite() : refused(fault);
}

}  // namespace

http::Response list_invites(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const auto found = context.metadata.invites().list(actor(request, context), room, page);
  if (!found) return refused_in_room(found.error(), room, context);
  return http::json(page_object(*found, [&](const storage::Invite& invite) {
    return to_object(invite, context.config.http.public_url);
  }));
}

http::Response create_invite(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  http::Fields body(request);
  storage::NewInvite invite;
  invite.role = member_role(body).value_or(MemberRole::member);
  invite.uses = static_cast<std::uint32_t>(body.optional_integer("uses", 0, kMaxUses).value_or(0));
  const std::int64_t seconds = body.optional_integer("expires_in", 0, kYear_s).value_or(kWeek_s);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (seconds > 0) invite.expires_ms = to_ms(context.now + std::chrono::seconds(seconds));
  storage::Actor inviter;
  if (auto refusal = idempotent_actor(request, context, inviter)) return *std::move(refusal);
  const auto wait =
      context.caller.admin ? std::chrono::milliseconds(0) : context.limits.invite(context.caller.limited_as);
  if (wait.count() > 0) return http::rate_limited("you made many invites; make the next one later", wait);
  const auto made = context.metadata.invites().create(inviter, room, invite);
  if (!made) return refused_in_room(made.error(), room, context);
  return http::json(to_object(made->value, context.config.http.public_url), 201)
      .header("Location", "/api/v1/invites/" + made->value.code);
}

http::Response revoke_invite(const http::Request& request, Context& context) {
  const std::string& room = request.param("room");
  if (!is_room_name(room)) return no_such_room();
  const std::string& code = request.param("code");
  if (!is_code(code)) return no_such_invite();
  const auto gone = context.metadata.invites().remove(actor(request, context), room, code);
  if (gone) return http::no_content();
  const bool no_invite =
      gone.error().code == storage::MetadataError::not_found && gone.error().field != "room";
  return no_invite ? no_such_invite() : refused_in_room(gone.error(), room, context);
}

http::Response get_invite(const http::Request& request, Context& context) {
  const std::string& code = request.param("code");
  if (!is_code(code)) return no_such_invite();
  const auto view = context.metadata.invites().look_up(code, context.caller.user);
  return view ? room_answer(*view) : refused_invite(view.error());
}

http::Response accept_code(const std::string& code, std::string_view only_room, const http::Request& request,
                           Context& context) {
  if (!is_code(code)) return no_such_invite();
  const auto target = context.metadata.invites().look_up(code, context.caller.user);
  storage::NewMember self;
  if (target) {
    if (!only_room.empty() && target->room.room != only_room) return no_such_invite();
    const auto tail = tail_for_newcomer(target->room, context);
    if (!tail) return tail.error();
    self.tail = *tail;
    if (target->room.kind == RoomKind::group) self.max_members = context.config.limits.group_size;
  } else if (target.error().code == storage::MetadataError::not_found) {
    // Used up, perhaps by the caller, whose first answer was lost: that is asked below, and lets nobody in
    // newly.
    self.tail = Seq{kSeqLimit - 1};
  } else {
    return refused_invite(target.error());
  }
  const auto joined = context.metadata.invites().accept(actor(request, context), code, self);
  if (joined && !only_room.empty() && joined->value.room.room != only_room) return no_such_invite();
  return joined ? room_answer(joined->value) : refused_invite(joined.error());
}

http::Response accept_invite(const http::Request& request, Context& context) {
  const std::string& code = request.param("code");
  if (!is_code(code)) return no_such_invite();
  http::Fields body(request);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  return accept_code(code, {}, request, context);
}

}  // namespace parley::api
