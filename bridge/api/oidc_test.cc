// Signing in by OpenID Connect, with a provider of the test's own.
#include "bridge/api/oidc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "bridge/api/testing/api_world.h"
#include "bridge/api/testing/oidc_server.h"
#include "bridge/http/target.h"
#include "tests/support/jws_signer.h"
#include "tests/support/temp_dir.h"

namespace parley::api {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kStart = "/api/v1/auth/oidc/test/start";

class OidcApi : public testing::Test {
 protected:
  OidcApi()
      : world_(ApiWorld::Database::fresh, [this](BridgeConfig& config) {
          test::write_file(folder_.path() / "secret", std::string(OidcServer::kSecret) + "\n");
          config.http.public_url = "https://chat.example.org";
          OidcProvider provider;
          provider.name = "test";
          provider.issuer = server_.issuer();
          provider.client_id = OidcServer::kClient;
          provider.client_secret_file = folder_.path() / "secret";
          config.oidc.push_back(provider);
        }) {}

  struct Begun {
    std::string url;
    std::string cookie;  // as the browser would send it
  };
  Begun begin(const std::string& query = "") {
    const Reply reply = world_.call("GET", kStart + query);
    EXPECT_EQ(reply.status, 303u) << reply.text;
    const std::string set = reply.header("set-cookie");
    EXPECT_THAT(set, HasSubstr("; HttpOnly; SameSite=Lax"));
    EXPECT_THAT(set, HasSubstr("; Secure"));
    return {reply.header("location"), set.substr(0, set.find(';'))};
  }
  Reply come_back(const std::string& path, const std::string& cookie) {
    return world_.call("GET", path, {"", "", {{"Cookie", "other=1; " + cookie}}});
  }
  // The whole way of a person.
  Reply sign_in(const std::string& subject, const std::string& name = "Bob.Smith@example.com") {
    const Begun begun = begin();
    const std::string back = server_.sign_in(begun.url, subject, name);
    EXPECT_THAT(back, StartsWith("/api/v1/auth/oidc/test/callback?")) << back;
    return come_back(back, begun.cookie);
  }
  Reply post(const char* path, const std::string& body, const std::string& token = "") {
    return world_.call("POST", path, {token, body, {}});
  }
  Reply choose(const Reply& newcomer, const std::string& user) {
    return post(
        "/api/v1/auth/oidc/register",
        R"({"registration_token":")" + newcomer.at("registration_token") + R"(","user":")" + user + "\"}");
  }

  test::TempDir folder_;
  OidcServer server_;
  ApiWorld world_;
};

TEST_F(OidcApi, ANewPersonChoosesANameAndComesBackAsTheSame) {
  const Reply first = sign_in("subject-1");
  ASSERT_EQ(first.status, 202u) << first.text;
  EXPECT_EQ(first.at("suggested_user"), "bob.smith");
  EXPECT_THAT(first.at("display_name"), HasSubstr("Person"));
  EXPECT_THAT(first.header("set-cookie"), HasSubstr("Max-Age=0"));
  EXPECT_EQ(choose(first, "Not A Name").field(), "user");
  const Reply made = choose(first, "bob");
  ASSERT_EQ(made.status, 201u) << made.text;
  const Reply again = sign_in("subject-1");
  ASSERT_EQ(again.status, 200u) << again.text;
  EXPECT_EQ(again.at("user"), "bob");
  EXPECT_EQ(world_.call("GET", "/api/v1/users/me", {again.at("access_token"), "", {}}).at("user"), "bob");
  // Somebody else at the same provider is somebody else here.
  EXPECT_EQ(sign_in("subject-2").status, 202u);
  // The registration token is used up with the identity.
  const Reply twice = choose(first, "bob2");
  EXPECT_EQ(twice.status, 409u);
  // No password will do for such an account.
  EXPECT_EQ(post("/api/v1/auth/login", R"({"user":"bob","password":"correct horse"})").status, 401u);
}

TEST_F(OidcApi, AnAccountThatIsThereCanBeLinked) {
  const Reply first = sign_in("subject-9");
  const std::string body = R"({"registration_token":")" + first.at("registration_token") + "\"}";
  EXPECT_EQ(post("/api/v1/users/me/identities", body, world_.token("alice")).status, 204u);
  EXPECT_EQ(sign_in("subject-9").at("user"), "alice");
  EXPECT_EQ(post("/api/v1/users/me/identities", body, world_.token("carol")).status, 409u);
}

// What people are called there is not theirs to mend here: it is cleaned, and refused by nobody.
TEST_F(OidcApi, NamesOfProvidersAreCleaned) {
  constexpr struct {
    std::string_view given, offered;
  } kNames[] = {
      {"Mal\nlory", "Mal lory"},
      {"\u202emallory", "mallory"},
      {"  Ad\u200bmin ", "Admin"},
      {"Rene\u0301", "Ren\u00e9"},
      {"\x1b[31mRed", "[31mRed"},
      {"\u200b", ""},
      {"\u3164\u3164", ""},
      {" ", ""},
      {"\u05d3\u05d5\u05d3", "\u05d3\u05d5\u05d3"},
      {"\u5c71\u7530 \u592a\u90ce", "\u5c71\u7530 \u592a\u90ce"},
  };
  for (const auto& name : kNames) {
    server_.bend([&](boost::json::object& claims) { claims["name"] = name.given; });
    const Reply newcomer = sign_in("subject-x");
    ASSERT_EQ(newcomer.status, 202u) << newcomer.text;
    EXPECT_EQ(newcomer.at("display_name"), name.offered) << name.given;
  }
  server_.bend([](boost::json::object& claims) { claims["name"] = std::string(5000, 'x'); });
  EXPECT_EQ(sign_in("subject-x").at("display_name"), std::string(100, 'x'));
}

TEST_F(OidcApi, TheDeviceIsKept) {
  const Begun begun = begin("?device=laptop");
  const Reply newcomer = come_back(server_.sign_in(begun.url, "s", "carol"), begun.cookie);
  EXPECT_EQ(choose(newcomer, "carol").at("device"), "laptop");
  EXPECT_EQ(world_.call("GET", std::string(kStart) + "?device=a%20b").status, 422u);
}

TEST_F(OidcApi, OnlyTheBrowserThatBeganCanFinish) {
  const Begun begun = begin();
  const std::string back = server_.sign_in(begun.url, "s", "carol");
  EXPECT_EQ(come_back(back, "").status, 400u);
  EXPECT_EQ(come_back(back, "parley_oidc=guess").status, 400u);
  EXPECT_EQ(come_back(back, begin().cookie).status, 400u);
  std::string bent = back;
  bent.back() = bent.back() == 'A' ? 'B' : 'A';
  EXPECT_EQ(come_back(bent, begun.cookie).status, 400u);
  EXPECT_EQ(come_back(back, begun.cookie).status, 202u);
  // The code is used up.
  EXPECT_EQ(come_back(back, begun.cookie).status, 401u);
}

TEST_F(OidcApi, ACodeOfAnotherSignInIsRefused) {
  const Begun mine = begin();
  const Begun theirs = begin();
  const std::string my_way = server_.sign_in(mine.url, "me", "me");
  const std::string their_way = server_.sign_in(theirs.url, "victim", "victim");
  const auto part = [](const std::string& text, const char* name) {
    const std::size_t at = text.find(name);
    return text.substr(at, text.find('&', at) - at);
  };
  // Their code with my state: the verifier is another one.
  const std::string mixed =
      my_way.substr(0, my_way.find('?') + 1) + part(their_way, "code=") + "&" + part(my_way, "state=");
  EXPECT_EQ(come_back(mixed, mine.cookie).status, 401u);
}

TEST_F(OidcApi, TheIdTokenMustBeForUsFromThemAndNow) {
  const auto refused = [&](const char* what, const std::function<void(boost::json::object&)>& bend) {
    server_.bend(bend);
    const Reply reply = sign_in("s");
    EXPECT_EQ(reply.status, 401u) << what << reply.text;
  };
  refused("another issuer", [](auto& claims) { claims["iss"] = "https://evil.example"; });
  refused("another client", [](auto& claims) { claims["aud"] = "somebody else"; });
  refused("several clients and no azp", [](auto& claims) {
    claims["aud"] = boost::json::array{OidcServer::kClient, "somebody else"};
  });
  refused("for another client", [](auto& claims) { claims["azp"] = "somebody else"; });
  refused("expired", [](auto& claims) { claims["exp"] = 1000; });
  refused("no exp", [](auto& claims) { claims.erase("exp"); });
  refused("from the future", [](auto& claims) { claims["iat"] = claims["iat"].as_int64() + 3600; });
  refused("another nonce", [](auto& claims) { claims["nonce"] = "replayed"; });
  refused("not yet", [](auto& claims) { claims["nbf"] = claims["iat"].as_int64() + 3600; });
  refused("text for a number", [](auto& claims) { claims["exp"] = "4102444800"; });
  refused("no nonce", [](auto& claims) { claims.erase("nonce"); });
  refused("nobody", [](auto& claims) { claims["sub"] = ""; });
  refused("a number", [](auto& claims) { claims["sub"] = 7; });
  server_.bend([](auto& claims) {
    claims["aud"] = boost::json::array{OidcServer::kClient, "somebody else"};
    claims["azp"] = OidcServer::kClient;
  });
  EXPECT_EQ(sign_in("s").status, 202u);
  server_.bend([](auto& claims) {
    for (const char* name : {"iat", "exp"}) claims[name] = static_cast<double>(claims[name].as_int64());
    claims["nbf"] = static_cast<double>(claims["iat"].as_double()) + 0.5;
    claims["aud"] = boost::json::array{OidcServer::kClient};
    claims["email_verified"] = "true";
  });
  EXPECT_EQ(sign_in("s").status, 202u);
  server_.bend(nullptr);
  for (const char* token : {"x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzIn0."}) {
    server_.send_instead(token);
    EXPECT_EQ(sign_in("s").status, 401u) << token;
  }
}

TEST_F(OidcApi, AKeyThatIsNotPublishedIsNotTrusted) {
  EXPECT_EQ(sign_in("s").status, 202u);
  server_.rotate(true);
  EXPECT_EQ(sign_in("s").status, 401u);
}

TEST_F(OidcApi, WhoWasNotLetInIsTold) {
  const Begun begun = begin();
  const std::string back = server_.sign_in(begun.url, "s", "carol");
  const std::string state = back.substr(back.find("state="));
  const std::string path = "/api/v1/auth/oidc/test/callback?error=access_denied&" + state;
  EXPECT_EQ(come_back(path, begun.cookie).status, 403u);
  EXPECT_EQ(come_back("/api/v1/auth/oidc/test/callback?" + state, begun.cookie).field(), "code");
  EXPECT_EQ(come_back("/api/v1/auth/oidc/test/callback?code=x&" + state, begun.cookie).status, 401u);
}

TEST_F(OidcApi, AProviderThatIsAwayIsUnavailable) {
  server_.break_discovery(true);
  const Reply reply = world_.call("GET", kStart);
  EXPECT_EQ(reply.status, 503u);
  EXPECT_EQ(reply.code(), "unavailable");
  EXPECT_EQ(world_.call("GET", "/api/v1/auth/oidc/nobody/start").status, 404u);
  EXPECT_EQ(world_.call("GET", "/api/v1/auth/oidc").at("items.0.start"), kStart);
}

TEST_F(OidcApi, RegistrationTokensAreOurs) {
  const Reply first = sign_in("s");
  const std::string token = first.at("registration_token");
  std::string bent = token;
  bent[10] = bent[10] == 'A' ? 'B' : 'A';
  for (const std::string& bad : {std::string("x"), bent}) {
    const Reply reply =
        post("/api/v1/auth/oidc/register", R"({"registration_token":")" + bad + R"(","user":"bob"})");
    EXPECT_EQ(reply.status, 422u);
    EXPECT_EQ(reply.field(), "registration_token");
  }
  EXPECT_EQ(post("/api/v1/auth/oidc/register", R"({"user":"bob"})").field(), "registration_token");
}

TEST_F(OidcApi, WhatTheBrowserComesBackWithIsToldApart) {
  const Begun begun = begin();
  const std::string back = server_.sign_in(begun.url, "s", "carol");
  const std::string path = "/api/v1/auth/oidc/test/callback?" + back.substr(back.find("state=")) + "&error=";
  EXPECT_EQ(come_back(path + "access_denied", begun.cookie).status, 403u);
  EXPECT_EQ(come_back(path + "temporarily_unavailable", begun.cookie).status, 503u);
  EXPECT_EQ(come_back(path + "invalid_scope", begun.cookie).code(), "misconfigured");
  EXPECT_EQ(come_back(path + "unauthorized_client", begun.cookie).code(), "misconfigured");
}

// An operator's mistake reaches whoever meets it as one, and not as "try again later".
TEST_F(OidcApi, AMisconfigurationIsNamedInTheAnswer) {
  server_.refuse_clients("invalid_client", 401);
  const Reply first = sign_in("s");
  EXPECT_EQ(first.status, 500u);
  EXPECT_EQ(first.code(), "misconfigured");
  EXPECT_EQ(first.header("retry-after"), "");
  EXPECT_THAT(first.text, HasSubstr("client_id"));
  // From now on nobody is sent there in vain.
  EXPECT_EQ(world_.call("GET", kStart).code(), "misconfigured");
}

TEST_F(OidcApi, KeysOfEveryKindWithoutAKidSignPeopleIn) {
  std::vector<test::JwsSigner> keys;
  std::string jwks;
  for (const char* name : {"ES256", "ES384", "ES512", "EdDSA", "PS256", "RS512"}) {
    const test::JwsSigner& key = keys.emplace_back(name);
    jwks += (jwks.empty() ? "{" : ",{") + key.members() + "}";
  }
  for (const test::JwsSigner& key : keys) {
    server_.sign_by([&](const std::string& claims) { return key.sign(claims); },
                    R"({"keys":[)" + jwks + "]}");
    const Reply reply = sign_in("s");
    EXPECT_EQ(reply.status, 202u) << key.algorithm() << reply.text;
  }
}

TEST_F(OidcApi, AWrongIssuerIsNamedInTheAnswer) {
  server_.bend_discovery([&](auto& document) { document["issuer"] = server_.issuer() + "/"; });
  const Reply reply = world_.call("GET", kStart);
  EXPECT_EQ(reply.status, 500u);
  EXPECT_EQ(reply.code(), "misconfigured");
  EXPECT_THAT(reply.text, HasSubstr("by a slash at the end"));
}

}  // namespace
}  // namespace parley::api
