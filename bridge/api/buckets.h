// Token buckets: so many at once, so many a second after that, for each of many keys. Thread-safe; bounded:
// past kMaxKeys the fullest half is forgotten, which says least.
#ifndef PARLEY_BRIDGE_API_BUCKETS_H_
#define PARLEY_BRIDGE_API_BUCKETS_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace parley::api {

using Ticks = std::chrono::steady_clock::time_point;

// Token buckets by key: `rate` a second, `burst` at once. A rate of 0 allows everything.
class Buckets {
 public:
  static constexpr std::size_t kMaxKeys = 100'000;
  Buckets(double rate_per_s, double burst) : rate_(rate_per_s), burst_(burst < 1 ? 1 : burst) {}

  // Zero: granted and counted. Otherwise how long to wait until one would be; nothing is counted.
  std::chrono::milliseconds take(std::string_view key, Ticks now);
  // As take(), but counts nothing.
  std::chrono::milliseconds wait(std::string_view key, Ticks now);
  void put_back(std::string_view key);  // one that was taken
  void reset(std::string_view key);     // as if it had never been seen
  std::size_t size() const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
  };
  struct Bucket {
    double tokens;
    Ticks at;
  };
  // Several, so that threads rarely wait for each other.
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Bucket, Hash, std::equal_to<>> buckets;
    Ticks swept{};
  };
  static constexpr std::size_t kShards = 16;
  Shard& shard(std::string_view key) { return shards_[Hash()(key) % kShards]; }
  double level(const Bucket& bucket, Ticks now) const;
  void sweep(Shard& shard, Ticks now);

  const double rate_;
  const double burst_;
  std::array<Shard, kShards> shards_;
};

}  // namespace parley::api

#endif
