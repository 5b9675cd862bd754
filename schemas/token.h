// Access tokens (JWT, RS256) and the keys that check them (JWKS). Pure: no files, no clock; OpenSSL stays in
// rsa.cc. A KeySet is immutable after parsing and may be read by any thread.
//
// Sources: RFC 7515 (JWS), 7517 (JWK), 7518 (RS256 = RSASSA-PKCS1-v1_5 with SHA-256), 7519 (JWT), and RFC
// 8725 for what to refuse: the algorithm comes from us, never from the token.
#ifndef PARLEY_SCHEMAS_TOKEN_H_
#define PARLEY_SCHEMAS_TOKEN_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/errors.h"

namespace parley {

enum class TokenRole : std::uint8_t { user, bot, device, service };
std::string_view to_string(TokenRole role);
std::optional<TokenRole> parse_token_role(std::string_view text);

struct TokenClaims {
  std::string sub;       // user
  std::string dev;       // device
  std::string sid;       // session
  std::int64_t exp = 0;  // seconds since the Unix epoch
  std::int64_t iat = 0;
  TokenRole role = TokenRole::user;
};

// Why a token was refused; the spelling is also the metric's label.
enum class TokenError : std::uint8_t {
  malformed,      // not three base64url parts of JSON, or longer than 8 KiB
  bad_algorithm,  // alg is not RS256
  unknown_key,    // no kid, or none of ours
  bad_signature,
  bad_claims,  // a claim is missing, of the wrong type or not a valid name
  expired,
  not_yet,  // iat or nbf more than the leeway in the future
};
std::string_view to_string(TokenError error);
[[noreturn]] void throw_exception_from_error(TokenError error, const boost::source_location&);  // for value()

class KeySet {
 public:
  KeySet();
  ~KeySet();
  KeySet(KeySet&&) noexcept;
  KeySet& operator=(KeySet&&) noexcept;

  // A JWKS document. Keys that are not RSA signing keys of at least 2048 bits are left out; a document that
  // is no JWKS, or has no usable key, is refused with a message.
  static boost::system::result<KeySet, std::string> parse(std::string_view jwks);
  std::size_t size() const;

  // Checks everything: form, key, signature, claims, time. `leeway_s` is allowed on iat and nbf only; a token
  // is expired from its exp on.
  boost::system::result<TokenClaims, TokenError> verify(std::string_view token, std::int64_t now_s,
                                                        std::int64_t leeway_s = 60) const;

  // Form, key and signature alone, for tokens of others (OpenID Connect): gives the claims, a JSON text, of
  // which nothing has been looked at.
  boost::system::result<std::string, TokenError> verify_signature(std::string_view token) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A private RSA key that signs tokens.
class SigningKey {
 public:
  ~SigningKey();
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  static SigningKey generate(int bits = 2048);
  static boost::system::result<SigningKey, std::string> from_pem(std::string_view pem);
  std::string pem() const;  // PKCS #8; secret
  std::string kid() const;  // RFC 7638 thumbprint of the public key, base64url
  std::string jwk() const;  // the public key as one JSON object with kid, use and alg
  std::string sign(const TokenClaims& claims) const;

 private:
  struct Impl;
  explicit SigningKey(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// {"keys":[...]} of the given JWK objects.
std::string make_jwks(const std::vector<std::string>& jwks);

// API tokens are opaque: "pk_" and 43 base64url characters (32 random bytes).
bool is_api_token(std::string_view text);
std::string random_api_token();
using Sha256 = std::array<std::uint8_t, 32>;
Sha256 sha256(std::string_view text);
std::string to_hex(const Sha256& digest);
std::optional<Sha256> parse_sha256_hex(std::string_view hex);

}  // namespace parley

#endif
