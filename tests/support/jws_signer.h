// Keys of another server's, of every kind that OpenID providers sign with, for tests.
#ifndef PARLEY_TESTS_SUPPORT_JWS_SIGNER_H_
#define PARLEY_TESTS_SUPPORT_JWS_SIGNER_H_

#include <memory>
#include <string>
#include <string_view>

namespace parley::test {

// Signs with one algorithm of RFC 7518 or 8037. Throws std::runtime_error for what it does not know. Copies
// share the key.
class JwsSigner {
 public:
  // "RS256", "PS384", "ES512", "EdDSA" (Ed25519), "Ed448", ...
  explicit JwsSigner(std::string algorithm, int rsa_bits = 2048);
  // The same key with another algorithm that goes with it.
  JwsSigner with(std::string algorithm) const;

  const std::string& algorithm() const { return algorithm_; }
  // The public half's own members, without braces: "kty":"EC","crv":"P-256","x":...
  std::string members() const;
  // The same with kid, use and alg.
  std::string jwk(std::string_view kid = {}) const;
  std::string certificate() const;  // DER in base64, as in x5c
  std::string signature(std::string_view message) const;
  std::string der_signature(std::string_view message) const;  // as OpenSSL writes it: of ES, no JWS's
  // header.claims.signature; the header gets the algorithm, and a kid unless it is empty.
  std::string sign(std::string_view claims, std::string_view kid = {}) const;
  std::string sign_with_header(std::string_view header, std::string_view claims) const;

 private:
  struct Native;
  std::string algorithm_;
  std::shared_ptr<Native> native_;
};

}  // namespace parley::test

#endif
