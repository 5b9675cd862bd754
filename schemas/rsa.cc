#include "schemas/rsa.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <stdexcept>

#include "schemas/openssl_handles.h"

namespace parley {
namespace {

using namespace openssl;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

[[noreturn]] void fail(const char* what) {
  char text[256];
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  throw std::runtime_error(std::string("OpenSSL cannot ") + what + ": " + text);
}

// Never asks at the terminal: a key with a passphrase is refused.
int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

struct RsaKey::Native {
  Pkey key;

  std::string number(const char* name) const {
    BIGNUM* raw_number = nullptr;
    if (EVP_PKEY_get_bn_param(key.get(), name, &raw_number) != 1) fail("read a key");
    const Number value(raw_number);
    std::string out(static_cast<std::size_t>(BN_num_bytes(value.get())), '\0');
    BN_bn2bin(value.get(), reinterpret_cast<unsigned char*>(out.data()));
    return out;
  }
};

std::optional<RsaKey> RsaKey::from_public(std::string_view modulus, std::string_view exponent) {
  constexpr std::size_t kMaxModulus = 1024;  // bytes; a larger key would only cost time
  constexpr std::size_t kMaxExponent = 8;
  if (modulus.empty() || modulus.size() > kMaxModulus) return std::nullopt;
  if (exponent.empty() || exponent.size() > kMaxExponent) return std::nullopt;
  const ClearErrors clear;
  Pkey key = rsa_public_key(modulus, exponent);
  if (!key) return std::nullopt;
  return RsaKey(std::make_shared<Native>(Native{std::move(key)}));
}

std::optional<RsaKey> RsaKey::from_pem(std::string_view pem) {
  const ClearErrors clear;
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return std::nullopt;
  Pkey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return std::nullopt;
  return RsaKey(std::make_shared<Native>(Native{std::move(key)}));
}

RsaKey RsaKey::generate(int bits) {
  Pkey key(EVP_RSA_gen(static_cast<unsigned int>(bits)));
  if (!key) fail("make an RSA key");
  return RsaKey(std::make_shared<Native>(Native{std::move(key)}));
}

int RsaKey::bits() const { return EVP_PKEY_get_bits(native_->key.get()); }
std::string RsaKey::modulus() const { return native_->number(OSSL_PKEY_PARAM_RSA_N); }
std::string RsaKey::exponent() const { return native_->number(OSSL_PKEY_PARAM_RSA_E); }

std::string RsaKey::pem() const {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), native_->key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    fail("write a private key");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool RsaKey::verify(std::string_view message, std::string_view signature) const {
  const ClearErrors clear;
  const DigestContext context(EVP_MD_CTX_new());
  // The padding of an RSA key's signatures is PKCS #1 v1.5 unless one asks for another.
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, native_->key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

std::string RsaKey::sign(std::string_view message) const {
  const DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, native_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes(message), message.size()) != 1) {
    fail("sign");
  }
  std::string signature(size, '\0');
  if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, bytes(message),
                     message.size()) != 1) {
    fail("sign");
  }
  signature.resize(size);
  return signature;
}

std::array<std::uint8_t, 32> sha256_of(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) fail("hash");
  return digest;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    fail("make random numbers");
  }
  return out;
}

}  // namespace parley
