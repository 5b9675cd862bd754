// Tokens and key sets of others. Input that begins with '{' is read as a key set; anything else as a token,
// which no key here has signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "schemas/jws.h"
#include "schemas/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  static const JwsKeys keys = *JwsKeys::parse(make_jwks({SigningKey::generate().jwk()}));
  static const JwsKeys secret = JwsKeys::from_secret("HS256", SigningKey::generate().pem());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (keys.verify(text) || secret.verify(text)) std::abort();
  if (size == 0 || data[0] != '{') return 0;
  if (const auto set = JwsKeys::parse(text)) {
    // {"alg":"RS256"}, {"alg":"ES256"} and {"alg":"EdDSA"} of {}, signed by nobody.
    (void)set->verify("eyJhbGciOiJSUzI1NiJ9.e30.AAAA");
    (void)set->verify("eyJhbGciOiJFUzI1NiJ9.e30.AAAA");
    (void)set->verify("eyJhbGciOiJFZERTQSJ9.e30.AAAA");
  }
  return 0;
}
