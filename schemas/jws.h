// Signed tokens of others (OpenID Connect): any algorithm and shape of key that providers use. Ours are in
// token.h, which knows one algorithm and wants a kid. Pure. Immutable after parsing, any thread.
//
// Sources: RFC 7515 (JWS), 7517 (JWK), 7518 (algorithms), 8037 and 9864 (EdDSA and its newer names), 8812
// (ES256K), 8725 for what to refuse. A key never decides alone: an algorithm goes with one kind of key (and
// curve), public keys check no HMAC, and a secret checks nothing else.
#ifndef PARLEY_SCHEMAS_JWS_H_
#define PARLEY_SCHEMAS_JWS_H_

#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace parley {

class JwsKey;

struct JwsError {
  enum class Kind : std::uint8_t {
    malformed,    // no signed token at all
    encrypted,    // a JWE: five parts
    algorithm,    // not among those that are accepted here; `algorithm` names it
    unknown_key,  // none of the keys fits what the token says of its own
    signature,    // a key that fits says no
  };
  Kind kind = Kind::malformed;
  std::string algorithm{};  // as the token names it, cut
  std::string kid{};        // likewise
};
std::string to_string(const JwsError& error);
[[noreturn]] void throw_exception_from_error(const JwsError& error, const boost::source_location&);

// RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, ES256K, EdDSA and its newer names Ed25519
// and Ed448.
bool is_public_key_algorithm(std::string_view name);
// Whether both mean the same: EdDSA is either of its newer names.
bool is_jws_algorithm(std::string_view name, std::string_view wanted);
// HS256, HS384, HS512: the secret has to have at least this many bytes (RFC 7518, section 3.2); 0 for any
// other name.
std::size_t hmac_secret_bytes(std::string_view name);

class JwsKeys {
 public:
  // A JWKS document, with a byte order mark or without. Keys that cannot check signatures are left out, and
  // why is kept. Refused is what is no JWKS.
  static boost::system::result<JwsKeys, std::string> parse(std::string_view jwks);
  // Checks this one HMAC algorithm, and nothing else.
  static JwsKeys from_secret(std::string_view algorithm, std::string_view secret);

  std::size_t size() const { return keys_.size(); }
  // Of the keys that were left out: "key 2: of use enc; key 7: an RSA key of 1024 bits". Empty: none.
  const std::string& left_out() const { return left_out_; }

  // Gives the claims, a JSON text of which nothing has been looked at. `only`: the one algorithm that is
  // accepted, or empty for all that go with the keys. Without a kid, every key that fits is tried.
  boost::system::result<std::string, JwsError> verify(std::string_view token,
                                                      std::string_view only = {}) const;

 private:
  std::vector<std::shared_ptr<const JwsKey>> keys_;
  std::string left_out_;
};

}  // namespace parley

#endif
