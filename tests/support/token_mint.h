// Access tokens for tests, good ones and bad ones.
#ifndef PARLEY_TESTS_SUPPORT_TOKEN_MINT_H_
#define PARLEY_TESTS_SUPPORT_TOKEN_MINT_H_

#include <chrono>
#include <string>
#include <string_view>

#include "schemas/token.h"

namespace parley::test {

struct TokenOptions {
  std::string device = "phone";
  TokenRole role = TokenRole::user;
  std::string sid{};               // empty: "s-{user}-{device}"
  std::chrono::seconds ttl{3600};  // from now; negative: expired
  std::chrono::seconds issued{0};  // from now
};

// Holds one RSA key; making one takes a tenth of a second, so share it.
class TokenMint {
 public:
  TokenMint() : key_(SigningKey::generate()) {}
  std::string token(std::string_view user, const TokenOptions& options = {}) const;
  std::string jwks() const { return make_jwks({key_.jwk()}); }
  const SigningKey& key() const { return key_; }

 private:
  SigningKey key_;
};

std::int64_t unix_now();  // seconds

std::string base64url(std::string_view bytes);  // without padding
// header.claims.signature from JSON texts and raw signature bytes: for tokens no honest signer would make.
std::string forge_token(std::string_view header, std::string_view claims, std::string_view signature);
// HMAC-SHA256 of "header.claims": the classic trick is HS256 with the public key as the secret.
std::string forge_hs256(std::string_view header, std::string_view claims, std::string_view secret);

}  // namespace parley::test

#endif
