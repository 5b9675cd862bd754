// Internal to schemas: the few things needed of OpenSSL, which stays inside the .cc files.
#ifndef PARLEY_SCHEMAS_RSA_H_
#define PARLEY_SCHEMAS_RSA_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

// An RSA key, public or private. Immutable, and safe to use from any number of threads: OpenSSL 3 counts
// references and caches under locks of its own, and every operation has its own context. Copies share the
// key.
class RsaKey {
 public:
  // Big-endian numbers as in a JWK. Nothing when they are no public key.
  static std::optional<RsaKey> from_public(std::string_view modulus, std::string_view exponent);
  static std::optional<RsaKey> from_pem(std::string_view pem);  // a private key without a passphrase
  static RsaKey generate(int bits);                             // throws std::runtime_error

  int bits() const;
  std::string modulus() const;
  std::string exponent() const;
  std::string pem() const;  // private key, PKCS #8

  // RSASSA-PKCS1-v1_5 with SHA-256.
  bool verify(std::string_view message, std::string_view signature) const;
  std::string sign(std::string_view message) const;  // throws std::runtime_error

 private:
  struct Native;
  explicit RsaKey(std::shared_ptr<const Native> native) : native_(std::move(native)) {}
  std::shared_ptr<const Native> native_;
};

std::array<std::uint8_t, 32> sha256_of(std::string_view text);
std::string random_bytes(std::size_t count);  // from the system; throws std::runtime_error

}  // namespace parley

#endif
