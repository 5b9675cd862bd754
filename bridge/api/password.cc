#include "bridge/api/password.h"

#include <sodium.h>

#include <array>
#include <chrono>
#include <stdexcept>

#include "storage/call_budget.h"

namespace parley::api {
namespace {

// The time of one call of Argon2id.
class Stopwatch {
 public:
  explicit Stopwatch(bridge::Histogram& seconds) : seconds_(seconds) {}
  ~Stopwatch() {
    seconds_.observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count());
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  bridge::Histogram& seconds_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace

Passwords::Passwords(unsigned ops, std::size_t mem_bytes, bridge::Metrics& metrics)
    : ops_(ops),
      mem_bytes_(mem_bytes),
      seconds_(metrics.histogram("parley_bridge_password_seconds",
                                 "What hashing or checking a password takes", bridge::latency_bounds())) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  pretended_ = hash({.text = "nobody has this password"});
}

std::string Passwords::hash(const PreparedPassword& password) const {
  const storage::CallBudget::Pause hashing;
  const Stopwatch stopwatch(seconds_);
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str_alg(text.data(), password.text.data(), password.text.size(), ops_, mem_bytes_,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::runtime_error("out of memory for hashing a password; lower auth.argon2_mem_mb");
  }
  return text.data();
}

bool Passwords::verify(std::string_view password, const std::string& hash) const {
  const storage::CallBudget::Pause hashing;
  const Stopwatch stopwatch(seconds_);
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

Passwords::Match Passwords::match(const PreparedPassword& password, const std::string& hash) const {
  if (verify(password.text, hash)) return Match::yes;
  return !password.earlier.empty() && verify(password.earlier, hash) ? Match::earlier_form : Match::no;
}

void Passwords::pretend(const PreparedPassword& password) const { (void)match(password, pretended_); }

bool Passwords::outdated(const std::string& hash) const {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), ops_, mem_bytes_) != 0;
}

}  // namespace parley::api
