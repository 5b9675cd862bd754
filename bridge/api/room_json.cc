#include "bridge/api/room_json.h"

#include <string>

namespace parley::api {

namespace json = boost::json;

json::object to_object(const storage::RoomView& view) {
  const storage::Room& room = view.room;
  const storage::OwnMembership& own = view.own;
  json::object object;
  object["room"] = room.room;
  object["kind"] = to_string(room.kind);
  object["name"] = room.name;
  object["topic"] = room.topic;
  object["access"] = storage::to_string(room.access);
  object["history"] = to_string(room.history);
  object["status"] = to_string(room.status);
  object["guests"] = room.guests_post ? "post" : "read";
  object["pin"] = to_string(room.pin_role);
  object["limits"] = room.limits;
  if (!room.other.empty()) object["user"] = room.other;
  if (own.role != MemberRole::none) {
    object["role"] = to_string(own.role);
    object["joined_at"] = own.joined_ms;
    object["notify"] = storage::to_string(own.notify);
    if (own.muted_until_ms != 0) object["muted_until"] = own.muted_until_ms;
  }
  object["members"] = room.members;
  object["version"] = room.version;
  object["creator"] = room.creator;
  object["created_at"] = room.created_ms;
  return object;
}

json::object to_object(const storage::Member& member) {
  json::object object;
  object["user"] = member.user;
  if (!member.display_name.empty()) object["display_name"] = member.display_name;
  object["role"] = to_string(member.role);
  object["joined_at"] = member.joined_ms;
  return object;
}

json::object to_object(const storage::Ban& ban) {
  json::object object;
  object["user"] = ban.user;
  object["by"] = ban.by;
  if (!ban.reason.empty()) object["reason"] = ban.reason;
  object["created_at"] = ban.created_ms;
  return object;
}

json::object to_object(const storage::Invite& invite, std::string_view public_url) {
  json::object object;
  object["code"] = invite.code;
  if (!public_url.empty()) object["url"] = std::string(public_url) + "/api/v1/invites/" + invite.code;
  object["room"] = invite.room;
  object["role"] = to_string(invite.role);
  object["by"] = invite.by;
  if (invite.limited) object["uses_left"] = invite.uses_left;
  if (invite.expires_ms != 0) object["expires_at"] = invite.expires_ms;
  object["created_at"] = invite.created_ms;
  return object;
}

}  // namespace parley::api
