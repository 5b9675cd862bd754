// Tokens and key sets. Input that begins with '{' is read as a JWKS as well. Nobody here holds a private key,
// so a token that verifies is a bug, but for those the corpus brought along.
#include <cstdlib>

#include "schemas/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  static const SigningKey key = SigningKey::generate();
  static const KeySet keys = *KeySet::parse(make_jwks({key.jwk()}));
  // Its kid is what the corpus can know; the key is not.
  static const KeySet renamed = [] {
    std::string jwk = key.jwk();
    jwk.replace(jwk.find(key.kid()), key.kid().size(), "fuzz");
    return *KeySet::parse(make_jwks({jwk}));
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (keys.verify(text, 1) || renamed.verify(text, 1)) std::abort();
  if (size > 0 && (data[0] == '{' || data[0] == ' ')) {
    if (const auto set = KeySet::parse(text)) {
      if (set->size() == 0) std::abort();
      (void)set->verify("eyJhbGciOiJSUzI1NiIsImtpZCI6ImZ1enoifQ.e30.AAAA", 1);
    }
  }
  (void)is_api_token(text);
  (void)parse_sha256_hex(text);
  if (text.starts_with("-----BEGIN")) (void)SigningKey::from_pem(text);
  return 0;
}
