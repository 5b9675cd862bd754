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
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "bridge/api/oidc_documents.h"
#include "bridge/api/oidc_failure.h"
#include "bridge/http/response.h"
#include "bridge/log.h"
#include "config/bridge_config.h"
#include "schemas/jws.h"

namespace parley::api {

class Provider {
 public:
  // Reads the client's secret; throws std::runtime_error when it cannot, or when it is too short for what it
  // has to sign.
  Provider(OidcProvider config, const HttpConfig& http);

  const std::string& name() const { return config_.name; }
  // Where to send the browser. 503 when the provider cannot be reached, 500 `misconfigured` when trying again
  // is in vain.
  boost::system::result<std::string, http::Response> authorization_url(std::string_view state,
                                                                       std::string_view nonce,
                                                                       std::string_view verifier);
  // Redeems the code that came back, and checks the id_token: signature, issuer, audience, times, nonce.
  boost::system::result<Identity, http::Response> redeem(std::string_view code, std::string_view verifier,
                                                         std::string_view nonce);
  // The answer to a browser that comes back with an `error` instead of a code (OpenID Connect Core,
  // section 3.1.2.6).
  http::Response refused(std::string_view error, std::string_view description) const;

  // Asks for all that a sign-in needs, and says in the log what is wrong. False: the provider could not be
  // asked now. Blocks.
  bool check(const std::stop_token& stop);

 private:
  using Steady = std::chrono::steady_clock::time_point;
  template <class T>
  struct Kept {
    std::shared_ptr<const T> value;
    Steady since{};                        // when it was got, or
    Steady failed{};                       // when that did not work
    std::optional<OidcFailure> failure{};  // and why
  };
  template <class T>
  using Known = OidcResult<std::shared_ptr<const T>>;
  struct Tokens {
    std::string id;
    std::string access;
  };

  Known<OidcEndpoints> endpoints(const std::stop_token& stop = {});
  // Those that are kept; or, when `in_vain` has been tried, later ones, as far as the provider may be asked
  // for them again.
  Known<JwsKeys> keys(const OidcEndpoints& where, const JwsKeys* in_vain = nullptr,
                      const std::stop_token& stop = {});
  bool may_ask_again();
  std::string authorization(const OidcEndpoints& where, std::string_view state, std::string_view nonce,
                            std::string_view verifier) const;
  OidcResult<Tokens> exchange(const OidcEndpoints& where, std::string_view code, std::string_view verifier,
                              const std::stop_token& stop = {});
  OidcResult<std::string> verify(const OidcEndpoints& where, const std::string& token);
  OidcResult<Identity> read_id_token(const OidcEndpoints& where, const std::string& token,
                                     std::string_view nonce);
  void ask_for_names(const OidcEndpoints& where, const std::string& access_token, Identity& identity);
  // Whether the provider takes our client, by questions that sign nobody in.
  OidcResult<void> probe(const OidcEndpoints& where, const std::stop_token& stop = {});
  // The same, as far as there is reason to ask.
  OidcResult<void> check_client(const OidcEndpoints& where);
  void note_client(const OidcFailure& failure);
  void tell(const OidcFailure& failure, const bridge::LogLimit& limit = {}) const;
  http::Response answer(const OidcFailure& failure) const;

  const OidcProvider config_;
  std::string secret_;
  std::string redirect_uri_;
  std::mutex fetching_;  // held while documents are fetched: who waits finds them. Taken before mutex_
  std::mutex mutex_;
  // Below: guarded by mutex_.
  Kept<OidcEndpoints> endpoints_;
  Kept<JwsKeys> keys_;
  std::deque<Steady> asked_again_;             // when keys were fetched because one was unknown
  std::optional<OidcFailure> client_failure_;  // the provider does not take our client
  Steady client_failed_{};
};

class Providers {
 public:
  explicit Providers(const BridgeConfig& config);
  Provider* find(std::string_view name);
  std::deque<Provider>& all() { return providers_; }
  // Checks all of them, on a thread that ends with this object: what is set up wrong is in the log before
  // anybody meets it. Who is away is asked again until they answer.
  void check();

 private:
  void check_all(const std::stop_token& stop);

  std::deque<Provider> providers_;
  std::jthread checker_;
};

}  // namespace parley::api

#endif
