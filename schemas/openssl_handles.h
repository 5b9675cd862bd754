// Internal to schemas: what owns OpenSSL's objects there. Only for .cc files that use OpenSSL themselves.
#ifndef PARLEY_SCHEMAS_OPENSSL_HANDLES_H_
#define PARLEY_SCHEMAS_OPENSSL_HANDLES_H_

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string_view>

namespace parley::openssl {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

// Errors of OpenSSL pile up in a queue of the thread; a refused key or signature must not leave one behind.
struct ClearErrors {
  ~ClearErrors() { ERR_clear_error(); }
};

inline const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

inline Number number_from(std::string_view big_endian) {
  return Number(BN_bin2bn(bytes(big_endian), static_cast<int>(big_endian.size()), nullptr));
}

// A public key of type "RSA" or "EC" from its parameters; nullptr when they are none.
inline Pkey public_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    return nullptr;
  return Pkey(key);
}

// The numbers of an RSA key, big-endian; nullptr when they are no public key.
inline Pkey rsa_public_key(std::string_view modulus, std::string_view exponent) {
  const Number n = number_from(modulus);
  const Number e = number_from(exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || BN_is_odd(n.get()) != 1 || BN_is_odd(e.get()) != 1 || BN_is_one(e.get()) == 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), "n", n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), "e", e.get()) != 1)
    return nullptr;
  return public_key("RSA", builder.get());
}

}  // namespace parley::openssl

#endif
