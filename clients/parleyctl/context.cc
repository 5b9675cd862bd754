#include "clients/parleyctl/context.h"

#include <charconv>
#include <cstdio>

namespace parley::ctl {

UserName user_name(const std::string& text) {
  if (auto name = UserName::parse(text)) return *name;
  throw Failure("'" + text + "' is no user name: 2 to 32 of a-z 0-9 _ . -, beginning with a letter or digit",
                kExitUsage);
}

DeviceName device_name(const std::string& text) {
  if (auto name = DeviceName::parse(text)) return *name;
  throw Failure("'" + text + "' is no device name: 1 to 64 of A-Z a-z 0-9 _ -", kExitUsage);
}

RoomName room_name(const std::string& text) {
  if (auto name = RoomName::parse(text)) return *name;
  throw Failure("'" + text + "' is no room name: 2 to 64 of a-z 0-9 _ -, beginning with a letter or digit",
                kExitUsage);
}

std::int64_t parse_duration_s(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  std::int64_t unit = 0;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  if (suffix.empty() || suffix == "s") unit = 1;
  if (suffix == "m") unit = 60;
  if (suffix == "h") unit = 3600;
  if (suffix == "d") unit = 86400;
  // Ten years is longer than any token should live, and keeps the arithmetic far from overflow.
  constexpr std::int64_t kMax = 10LL * 365 * 86400;
  if (error != std::errc{} || unit == 0 || number <= 0 || number > kMax / unit) {
    throw Failure("'" + text + "' is no duration: write 90s, 15m, 12h or 7d", kExitUsage);
  }
  return number * unit;
}

void tell(const Context& context, const std::string& words, const boost::json::object& object) {
  std::printf("%s\n", context.json ? boost::json::serialize(object).c_str() : words.c_str());
}

}  // namespace parley::ctl
