#include "schemas/jws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schemas/base64url.h"
#include "tests/support/jws_signer.h"
#include "tests/support/token_mint.h"

namespace parley {
namespace {

using test::JwsSigner;
using testing::HasSubstr;
using Kind = JwsError::Kind;

constexpr const char* kClaims = R"({"sub":"alice","nested":{"a":[1]}})";

std::string jwks_of(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out += (out.back() == '[' ? "" : ",") + key;
  return out + "]}";
}
JwsKeys keys_of(const std::vector<std::string>& keys) { return *JwsKeys::parse(jwks_of(keys)); }
Kind kind_of(const JwsKeys& keys, const std::string& token, std::string_view only = {}) {
  const auto got = keys.verify(token, only);
  EXPECT_FALSE(got.has_value()) << token;
  return got.error().kind;
}
const JwsSigner& signer(const std::string& algorithm) {
  static std::vector<JwsSigner> made;
  for (const JwsSigner& each : made)
    if (each.algorithm() == algorithm) return each;
  const bool rsa = algorithm.starts_with("RS") || algorithm.starts_with("PS");
  if (rsa && algorithm != "RS256") return made.emplace_back(signer("RS256").with(algorithm));
  made.reserve(32);
  return made.emplace_back(algorithm);
}

const std::vector<std::string> kPublic = {"RS256", "RS384", "RS512", "PS256",  "PS384", "PS512",
                                          "ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed448"};

TEST(Jws, EveryAlgorithmWithEveryShapeOfItsKey) {
  for (const std::string& alg : kPublic) {
    const JwsSigner& key = signer(alg);
    const std::vector<std::string> shapes = {
        key.jwk("k1"),
        "{" + key.members() + "}",                          // nothing but the numbers
        "{" + key.members() + R"(,"kid":"k1"})",            // no use, no alg
        "{" + key.members() + R"(,"use":"sig"})",           // no kid
        "{" + key.members() + R"(,"alg":")" + alg + "\"}",  // only alg
        "{" + key.members() + R"(,"key_ops":["verify"],"kid":"k1","x5t":"x"})",
        "{" + key.members() + R"(,"key_ops":["sign"]})",
        "{" + key.members() + R"(,"key_ops":[]})",
        "{" + key.members() + R"(,"use":null,"alg":null,"kid":null,"key_ops":null,"x5c":null})",
        "{" + key.members() +
            R"(,"kid":7,"ext":true,"exp":1700000000,"issuer":"https://x","x5c":["broken"]})",
    };
    for (const std::string& shape : shapes) {
      const JwsKeys keys = keys_of({shape});
      ASSERT_EQ(keys.size(), 1u) << shape << keys.left_out();
      for (const char* kid : {"k1", ""}) {
        const auto claims = keys.verify(key.sign(kClaims, kid));
        ASSERT_TRUE(claims.has_value()) << alg << " " << shape << " " << to_string(claims.error());
        EXPECT_EQ(*claims, kClaims);
      }
      EXPECT_TRUE(keys.verify(key.sign(kClaims), alg).has_value()) << alg;
    }
    // Its certificate alone.
    const std::string kty = alg[0] == 'E' && alg[1] == 'S' ? "EC" : alg[0] == 'E' ? "OKP" : "RSA";
    std::string broken_in_lines = key.certificate();
    for (std::size_t at = 64; at < broken_in_lines.size(); at += 66) broken_in_lines.insert(at, "\\n");
    for (const std::string& shape :
         {R"({"kty":")" + kty + R"(","x5c":[")" + key.certificate() + R"("]})",
          R"({"kty":")" + kty + R"(","x5c":[")" + key.certificate() + R"(","the issuer's"],"use":"sig"})",
          R"({"x5c":[")" + key.certificate() + R"("]})",
          R"({"kty":")" + kty + R"(","x5c":[")" + broken_in_lines + R"("]})"}) {
      const JwsKeys certified = keys_of({shape});
      EXPECT_TRUE(certified.verify(key.sign(kClaims, "any")).has_value()) << alg << certified.left_out();
    }
  }
}

TEST(Jws, NewerNamesOfEdDsa) {
  const JwsSigner key = signer("EdDSA");
  const JwsKeys keys = keys_of({key.jwk("k")});
  EXPECT_TRUE(keys.verify(key.sign_with_header(R"({"alg":"Ed25519"})", kClaims)).has_value());
  EXPECT_EQ(kind_of(keys, key.sign_with_header(R"({"alg":"Ed448"})", kClaims)), Kind::unknown_key);
  EXPECT_TRUE(keys.verify(key.sign_with_header(R"({"alg":"Ed25519"})", kClaims), "EdDSA").has_value());
  EXPECT_TRUE(keys.verify(key.sign(kClaims), "Ed25519").has_value());
  EXPECT_EQ(kind_of(keys, key.sign_with_header(R"({"alg":"Ed25519"})", kClaims), "Ed448"), Kind::algorithm);
  const JwsKeys newer = keys_of({"{" + key.members() + R"(,"alg":"Ed25519"})"});
  EXPECT_TRUE(newer.verify(key.sign(kClaims)).has_value());
}

TEST(Jws, AmongManyKeysTheRightOneIsFound) {
  std::vector<std::string> without_kid, with_kid;
  for (const std::string& alg : std::vector<std::string>{"ES256", "ES384", "ES512", "EdDSA", "RS256"}) {
    const JwsSigner another(alg);
    without_kid.push_back("{" + another.members() + "}");
    without_kid.push_back("{" + signer(alg).members() + "}");
    with_kid.push_back(another.jwk("other-" + alg));
    with_kid.push_back(signer(alg).jwk("kid-" + alg));
  }
  for (const std::string& alg :
       std::vector<std::string>{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256", "RS512"}) {
    EXPECT_TRUE(keys_of(without_kid).verify(signer(alg).sign(kClaims)).has_value()) << alg;
    EXPECT_TRUE(keys_of(without_kid).verify(signer(alg).sign(kClaims, "new")).has_value()) << alg;
  }
  for (const std::string& alg : std::vector<std::string>{"ES256", "ES384", "ES512", "EdDSA", "RS256"}) {
    const JwsKeys keys = keys_of(with_kid);
    EXPECT_TRUE(keys.verify(signer(alg).sign(kClaims, "kid-" + alg)).has_value()) << alg;
    EXPECT_TRUE(keys.verify(signer(alg).sign(kClaims)).has_value()) << alg;
    EXPECT_EQ(kind_of(keys, signer(alg).sign(kClaims, "other-" + alg)), Kind::signature) << alg;
    EXPECT_EQ(kind_of(keys, signer(alg).sign(kClaims, "rotated")), Kind::unknown_key) << alg;
  }
  // One kid for a key of each type, as some providers have it.
  const JwsKeys same =
      keys_of({signer("ES256").jwk("k"), signer("RS256").jwk("k"), signer("EdDSA").jwk("k")});
  for (const std::string& alg : std::vector<std::string>{"ES256", "RS256", "EdDSA"})
    EXPECT_TRUE(same.verify(signer(alg).sign(kClaims, "k")).has_value()) << alg;
}

TEST(Jws, AnAlgorithmGoesWithItsKeyAlone) {
  const JwsKeys all = keys_of({signer("ES256").jwk("k"), signer("RS256").jwk("k")});
  // A key that is for one algorithm is for no other.
  EXPECT_EQ(kind_of(all, signer("PS256").sign(kClaims)), Kind::unknown_key);
  EXPECT_EQ(kind_of(all, signer("ES384").sign(kClaims)), Kind::unknown_key);
  // ES384 over P-256.
  EXPECT_EQ(kind_of(all, signer("ES256").sign_with_header(R"({"alg":"ES384"})", kClaims)), Kind::unknown_key);
  // An RSA signature, DER instead of r and s, or something short.
  EXPECT_EQ(kind_of(all, signer("RS256").sign_with_header(R"({"alg":"ES256"})", kClaims)), Kind::signature);
  const std::string header = R"({"alg":"ES256"})";
  const std::string text = test::base64url(header) + "." + test::base64url(kClaims);
  EXPECT_EQ(kind_of(all, test::forge_token(header, kClaims, signer("ES256").der_signature(text))),
            Kind::signature);
  EXPECT_EQ(kind_of(all, test::forge_token(R"({"alg":"ES256"})", kClaims, std::string(64, '\0'))),
            Kind::signature);
  EXPECT_EQ(kind_of(all, test::forge_token(R"({"alg":"ES256"})", kClaims, "")), Kind::signature);
  EXPECT_EQ(kind_of(all, signer("RS256").sign(kClaims), "ES256"), Kind::algorithm);
  EXPECT_TRUE(all.verify(signer("ES256").sign(kClaims), "ES256").has_value());
  // P-256 and secp256k1 are as long as each other, and not the same.
  const JwsKeys koblitz = keys_of({signer("ES256K").jwk("k")});
  EXPECT_EQ(kind_of(koblitz, signer("ES256").sign(kClaims, "k")), Kind::unknown_key);
  EXPECT_EQ(kind_of(koblitz, signer("ES256K").sign_with_header(R"({"alg":"ES256"})", kClaims)),
            Kind::unknown_key);
  // A salt of another length than the digest's is not PS256.
  const JwsKeys rsa = keys_of({"{" + signer("RS256").members() + "}"});
  EXPECT_EQ(kind_of(rsa, signer("PS512").sign_with_header(R"({"alg":"PS256"})", kClaims)), Kind::signature);
  EXPECT_EQ(kind_of(rsa, signer("RS256").sign_with_header(R"({"alg":"RS384"})", kClaims)), Kind::signature);
}

// Providers of large firms publish keys of all their tenants.
TEST(Jws, ManyKeysAndAByteOrderMark) {
  std::vector<std::string> many;
  for (int i = 0; i < 400; ++i) many.push_back(JwsSigner("ES256").jwk("k" + std::to_string(i)));
  many.push_back(signer("RS256").jwk("last"));
  many.push_back("{" + signer("ES256").members() + "}");
  const std::string jwks = "\xef\xbb\xbf\r\n " + jwks_of(many) + "\n";
  const auto keys = JwsKeys::parse(jwks);
  ASSERT_TRUE(keys.has_value()) << keys.error();
  EXPECT_EQ(keys->size(), 402u);
  EXPECT_TRUE(keys->verify(signer("RS256").sign(kClaims, "last")).has_value());
  EXPECT_TRUE(keys->verify(signer("ES256").sign(kClaims)).has_value());
}

TEST(Jws, NoneAndSecretsAreNeverMixedUpWithPublicKeys) {
  const std::string jwk = signer("RS256").jwk("k");
  const JwsKeys keys =
      keys_of({jwk, R"({"kty":"oct","k":"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0","alg":"HS256"})"});
  EXPECT_EQ(keys.size(), 1u);
  for (const char* alg : {"none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RSA-OAEP", "RS1",
                          "rs256", "RS257", "HS256 ", "dir"}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":"k"})";
    EXPECT_EQ(kind_of(keys, test::forge_token(header, kClaims, "")), Kind::algorithm) << alg;
  }
  for (const std::string& secret :
       {jwk, std::string("secretsecretsecretsecretsecret"), signer("RS256").members()})
    EXPECT_EQ(kind_of(keys, test::forge_hs256(R"({"alg":"HS256","kid":"k"})", kClaims, secret)),
              Kind::algorithm);
  for (const char* header : {"{}", R"({"alg":null})", R"({"alg":["RS256"]})", R"({"alg":256})"})
    EXPECT_EQ(kind_of(keys, test::forge_token(header, kClaims, "x")), Kind::algorithm) << header;
}

TEST(Jws, ASecretChecksItsOneAlgorithm) {
  const std::string secret(32, 's');
  const JwsKeys keys = JwsKeys::from_secret("HS256", secret);
  EXPECT_TRUE(keys.verify(test::forge_hs256(R"({"alg":"HS256"})", kClaims, secret), "HS256").has_value());
  EXPECT_TRUE(keys.verify(test::forge_hs256(R"({"alg":"HS256","kid":"k"})", kClaims, secret)).has_value());
  EXPECT_EQ(kind_of(keys, test::forge_hs256(R"({"alg":"HS256"})", kClaims, "another")), Kind::signature);
  EXPECT_EQ(kind_of(keys, test::forge_token(R"({"alg":"HS256"})", kClaims, "")), Kind::signature);
  EXPECT_EQ(kind_of(keys, test::forge_hs256(R"({"alg":"HS512"})", kClaims, secret)), Kind::algorithm);
  EXPECT_EQ(kind_of(keys, test::forge_token(R"({"alg":"none"})", kClaims, "")), Kind::algorithm);
  EXPECT_EQ(kind_of(keys, signer("RS256").sign(kClaims)), Kind::unknown_key);
  EXPECT_EQ(hmac_secret_bytes("HS256"), 32u);
  EXPECT_EQ(hmac_secret_bytes("HS512"), 64u);
  EXPECT_EQ(hmac_secret_bytes("RS256"), 0u);
}

// Padding, the common alphabet, zeros in front that are too many or too few: the number is the same.
TEST(Jws, NumbersOfKeysAreReadHoweverTheyAreWritten) {
  const auto member = [](const std::string& members, const std::string& name) {
    const std::size_t at = members.find('"' + name + "\":\"") + name.size() + 4;
    return std::string(*decode_base64url(members.substr(at, members.find('"', at) - at)));
  };
  const std::string rsa = signer("RS256").members();
  const std::string n = member(rsa, "n");
  const std::string e = member(rsa, "e");
  for (const std::string& shape : {encode_base64(n), encode_base64url('\0' + n), encode_base64('\0' + n)}) {
    const JwsKeys keys = keys_of({R"({"kty":"RSA","n":")" + shape + R"(","e":")" + encode_base64(e) + "\"}"});
    EXPECT_TRUE(keys.verify(signer("RS256").sign(kClaims)).has_value()) << keys.left_out();
  }
  // One key in 256 has a coordinate that begins with a zero.
  for (int tries = 0; tries < 5000; ++tries) {
    const JwsSigner key("ES256");
    std::string x = member(key.members(), "x");
    const std::string y = member(key.members(), "y");
    if (x.front() != '\0') continue;
    x.erase(0, 1);
    for (const std::string& shape : {encode_base64url(x), encode_base64url(std::string(2, '\0') + x)}) {
      const JwsKeys keys =
          keys_of({R"({"kty":"EC","crv":"P-256","x":")" + shape + R"(","y":")" + encode_base64(y) + "\"}"});
      EXPECT_TRUE(keys.verify(key.sign(kClaims)).has_value()) << keys.left_out();
    }
    return;
  }
  FAIL() << "no such key was found";
}

TEST(Jws, WhatIsChangedIsRefused) {
  const JwsKeys keys = keys_of({signer("ES256").jwk("k")});
  const std::string token = signer("ES256").sign(kClaims, "k");
  const std::size_t payload = token.find('.') + 1;
  std::string bent = token;
  bent[payload + 4] = bent[payload + 4] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(keys.verify(bent).has_value());
  for (const char* bad : {"", ".", "..", "a.b", "a.b.c", "....."})
    EXPECT_EQ(kind_of(keys, bad), Kind::malformed) << bad;
  // Of a JWS, unlike of some JWKs, base64url is without padding and line breaks, by the one alphabet.
  for (const char* behind : {"=", "==", "\n", " ", "+", "/"})
    EXPECT_EQ(kind_of(keys, token + behind), Kind::malformed) << behind;
  EXPECT_TRUE(keys.verify(token).has_value());
  EXPECT_EQ(kind_of(keys, "a.b.c.d.e"), Kind::encrypted);
  EXPECT_EQ(kind_of(keys, token + std::string(100'000, 'A')), Kind::malformed);
  EXPECT_EQ(
      kind_of(keys, signer("ES256").sign_with_header(R"({"alg":"ES256","crit":["exp"],"exp":1})", kClaims)),
      Kind::malformed);
  // A header may hold more than flat members.
  EXPECT_TRUE(keys.verify(
      signer("ES256").sign_with_header(R"({"alg":"ES256","x5c":["a"],"jwk":{"kty":"EC"}})", kClaims)));
}

TEST(Jws, OtherKeysAreLeftOutAndSaidWhy) {
  const JwsSigner weak("RS256", 1024);
  const JwsKeys keys = keys_of({
      signer("ES256").jwk("good"),
      "{" + signer("RS256").members() + R"(,"use":"enc"})",
      "{" + signer("RS256").members() + R"(,"alg":"RSA-OAEP"})",
      "{" + signer("RS256").members() + R"(,"key_ops":["encrypt"]})",
      weak.jwk("weak"),
      R"({"kty":"EC","crv":"brainpoolP256r1","x":"AAAA","y":"AAAA"})",
      R"({"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA"})",
      R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})",
      R"({"kty":"OKP","crv":"X25519","x":"AAAA"})",
      R"({"kty":"RSA","n":"AQAB"})",
      R"({"kty":"RSA","x5c":["bm90IGEgY2VydGlmaWNhdGU="]})",
      R"({"kid":"nothing"})",
      "7",
  });
  EXPECT_EQ(keys.size(), 1u);
  EXPECT_TRUE(keys.verify(signer("ES256").sign(kClaims, "good")).has_value());
  for (const char* why :
       {"of use enc", "for RSA-OAEP", "key_ops", "1024 bits", "brainpoolP256r1", "ML-DSA-65"})
    EXPECT_THAT(keys.left_out(), HasSubstr(why));
  for (const char* bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":7})", "<html>"})
    EXPECT_FALSE(JwsKeys::parse(bad).has_value()) << bad;
  EXPECT_EQ(JwsKeys::parse(R"({"keys":[]})")->size(), 0u);
}

}  // namespace
}  // namespace parley
