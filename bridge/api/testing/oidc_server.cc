#include "bridge/api/testing/oidc_server.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <stdexcept>

#include "bridge/api/seal.h"
#include "bridge/http/server.h"
#include "bridge/http/target.h"
#include "bridge/metrics.h"
#include "schemas/base64url.h"
#include "schemas/rsa.h"
#include "schemas/token.h"

namespace parley::api {
namespace {

namespace json = boost::json;

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::map<std::string, std::string> parameters(std::string_view query) {
  std::map<std::string, std::string> out;
  const auto target = http::parse_target("/?" + std::string(query));
  if (!target) throw std::runtime_error("not a query: " + std::string(query));
  for (const auto& [name, value] : target->query) out[name] = value;
  return out;
}

// Any claims, unlike SigningKey::sign().
std::string sign(const SigningKey& key, const json::object& claims) {
  const std::string head = encode_base64url(R"({"alg":"RS256","kid":")" + key.kid() + "\"}");
  const std::string text = head + "." + encode_base64url(json::serialize(claims));
  return text + "." + encode_base64url(RsaKey::from_pem(key.pem())->sign(text));
}

}  // namespace

struct OidcServer::Impl {
  struct Grant {
    std::string challenge;
    std::string redirect_uri;
    json::object claims;
  };

  std::mutex mutex;
  std::deque<SigningKey> keys;  // the last one signs
  std::deque<std::string> published;
  std::map<std::string, Grant> grants;  // by code
  std::function<void(json::object&)> bend;
  std::string instead;
  std::function<void(json::object&)> bend_discovery;
  std::function<std::string(const std::string&)> sign_by;
  std::string jwks_text;  // empty: of `published`
  std::string client_error;
  unsigned client_status = 401;
  std::string error_description;
  std::string redirect;  // empty: any
  unsigned redirect_status = 400;
  std::string redirect_refusal;
  std::string userinfo;
  std::string prefix;
  std::string content_type = "application/json";
  int discovery_fetches = 0;
  int key_fetches = 0;
  int token_requests = 0;
  std::string auth = "client_secret_basic";
  bool broken = false;
  HttpConfig config;
  bridge::Metrics metrics;
  std::unique_ptr<http::Server> server;

  std::string issuer() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
  http::Response discovery();
  http::Response jwks();
  http::Response token(const http::Request& request);
  http::Response authorize(const http::Request& request);
  http::Response names(const http::Request& request);
  http::Response as_document(const std::string& text) const {
    return http::text(prefix + text, content_type);
  }
};

http::Response OidcServer::Impl::discovery() {
  const std::lock_guard lock(mutex);
  ++discovery_fetches;
  if (broken) return http::text("<html>maintenance</html>", "text/html", 500);
  json::object document{{"issuer", issuer()},
                        {"authorization_endpoint", issuer() + "/authorize?tenant=1"},
                        {"token_endpoint", issuer() + "/token"},
                        {"jwks_uri", issuer() + "/keys"}};
  if (!userinfo.empty()) document["userinfo_endpoint"] = issuer() + "/userinfo";
  if (bend_discovery) bend_discovery(document);
  return as_document(json::serialize(document));
}

http::Response OidcServer::Impl::jwks() {
  const std::lock_guard lock(mutex);
  ++key_fetches;
  return as_document(jwks_text.empty() ? make_jwks({published.begin(), published.end()}) : jwks_text);
}

http::Response OidcServer::Impl::token(const http::Request& request) {
  const std::lock_guard lock(mutex);
  ++token_requests;
  const auto refuse = [](const char* why) { return http::json(json::object{{"error", why}}, 400); };
  if (!client_error.empty()) {
    json::object said{{"error", client_error}};
    if (!error_description.empty()) said["error_description"] = error_description;
    return http::json(said, client_status);
  }
  auto form = parameters(request.body);
  // RFC 6749, section 2.3.1: both form-encoded, then joined, then base64.
  const std::string wanted =
      "Basic " + encode_base64(http::percent_encode(kClient) + ":" + http::percent_encode(kSecret));
  const std::string given_header(request.header("Authorization").value_or(""));
  const bool no_secret = !form.contains("client_secret");
  const bool basic = given_header == wanted && no_secret;
  const bool post = given_header.empty() && form["client_id"] == kClient && form["client_secret"] == kSecret;
  const bool none = given_header.empty() && form["client_id"] == kClient && no_secret;
  const bool known = auth == "client_secret_basic" ? basic : auth == "client_secret_post" ? post : none;
  if (!known) return refuse("invalid_client");
  const auto grant = grants.find(form["code"]);
  if (form["grant_type"] != "authorization_code" || grant == grants.end()) return refuse("invalid_grant");
  const Grant given = grant->second;
  grants.erase(grant);  // a code is good for one use
  const Sha256 digest = sha256(form["code_verifier"]);
  if (encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()}) != given.challenge) {
    return refuse("invalid_grant");
  }
  if (form["redirect_uri"] != given.redirect_uri) return refuse("invalid_grant");
  json::object claims = given.claims;
  if (bend) bend(claims);
  return http::json(json::object{{"access_token", "at"},
                                 {"token_type", "Bearer"},
                                 {"id_token", !instead.empty() ? instead
                                              : sign_by        ? sign_by(json::serialize(claims))
                                                               : sign(keys.back(), claims)}});
}

// To somebody who is not signed in there.
http::Response OidcServer::Impl::authorize(const http::Request& request) {
  const std::lock_guard lock(mutex);
  const std::string to(request.query("redirect_uri").value_or(""));
  if (!redirect.empty() && to != redirect) return http::text(redirect_refusal, "text/html", redirect_status);
  http::Response answer = http::text("<html>Who are you?</html>", "text/html");
  if (request.query("prompt") != "none") return answer;
  answer.status = 302;
  return std::move(answer).header("Location", to + "?error=login_required&state=" +
                                                  http::percent_encode(request.query("state").value_or("")));
}

http::Response OidcServer::Impl::names(const http::Request& request) {
  const std::lock_guard lock(mutex);
  if (request.header("Authorization") != "Bearer at") return http::unauthorized("no such token");
  return as_document(userinfo);
}

OidcServer::OidcServer() : impl_(std::make_unique<Impl>()) {
  impl_->config.port = 0;
  impl_->config.workers = 2;
  impl_->server = std::make_unique<http::Server>(impl_->config, 1, 1, impl_->metrics);
  rotate();
  const auto add = [&](http::Method method, const char* path, auto handler) {
    impl_->server->add({.method = method, .path = path, .handler = handler});
  };
  Impl* impl = impl_.get();
  add(http::Method::get, "/.well-known/openid-configuration",
      [impl](const http::Request&) { return impl->discovery(); });
  add(http::Method::get, "/keys", [impl](const http::Request&) { return impl->jwks(); });
  add(http::Method::post, "/token", [impl](const http::Request& request) { return impl->token(request); });
  add(http::Method::get, "/authorize",
      [impl](const http::Request& request) { return impl->authorize(request); });
  add(http::Method::get, "/userinfo", [impl](const http::Request& request) { return impl->names(request); });
  impl_->server->start();
}
OidcServer::~OidcServer() { impl_->server->stop(); }

std::string OidcServer::issuer() const { return impl_->issuer(); }

std::string OidcServer::sign_in(const std::string& url, const std::string& subject, const std::string& name) {
  const std::string start = issuer() + "/authorize?tenant=1&";
  if (!url.starts_with(start)) return "error: not the authorization endpoint: " + url;
  auto query = parameters(url.substr(start.size()));
  if (query["response_type"] != "code") return "error: response_type";
  if (query["client_id"] != kClient) return "error: client_id";
  if (query["code_challenge_method"] != "S256" || query["code_challenge"].size() != 43) return "error: PKCE";
  if (("+" + query["scope"] + " ").find("+openid ") == std::string::npos) return "error: scope";
  const std::lock_guard lock(impl_->mutex);
  const std::string code = random_text(16);
  impl_->grants[code] = {query["code_challenge"],
                         query["redirect_uri"],
                         {{"iss", issuer()},
                          {"sub", subject},
                          {"aud", kClient},
                          {"exp", now_s() + 300},
                          {"iat", now_s()},
                          {"nonce", query["nonce"]},
                          {"preferred_username", name},
                          {"name", "Person " + name}}};
  const std::string& redirect = query["redirect_uri"];
  const std::size_t path = redirect.find('/', redirect.find("://") + 3);
  return redirect.substr(path) + "?code=" + code + "&state=" + http::percent_encode(query["state"]);
}

void OidcServer::bend(std::function<void(json::object&)> change) {
  const std::lock_guard lock(impl_->mutex);
  impl_->bend = std::move(change);
}

void OidcServer::rotate(bool secretly) {
  const std::lock_guard lock(impl_->mutex);
  impl_->keys.push_back(SigningKey::generate());
  if (!secretly) impl_->published.push_back(impl_->keys.back().jwk());
}

void OidcServer::break_discovery(bool broken) {
  const std::lock_guard lock(impl_->mutex);
  impl_->broken = broken;
}

void OidcServer::bend_discovery(std::function<void(json::object&)> change) {
  const std::lock_guard lock(impl_->mutex);
  impl_->bend_discovery = std::move(change);
}

void OidcServer::sign_by(std::function<std::string(const std::string&)> sign, std::string jwks) {
  const std::lock_guard lock(impl_->mutex);
  impl_->sign_by = std::move(sign);
  impl_->jwks_text = std::move(jwks);
}

void OidcServer::publish(std::string jwks) {
  const std::lock_guard lock(impl_->mutex);
  impl_->jwks_text = std::move(jwks);
}

void OidcServer::refuse_clients(std::string error, unsigned status) {
  const std::lock_guard lock(impl_->mutex);
  impl_->client_error = std::move(error);
  impl_->client_status = status;
}

void OidcServer::describe_errors(std::string description) {
  const std::lock_guard lock(impl_->mutex);
  impl_->error_description = std::move(description);
}

void OidcServer::register_redirect(std::string redirect_uri, unsigned status, std::string refusal) {
  const std::lock_guard lock(impl_->mutex);
  impl_->redirect = std::move(redirect_uri);
  impl_->redirect_status = status;
  impl_->redirect_refusal = std::move(refusal);
}

void OidcServer::tell(std::string userinfo) {
  const std::lock_guard lock(impl_->mutex);
  impl_->userinfo = std::move(userinfo);
}

void OidcServer::begin_documents_with(std::string text, std::string content_type) {
  const std::lock_guard lock(impl_->mutex);
  impl_->prefix = std::move(text);
  impl_->content_type = std::move(content_type);
}

int OidcServer::discovery_fetches() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->discovery_fetches;
}

int OidcServer::token_requests() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->token_requests;
}

void OidcServer::take_clients_by(std::string method) {
  const std::lock_guard lock(impl_->mutex);
  impl_->auth = std::move(method);
}

int OidcServer::key_fetches() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->key_fetches;
}

void OidcServer::send_instead(std::string id_token) {
  const std::lock_guard lock(impl_->mutex);
  impl_->instead = std::move(id_token);
}

}  // namespace parley::api
