// A provider and what it may do: every algorithm and shape of key, and every mistake in its setting up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bridge/api/oidc.h"
#include "bridge/api/testing/oidc_server.h"
#include "tests/support/jws_signer.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_mint.h"

namespace parley::api {
namespace {

using testing::HasSubstr;
using testing::Not;

class OidcProviderTest : public testing::Test {
 protected:
  OidcProviderTest() {
    test::write_file(folder_.path() / "secret", std::string(OidcServer::kSecret) + "\n");
    http_.public_url = "https://chat.example.org";
    config_.name = "test";
    config_.issuer = server_.issuer();
    config_.client_id = OidcServer::kClient;
    config_.client_secret_file = folder_.path() / "secret";
    restart();
  }
  // As the bridge would be, with nothing remembered.
  void restart() { provider_ = std::make_unique<Provider>(config_, http_); }

  struct Outcome {
    unsigned status = 200;
    std::string text;  // of the answer, or the subject
  };
  Outcome begin() {
    const auto url = provider_->authorization_url("state", "nonce", "verifier");
    return url ? Outcome{200, *url} : Outcome{url.error().status, url.error().body};
  }
  // The whole way of a person.
  Outcome sign_in(const std::string& subject = "s") {
    const Outcome begun = begin();
    if (begun.status != 200) return begun;
    const std::string back = server_.sign_in(begun.text, subject, "bob");
    EXPECT_THAT(back, HasSubstr("code=")) << back;
    const std::size_t code = back.find("code=") + 5;
    const auto identity =
        provider_->redeem(back.substr(code, back.find('&', code) - code), "verifier", "nonce");
    return identity ? Outcome{200, identity->subject}
                    : Outcome{identity.error().status, identity.error().body};
  }

  test::TempDir folder_;
  OidcServer server_;
  HttpConfig http_;
  OidcProvider config_;
  std::unique_ptr<Provider> provider_;
};

std::string jwks_of(const std::vector<std::string>& keys) {
  std::string out = R"({"keys":[)";
  for (const std::string& key : keys) out += (out.back() == '[' ? "" : ",") + key;
  return out + "]}";
}

TEST_F(OidcProviderTest, EveryAlgorithmOfPublicKeysWithAndWithoutAKid) {
  int subject = 0;
  for (const char* name : {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                           "ES256K", "EdDSA", "Ed448"}) {
    const test::JwsSigner key(name);
    const test::JwsSigner another(name);
    const std::pair<std::string, std::string> shapes[] = {
        {jwks_of({another.jwk("k0"), key.jwk("k1")}), "k1"},
        {jwks_of({"{" + another.members() + "}", "{" + key.members() + "}"}), ""},
        {jwks_of({"{" + key.members() + "}"}), "unpublished"},
        {jwks_of({R"({"x5c":[")" + key.certificate() + R"("],"use":"sig","kid":"k1"})"}), "k1"},
        {jwks_of({"7", R"({"kty":"OKP","crv":"X25519","x":"AAAA","kid":"k1","use":"enc"})",
                  R"({"kty":"AKP","alg":"ML-DSA-65","kid":"k1","pub":"AAAA"})", key.jwk("k1")}),
         "k1"},
    };
    for (const auto& [jwks, kid] : shapes) {
      server_.sign_by([&, id = kid](const std::string& claims) { return key.sign(claims, id); }, jwks);
      restart();
      const std::string who = "subject-" + std::to_string(++subject);
      const Outcome outcome = sign_in(who);
      EXPECT_EQ(outcome.status, 200u) << name << " kid=" << kid << " " << outcome.text;
      EXPECT_EQ(outcome.text, who);
    }
  }
}

TEST_F(OidcProviderTest, NewKeysAreFetchedAtOnceButNotForEver) {
  const test::JwsSigner first("ES256");
  const test::JwsSigner second("ES384");
  server_.sign_by([&](const std::string& claims) { return first.sign(claims, "a"); },
                  jwks_of({first.jwk("a")}));
  EXPECT_EQ(sign_in().status, 200u);
  server_.sign_by([&](const std::string& claims) { return second.sign(claims, "b"); },
                  jwks_of({first.jwk("a"), second.jwk("b")}));
  EXPECT_EQ(sign_in().status, 200u);
  // The same without a kid, which shows as a wrong signature.
  const test::JwsSigner third("ES384");
  server_.sign_by([&](const std::string& claims) { return third.sign(claims); },
                  jwks_of({"{" + third.members() + "}"}));
  EXPECT_EQ(sign_in().status, 200u);
  // Who signs with keys that are not published does not make us ask each time.
  server_.sign_by([&](const std::string& claims) { return first.sign(claims, "made-up"); },
                  jwks_of({third.jwk("c")}));
  const int before = server_.key_fetches();
  for (int i = 0; i < 6; ++i) {
    const Outcome outcome = sign_in();
    EXPECT_EQ(outcome.status, 401u) << "later is no better: the code is used up";
    EXPECT_THAT(outcome.text, HasSubstr("kid made-up"));
  }
  EXPECT_EQ(server_.key_fetches() - before, 1);
}

TEST_F(OidcProviderTest, WhoComesWhileNewKeysAreFetchedWaitsForThem) {
  const test::JwsSigner first("ES256");
  const test::JwsSigner second("ES256");
  server_.sign_by([&](const std::string& claims) { return first.sign(claims, "a"); },
                  jwks_of({first.jwk("a")}));
  EXPECT_EQ(sign_in().status, 200u);
  server_.sign_by([&](const std::string& claims) { return second.sign(claims, "b"); },
                  jwks_of({second.jwk("b")}));
  const int before = server_.key_fetches();
  {
    std::vector<std::jthread> people;
    for (int i = 0; i < 3; ++i) people.emplace_back([&] { EXPECT_EQ(sign_in().status, 200u); });
  }
  EXPECT_EQ(server_.key_fetches() - before, 1);
}

TEST_F(OidcProviderTest, DocumentsWithAByteOrderMarkAndAnyContentType) {
  for (const char* type :
       {"application/json;charset=utf-8", "application/jwk-set+json", "text/plain", "text/html"}) {
    server_.begin_documents_with("\xef\xbb\xbf\n", type);
    restart();
    EXPECT_EQ(sign_in().status, 200u) << type;
  }
}

// Where the id_token has none, as of many providers.
TEST_F(OidcProviderTest, NamesAreAskedForAtTheUserinfoEndpoint) {
  server_.bend([](boost::json::object& claims) {
    claims.erase("preferred_username");
    claims.erase("name");
  });
  constexpr struct {
    const char *userinfo, *user, *display;
  } kTable[] = {
      {R"({"sub":"s","preferred_username":"bob","name":"Bob Smith"})", "bob", "Bob Smith"},
      {R"({"sub":"s","nickname":"bobby","given_name":"Bob","family_name":"Smith"})", "bobby", "Bob Smith"},
      {R"({"sub":"s","email":"bob@x.example","email_verified":"true"})", "bob@x.example", ""},
      {R"({"sub":"another","preferred_username":"mallory","name":"M"})", "", ""},
      {R"({"preferred_username":"mallory"})", "", ""},
      {"<html>", "", ""},
  };
  for (const auto& row : kTable) {
    server_.tell(row.userinfo);
    restart();
    const auto url = provider_->authorization_url("state", "nonce", "verifier");
    ASSERT_TRUE(url.has_value());
    const std::string back = server_.sign_in(*url, "s", "bob");
    const std::size_t code = back.find("code=") + 5;
    const auto identity =
        provider_->redeem(back.substr(code, back.find('&', code) - code), "verifier", "nonce");
    ASSERT_TRUE(identity.has_value()) << identity.error().body;
    EXPECT_EQ(identity->preferred_name, row.user) << row.userinfo;
    EXPECT_EQ(identity->display_name, row.display) << row.userinfo;
  }
}

TEST_F(OidcProviderTest, NeitherNoneNorASecretNorAPublicKeyAsOneIsTaken) {
  const test::JwsSigner key("RS256");
  const std::string jwks = jwks_of({key.jwk("k")});
  const auto refused = [&](const char* what, std::function<std::string(const std::string&)> sign) {
    server_.sign_by(std::move(sign), jwks);
    const Outcome outcome = sign_in();
    EXPECT_NE(outcome.status, 200u) << what;
    EXPECT_NE(outcome.status, 503u) << what << " is not a matter of time";
  };
  for (const char* alg : {"none", "None", "NONE"})
    refused(alg, [&](const std::string& claims) {
      return test::forge_token(R"({"alg":")" + std::string(alg) + "\"}", claims, "");
    });
  for (const std::string& secret : {std::string(OidcServer::kSecret), jwks, key.members()})
    refused("HS256", [&](const std::string& claims) {
      return test::forge_hs256(R"({"alg":"HS256","kid":"k"})", claims, secret);
    });
  refused("PS256 of a key for RS256",
          [&](const std::string& claims) { return key.with("PS256").sign(claims, "k"); });
}

// What no waiting helps against is told as such, and what it is.
TEST_F(OidcProviderTest, WhatIsSetUpWrongIsNamed) {
  const auto named = [&](const Outcome& outcome, const char* words) {
    EXPECT_EQ(outcome.status, 500u) << words << outcome.text;
    EXPECT_THAT(outcome.text, HasSubstr(R"("code":"misconfigured")"));
    EXPECT_THAT(outcome.text, HasSubstr(words));
    EXPECT_THAT(outcome.text, Not(HasSubstr("retry_after")));
  };
  const auto discovery = [&](const char* words, std::function<void(boost::json::object&)> bend) {
    server_.bend_discovery(std::move(bend));
    restart();
    named(begin(), words);
  };
  discovery("by a slash at the end", [&](auto& document) { document["issuer"] = server_.issuer() + "/"; });
  discovery("https://other.example", [](auto& document) { document["issuer"] = "https://other.example"; });
  discovery("tenant", [](auto& document) { document["issuer"] = "https://login.example/{tenantid}/v2.0"; });
  discovery("names no issuer", [](auto& document) { document.clear(); });
  discovery("token_endpoint", [](auto& document) { document.erase("token_endpoint"); });
  discovery("authorization_endpoint", [](auto& document) { document["authorization_endpoint"] = ""; });
  discovery("jwks_uri", [](auto& document) { document["jwks_uri"] = 7; });
  discovery("jwks_uri", [](auto& document) { document.erase("jwks_uri"); });
  discovery("not https", [](auto& document) { document["token_endpoint"] = "ftp://x"; });
  discovery("ML-DSA-65", [](auto& document) {
    document["id_token_signing_alg_values_supported"] = boost::json::array{"ML-DSA-65", "none"};
  });
  discovery("id_token_signed_response_alg = \\\"HS256\\\"", [](auto& document) {
    document["id_token_signing_alg_values_supported"] = boost::json::array{"HS256"};
  });
  discovery("private_key_jwt", [](auto& document) {
    document["token_endpoint_auth_methods_supported"] = boost::json::array{"private_key_jwt"};
  });
  discovery("response_type",
            [](auto& document) { document["response_types_supported"] = boost::json::array{"token"}; });
  server_.bend_discovery(nullptr);

  const auto unheard_of = [](const std::string& claims) {
    return test::forge_token(R"({"alg":"ML-DSA-65","kid":"k"})", claims, "x");
  };
  restart();
  server_.sign_by(unheard_of, jwks_of({R"({"kty":"AKP","alg":"ML-DSA-65","kid":"k","pub":"AAAA"})"}));
  named(sign_in(), "no key that checks signatures");
  const test::JwsSigner good("ES256");
  restart();
  server_.publish(jwks_of({good.jwk("g")}));
  named(sign_in(), "ML-DSA-65");
  server_.sign_by(
      [](const std::string& claims) { return test::forge_hs256(R"({"alg":"HS256"})", claims, "x"); },
      jwks_of({good.jwk("g")}));
  named(sign_in(), "id_token_signed_response_alg");
  server_.send_instead("a.b.c.d.e");
  named(sign_in(), "encrypts");
  server_.send_instead("");
  for (const char* error : {"invalid_client", "unauthorized_client"}) {
    restart();
    server_.refuse_clients(error, error[0] == 'i' ? 401 : 400);
    named(sign_in(), error);
    // From now on nobody is sent there in vain.
    named(begin(), error);
  }
}

// Whatever they call it: that our client is not theirs, and what they say of it.
TEST_F(OidcProviderTest, ARefusedClientIsNamedAsProvidersPutIt) {
  constexpr struct {
    unsigned status;
    const char *error, *description;
    unsigned answer;
  } kTable[] = {
      {401, "invalid_client", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1", 500},
      {400, "invalid_client", "", 500},
      {401, "access_denied", "Unauthorized", 500},
      {401, "unauthorized_client", "Invalid client or Invalid client credentials", 500},
      {400, "unauthorized_client", "AADSTS700016: Application not found", 500},
      {400, "unsupported_grant_type", "", 500},
      {400, "redirect_uri_mismatch", "Bad Request", 500},
      {400, "invalid_grant", "Invalid authorization code", 401},
      {401, "invalid_grant", "", 401},
      {400, "invalid_request", "", 401},
      {400, "temporarily_unavailable", "", 503},
      {503, "invalid_client", "", 503},
      {429, "slow_down", "", 503},
  };
  for (const auto& row : kTable) {
    server_.refuse_clients("", 0);
    restart();
    const auto url = provider_->authorization_url("state", "nonce", "verifier");
    ASSERT_TRUE(url.has_value());
    server_.refuse_clients(row.error, row.status);
    server_.describe_errors(row.description);
    const auto identity = provider_->redeem("code", "verifier", "nonce");
    ASSERT_FALSE(identity.has_value());
    EXPECT_EQ(identity.error().status, row.answer) << row.status << row.error << identity.error().body;
    if (row.answer == 503) continue;
    EXPECT_THAT(identity.error().body, HasSubstr(row.error));
    EXPECT_THAT(identity.error().body, HasSubstr(std::string(row.description).substr(0, 20)));
    EXPECT_THAT(identity.error().body, Not(HasSubstr(OidcServer::kSecret)));
  }
}

// The provider shows its own page to whoever is sent there by a redirect_uri that it does not know: so it is
// asked before.
TEST_F(OidcProviderTest, ARedirectUriThatIsNotRegisteredIsNamed) {
  const std::string ours = "https://chat.example.org/api/v1/auth/oidc/test/callback";
  constexpr struct {
    unsigned status;
    const char* page;
    bool plain;
  } kTable[] = {
      {400, "<html>Invalid parameter: redirect_uri</html>", true},
      {403, "<h1>Callback URL mismatch.</h1>", true},
      {400, R"({"error":"invalid_request","error_description":"The redirect URI is not whitelisted"})", true},
      {400, "<html>Client not found.</html>", true},
      {401, R"({"error":"invalid_client"})", true},
      // Nothing can be concluded from these.
      {403, "<html>You are a robot: /authorize?client_id=x&redirect_uri=y</html>", false},
      {400, "<html>Bad request</html>", false},
      {404, "redirect_uri", false},
      {500, "redirect_uri", false},
      {200, "<html>Sign in, or read about redirect_uri</html>", false},
  };
  for (const auto& row : kTable) {
    server_.register_redirect("https://other.example/callback", row.status, row.page);
    restart();
    EXPECT_TRUE(provider_->check({}));
    const Outcome outcome = begin();
    EXPECT_EQ(outcome.status, row.plain ? 500u : 200u) << row.page << outcome.text;
    if (row.plain) {
      EXPECT_THAT(outcome.text, HasSubstr(R"("code":"misconfigured")"));
    }
  }
  server_.register_redirect("https://other.example/callback", 400, "redirect_uri?");
  restart();
  EXPECT_TRUE(provider_->check({}));
  EXPECT_THAT(begin().text, HasSubstr(ours));
  server_.register_redirect(ours, 400, "redirect_uri?");
  restart();
  EXPECT_TRUE(provider_->check({}));
  EXPECT_EQ(sign_in().status, 200u);
}

TEST_F(OidcProviderTest, TheSecretGoesWhereTheProviderWantsIt) {
  server_.bend_discovery([](auto& document) {
    document["token_endpoint_auth_methods_supported"] =
        boost::json::array{"client_secret_post", "private_key_jwt"};
  });
  server_.take_clients_by("client_secret_post");
  EXPECT_EQ(sign_in().status, 200u);
}

TEST_F(OidcProviderTest, PkceAloneIsEnoughForAPublicClient) {
  config_.client_secret_file.clear();
  restart();
  server_.take_clients_by("none");
  EXPECT_EQ(sign_in().status, 200u);
}

TEST_F(OidcProviderTest, HmacIsTakenWhereItIsAskedForAndNothingElse) {
  const std::string secret(40, 's');
  test::write_file(folder_.path() / "long", secret);
  config_.client_secret_file = folder_.path() / "long";
  config_.id_token_signed_response_alg = "HS256";
  config_.token_endpoint_auth_method = "none";
  restart();
  server_.take_clients_by("none");
  const test::JwsSigner key("RS256");
  const std::string jwks = jwks_of({key.jwk("k")});
  const auto hs256 = [](const std::string& by) {
    return [by](const std::string& claims) { return test::forge_hs256(R"({"alg":"HS256"})", claims, by); };
  };
  server_.sign_by(hs256(secret), jwks);
  EXPECT_EQ(sign_in().status, 200u);
  server_.sign_by(hs256("another"), jwks);
  EXPECT_EQ(sign_in().status, 401u);
  server_.sign_by([&](const std::string& claims) { return key.sign(claims, "k"); }, jwks);
  const Outcome outcome = sign_in();
  EXPECT_EQ(outcome.status, 500u);
  EXPECT_THAT(outcome.text, HasSubstr("RS256"));
  // A secret that could be guessed is refused at the start.
  config_.client_secret_file = folder_.path() / "secret";
  EXPECT_THROW(restart(), std::runtime_error);
}

// At the start, before anybody meets it.
TEST_F(OidcProviderTest, TheStartSaysInTheLogWhatIsWrong) {
  const auto said = [&] {
    restart();
    testing::internal::CaptureStderr();
    (void)provider_->check({});
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_THAT(said(), HasSubstr("an OpenID provider is ready"));
  server_.refuse_clients("invalid_client", 401);
  EXPECT_THAT(said(), testing::AllOf(HasSubstr("not set up right"), HasSubstr("invalid_client")));
  server_.refuse_clients("", 0);
  server_.bend_discovery([&](auto& document) { document["issuer"] = server_.issuer() + "/"; });
  EXPECT_THAT(said(), HasSubstr("by a slash at the end"));
  server_.bend_discovery(nullptr);
  server_.publish(R"({"keys":[]})");
  EXPECT_THAT(said(), HasSubstr("its list is empty"));
  server_.break_discovery(true);
  EXPECT_THAT(said(), HasSubstr("cannot be used now"));
  EXPECT_FALSE(provider_->check({})) << "to be asked again";
  config_.issuer = "https://no-such-host.invalid";
  EXPECT_THAT(said(), HasSubstr("no-such-host.invalid"));
  // No TLS where https says there is.
  config_.issuer = "https" + server_.issuer().substr(4);
  EXPECT_THAT(said(), HasSubstr("not set up right"));
  EXPECT_EQ(begin().status, 500u);
}

// The bridge starts whether a provider answers or not, and ends without waiting for one.
TEST_F(OidcProviderTest, AProviderThatIsAwayAtTheStartIsAskedAgain) {
  BridgeConfig config;
  config.http = http_;
  config.oidc.push_back(config_);
  server_.break_discovery(true);
  Providers providers(config);
  providers.check();
  const auto wait_for = [](const std::function<bool()>& what) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!what() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return what();
  };
  EXPECT_TRUE(wait_for([&] { return server_.discovery_fetches() > 0; }));
  server_.break_discovery(false);
  EXPECT_TRUE(wait_for([&] { return server_.token_requests() > 0; }));

  config.oidc.front().issuer = "http://127.0.0.1:1";
  const auto began = std::chrono::steady_clock::now();
  {
    Providers away(config);
    away.check();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4))
      << "less than it waits to ask again";
}

TEST_F(OidcProviderTest, WhatIsNoDiscoveryDocumentIsNamed) {
  for (const char* text : {"<!DOCTYPE html>", "[]", "7 ", "{", "null "}) {
    server_.begin_documents_with(text, "application/json");
    restart();
    const Outcome outcome = begin();
    EXPECT_EQ(outcome.status, 500u) << text;
    EXPECT_THAT(outcome.text, HasSubstr("/.well-known/openid-configuration"));
  }
  server_.begin_documents_with("", "application/json");
  config_.issuer = server_.issuer() + "/elsewhere";
  restart();
  EXPECT_THAT(begin().text, HasSubstr("status 404"));
}

// A slash at the end is part of an issuer's name, and of nobody's URL.
TEST_F(OidcProviderTest, AnIssuerWithASlashWhoseProviderHasOneToo) {
  config_.issuer = server_.issuer() + "/";
  server_.bend_discovery([&](auto& document) { document["issuer"] = server_.issuer() + "/"; });
  server_.bend([&](auto& claims) { claims["iss"] = server_.issuer() + "/"; });
  restart();
  EXPECT_EQ(sign_in().status, 200u);
  server_.bend(nullptr);
  EXPECT_THAT(sign_in().text, HasSubstr("differs from the option issuer by a slash"));
}

TEST_F(OidcProviderTest, AProviderThatIsAwayIsAMatterOfTime) {
  server_.break_discovery(true);
  EXPECT_EQ(begin().status, 503u);
  EXPECT_THAT(begin().text, HasSubstr("unavailable")) << "also at once again";
  config_.issuer = "http://127.0.0.1:1";
  restart();
  EXPECT_EQ(begin().status, 503u);
}

}  // namespace
}  // namespace parley::api
