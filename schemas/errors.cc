#include "schemas/errors.h"

#include <array>
#include <stdexcept>

namespace parley {
namespace {
constexpr std::array<std::string_view, kCodeCount> kCodes = {
    "not_member",     "forbidden", "rate_limited", "too_large",        "bad_payload",
    "room_not_found", "blocked",   "read_only",    "target_not_found", "unavailable"};
}  // namespace

std::string_view to_string(Code code) {
  const auto index = static_cast<std::size_t>(code);
  return index < kCodes.size() ? kCodes[index] : std::string_view("unavailable");
}

void throw_exception_from_error(const Refusal& refusal, const boost::source_location&) {
  throw std::runtime_error(std::string(to_string(refusal.code)) + ": " + refusal.message);
}

}  // namespace parley
