// A small OpenID provider on a loopback port: discovery, keys, and a token endpoint that checks what a client
// has to send (PKCE, secret, redirect URI). The test plays the person at its sign-in page. Thread-safe.
#ifndef PARLEY_BRIDGE_API_TESTING_OIDC_SERVER_H_
#define PARLEY_BRIDGE_API_TESTING_OIDC_SERVER_H_

#include <boost/json/object.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::api {

class OidcServer {
 public:
  OidcServer();
  ~OidcServer();

  std::string issuer() const;  // http://127.0.0.1:port
  // What the browser does at `authorization_url`: checks it, lets `subject` in, and gives the path and query
  // to which the browser is sent back, or a text that starts with "error:".
  std::string sign_in(const std::string& authorization_url, const std::string& subject,
                      const std::string& name);

  // Changes the claims of the id_tokens from now on.
  void bend(std::function<void(boost::json::object& claims)> change);
  // From now on tokens are signed by a new key, which is published unless `secretly`.
  void rotate(bool secretly = false);
  void break_discovery(bool broken);
  // Changes the discovery document from now on.
  void bend_discovery(std::function<void(boost::json::object& document)> change);
  // From now on id_tokens are what `sign` makes of their claims, and `jwks` is published.
  void sign_by(std::function<std::string(const std::string& claims)> sign, std::string jwks);
  void publish(std::string jwks);
  // Instead of redeeming codes, the token endpoint answers with this error of RFC 6749.
  void refuse_clients(std::string error, unsigned status);
  // Adds a member error_description to that.
  void describe_errors(std::string description);
  // The one redirect_uri that its sign-in page takes; empty (at first): any. `refusal` is the page that
  // others get.
  void register_redirect(std::string redirect_uri, unsigned status, std::string refusal);
  // What the userinfo endpoint answers to the token it gave; empty: it has none.
  void tell(std::string userinfo);
  // Before each of its documents.
  void begin_documents_with(std::string text, std::string content_type);
  // client_secret_basic (at first), client_secret_post or none.
  void take_clients_by(std::string method);
  // How often its discovery and its keys were fetched, and codes asked to be redeemed.
  int discovery_fetches() const;
  int key_fetches() const;
  int token_requests() const;
  // Sent by the token endpoint instead of an id_token that it would sign; empty: as usual.
  void send_instead(std::string id_token);

  static constexpr const char* kClient = "parley-client";
  static constexpr const char* kSecret = "s3cret/+&%";

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::api

#endif
