// Settings of a room as they come in bodies, shared by the handlers of members and of admins. Pure; any
// thread.
#ifndef PARLEY_BRIDGE_API_ROOM_FIELDS_H_
#define PARLEY_BRIDGE_API_ROOM_FIELDS_H_

#include <optional>
#include <string_view>

#include "bridge/http/fields.h"
#include "storage/metadata_rooms.h"

namespace parley::api {

inline constexpr std::size_t kMaxRoomTitle = 100;     // characters of `name`
inline constexpr std::size_t kMaxTopic = 1000;        // characters
inline constexpr std::size_t kMaxFirstMembers = 100;  // of `members` of a new room

// Each gives nothing for a member that is absent, and leaves a wrong one to body.refusal().
std::optional<RoomKind> room_kind(http::Fields& body);
std::optional<RoomAccess> room_access(http::Fields& body);
std::optional<RoomHistory> room_history(http::Fields& body);
std::optional<RoomStatus> room_status(http::Fields& body);
std::optional<bool> room_guests_post(http::Fields& body);
std::optional<MemberRole> room_pin_role(http::Fields& body);
std::optional<MemberRole> member_role(http::Fields& body);

// ?name=true|false; absent is false.
std::optional<http::Response> read_flag(const http::Request& request, std::string_view name, bool& out);
// ?name=text of valid length (bytes) without control characters, composed (NFC); absent is empty.
std::optional<http::Response> read_query(const http::Request& request, std::string_view name, std::size_t max,
                                         std::string& out);

}  // namespace parley::api

#endif
