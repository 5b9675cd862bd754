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
