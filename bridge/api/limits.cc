#include "bridge/api/limits.h"

#include <string>
#include <utility>

#include "bridge/api/networks.h"

namespace parley::api {
namespace {

constexpr double kHour = 3600;
constexpr double kMinute = 60;

}  // namespace

Limits::Limits(const BridgeLimits& config, std::function<Ticks()> now)
    : requests_(config.requests_per_s, config.burst),
      connects_(config.connects_per_min / kMinute, config.connects_per_min),
      registrations_(config.registrations_per_h / kHour, config.registrations_per_h),
      invites_(config.invites_per_h / kHour, config.invites_per_h),
      guesses_(config.requests_per_s, config.burst),
      sign_ins_(config, now),
      now_(std::move(now)) {}

std::chrono::milliseconds Limits::open_request(std::string_view address, std::string_view route) {
  return requests_.take(place_of(address).append(" ").append(route), now_());
}
std::chrono::milliseconds Limits::request_of(std::string_view user) {
  return requests_.take("user " + std::string(user), now_());
}
void Limits::guess(std::string_view address) { guesses_.take(place_of(address), now_()); }
std::chrono::milliseconds Limits::guess_wait(std::string_view address) {
  return guesses_.wait(place_of(address), now_());
}
std::chrono::milliseconds Limits::connect(std::string_view user) { return connects_.take(user, now_()); }
std::chrono::milliseconds Limits::registration(std::string_view address) {
  return registrations_.take(place_of(address), now_());
}
std::chrono::milliseconds Limits::bot(std::string_view owner) {
  return registrations_.take("bots of " + std::string(owner), now_());
}
std::chrono::milliseconds Limits::invite(std::string_view user) { return invites_.take(user, now_()); }

}  // namespace parley::api
