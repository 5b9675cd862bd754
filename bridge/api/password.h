// Passwords as Argon2id strings, by libsodium, which stays in the .cc. Each call takes tens of milliseconds
// of a processor and `mem_bytes` of memory: only handlers on Lane::password make them. That time is not the
// database's, so no CallBudget counts it. Thread-safe.
//
// What is hashed is the prepared text (schemas/text/password_text.h), so that a password is the same from
// every keyboard. Hashes from before may be of the bytes as they were typed: those are tried as well.
#ifndef PARLEY_BRIDGE_API_PASSWORD_H_
#define PARLEY_BRIDGE_API_PASSWORD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bridge/metrics.h"
#include "schemas/text/password_text.h"

namespace parley::api {

using text::PreparedPassword;

// Characters (code points) of the prepared text; NIST SP 800-63B, 5.1.1.2.
inline constexpr std::size_t kMinPassword = 8;
inline constexpr std::size_t kMaxPassword = 256;

class Passwords {
 public:
  // Throws std::runtime_error when libsodium does not start or there is no memory for one hash.
  // What each call takes is counted in parley_bridge_password_seconds.
  Passwords(unsigned ops, std::size_t mem_bytes, bridge::Metrics& metrics);

  std::string hash(const PreparedPassword& password) const;  // throws std::runtime_error: out of memory

  enum class Match : std::uint8_t { no, yes, earlier_form };  // earlier_form: hash it anew
  // How long a failure takes depends on what was typed alone, not on the hash: all its forms are tried.
  Match match(const PreparedPassword& password, const std::string& hash) const;
  // Takes as long as a match() that fails: for users who are not there, so that time does not tell.
  void pretend(const PreparedPassword& password) const;
  // Made with other parameters than hash() would use now.
  bool outdated(const std::string& hash) const;

 private:
  bool verify(std::string_view password, const std::string& hash) const;

  const unsigned ops_;
  const std::size_t mem_bytes_;
  mutable bridge::Histogram seconds_;
  std::string pretended_;
};

}  // namespace parley::api

#endif
