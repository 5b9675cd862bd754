#include "bridge/api/buckets.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace parley::api {
namespace {

constexpr std::chrono::seconds kSweepEvery{10};

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

}  // namespace parley::api
