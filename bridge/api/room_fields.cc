#include "bridge/api/room_fields.h"

#include <algorithm>
#include <string>

#include "schemas/text/field_text.h"

namespace parley::api {

std::optional<RoomKind> room_kind(http::Fields& body) {
  const auto word = body.optional_choice("kind", {"channel", "group", "direct"});
  if (!word) return std::nullopt;
  if (*word == "channel") return RoomKind::channel;
  return *word == "group" ? RoomKind::group : RoomKind::direct;
}

std::optional<RoomAccess> room_access(http::Fields& body) {
  const auto word = body.optional_choice("access", {"public", "private"});
  return word ? storage::parse_room_access(*word) : std::nullopt;
}

std::optional<RoomHistory> room_history(http::Fields& body) {
  const auto word = body.optional_choice("history", {"all", "joined"});
  if (!word) return std::nullopt;
  return *word == "all" ? RoomHistory::all : RoomHistory::joined;
}

std::optional<RoomStatus> room_status(http::Fields& body) {
  const auto word = body.optional_choice("status", {"active", "read_only", "archived"});
  if (!word) return std::nullopt;
  if (*word == "active") return RoomStatus::active;
  return *word == "read_only" ? RoomStatus::read_only : RoomStatus::archived;
}

std::optional<bool> room_guests_post(http::Fields& body) {
  const auto word = body.optional_choice("guests", {"read", "post"});
  if (!word) return std::nullopt;
  return *word == "post";
}

std::optional<MemberRole> room_pin_role(http::Fields& body) {
  const auto word = body.optional_choice("pin", {"member", "admin", "owner"});
  return word ? parse_member_role(*word) : std::nullopt;
}

std::optional<MemberRole> member_role(http::Fields& body) {
  const auto word = body.optional_choice("role", {"owner", "admin", "member", "guest"});
  return word ? parse_member_role(*word) : std::nullopt;
}

std::optional<http::Response> read_flag(const http::Request& request, std::string_view name, bool& out) {
  const auto text = request.query(name);
  if (text && *text != "true" && *text != "false")
    return http::invalid(std::string(name), "must be true or false");
  out = text == "true";
  return std::nullopt;
}

std::optional<http::Response> read_query(const http::Request& request, std::string_view name, std::size_t max,
                                         std::string& out) {
  const std::string_view given = request.query(name).value_or("");
  const bool control = std::any_of(given.begin(), given.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (control || given.size() > max)
    return http::invalid(std::string(name),
                         "must have at most " + std::to_string(max) + " bytes, and no control characters");
  out = text::composed(given);  // as what it is compared with is stored
  return std::nullopt;
}

}  // namespace parley::api
