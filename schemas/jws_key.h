// Internal to schemas: one key of others' (RFC 7517, 7518, 8037, 8812) and what it may check. OpenSSL stays
// in jws_key.cc. Immutable, any thread.
#ifndef PARLEY_SCHEMAS_JWS_KEY_H_
#define PARLEY_SCHEMAS_JWS_KEY_H_

#include <boost/json/fwd.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace parley {

enum class JwsFamily : std::uint8_t { rsa, rsa_pss, ec, ed, hmac };
enum class JwsDigest : std::uint8_t { none, sha256, sha384, sha512 };

struct JwsAlgorithm {
  std::string_view name;
  JwsFamily family;
  JwsDigest digest;            // none: the algorithm brings its own
  std::string_view curve{};    // of the JWK's crv; empty: any that goes with the family
  std::size_t coordinate = 0;  // bytes of r and of s
};
// Nothing for a name that is none of ours; names are told apart by case (RFC 7515, section 4.1.1).
const JwsAlgorithm* find_jws_algorithm(std::string_view name);

class JwsKey {
 public:
  // A JWK that checks signatures, or why this one does not.
  static boost::system::result<std::shared_ptr<const JwsKey>, std::string> from_jwk(
      const boost::json::value& jwk);
  // Checks this one HMAC algorithm.
  static std::shared_ptr<const JwsKey> from_secret(std::string_view algorithm, std::string_view secret);

  const std::string& kid() const { return kid_; }  // empty: none
  // Whether a token of this algorithm could be signed with it.
  bool fits(const JwsAlgorithm& algorithm) const;
  // Only for an algorithm that fits.
  bool verifies(const JwsAlgorithm& algorithm, std::string_view message, std::string_view signature) const;

 private:
  struct Native;
  JwsKey() = default;

  std::shared_ptr<const Native> native_;
  std::string secret_;  // an HMAC's
  std::string kty_;
  std::string crv_;
  std::string alg_;  // empty: any that goes with the type and the curve
  std::string kid_;
};

}  // namespace parley

#endif
