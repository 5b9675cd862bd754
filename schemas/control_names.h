// Internal to schemas: spellings and checks of control operations, shared by their two encodings.
#ifndef PARLEY_SCHEMAS_CONTROL_NAMES_H_
#define PARLEY_SCHEMAS_CONTROL_NAMES_H_

#include <array>
#include <optional>
#include <string_view>

#include "schemas/control.h"

namespace parley {

// Spellings in the order of the enumerators.
inline constexpr std::array<std::string_view, 4> kTokenRoleNames = {"user", "bot", "device", "service"};
inline constexpr std::array<std::string_view, 2> kUserStatusNames = {"active", "blocked"};
inline constexpr std::array<std::string_view, 3> kRoomKindNames = {"channel", "group", "direct"};
inline constexpr std::array<std::string_view, 3> kRoomStatusNames = {"active", "read_only", "archived"};
inline constexpr std::array<std::string_view, 2> kRoomHistoryNames = {"all", "joined"};
inline constexpr std::array<std::string_view, 5> kMemberRoleNames = {"", "guest", "member", "admin", "owner"};

inline constexpr std::size_t kMaxEventText = std::size_t{16} * 1024;  // of a body, a meta, an account's event

// What both encodings have to hold: names of the right form, numbers within their range, enumerators that
// exist. Nothing when the operation may be applied.
std::optional<Refusal> check_control_op(const ControlOp& op);

}  // namespace parley

#endif
