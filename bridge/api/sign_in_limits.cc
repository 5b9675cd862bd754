#include "bridge/api/sign_in_limits.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "bridge/api/networks.h"

namespace parley::api {
namespace {

constexpr double kAtHome = 4;
constexpr double kManyNetworks = 10;

std::string pair_of(const SignInLimits::Attempt& attempt) { return attempt.user + " " + attempt.network; }

}  // namespace

SignInLimits::SignInLimits(const BridgeLimits& config, std::function<Ticks()> now)
    : now_(std::move(now)),
      pairs_(config.login_failures / static_cast<double>(config.login_window.count()), config.login_failures),
      networks_at_home_(kAtHome * config.login_failures / static_cast<double>(config.login_window.count()),
                        kAtHome * config.login_failures),
      places_(config.login_failures / static_cast<double>(config.login_window.count()),
              config.login_failures),
      networks_(kManyNetworks * config.login_failures / static_cast<double>(config.login_window.count()),
                kManyNetworks * config.login_failures),
      users_(kManyNetworks * config.login_failures / static_cast<double>(config.login_window.count()),
             kManyNetworks * config.login_failures) {}

std::chrono::milliseconds SignInLimits::take_as_stranger(const Attempt& attempt, Ticks now) {
  const std::pair<Buckets*, const std::string*> all[] = {
      {&places_, &attempt.place}, {&networks_, &attempt.network}, {&users_, &attempt.user}};
  for (std::size_t i = 0; i < std::size(all); ++i) {
    const auto wait = all[i].first->take(*all[i].second, now);
    if (wait.count() == 0) continue;
    for (std::size_t taken = 0; taken < i; ++taken) all[taken].first->put_back(*all[taken].second);
    return wait;
  }
  return std::chrono::milliseconds(0);
}

SignInLimits::Attempt SignInLimits::begin(std::string_view user, std::string_view remote,
                                          const std::function<bool()>& has_session_here) {
  const Ticks now = now_();
  Attempt attempt{.user = std::string(user), .place = place_of(remote), .network = network_of(remote)};
  const std::string pair = pair_of(attempt);
  {
    const std::lock_guard lock(mutex_);
    attempt.wait = pairs_.take(pair, now);
    if (attempt.wait.count() > 0) return attempt;
    attempt.at_home = known_.contains(pair);
    if (!attempt.at_home) attempt.wait = take_as_stranger(attempt, now);
    if (!attempt.at_home && attempt.wait.count() == 0) return attempt;
  }
  if (!attempt.at_home) attempt.at_home = has_session_here();
  const std::lock_guard lock(mutex_);
  if (attempt.at_home) {
    know(pair, now);
    attempt.wait = networks_at_home_.take(attempt.network, now);
  }
  if (attempt.wait.count() > 0) pairs_.put_back(pair);
  return attempt;
}

void SignInLimits::give_back_beside_pair(const Attempt& attempt) {
  if (attempt.at_home) return networks_at_home_.put_back(attempt.network);
  places_.put_back(attempt.place);
  networks_.put_back(attempt.network);
  users_.put_back(attempt.user);
}

void SignInLimits::untried(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  pairs_.put_back(pair_of(attempt));
  give_back_beside_pair(attempt);
}

void SignInLimits::succeeded(const Attempt& attempt) {
  const std::lock_guard lock(mutex_);
  pairs_.reset(pair_of(attempt));
  give_back_beside_pair(attempt);
  know(pair_of(attempt), now_());
}

void SignInLimits::know(std::string pair, Ticks now) {
  if (known_.size() >= kMaxKnown && !known_.contains(pair)) {
    std::vector<Ticks> times;
    times.reserve(known_.size());
    for (const auto& [each, at] : known_) times.push_back(at);
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    std::erase_if(known_, [&](const auto& entry) { return entry.second <= *middle; });
  }
  known_.insert_or_assign(std::move(pair), now);
}

}  // namespace parley::api
