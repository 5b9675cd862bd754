#include "bridge/api/limits.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace parley::api {
namespace {

constexpr std::chrono::seconds kSweepEvery{10};
constexpr double kHour = 3600;
constexpr double kMinute = 60;

// Who has one IPv6 address has 2^64 of them: there the network counts.
std::string who(std::string_view remote) {
  std::string key(remote);
  in6_addr address{};
  if (key.find(':') == std::string::npos || ::inet_pton(AF_INET6, key.c_str(), &address) != 1) return key;
  if (IN6_IS_ADDR_V4MAPPED(&address)) return key;
  std::memset(&address.s6_addr[8], 0, 8);
  char text[INET6_ADDRSTRLEN];
  return ::inet_ntop(AF_INET6, &address, text, sizeof text);
}

double seconds(Ticks::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

double Buckets::level(const Bucket& bucket, Ticks now) const {
  return std::min(burst_, bucket.tokens + std::max(0.0, seconds(now - bucket.at)) * rate_);
}

std::chrono::milliseconds Buckets::take(std::string_view key, Ticks now) {
  if (rate_ <= 0) return std::chrono::milliseconds(0);
  Shard& mine = shard(key);
  const std::lock_guard lock(mine.mutex);
  auto found = mine.buckets.find(key);
  if (found == mine.buckets.end()) {
    sweep(mine, now);
    found = mine.buckets.emplace(std::string(key), Bucket{burst_, now}).first;
  }
  Bucket& bucket = found->second;
  const double tokens = level(bucket, now);
  bucket = {tokens >= 1 ? tokens - 1 : tokens, now};
  if (tokens >= 1) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil((1 - tokens) / rate_ * 1000)));
}

std::chrono::milliseconds Buckets::wait(std::string_view key, Ticks now) {
  if (rate_ <= 0) return std::chrono::milliseconds(0);
  Shard& mine = shard(key);
  const std::lock_guard lock(mine.mutex);
  const auto found = mine.buckets.find(key);
  if (found == mine.buckets.end()) return std::chrono::milliseconds(0);
  const double tokens = level(found->second, now);
  if (tokens >= 1) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil((1 - tokens) / rate_ * 1000)));
}

void Buckets::put_back(std::string_view key) {
  Shard& mine = shard(key);
  const std::lock_guard lock(mine.mutex);
  const auto found = mine.buckets.find(key);
  if (found != mine.buckets.end()) found->second.tokens = std::min(burst_, found->second.tokens + 1);
}

void Buckets::reset(std::string_view key) {
  Shard& mine = shard(key);
  const std::lock_guard lock(mine.mutex);
  const auto found = mine.buckets.find(key);
  if (found != mine.buckets.end()) mine.buckets.erase(found);
}

std::size_t Buckets::size() const {
  std::size_t out = 0;
  for (const Shard& each : shards_) {
    const std::lock_guard lock(each.mutex);
    out += each.buckets.size();
  }
  return out;
}

// A full bucket says nothing that a missing one does not. When that is not enough, the fullest half goes:
// whoever floods with made-up keys loses those, and a key that is really held back stays.
void Buckets::sweep(Shard& mine, Ticks now) {
  const bool full = mine.buckets.size() >= kMaxKeys / kShards;
  if (!full && now - mine.swept < kSweepEvery) return;
  mine.swept = now;
  std::erase_if(mine.buckets, [&](const auto& entry) { return level(entry.second, now) >= burst_; });
  if (mine.buckets.size() < kMaxKeys / kShards) return;
  std::vector<double> levels;
  levels.reserve(mine.buckets.size());
  for (const auto& [key, bucket] : mine.buckets) levels.push_back(level(bucket, now));
  const auto middle = levels.begin() + static_cast<std::ptrdiff_t>(levels.size() / 2);
  std::nth_element(levels.begin(), middle, levels.end());
  std::erase_if(mine.buckets, [&](const auto& entry) { return level(entry.second, now) >= *middle; });
}

Limits::Limits(const BridgeLimits& config, std::function<Ticks()> now)
    : requests_(config.requests_per_s, config.burst),
      connects_(config.connects_per_min / kMinute, config.connects_per_min),
      registrations_(config.registrations_per_h / kHour, config.registrations_per_h),
      invites_(config.invites_per_h / kHour, config.invites_per_h),
      user_failures_(config.login_failures / static_cast<double>(config.login_window.count()),
                     config.login_failures),
      address_failures_(config.login_failures / static_cast<double>(config.login_window.count()),
                        config.login_failures),
      now_(std::move(now)) {}

std::chrono::milliseconds Limits::request(std::string_view address) {
  return requests_.take(who(address), now_());
}
std::chrono::milliseconds Limits::request_of(std::string_view user) {
  return requests_.take("user " + std::string(user), now_());
}
std::chrono::milliseconds Limits::request_wait(std::string_view address) {
  return requests_.wait(who(address), now_());
}
std::chrono::milliseconds Limits::connect(std::string_view user) { return connects_.take(user, now_()); }
std::chrono::milliseconds Limits::registration(std::string_view address) {
  return registrations_.take(who(address), now_());
}
std::chrono::milliseconds Limits::bot(std::string_view owner) {
  return registrations_.take("bots of " + std::string(owner), now_());
}
std::chrono::milliseconds Limits::invite(std::string_view user) { return invites_.take(user, now_()); }

std::chrono::milliseconds Limits::login_attempt(std::string_view user, std::string_view address) {
  const Ticks now = now_();
  const auto by_user = user_failures_.take(user, now);
  if (by_user.count() > 0) return by_user;
  const auto by_address = address_failures_.take(who(address), now);
  if (by_address.count() > 0) user_failures_.put_back(user);
  return by_address;
}

void Limits::login_untried(std::string_view user, std::string_view address) {
  user_failures_.put_back(user);
  address_failures_.put_back(who(address));
}

void Limits::login_succeeded(std::string_view user, std::string_view address) {
  user_failures_.reset(user);
  address_failures_.put_back(who(address));
}

}  // namespace parley::api
