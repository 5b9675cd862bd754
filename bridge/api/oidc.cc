#include "bridge/api/oidc.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fstream>
#include <semaphore>
#include <sstream>
#include <stdexcept>

#include "bridge/api/fetch.h"
#include "bridge/http/target.h"
#include "bridge/log.h"
#include "schemas/base64url.h"
#include "schemas/text/field_text.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using http::percent_encode;

constexpr std::chrono::minutes kKeepFor{60};
constexpr std::chrono::seconds kRetryAfter{5};  // a provider that did not answer is left alone for this long
constexpr std::chrono::seconds kKeysAgainAfter{
    60};  // an unknown kid makes us look for new keys, this often at most
constexpr std::int64_t kLeewayS = 60;
constexpr std::size_t kMaxSubject = 255;      // OpenID Connect Core, section 2
constexpr std::size_t kMaxDisplayName = 100;  // characters
constexpr std::size_t kMaxName = 100;         // bytes of what we take over from the provider

// A provider that is slow may not hold up all workers.
std::counting_semaphore<> fetches{3};

class Slot {
 public:
  Slot() : taken_(fetches.try_acquire()) {}
  ~Slot() {
    if (taken_) fetches.release();
  }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  explicit operator bool() const { return taken_; }

 private:
  const bool taken_;
};

http::Response busy() { return http::unavailable("too many sign-ins by this provider at once; try again"); }

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::int64_t number(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code error;
  const auto out =
      value != nullptr && value->is_number() ? value->to_number<std::int64_t>(error) : std::int64_t{0};
  return error ? 0 : out;
}

// aud: a string, or an array of them.
bool is_audience(const json::object& claims, std::string_view client, std::size_t& count) {
  const json::value* aud = claims.if_contains("aud");
  count = 1;
  if (aud == nullptr) return false;
  if (aud->is_string()) return std::string_view(aud->get_string()) == client;
  if (!aud->is_array()) return false;
  count = aud->get_array().size();
  return std::any_of(aud->get_array().begin(), aud->get_array().end(), [&](const json::value& each) {
    return each.is_string() && std::string_view(each.get_string()) == client;
  });
}

boost::system::result<json::object, std::string> fetch_json(const Fetch& request) {
  const auto answer = fetch(request);
  if (!answer) return answer.error();
  boost::system::error_code error;
  json::value value = json::parse(answer->body, error);
  if (error || !value.is_object()) {
    return "answered " + std::to_string(answer->status) + " with something that is no JSON object";
  }
  if (answer->status != 200) {
    const std::string code = text(value.as_object(), "error").substr(0, kMaxName);
    return "answered " + std::to_string(answer->status) + (code.empty() ? "" : ", " + code);
  }
  return std::move(value.as_object());
}

// https, or the loopback http of a test: the same rule as for the issuer itself (config/bridge_config.cc).
bool is_safe(std::string_view url, std::string_view issuer) {
  return url.starts_with("https://") || (issuer.starts_with("http://") && url.starts_with("http://"));
}

std::string read_secret(const std::filesystem::path& file) {
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  std::string secret = content.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (!in || secret.empty())
    throw std::runtime_error("oidc.client_secret_file: cannot read " + file.string());
  return secret;
}

}  // namespace

Provider::Provider(OidcProvider config, const HttpConfig& http)
    : config_(std::move(config)),
      secret_(read_secret(config_.client_secret_file)),
      redirect_uri_(config_.redirect_uri.empty()
                        ? http.public_url + "/api/v1/auth/oidc/" + config_.name + "/callback"
                        : config_.redirect_uri) {}

http::Response Provider::away(std::string_view why) const {
  bridge::log(bridge::LogLevel::warning, "an OpenID provider cannot be used",
              {{"provider", config_.name}, {"why", why}});
  return http::unavailable("the sign-in provider does not answer as it should; try again later",
                           std::chrono::seconds(10));
}

http::Response Provider::distrust(std::string_view why) const {
  bridge::log(bridge::LogLevel::warning, "a sign-in by an OpenID provider was refused",
              {{"provider", config_.name}, {"why", why}});
  return http::unauthorized("the provider's answer does not prove who you are; begin again");
}

Provider::Known<Provider::Endpoints> Provider::endpoints() {
  const Steady now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    if (endpoints_.value && now - endpoints_.since < kKeepFor) return endpoints_.value;
    if (now - endpoints_.failed < kRetryAfter) return away("it was asked a moment ago");
  }
  const Slot slot;
  if (!slot) return busy();
  std::string base = config_.issuer;
  while (base.ends_with('/')) base.pop_back();
  const auto document = fetch_json({.url = base + "/.well-known/openid-configuration"});
  const std::lock_guard lock(mutex_);
  const auto fail = [&](std::string_view why) {
    endpoints_.failed = now;
    return away(why);
  };
  if (!document) return fail(document.error());
  // OpenID Connect Discovery 1.0, section 4.3: exactly the one that was asked.
  if (text(*document, "issuer") != config_.issuer) return fail("its discovery names another issuer");
  Endpoints found{.authorization = text(*document, "authorization_endpoint"),
                  .token = text(*document, "token_endpoint"),
                  .jwks = text(*document, "jwks_uri")};
  for (const std::string& url : {found.authorization, found.token, found.jwks}) {
    if (!is_safe(url, config_.issuer)) return fail("its discovery lacks an endpoint, or one is not https");
  }
  if (const json::value* methods = document->if_contains("token_endpoint_auth_methods_supported");
      methods != nullptr && methods->is_array()) {
    const json::array& list = methods->get_array();
    const auto offers = [&](const char* method) {
      return std::find(list.begin(), list.end(), json::value(method)) != list.end();
    };
    found.secret_in_body = !offers("client_secret_basic") && offers("client_secret_post");
  }
  endpoints_ = {std::make_shared<const Endpoints>(std::move(found)), now, {}};
  return endpoints_.value;
}

Provider::Known<KeySet> Provider::keys(const Endpoints& where, bool afresh) {
  const Steady now = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    const bool fresh = keys_.value && now - keys_.since < (afresh ? kKeysAgainAfter : kKeepFor);
    if (fresh) return keys_.value;
    if (now - keys_.failed < kRetryAfter) return away("its keys were asked for a moment ago");
  }
  const Slot slot;
  if (!slot) return busy();
  const auto answer = fetch({.url = where.jwks});
  const std::lock_guard lock(mutex_);
  const auto fail = [&](std::string_view why) {
    keys_.failed = now;
    return away(why);
  };
  if (!answer) return fail(answer.error());
  if (answer->status != 200) return fail("its keys: status " + std::to_string(answer->status));
  auto set = KeySet::parse(answer->body);
  if (!set) return fail(set.error());
  keys_ = {std::make_shared<const KeySet>(*std::move(set)), now, {}};
  return keys_.value;
}

boost::system::result<std::string, http::Response> Provider::authorization_url(std::string_view state,
                                                                               std::string_view nonce,
                                                                               std::string_view verifier) {
  const auto where = endpoints();
  if (!where) return where.error();
  std::string scopes;
  for (const std::string& scope : config_.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  const Sha256 digest = sha256(verifier);
  const std::string challenge =
      encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  std::string url = (*where)->authorization;
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += "response_type=code&client_id=" + percent_encode(config_.client_id);
  url += "&redirect_uri=" + percent_encode(redirect_uri_) + "&scope=" + percent_encode(scopes);
  url += "&state=" + percent_encode(state) + "&nonce=" + percent_encode(nonce);
  url += "&code_challenge=" + challenge + "&code_challenge_method=S256";
  return url;
}

boost::system::result<std::string, http::Response> Provider::exchange(const Endpoints& where,
                                                                      std::string_view code,
                                                                      std::string_view verifier) {
  Fetch request{.url = where.token};
  request.form = "grant_type=authorization_code&code=" + percent_encode(code) +
                 "&redirect_uri=" + percent_encode(redirect_uri_) +
                 "&code_verifier=" + percent_encode(verifier);
  if (secret_.empty() || where.secret_in_body) {
    request.form += "&client_id=" + percent_encode(config_.client_id);
    if (!secret_.empty()) request.form += "&client_secret=" + percent_encode(secret_);
  } else {
    // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    request.user = percent_encode(config_.client_id);
    request.password = percent_encode(secret_);
  }
  const Slot slot;
  if (!slot) return busy();
  const auto answer = fetch(request);
  if (!answer) return away(answer.error());
  if (answer->status >= 500) return away("its token endpoint: status " + std::to_string(answer->status));
  boost::system::error_code error;
  const json::value value = json::parse(answer->body, error);
  if (error || !value.is_object()) return away("its token endpoint answers no JSON");
  if (answer->status != 200) {
    return distrust("it did not redeem the code: " + text(value.as_object(), "error").substr(0, kMaxName));
  }
  std::string id_token = text(value.as_object(), "id_token");
  if (id_token.empty()) return away("its token endpoint sends no id_token");
  return id_token;
}

boost::system::result<Identity, http::Response> Provider::read_id_token(const Endpoints& where,
                                                                        const std::string& token,
                                                                        std::string_view nonce) {
  auto known = keys(where, false);
  if (!known) return known.error();
  auto payload = (*known)->verify_signature(token);
  if (!payload && payload.error() == TokenError::unknown_key) {
    known = keys(where, true);  // the provider may have new ones
    if (!known) return known.error();
    payload = (*known)->verify_signature(token);
  }
  if (!payload) return distrust("id_token: " + std::string(to_string(payload.error())));
  boost::system::error_code error;
  const json::value value = json::parse(*payload, error);
  if (error || !value.is_object()) return distrust("id_token: claims are no JSON object");
  const json::object& claims = value.as_object();

  // OpenID Connect Core 1.0, section 3.1.3.7.
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::size_t audiences = 0;
  if (text(claims, "iss") != config_.issuer) return distrust("id_token: iss is somebody else");
  if (!is_audience(claims, config_.client_id, audiences)) return distrust("id_token: aud is somebody else");
  const bool has_azp = claims.contains("azp");
  if ((audiences > 1 && !has_azp) || (has_azp && text(claims, "azp") != config_.client_id)) {
    return distrust("id_token: azp is somebody else");
  }
  if (number(claims, "exp") <= now - kLeewayS) return distrust("id_token: expired");
  if (number(claims, "iat") > now + kLeewayS) return distrust("id_token: from the future");
  if (nonce.empty() || text(claims, "nonce") != nonce) return distrust("id_token: another nonce");
  Identity identity{config_.issuer, text(claims, "sub"), text(claims, "preferred_username"),
                    text(claims, "name")};
  if (identity.subject.empty() || identity.subject.size() > kMaxSubject) return distrust("id_token: sub");
  if (identity.preferred_name.size() > kMaxName) identity.preferred_name.clear();
  // The provider's people name themselves there by other rules; nobody here can mend what they chose.
  identity.display_name = text::clean_line(identity.display_name, kMaxDisplayName);
  return identity;
}

boost::system::result<Identity, http::Response> Provider::redeem(std::string_view code,
                                                                 std::string_view verifier,
                                                                 std::string_view nonce) {
  const auto where = endpoints();
  if (!where) return where.error();
  const auto token = exchange(**where, code, verifier);
  if (!token) return token.error();
  return read_id_token(**where, *token, nonce);
}

Providers::Providers(const BridgeConfig& config) {
  for (const OidcProvider& provider : config.oidc) providers_.emplace_back(provider, config.http);
}

Provider* Providers::find(std::string_view name) {
  const auto found = std::find_if(providers_.begin(), providers_.end(),
                                  [&](const Provider& each) { return each.name() == name; });
  return found == providers_.end() ? nullptr : &*found;
}

}  // namespace parley::api
