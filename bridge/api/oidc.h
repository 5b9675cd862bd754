// Sign-in by OpenID Connect: authorization code with PKCE (RFC 6749, 7636; OpenID Connect Core 1.0,
// section 3.1). The providers come from the configuration; their endpoints and keys from their discovery
// documents, kept for an hour.
//
// The server remembers nothing of a sign-in under way: it is in the sealed `state` that travels through the
// browser, tied to that browser by a cookie. Whoever is new gets a sealed registration token and comes back
// with the name chosen for it.
#ifndef PARLEY_BRIDGE_API_OIDC_H_
#define PARLEY_BRIDGE_API_OIDC_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bridge/http/response.h"
#include "config/bridge_config.h"
#include "schemas/token.h"

namespace parley::api {

// What a provider says of somebody. `subject` is theirs for good at this issuer; the rest are suggestions.
struct Identity {
  std::string issuer;
  std::string subject;
  std::string preferred_name;
  std::string display_name;
};

class Provider {
 public:
  // Reads the client's secret; throws std::runtime_error when it cannot.
  Provider(OidcProvider config, const HttpConfig& http);

  const std::string& name() const { return config_.name; }
  // Where to send the browser. 503 when the provider cannot be reached.
  boost::system::result<std::string, http::Response> authorization_url(std::string_view state,
                                                                       std::string_view nonce,
                                                                       std::string_view verifier);
  // Redeems the code that came back, and checks the id_token: signature, issuer, audience, times, nonce.
  boost::system::result<Identity, http::Response> redeem(std::string_view code, std::string_view verifier,
                                                         std::string_view nonce);

 private:
  using Steady = std::chrono::steady_clock::time_point;
  struct Endpoints {
    std::string authorization;
    std::string token;
    std::string jwks;
    bool secret_in_body = false;
  };
  template <class T>
  struct Kept {
    std::shared_ptr<const T> value;
    Steady since{};   // when it was got, or
    Steady failed{};  // when that did not work
  };
  template <class T>
  using Known = boost::system::result<std::shared_ptr<const T>, http::Response>;

  Known<Endpoints> endpoints();
  Known<KeySet> keys(const Endpoints& endpoints, bool afresh);
  boost::system::result<std::string, http::Response> exchange(const Endpoints& endpoints,
                                                              std::string_view code,
                                                              std::string_view verifier);
  boost::system::result<Identity, http::Response> read_id_token(const Endpoints& endpoints,
                                                                const std::string& token,
                                                                std::string_view nonce);
  http::Response away(std::string_view why) const;
  http::Response distrust(std::string_view why) const;

  const OidcProvider config_;
  std::string secret_;
  std::string redirect_uri_;
  std::mutex mutex_;
  Kept<Endpoints> endpoints_;
  Kept<KeySet> keys_;
};

class Providers {
 public:
  explicit Providers(const BridgeConfig& config);
  Provider* find(std::string_view name);
  std::deque<Provider>& all() { return providers_; }

 private:
  std::deque<Provider> providers_;
};

}  // namespace parley::api

#endif
