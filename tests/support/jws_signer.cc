#include "tests/support/jws_signer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <stdexcept>
#include <utility>
#include <vector>

#include "schemas/base64url.h"

namespace parley::test {
namespace {

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("OpenSSL cannot ") + what);
}

struct Curve {
  std::string name;
  std::size_t bytes = 0;
};
Curve curve_of(const std::string& algorithm) {
  if (algorithm == "ES256") return {"P-256", 32};
  if (algorithm == "ES384") return {"P-384", 48};
  if (algorithm == "ES512") return {"P-521", 66};
  if (algorithm == "ES256K") return {"secp256k1", 32};
  throw std::runtime_error("no curve for " + algorithm);
}

const EVP_MD* digest_of(const std::string& algorithm) {
  if (algorithm.ends_with("384")) return EVP_sha384();
  if (algorithm.ends_with("512")) return EVP_sha512();
  return EVP_sha256();
}

bool is_ed(const std::string& algorithm) { return algorithm.starts_with("Ed"); }

std::string number(EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  check(EVP_PKEY_get_bn_param(key, name, &raw) == 1, "read a key");
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> value(raw, &BN_free);
  if (size == 0) size = static_cast<std::size_t>(BN_num_bytes(value.get()));
  std::string out(size, '\0');
  BN_bn2binpad(value.get(), reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
  return encode_base64url(out);
}

}  // namespace

struct JwsSigner::Native {
  EVP_PKEY* key = nullptr;
  Native() = default;
  Native(const Native&) = delete;
  Native& operator=(const Native&) = delete;
  ~Native() { EVP_PKEY_free(key); }
};

JwsSigner::JwsSigner(std::string algorithm, int rsa_bits)
    : algorithm_(std::move(algorithm)), native_(std::make_shared<Native>()) {
  if (algorithm_.starts_with("RS") || algorithm_.starts_with("PS")) {
    native_->key = EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
  } else if (is_ed(algorithm_)) {
    native_->key = EVP_PKEY_Q_keygen(nullptr, nullptr, algorithm_ == "Ed448" ? "ED448" : "ED25519");
  } else {
    native_->key = EVP_EC_gen(curve_of(algorithm_).name.c_str());
  }
  check(native_->key != nullptr, "make a key");
}

JwsSigner JwsSigner::with(std::string algorithm) const {
  JwsSigner other(*this);
  other.algorithm_ = std::move(algorithm);
  return other;
}

std::string JwsSigner::members() const {
  if (algorithm_.starts_with("RS") || algorithm_.starts_with("PS"))
    return R"("kty":"RSA","n":")" + number(native_->key, OSSL_PKEY_PARAM_RSA_N, 0) + R"(","e":")" +
           number(native_->key, OSSL_PKEY_PARAM_RSA_E, 0) + '"';
  if (is_ed(algorithm_)) {
    std::array<unsigned char, 64> raw{};
    std::size_t size = raw.size();
    check(EVP_PKEY_get_raw_public_key(native_->key, raw.data(), &size) == 1, "read a key");
    return R"("kty":"OKP","crv":")" + std::string(algorithm_ == "Ed448" ? "Ed448" : "Ed25519") +
           R"(","x":")" + encode_base64url({reinterpret_cast<const char*>(raw.data()), size}) + '"';
  }
  const Curve curve = curve_of(algorithm_);
  return R"("kty":"EC","crv":")" + curve.name + R"(","x":")" +
         number(native_->key, OSSL_PKEY_PARAM_EC_PUB_X, curve.bytes) + R"(","y":")" +
         number(native_->key, OSSL_PKEY_PARAM_EC_PUB_Y, curve.bytes) + '"';
}

std::string JwsSigner::jwk(std::string_view kid) const {
  std::string out = "{" + members() + R"(,"use":"sig","alg":")" + algorithm_ + '"';
  if (!kid.empty()) out += R"(,"kid":")" + std::string(kid) + '"';
  return out + "}";
}

std::string JwsSigner::certificate() const {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  check(X509_set_pubkey(certificate.get(), native_->key) == 1, "certify a key");
  check(X509_sign(certificate.get(), native_->key, is_ed(algorithm_) ? nullptr : EVP_sha256()) > 0,
        "sign a certificate");
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  check(size > 0, "write a certificate");
  std::string out = encode_base64({reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return out;
}

std::string JwsSigner::der_signature(std::string_view message) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  check(EVP_DigestSignInit(context.get(), &parameters, is_ed(algorithm_) ? nullptr : digest_of(algorithm_),
                           nullptr, native_->key) == 1,
        "sign");
  if (algorithm_.starts_with("PS")) {
    EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
  }
  std::string out(2048, '\0');
  std::size_t size = out.size();
  check(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes(message),
                       message.size()) == 1,
        "sign");
  out.resize(size);
  return out;
}

std::string JwsSigner::signature(std::string_view message) const {
  std::string out = der_signature(message);
  if (!algorithm_.starts_with("ES")) return out;
  const unsigned char* at = bytes(out);
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(out.size())), &ECDSA_SIG_free);
  const std::size_t half = curve_of(algorithm_).bytes;
  std::string raw(2 * half, '\0');
  auto* to = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), to, static_cast<int>(half));
  BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), to + half, static_cast<int>(half));
  return raw;
}

std::string JwsSigner::sign(std::string_view claims, std::string_view kid) const {
  std::string header = R"({"alg":")" + algorithm_ + '"';
  if (!kid.empty()) header += R"(,"kid":")" + std::string(kid) + '"';
  return sign_with_header(header + "}", claims);
}

std::string JwsSigner::sign_with_header(std::string_view header, std::string_view claims) const {
  const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
  return text + "." + encode_base64url(signature(text));
}

}  // namespace parley::test
