// How much one user or one address may ask for. Counted in this process's memory: several bridges allow a
// little more together. Thread-safe; bounded: past kMaxKeys the longest untouched are forgotten.
#ifndef PARLEY_BRIDGE_API_LIMITS_H_
#define PARLEY_BRIDGE_API_LIMITS_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/bridge_config.h"

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

class Limits {
 public:
  explicit Limits(
      const BridgeLimits& config,
      std::function<Ticks()> now = [] { return std::chrono::steady_clock::now(); });

  // Zero: granted and counted; otherwise how long to wait. Users and addresses are counted apart: a user's
  // name may look like an address.
  std::chrono::milliseconds request(std::string_view address);
  std::chrono::milliseconds request_of(std::string_view user);
  std::chrono::milliseconds connect(std::string_view user);
  std::chrono::milliseconds registration(std::string_view address);
  std::chrono::milliseconds bot(std::string_view owner);  // a name each, for good: as many as registrations
  std::chrono::milliseconds invite(std::string_view user);

  // As request(), but counts nothing.
  std::chrono::milliseconds request_wait(std::string_view address);

  // Sign-in: counted as a failure when it begins, under the user's name and under the address, whether or not
  // there is such a user; so many at once are no way around it.
  std::chrono::milliseconds login_attempt(std::string_view user, std::string_view address);
  void login_succeeded(std::string_view user, std::string_view address);
  // No password was compared: the attempt is not counted, and those before it stay so.
  void login_untried(std::string_view user, std::string_view address);

 private:
  Buckets requests_;
  Buckets connects_;
  Buckets registrations_;
  Buckets invites_;
  Buckets user_failures_;
  Buckets address_failures_;
  std::function<Ticks()> now_;
};

}  // namespace parley::api

#endif
