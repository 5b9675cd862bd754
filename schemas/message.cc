#include "schemas/message.h"

#include <array>

namespace parley {
namespace {

struct KindName {
  Kind kind;
  std::string_view name;
};
constexpr std::array<KindName, 19> kKinds = {{{Kind::text, "text"},
                                              {Kind::image, "image"},
                                              {Kind::file, "file"},
                                              {Kind::audio, "audio"},
                                              {Kind::video, "video"},
                                              {Kind::location, "location"},
                                              {Kind::custom, "custom"},
                                              {Kind::encrypted, "encrypted"},
                                              {Kind::edit, "edit"},
                                              {Kind::del, "delete"},
                                              {Kind::react, "react"},
                                              {Kind::unreact, "unreact"},
                                              {Kind::pin, "pin"},
                                              {Kind::unpin, "unpin"},
                                              {Kind::join, "join"},
                                              {Kind::leave, "leave"},
                                              {Kind::role, "role"},
                                              {Kind::room, "room"},
                                              {Kind::system, "system"}}};
constexpr std::array<std::string_view, 5> kRoles = {"", "guest", "member", "admin", "owner"};

}  // namespace

std::string_view to_string(Kind kind) {
  for (const KindName& entry : kKinds) {
    if (entry.kind == kind) return entry.name;
  }
  return "unknown";
}

std::optional<Kind> parse_kind(std::string_view text) {
  for (const KindName& entry : kKinds) {
    if (entry.name == text) return entry.kind;
  }
  return std::nullopt;
}

std::string_view to_string(MemberRole role) {
  const auto index = static_cast<std::size_t>(role);
  return index < kRoles.size() ? kRoles[index] : std::string_view();
}

std::optional<MemberRole> parse_member_role(std::string_view text) {
  for (std::size_t i = 1; i < kRoles.size(); ++i) {
    if (kRoles[i] == text) return static_cast<MemberRole>(i);
  }
  return std::nullopt;
}

}  // namespace parley
