#include "schemas/token.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <atomic>
#include <boost/json.hpp>
#include <set>
#include <thread>

#include "schemas/base64url.h"
#include "schemas/rsa.h"
#include "schemas/token_text.h"

namespace parley {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNow = 1'763'683'200;

const SigningKey& key_a() {
  static const SigningKey key = SigningKey::generate();
  return key;
}
const SigningKey& key_b() {
  static const SigningKey key = SigningKey::generate();
  return key;
}
const KeySet& keys() {
  static const KeySet set = *KeySet::parse(make_jwks({key_a().jwk(), key_b().jwk()}));
  return set;
}

TokenClaims claims() { return {"alice", "phone", "s-1", kNow + 900, kNow - 1, TokenRole::user}; }

// A token of any header and payload, signed by key_a as one who holds the key could.
std::string signed_token(std::string_view header, std::string_view payload) {
  static const RsaKey key = *RsaKey::from_pem(key_a().pem());
  const std::string part = encode_base64url(header) + "." + encode_base64url(payload);
  return part + "." + encode_base64url(key.sign(part));
}

struct Member {
  const char* name;
  std::string value;  // JSON
};

std::string header_with(std::string_view more = "") {
  return R"({"alg":"RS256","typ":"JWT","kid":")" + key_a().kid() + "\"" + std::string(more) + "}";
}

json::object payload_object() {
  return {{"sub", "alice"},    {"dev", "phone"}, {"sid", "s-1"},
          {"exp", kNow + 900}, {"iat", kNow},    {"role", "user"}};
}

std::string error_of(std::string_view token, std::int64_t now = kNow) {
  const auto result = keys().verify(token, now);
  return result ? "accepted" : std::string(to_string(result.error()));
}

std::string error_of_payload(const json::object& payload) {
  return error_of(signed_token(header_with(), json::serialize(payload)));
}

TEST(Token, CarriesItsClaims) {
  TokenClaims given = claims();
  given.role = TokenRole::bot;
  for (const SigningKey* key : {&key_a(), &key_b()}) {
    const auto result = keys().verify(key->sign(given), kNow);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->sub, "alice");
    EXPECT_EQ(result->dev, "phone");
    EXPECT_EQ(result->sid, "s-1");
    EXPECT_EQ(result->exp, kNow + 900);
    EXPECT_EQ(result->iat, kNow - 1);
    EXPECT_EQ(result->role, TokenRole::bot);
  }
}

TEST(Token, IsExpiredFromItsExpOn) {
  const std::string token = key_a().sign(claims());
  EXPECT_EQ(error_of(token, kNow + 899), "accepted");
  EXPECT_EQ(error_of(token, kNow + 900), "expired");
  EXPECT_EQ(error_of(token, kNow + 100'000), "expired");
}

TEST(Token, FromTheFutureIsRefusedBeyondTheLeeway) {
  TokenClaims given = claims();
  given.iat = kNow + 60;
  EXPECT_EQ(error_of(key_a().sign(given)), "accepted");
  given.iat = kNow + 61;
  EXPECT_EQ(error_of(key_a().sign(given)), "not_yet");
  json::object payload = payload_object();
  payload["nbf"] = kNow + 60;
  EXPECT_EQ(error_of_payload(payload), "accepted");
  payload["nbf"] = kNow + 61;
  EXPECT_EQ(error_of_payload(payload), "not_yet");
  payload["nbf"] = "soon";
  EXPECT_EQ(error_of_payload(payload), "bad_claims");
}

TEST(Token, WithAlgNoneIsRefused) {
  const std::string payload = encode_base64url(json::serialize(payload_object()));
  for (const char* alg : {"none", "None", "NONE", "nOnE", ""}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":")" + key_a().kid() + "\"}";
    EXPECT_EQ(error_of(encode_base64url(header) + "." + payload + "."), "bad_algorithm") << alg;
  }
  EXPECT_EQ(error_of(encode_base64url(R"({"kid":"x"})") + "." + payload + "."), "bad_algorithm");
  EXPECT_EQ(error_of(encode_base64url(R"({"alg":7})") + "." + payload + "."), "bad_algorithm");
}

// The classic confusion: HMAC keyed with what everybody may know, the public key.
TEST(Token, WithHmacOfThePublicKeyIsRefused) {
  const std::string payload = encode_base64url(json::serialize(payload_object()));
  for (const char* alg : {"HS256", "hs256", "RS256"}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":")" + key_a().kid() + "\"}";
    const std::string part = encode_base64url(header) + "." + payload;
    for (const std::string& secret :
         {key_a().jwk(), json::parse(key_a().jwk()).at("n").as_string().c_str() + std::string()}) {
      unsigned char mac[EVP_MAX_MD_SIZE];
      unsigned int size = 0;
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(part.data()), part.size(), mac, &size);
      const std::string token = part + "." + encode_base64url({reinterpret_cast<char*>(mac), size});
      EXPECT_EQ(error_of(token), std::string(alg) == "RS256" ? "bad_signature" : "bad_algorithm");
    }
  }
}

TEST(Token, OfOtherAlgorithmsIsRefusedEvenWithAnUnknownKey) {
  for (const char* alg : {"RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 "}) {
    const std::string header = R"({"alg":")" + std::string(alg) + R"(","kid":"nobody"})";
    EXPECT_EQ(error_of(signed_token(header, json::serialize(payload_object()))), "bad_algorithm") << alg;
  }
}

TEST(Token, OfAnUnknownKeyIsRefused) {
  const std::string payload = json::serialize(payload_object());
  EXPECT_EQ(error_of(signed_token(R"({"alg":"RS256","kid":"nobody"})", payload)), "unknown_key");
  EXPECT_EQ(error_of(signed_token(R"({"alg":"RS256"})", payload)), "unknown_key");
  EXPECT_EQ(error_of(signed_token(R"({"alg":"RS256","kid":7})", payload)), "unknown_key");
  EXPECT_EQ(error_of(signed_token(R"({"alg":"RS256","kid":""})", payload)), "unknown_key");
  const SigningKey stranger = SigningKey::generate();
  EXPECT_EQ(error_of(stranger.sign(claims())), "unknown_key");
  EXPECT_FALSE(KeySet().verify(key_a().sign(claims()), kNow));
}

TEST(Token, NamingAnotherKeyThanItsSignersIsRefused) {
  const std::string header = R"({"alg":"RS256","kid":")" + key_b().kid() + "\"}";
  EXPECT_EQ(error_of(signed_token(header, json::serialize(payload_object()))), "bad_signature");
}

// A key that comes with the token is nobody's key (RFC 8725, 3.10).
TEST(Token, EmbeddedKeysAreIgnored) {
  const SigningKey mine = SigningKey::generate();
  const RsaKey mine_rsa = *RsaKey::from_pem(mine.pem());
  for (const std::string& more :
       {",\"jwk\":" + mine.jwk(), std::string(R"(,"jku":"http://127.0.0.1:9/jwks")"),
        std::string(R"(,"x5u":"http://127.0.0.1:9/x","x5c":["AA"])")}) {
    const std::string part =
        encode_base64url(header_with(more)) + "." + encode_base64url(json::serialize(payload_object()));
    EXPECT_EQ(error_of(part + "." + encode_base64url(mine_rsa.sign(part))), "bad_signature");
    EXPECT_EQ(error_of(signed_token(header_with(more), json::serialize(payload_object()))), "accepted");
  }
}

TEST(Token, ChangedAnywhereIsRefused) {
  const std::string token = key_a().sign(claims());
  std::string same = token;
  for (std::size_t at = 0; at < token.size(); ++at) {
    same[at] = token[at] == 'A' ? 'B' : 'A';
    EXPECT_NE(error_of(same), "accepted") << at;
    same[at] = token[at];
  }
  const std::size_t dot = token.find('.');
  json::object payload = payload_object();
  payload["role"] = "service";
  const std::string forged =
      token.substr(0, dot + 1) + encode_base64url(json::serialize(payload)) + token.substr(token.rfind('.'));
  EXPECT_EQ(error_of(forged), "bad_signature");
}

TEST(Token, OfAnotherFormIsRefused) {
  const std::string token = key_a().sign(claims());
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("..."), std::string("a.b.c"),
        token + ".", token + ".x", token + "=", token + " ", " " + token, token + "\n", "Bearer " + token,
        token.substr(0, token.rfind('.')), std::string("pk_") + std::string(43, 'A'), std::string(9000, 'A'),
        std::string(3000, '.')}) {
    EXPECT_EQ(error_of(bad), "malformed") << bad.substr(0, 40);
  }
  EXPECT_EQ(error_of(token + "AAAA"), "bad_signature");
  EXPECT_EQ(error_of(token.substr(0, token.rfind('.') + 1)), "bad_signature");
  EXPECT_EQ(error_of(token.substr(0, token.size() - 2)), "bad_signature");
  const std::string payload = json::serialize(payload_object());
  EXPECT_EQ(error_of(signed_token("[]", payload)), "malformed");
  EXPECT_EQ(error_of(signed_token("{", payload)), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with() + "x", payload)), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with(R"(,"crit":["exp"])"), payload)), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with(), "")), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with(), "7")), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with(), payload + payload)), "malformed");
  EXPECT_EQ(error_of(signed_token(header_with(), std::string(200, '['))), "malformed");
}

TEST(Token, OfMoreThan8KibIsRefused) {
  json::object payload = payload_object();
  payload["pad"] = std::string(5000, 'x');
  EXPECT_EQ(error_of_payload(payload), "accepted");
  payload["pad"] = std::string(6500, 'x');
  EXPECT_EQ(error_of_payload(payload), "malformed");
}

TEST(Token, WithAMemberTwiceIsRefused) {
  std::string payload = json::serialize(payload_object());
  payload.insert(1, R"("sub":"mallory",)");
  EXPECT_EQ(error_of(signed_token(header_with(), payload)), "malformed");
  EXPECT_EQ(error_of(signed_token(R"({"alg":"none",)" + header_with().substr(1),
                                  json::serialize(payload_object()))),
            "malformed");
  // Inside a value that nobody reads it does no harm.
  std::string nested = json::serialize(payload_object());
  nested.insert(1, R"("x":{"a":1,"a":2},)");
  EXPECT_EQ(error_of(signed_token(header_with(), nested)), "accepted");
}

TEST(Token, WithoutAClaimOrWithABadOneIsRefused) {
  for (const char* name : {"sub", "dev", "sid", "exp", "iat", "role"}) {
    json::object payload = payload_object();
    payload.erase(name);
    EXPECT_EQ(error_of_payload(payload), "bad_claims") << name;
    payload[name] = nullptr;
    EXPECT_EQ(error_of_payload(payload), "bad_claims") << name;
    payload[name] = json::array{1};
    EXPECT_EQ(error_of_payload(payload), "bad_claims") << name;
  }
  const std::vector<Member> bad = {{"sub", R"("Alice")"},   {"sub", R"("a")"},
                                   {"sub", R"("")"},        {"sub", "7"},
                                   {"dev", R"("a b")"},     {"dev", R"("")"},
                                   {"sid", R"("")"},        {"sid", R"("a b")"},
                                   {"sid", R"("a\n")"},     {"role", R"("r")"},
                                   {"role", R"("User")"},   {"role", "1"},
                                   {"exp", R"("1e99")"},    {"exp", "1e300"},
                                   {"exp", "1763684100.5"}, {"exp", "9223372036854775808"},
                                   {"exp", "true"},         {"iat", R"("0")"},
                                   {"iat", "-0.5"},         {"sid", '"' + std::string(65, 's') + '"'}};
  for (const auto& [name, value] : bad) {
    json::object payload = payload_object();
    payload[name] = json::parse(value);
    EXPECT_EQ(error_of_payload(payload), "bad_claims") << name << " = " << value;
  }
  json::object payload = payload_object();
  payload["sid"] = std::string(64, 's');
  payload["aud"] = "somebody";
  EXPECT_EQ(error_of_payload(payload), "accepted");
}

TEST(Token, TakesTimesAsFloatsThatAreWhole) {
  const auto with = [](const std::string& exp, const std::string& iat) {
    return error_of(signed_token(
        header_with(),
        R"({"sub":"alice","dev":"phone","sid":"s-1","role":"user","exp":)" + exp + R"(,"iat":)" + iat + "}"));
  };
  const std::string later = std::to_string(kNow + 900);
  const std::string now = std::to_string(kNow);
  EXPECT_EQ(with(later, now), "accepted");
  EXPECT_EQ(with(later + ".0", now + ".0"), "accepted");
  EXPECT_EQ(with(later + "0e-1", now + "e0"), "accepted");
  EXPECT_EQ(with(std::to_string(kNow - 1) + ".0", now), "expired");
  for (const std::string& bad :
       {later + ".5", std::string("1e400"), "\"" + later + "\"", std::string("null")})
    EXPECT_EQ(with(bad, now), "bad_claims") << bad;
}

TEST(Token, IsTakenOutOfAFilesText) {
  const std::string mark = "\xef\xbb\xbf";
  for (const std::string around : {"pk_x", "pk_x\n", "pk_x\r\n", " pk_x ", "\npk_x", "\tpk_x \n\n"}) {
    EXPECT_EQ(trim_token(around), "pk_x") << around;
    EXPECT_EQ(trim_token(mark + around), "pk_x") << around;
  }
  for (const std::string none : {"", "\n", " \r\n", mark.c_str()}) EXPECT_EQ(trim_token(none), "");
  EXPECT_EQ(trim_token("a b"), "a b");
}

TEST(Token, IsVerifiedByManyThreadsAtOnce) {
  const std::string token = key_a().sign(claims());
  std::atomic<int> accepted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 100; ++round) accepted += keys().verify(token, kNow).has_value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 400);
}

TEST(Jwks, LeavesOutKeysOfNoUse) {
  const json::object good = json::parse(key_a().jwk()).as_object();
  const auto size_with = [&](json::object other) {
    const auto set = KeySet::parse(make_jwks({json::serialize(other), key_b().jwk()}));
    return set ? set->size() : 0;
  };
  EXPECT_EQ(size_with(good), 2u);
  const std::vector<Member> changes = {{"kty", R"("EC")"},
                                       {"use", R"("enc")"},
                                       {"alg", R"("RS512")"},
                                       {"alg", R"("HS256")"},
                                       {"kid", R"("")"},
                                       {"kid", "7"},
                                       {"n", R"("")"},
                                       {"n", R"("!!")"},
                                       {"n", R"("AQ")"},
                                       {"e", R"("")"},
                                       {"e", R"("AQ")"},
                                       {"e", R"("AA")"},
                                       {"e", "65537"},
                                       {"n", '"' + std::string(2000, 'B') + '"'},
                                       {"key_ops", R"(["sign"])"},
                                       {"key_ops", R"("verify")"}};
  for (const auto& [name, value] : changes) {
    json::object jwk = good;
    jwk[name] = json::parse(value);
    EXPECT_EQ(size_with(jwk), 1u) << name << " = " << value.substr(0, 40);
  }
  json::object plain = good;
  plain.erase("use");
  plain.erase("alg");
  plain["key_ops"] = json::array{"verify"};
  EXPECT_EQ(size_with(plain), 2u);
  plain["kid"] = key_b().kid();  // the first of two with one kid counts
  EXPECT_EQ(size_with(plain), 1u);
  EXPECT_EQ(size_with(json::parse(SigningKey::generate(1024).jwk()).as_object()), 1u);
}

TEST(Jwks, OfAnotherFormIsRefusedWithAReason) {
  for (const std::string& bad :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[]})"), std::string(R"({"keys":[1,null,"x",[]]})"),
        make_jwks({SigningKey::generate(1024).jwk()})}) {
    const auto result = KeySet::parse(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_NE(result.error().find("JWKS"), std::string::npos);
  }
}

TEST(SigningKey, SurvivesItsPem) {
  const auto again = SigningKey::from_pem(key_a().pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kid(), key_a().kid());
  EXPECT_EQ(again->jwk(), key_a().jwk());
  EXPECT_EQ(error_of(again->sign(claims())), "accepted");
  EXPECT_NE(key_a().kid(), key_b().kid());
}

TEST(SigningKey, RefusesWhatIsNoUsablePem) {
  EXPECT_FALSE(SigningKey::from_pem(""));
  EXPECT_FALSE(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
  const auto weak = SigningKey::from_pem(SigningKey::generate(1024).pem());
  ASSERT_FALSE(weak);
  EXPECT_NE(weak.error().find("2048"), std::string::npos);
}

// RFC 7638, 3.1.
TEST(SigningKey, ThumbprintHashesTheMembersInOrder) {
  const json::object jwk = json::parse(key_a().jwk()).as_object();
  const std::string canonical = R"({"e":")" + std::string(jwk.at("e").as_string()) +
                                R"(","kty":"RSA","n":")" + std::string(jwk.at("n").as_string()) + "\"}";
  const Sha256 digest = sha256(canonical);
  EXPECT_EQ(key_a().kid(), encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}));
  EXPECT_EQ(jwk.at("use"), "sig");
  EXPECT_EQ(jwk.at("alg"), "RS256");
  EXPECT_FALSE(jwk.contains("d"));
}

TEST(ApiToken, IsRandomAndKnowsItsForm) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string token = random_api_token();
    EXPECT_TRUE(is_api_token(token)) << token;
    EXPECT_TRUE(seen.insert(token).second);
  }
  for (const std::string& bad :
       {std::string(), std::string("pk_"), "pk_" + std::string(42, 'A'), "pk_" + std::string(44, 'A'),
        "PK_" + std::string(43, 'A'), "pk_" + std::string(42, 'A') + "=", key_a().sign(claims())}) {
    EXPECT_FALSE(is_api_token(bad)) << bad;
  }
}

TEST(Digest, GoesToHexAndBack) {
  const Sha256 digest = sha256("abc");  // FIPS 180-2, B.1
  EXPECT_EQ(to_hex(digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(parse_sha256_hex(to_hex(digest)), digest);
  EXPECT_EQ(parse_sha256_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), digest);
  for (const std::string& bad :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(64, 'g')}) {
    EXPECT_FALSE(parse_sha256_hex(bad));
  }
}

TEST(TokenErrors, AreSpeltAsTheirNames) {
  EXPECT_EQ(to_string(TokenError::malformed), "malformed");
  EXPECT_EQ(to_string(TokenError::bad_algorithm), "bad_algorithm");
  EXPECT_EQ(to_string(TokenError::unknown_key), "unknown_key");
  EXPECT_EQ(to_string(TokenError::bad_signature), "bad_signature");
  EXPECT_EQ(to_string(TokenError::bad_claims), "bad_claims");
  EXPECT_EQ(to_string(TokenError::expired), "expired");
  EXPECT_EQ(to_string(TokenError::not_yet), "not_yet");
}

}  // namespace
}  // namespace parley
