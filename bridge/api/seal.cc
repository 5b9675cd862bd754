#include "bridge/api/seal.h"

#include <sodium.h>

#include <array>

#include "schemas/base64url.h"
#include "schemas/token.h"

namespace parley::api {
namespace {

constexpr std::size_t kNonce = crypto_secretbox_NONCEBYTES;
constexpr std::size_t kMac = crypto_secretbox_MACBYTES;

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  randombytes_buf(out.data(), count);
  return out;
}

const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Sha256 key_for(const std::string& secret, std::string_view purpose) {
  return sha256(std::string(purpose) + '\n' + secret);
}

}  // namespace

std::string seal(const std::string& secret, std::string_view purpose, std::string_view text) {
  const Sha256 key = key_for(secret, purpose);
  const std::string nonce = random_bytes(kNonce);
  const std::string plain(text);
  std::string box(kMac + plain.size(), '\0');
  crypto_secretbox_easy(reinterpret_cast<unsigned char*>(box.data()), bytes(plain), plain.size(),
                        bytes(nonce), key.data());
  return encode_base64url(nonce + box);
}

std::optional<std::string> unseal(const std::vector<std::string>& secrets, std::string_view purpose,
                                  std::string_view sealed) {
  const auto raw = decode_base64url(sealed);
  if (!raw || raw->size() < kNonce + kMac) return std::nullopt;
  std::string plain(raw->size() - kNonce - kMac, '\0');
  for (const std::string& secret : secrets) {
    const Sha256 key = key_for(secret, purpose);
    if (crypto_secretbox_open_easy(reinterpret_cast<unsigned char*>(plain.data()), bytes(*raw) + kNonce,
                                   raw->size() - kNonce, bytes(*raw), key.data()) == 0) {
      return plain;
    }
  }
  return std::nullopt;
}

std::string random_text(std::size_t bytes) { return encode_base64url(random_bytes(bytes)); }

std::string random_hex(std::size_t bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : random_bytes(bytes)) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 0xf];
  }
  return out;
}

}  // namespace parley::api
