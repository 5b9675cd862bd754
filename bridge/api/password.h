// Passwords as Argon2id strings, by libsodium, which stays in the .cc. Each call takes tens of milliseconds
// of a processor and `mem_bytes` of memory: only handlers on Lane::password make them. That time is not the
// database's, so no CallBudget counts it. Thread-safe.
#ifndef PARLEY_BRIDGE_API_PASSWORD_H_
#define PARLEY_BRIDGE_API_PASSWORD_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "bridge/metrics.h"

namespace parley::api {

inline constexpr std::size_t kMinPassword = 8;  // bytes; NIST SP 800-63B, 5.1.1.2
inline constexpr std::size_t kMaxPassword = 256;

class Passwords {
 public:
  // Throws std::runtime_error when libsodium does not start or there is no memory for one hash.
  // What each call takes is counted in parley_bridge_password_seconds.
  Passwords(unsigned ops, std::size_t mem_bytes, bridge::Metrics& metrics);

  std::string hash(std::string_view password) const;  // throws std::runtime_error: out of memory
  bool matches(std::string_view password, const std::string& hash) const;
  // Takes as long as matches(): for users who are not there, so that time does not tell.
  void pretend(std::string_view password) const;
  // Made with other parameters than hash() would use now.
  bool outdated(const std::string& hash) const;

 private:
  const unsigned ops_;
  const std::size_t mem_bytes_;
  mutable bridge::Histogram seconds_;
  std::string pretended_;
};

}  // namespace parley::api

#endif
