#include "schemas/jws_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <utility>

#include "schemas/base64url.h"
#include "schemas/openssl_handles.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr int kMinRsaBits = 2048;  // RFC 7518, section 3.3
constexpr int kMaxRsaBits = 16384;
constexpr std::size_t kMaxWord = 40;  // of what is told of a key

using namespace openssl;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;

// ES256K: RFC 8812, section 3.2. Ed25519 and Ed448: RFC 9864, section 2.2.
constexpr std::array<JwsAlgorithm, 16> kAlgorithms = {{
    {"RS256", JwsFamily::rsa, JwsDigest::sha256},
    {"RS384", JwsFamily::rsa, JwsDigest::sha384},
    {"RS512", JwsFamily::rsa, JwsDigest::sha512},
    {"PS256", JwsFamily::rsa_pss, JwsDigest::sha256},
    {"PS384", JwsFamily::rsa_pss, JwsDigest::sha384},
    {"PS512", JwsFamily::rsa_pss, JwsDigest::sha512},
    {"ES256", JwsFamily::ec, JwsDigest::sha256, "P-256", 32},
    {"ES384", JwsFamily::ec, JwsDigest::sha384, "P-384", 48},
    {"ES512", JwsFamily::ec, JwsDigest::sha512, "P-521", 66},
    {"ES256K", JwsFamily::ec, JwsDigest::sha256, "secp256k1", 32},
    {"EdDSA", JwsFamily::ed, JwsDigest::none},
    {"Ed25519", JwsFamily::ed, JwsDigest::none, "Ed25519"},
    {"Ed448", JwsFamily::ed, JwsDigest::none, "Ed448"},
    {"HS256", JwsFamily::hmac, JwsDigest::sha256},
    {"HS384", JwsFamily::hmac, JwsDigest::sha384},
    {"HS512", JwsFamily::hmac, JwsDigest::sha512},
}};

const EVP_MD* native_digest(JwsDigest digest) {
  switch (digest) {
    case JwsDigest::sha256:
      return EVP_sha256();
    case JwsDigest::sha384:
      return EVP_sha384();
    case JwsDigest::sha512:
      return EVP_sha512();
    case JwsDigest::none:
      break;
  }
  return nullptr;
}

std::string string_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Of a JWK: some write padding, some the other alphabet, and certificates with line breaks.
std::optional<std::string> decode_loosely(std::string text) {
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return decode_base64url(text);
}

Pkey rsa_key(const json::object& jwk) {
  const auto n = decode_loosely(string_of(jwk, "n"));
  const auto e = decode_loosely(string_of(jwk, "e"));
  if (!n || !e || n->empty() || e->empty() || n->size() > kMaxRsaBits / 8 + 1 || e->size() > 8)
    return nullptr;
  return rsa_public_key(*n, *e);
}

// A coordinate has the curve's length (RFC 7518, section 6.2.1.2); some leave zeros in front out, or write
// one more.
std::optional<std::string> coordinate(const json::object& jwk, const char* name, std::size_t size) {
  auto value = decode_loosely(string_of(jwk, name));
  if (!value || value->empty()) return std::nullopt;
  while (value->size() > size && value->front() == '\0') value->erase(0, 1);
  if (value->size() > size) return std::nullopt;
  return std::string(size - value->size(), '\0') + *value;
}

Pkey ec_key(const json::object& jwk) {
  const std::string curve = string_of(jwk, "crv");
  const auto found = std::ranges::find_if(kAlgorithms, [&](const JwsAlgorithm& each) {
    return each.family == JwsFamily::ec && each.curve == curve;
  });
  if (found == kAlgorithms.end()) return nullptr;
  const auto x = coordinate(jwk, "x", found->coordinate);
  const auto y = coordinate(jwk, "y", found->coordinate);
  if (!x || !y) return nullptr;
  const std::string point = '\x04' + *x + *y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.c_str(), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) !=
          1)
    return nullptr;
  return public_key("EC", builder.get());
}

Pkey ed_key(const json::object& jwk) {
  const std::string curve = string_of(jwk, "crv");
  const auto x = decode_loosely(string_of(jwk, "x"));
  const int type = curve == "Ed25519" ? EVP_PKEY_ED25519 : curve == "Ed448" ? EVP_PKEY_ED448 : EVP_PKEY_NONE;
  if (!x || type == EVP_PKEY_NONE) return nullptr;
  return Pkey(EVP_PKEY_new_raw_public_key(type, nullptr, bytes(*x), x->size()));
}

// Of a JWK that has nothing but its certificate (x5c: base64 of DER, the key's own first).
Pkey certified_key(const json::object& jwk) {
  const json::value* chain = jwk.if_contains("x5c");
  if (chain == nullptr || !chain->is_array() || chain->get_array().empty()) return nullptr;
  const json::value& first = chain->get_array().front();
  const auto der = first.is_string() ? decode_loosely(std::string(first.get_string())) : std::nullopt;
  if (!der) return nullptr;
  const unsigned char* at = bytes(*der);
  const Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der->size())));
  return certificate ? Pkey(X509_get_pubkey(certificate.get())) : nullptr;
}

// Which of our families a key is for, and its curve by the JWK's name.
struct Shape {
  std::string kty;
  std::string curve;
};
std::optional<Shape> shape_of(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return Shape{"RSA", ""};
    case EVP_PKEY_ED25519:
      return Shape{"OKP", "Ed25519"};
    case EVP_PKEY_ED448:
      return Shape{"OKP", "Ed448"};
    case EVP_PKEY_EC: {
      std::array<char, 64> group{};
      if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return std::nullopt;
      const std::string_view name = group.data();
      if (name == "prime256v1" || name == "P-256") return Shape{"EC", "P-256"};
      if (name == "secp384r1" || name == "P-384") return Shape{"EC", "P-384"};
      if (name == "secp521r1" || name == "P-521") return Shape{"EC", "P-521"};
      if (name == "secp256k1") return Shape{"EC", "secp256k1"};
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

// r and s one after the other (RFC 7518, section 3.4), as OpenSSL wants them.
std::optional<std::string> der_signature(std::string_view raw, std::size_t coordinate) {
  if (raw.size() != 2 * coordinate) return std::nullopt;
  const Signature signature(ECDSA_SIG_new());
  Number r = number_from(raw.substr(0, coordinate));
  Number s = number_from(raw.substr(coordinate));
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) return std::nullopt;
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature.get(), &der);
  if (size <= 0) return std::nullopt;
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

bool verify_by(EVP_PKEY* key, const JwsAlgorithm& algorithm, std::string_view message,
               std::string_view signature) {
  std::string der;
  if (algorithm.family == JwsFamily::ec) {
    auto pair = der_signature(signature, algorithm.coordinate);
    if (!pair) return false;
    der = *std::move(pair);
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // owned by the context
  const EVP_MD* digest = native_digest(algorithm.digest);
  if (!context || EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key) != 1) return false;
  if (algorithm.family == JwsFamily::rsa && EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PADDING) != 1)
    return false;
  // The salt is as long as the digest, and MGF1 uses the same one (RFC 7518, section 3.5).
  if (algorithm.family == JwsFamily::rsa_pss &&
      (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
    return false;
  return EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
                          message.size()) == 1;
}

bool verify_hmac(std::string_view secret, const JwsAlgorithm& algorithm, std::string_view message,
                 std::string_view signature) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> wanted{};
  unsigned int size = 0;
  if (HMAC(native_digest(algorithm.digest), secret.data(), static_cast<int>(secret.size()), bytes(message),
           message.size(), wanted.data(), &size) == nullptr)
    return false;
  return signature.size() == size && CRYPTO_memcmp(wanted.data(), signature.data(), size) == 0;
}

// Whether a JWK is meant for checking signatures; otherwise why not. Some publish the private half's "sign".
std::string not_for_signatures(const json::object& jwk) {
  if (const std::string use = string_of(jwk, "use"); !use.empty() && use != "sig")
    return "of use " + use.substr(0, kMaxWord);
  if (const json::value* ops = jwk.if_contains("key_ops"); ops != nullptr && ops->is_array()) {
    const auto signs = [](const json::value& each) {
      return each.is_string() && (each.get_string() == "verify" || each.get_string() == "sign");
    };
    if (!ops->get_array().empty() && std::ranges::none_of(ops->get_array(), signs))
      return "without verify in key_ops";
  }
  const std::string alg = string_of(jwk, "alg");
  const JwsAlgorithm* known = find_jws_algorithm(alg);
  if (!alg.empty() && (known == nullptr || known->family == JwsFamily::hmac))
    return "for " + alg.substr(0, kMaxWord);
  return {};
}

}  // namespace

const JwsAlgorithm* find_jws_algorithm(std::string_view name) {
  const auto found = std::ranges::find(kAlgorithms, name, &JwsAlgorithm::name);
  return found == kAlgorithms.end() ? nullptr : &*found;
}

struct JwsKey::Native {
  Pkey key;
};

boost::system::result<std::shared_ptr<const JwsKey>, std::string> JwsKey::from_jwk(const json::value& value) {
  const ClearErrors clear;
  if (!value.is_object()) return std::string("no object");
  const json::object& jwk = value.get_object();
  if (std::string why = not_for_signatures(jwk); !why.empty()) return why;
  const std::string kty = string_of(jwk, "kty");
  Pkey key = kty == "RSA" ? rsa_key(jwk) : kty == "EC" ? ec_key(jwk) : kty == "OKP" ? ed_key(jwk) : nullptr;
  const bool has_own = jwk.contains("n") || jwk.contains("x");
  if (!key && !has_own && kty != "oct") key = certified_key(jwk);
  if (!key) {
    const std::string curve = string_of(jwk, "crv").substr(0, kMaxWord);
    return "kty " + (kty.empty() ? "missing" : kty.substr(0, kMaxWord)) +
           (curve.empty() ? "" : ", crv " + curve) + ": not usable for signatures";
  }
  const auto shape = shape_of(key.get());
  if (!shape || (!kty.empty() && shape->kty != kty))
    return "kty " + kty.substr(0, kMaxWord) + " with a certificate of another";
  if (const int bits = EVP_PKEY_get_bits(key.get());
      shape->kty == "RSA" && (bits < kMinRsaBits || bits > kMaxRsaBits))
    return "an RSA key of " + std::to_string(bits) + " bits; 2048 to 16384 are needed";
  JwsKey made;
  auto native = std::make_shared<Native>();
  native->key = std::move(key);
  made.native_ = std::move(native);
  made.kty_ = shape->kty;
  made.crv_ = shape->curve;
  made.alg_ = string_of(jwk, "alg");
  made.kid_ = string_of(jwk, "kid");
  return std::shared_ptr<const JwsKey>(std::make_shared<JwsKey>(std::move(made)));
}

std::shared_ptr<const JwsKey> JwsKey::from_secret(std::string_view algorithm, std::string_view secret) {
  JwsKey made;
  made.secret_ = secret;
  made.kty_ = "oct";
  made.alg_ = algorithm;
  return std::make_shared<JwsKey>(std::move(made));
}

bool JwsKey::fits(const JwsAlgorithm& algorithm) const {
  if (!alg_.empty() && alg_ != algorithm.name) {
    // EdDSA is the older name of both.
    const bool same = algorithm.family == JwsFamily::ed && (alg_ == "EdDSA" || algorithm.name == "EdDSA");
    if (!same) return false;
  }
  switch (algorithm.family) {
    case JwsFamily::rsa:
      return kty_ == "RSA" && EVP_PKEY_get_base_id(native_->key.get()) == EVP_PKEY_RSA;
    case JwsFamily::rsa_pss:
      return kty_ == "RSA";
    case JwsFamily::ec:
      return kty_ == "EC" && crv_ == algorithm.curve;
    case JwsFamily::ed:
      return kty_ == "OKP" && (algorithm.curve.empty() || crv_ == algorithm.curve);
    case JwsFamily::hmac:
      return kty_ == "oct";
  }
  return false;
}

bool JwsKey::verifies(const JwsAlgorithm& algorithm, std::string_view message,
                      std::string_view signature) const {
  const ClearErrors clear;
  return algorithm.family == JwsFamily::hmac ? verify_hmac(secret_, algorithm, message, signature)
                                             : verify_by(native_->key.get(), algorithm, message, signature);
}

}  // namespace parley
