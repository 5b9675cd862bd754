#include "tests/support/token_mint.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace parley::test {

std::int64_t unix_now() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

std::string TokenMint::token(std::string_view user, const TokenOptions& options) const {
  TokenClaims claims;
  claims.sub = user;
  claims.dev = options.device;
  claims.sid = options.sid.empty() ? "s-" + claims.sub + "-" + claims.dev : options.sid;
  claims.iat = unix_now() + options.issued.count();
  claims.exp = unix_now() + options.ttl.count();
  claims.role = options.role;
  return key_.sign(claims);
}

std::string base64url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

std::string forge_token(std::string_view header, std::string_view claims, std::string_view signature) {
  return base64url(header) + "." + base64url(claims) + "." + base64url(signature);
}

std::string forge_hs256(std::string_view header, std::string_view claims, std::string_view secret) {
  const std::string text = base64url(header) + "." + base64url(claims);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
  return text + "." + base64url({reinterpret_cast<const char*>(digest), length});
}

}  // namespace parley::test
