#include "bridge/api/password.h"

#include <sodium.h>

#include <array>
#include <stdexcept>

#include "storage/call_budget.h"

namespace parley::api {

Passwords::Passwords(unsigned ops, std::size_t mem_bytes) : ops_(ops), mem_bytes_(mem_bytes) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not start");
  pretended_ = hash("nobody has this password");
}

std::string Passwords::hash(std::string_view password) const {
  const storage::CallBudget::Pause hashing;
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str_alg(text.data(), password.data(), password.size(), ops_, mem_bytes_,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    throw std::runtime_error("out of memory for hashing a password; lower auth.argon2_mem_mb");
  }
  return text.data();
}

bool Passwords::matches(std::string_view password, const std::string& hash) const {
  const storage::CallBudget::Pause hashing;
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

void Passwords::pretend(std::string_view password) const { (void)matches(password, pretended_); }

bool Passwords::outdated(const std::string& hash) const {
  return crypto_pwhash_str_needs_rehash(hash.c_str(), ops_, mem_bytes_) != 0;
}

}  // namespace parley::api
