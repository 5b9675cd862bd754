// Tables of what providers publish and sign.
#include "bridge/api/oidc_documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <string>

namespace parley::api {
namespace {

using testing::HasSubstr;
using Kind = OidcFailure::Kind;

constexpr std::int64_t kNow = 1'700'000'000;

OidcProvider config_of(const std::string& issuer = "https://id.example") {
  OidcProvider config;
  config.name = "test";
  config.issuer = issuer;
  config.client_id = "us";
  config.client_secret_file = "secret";
  return config;
}

// Good claims, with members put in place of theirs; null takes one away.
boost::json::object claims_with(const std::string& members) {
  boost::json::object claims =
      boost::json::parse(
          R"({"iss":"https://id.example","sub":"s","aud":"us","exp":1700000300,"iat":1700000000,"nonce":"n"})")
          .as_object();
  const boost::json::value changed = boost::json::parse("{" + members + "}");
  for (const auto& [name, value] : changed.as_object()) claims[name] = value;
  return claims;
}
// "" or why not.
std::string refusal(const boost::json::object& claims, const OidcProvider& config = config_of()) {
  const auto identity = read_claims(claims, config, "n", kNow);
  return identity ? std::string() : identity.error().why;
}

TEST(OidcClaims, Times) {
  for (const char* good :
       {R"("exp":1700000300.0)", R"("exp":1.7000003e9)", R"("exp":1700000300.75,"iat":1699999999.999)",
        R"("exp":1699999941)",  // a minute is let pass
        R"("iat":1700000059)", R"("iat":1700000059.9)", R"("nbf":1700000060)", R"("nbf":1700000000.0)",
        R"("nbf":1e9)", R"("nbf":null)", R"("exp":18446744073709551615)", R"("exp":1e300)", R"("iat":0)",
        R"("auth_time":1700000000.0)"})
    EXPECT_EQ(refusal(claims_with(good)), "") << good;
  for (const char* bad :
       {R"("exp":null)", R"("exp":0)", R"("exp":-1)", R"("exp":1699999940)", R"("exp":1699999940.9)",
        R"("exp":"1700000300")", R"("exp":[1700000300])", R"("exp":-1e300)", R"("iat":1700000061)",
        R"("iat":"now")", R"("nbf":1700003600)", R"("nbf":1700003600.5)", R"("nbf":"1600000000")",
        R"("iat":true)", R"("nbf":1e300)"})
    EXPECT_NE(refusal(claims_with(bad)), "") << bad;
  EXPECT_THAT(refusal(claims_with(R"("exp":1000)")), HasSubstr("the clock of this server says 1700000000"));
}

TEST(OidcClaims, Audiences) {
  for (const char* good : {R"("aud":"us")", R"("aud":["us"])", R"("aud":["us","api"],"azp":"us")",
                           R"("aud":["api","us"],"azp":"us")", R"("aud":"us","azp":"us")",
                           R"("aud":"us","azp":null)", R"("aud":["us",7])"})
    EXPECT_EQ(refusal(claims_with(good)), "") << good;
  for (const char* bad :
       {R"("aud":null)", R"("aud":"")", R"("aud":[])", R"("aud":"them")", R"("aud":["them"])", R"("aud":7)",
        R"("aud":{"us":1})", R"("aud":["us","api"])", R"("aud":["us","api"],"azp":"api")",
        R"("aud":"us","azp":"them")", R"("aud":"us","azp":["us"])", R"("aud":"US")", R"("aud":"us,them")"})
    EXPECT_NE(refusal(claims_with(bad)), "") << bad;
}

TEST(OidcClaims, IssuersNoncesAndSubjects) {
  for (const char* bad : {R"("iss":null)", R"("iss":"https://evil.example")", R"("iss":"HTTPS://id.example")",
                          R"("iss":["https://id.example"])", R"("nonce":null)", R"("nonce":"N")",
                          R"("nonce":"")", R"("nonce":["n"])", R"("sub":null)", R"("sub":"")", R"("sub":7)"})
    EXPECT_NE(refusal(claims_with(bad)), "") << bad;
  EXPECT_NE(refusal(claims_with(R"("sub":")" + std::string(256, 's') + '"')), "");
  EXPECT_EQ(refusal(claims_with(R"("sub":")" + std::string(255, 's') + '"')), "");
  const auto slash = read_claims(claims_with(R"("iss":"https://id.example/")"), config_of(), "n", kNow);
  ASSERT_FALSE(slash.has_value());
  EXPECT_EQ(slash.error().kind, Kind::misconfigured);
  EXPECT_EQ(refusal(claims_with(R"("iss":"accounts.google.com")"), config_of("https://accounts.google.com")),
            "");
  EXPECT_NE(refusal(claims_with(R"("iss":"accounts.google.com")")), "");
}

TEST(OidcClaims, NamesToSuggest) {
  constexpr struct {
    const char *claims, *user, *display;
  } kTable[] = {
      {R"("preferred_username":"bob","name":"Bob Smith")", "bob", "Bob Smith"},
      {R"("preferred_username":"bob","email":"b@x.example")", "bob", ""},
      {R"("nickname":"bobby","given_name":"Bob")", "bobby", "Bob"},
      {R"("given_name":"Bob","family_name":"Smith")", "", "Bob Smith"},
      {R"("email":"b@x.example")", "b@x.example", ""},
      {R"("email":"b@x.example","email_verified":true)", "b@x.example", ""},
      {R"("email":"b@x.example","email_verified":"true")", "b@x.example", ""},
      {R"("email":"b@x.example","email_verified":false)", "", ""},
      {R"("email":"b@x.example","email_verified":"false")", "", ""},
      {R"("preferred_username":7,"name":["Bob"])", "", ""},
      {R"("name":"\u202eBob\nalice")", "", "Bob alice"},
  };
  for (const auto& row : kTable) {
    const auto identity = read_claims(claims_with(row.claims), config_of(), "n", kNow);
    ASSERT_TRUE(identity.has_value()) << row.claims << identity.error().why;
    EXPECT_EQ(identity->preferred_name, row.user) << row.claims;
    EXPECT_EQ(identity->display_name, row.display) << row.claims;
  }
}

boost::json::object discovery_with(const std::string& members) {
  boost::json::object document = boost::json::parse(R"({"issuer":"https://id.example",
    "authorization_endpoint":"https://id.example/a","token_endpoint":"https://id.example/t",
    "jwks_uri":"https://keys.example/k"})")
                                     .as_object();
  const boost::json::value changed = boost::json::parse("{" + members + "}");
  for (const auto& [name, value] : changed.as_object()) document[name] = value;
  return document;
}

// As Google, Microsoft Entra, Okta, Auth0, Keycloak, Apple, GitLab, AWS Cognito, Zitadel, Authentik, Hydra
// and Dex say what they do.
TEST(OidcDiscovery, WhatCommonProvidersSay) {
  constexpr struct {
    const char* members;
    ClientAuth auth;
  } kTable[] = {
      {"", ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":["RS256"])", ClientAuth::basic},
      {R"("token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"])",
       ClientAuth::basic},
      {R"("token_endpoint_auth_methods_supported":["client_secret_post","private_key_jwt","client_secret_basic"])",
       ClientAuth::basic},
      {R"("token_endpoint_auth_methods_supported":["client_secret_post"],"response_types_supported":["code"])",
       ClientAuth::post},
      {R"("token_endpoint_auth_methods_supported":["none"])", ClientAuth::none},
      {R"("response_types_supported":["code","none","id_token","token","id_token token","code id_token"])",
       ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":["HS256","RS256","PS256"])", ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":["PS384","ES384","RS384","HS256","HS512","ES256","Ed25519"])",
       ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":["EdDSA"])", ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":["ES256K"])", ClientAuth::basic},
      {R"("id_token_signing_alg_values_supported":[])", ClientAuth::basic},
      {R"("claims_supported":null,"mtls_endpoint_aliases":{},"userinfo_endpoint":7)", ClientAuth::basic},
  };
  for (const auto& row : kTable) {
    const auto found = read_discovery(discovery_with(row.members), config_of());
    ASSERT_TRUE(found.has_value()) << row.members << found.error().why;
    EXPECT_EQ(found->auth, row.auth) << row.members;
  }
}

TEST(OidcDiscovery, WhatCannotWorkIsNamed) {
  constexpr struct {
    const char *members, *words;
  } kTable[] = {
      {R"("issuer":"https://id.example/")", "by a slash at the end"},
      {R"("issuer":"https://id.example//")", "by a slash at the end"},
      {R"("issuer":"http://id.example")", "calls itself"},
      {R"("issuer":"https://id.example/realms/x")", "calls itself"},
      {R"("issuer":"https://id.example/{tenantid}/v2.0")", "tenant"},
      {R"("issuer":null)", "names no issuer"},
      {R"("authorization_endpoint":null)", "authorization_endpoint"},
      {R"("token_endpoint":"")", "token_endpoint"},
      {R"("jwks_uri":["https://k"])", "jwks_uri"},
      {R"("jwks_uri":"http://keys.example/k")", "not https"},
      {R"("token_endpoint":"file:///etc/passwd")", "not https"},
      {R"("response_types_supported":["id_token"])", "response_type"},
      {R"("id_token_signing_alg_values_supported":["none"])", "none"},
      {R"("id_token_signing_alg_values_supported":["HS256","none"])", "id_token_signed_response_alg"},
      {R"("id_token_signing_alg_values_supported":["ML-DSA-44"])", "ML-DSA-44"},
      {R"("token_endpoint_auth_methods_supported":["tls_client_auth"])", "tls_client_auth"},
  };
  for (const auto& row : kTable) {
    const auto found = read_discovery(discovery_with(row.members), config_of());
    ASSERT_FALSE(found.has_value()) << row.members;
    EXPECT_EQ(found.error().kind, Kind::misconfigured) << row.members;
    EXPECT_THAT(found.error().why, HasSubstr(row.words));
  }
  OidcProvider pinned = config_of();
  pinned.id_token_signed_response_alg = "ES256";
  const auto found =
      read_discovery(discovery_with(R"("id_token_signing_alg_values_supported":["RS256"])"), pinned);
  ASSERT_FALSE(found.has_value());
  EXPECT_THAT(found.error().why, HasSubstr("ES256"));
  pinned.id_token_signed_response_alg = "EdDSA";
  EXPECT_TRUE(read_discovery(discovery_with(R"("id_token_signing_alg_values_supported":["Ed25519"])"), pinned)
                  .has_value());
  pinned.id_token_signed_response_alg = "HS256";
  EXPECT_TRUE(read_discovery(discovery_with(R"("jwks_uri":null)"), pinned).has_value());
}

}  // namespace
}  // namespace parley::api
