#include "bridge/api/oidc_documents.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "schemas/jws.h"
#include "schemas/text/field_text.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kLeewayS = 60;
constexpr std::size_t kMaxSubject = 255;      // OpenID Connect Core, section 2
constexpr std::size_t kMaxName = 100;         // bytes of what a user's name is suggested from
constexpr std::size_t kMaxDisplayName = 100;  // characters

// https, or the loopback http of a test: the same rule as for the issuer itself (config/bridge_config.cc).
bool is_safe(std::string_view url, std::string_view issuer) {
  return url.starts_with("https://") || (issuer.starts_with("http://") && url.starts_with("http://"));
}

// A NumericDate (RFC 7519, section 2), which may have a fraction. Nothing when it is missing; what is no
// number leaves its name in `wrong`.
std::optional<std::int64_t> seconds(const json::object& claims, const char* name, std::string& wrong) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64()) return std::numeric_limits<std::int64_t>::max();
  if (value->is_double()) {
    constexpr double kFar = 1e18;
    return static_cast<std::int64_t>(std::floor(std::clamp(value->get_double(), -kFar, kFar)));
  }
  wrong = name;
  return std::nullopt;
}

// AWS Cognito and Apple write the boolean as text.
bool is_said_to_be_false(const json::object& claims, std::string_view name) {
  const json::value* value = claims.if_contains(name);
  if (value == nullptr) return false;
  if (value->is_bool()) return !value->get_bool();
  return value->is_string() && (value->get_string() == "false" || value->get_string() == "False");
}

std::vector<std::string> list_of(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return out;
  for (const json::value& each : value->get_array())
    if (each.is_string()) out.emplace_back(each.get_string());
  return out;
}

bool holds(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& each : list) {
    out += (out.empty() ? "" : ", ") + each.substr(0, 40);
    if (out.size() > 200) break;
  }
  return out;
}

std::string without_slashes(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// OpenID Connect Discovery 1.0, section 4.3: exactly the one that was asked.
OidcResult<void> check_issuer(const std::string& named, const OidcProvider& config) {
  if (named == config.issuer) return {};
  if (named.empty())
    return OidcFailure::misconfigured(
        "what is at the issuer's address is no discovery document: it names no issuer");
  const std::string words = "the provider calls itself \"" + named.substr(0, 200) +
                            "\", and the option issuer says \"" + config.issuer + "\"";
  if (without_slashes(named) == without_slashes(config.issuer))
    return OidcFailure::misconfigured(words +
                                      ": they differ by a slash at the end; write it as the provider does");
  if (named.find('{') != std::string::npos)
    return OidcFailure::misconfigured(words + ": set the issuer of your own tenant");
  return OidcFailure::misconfigured(words + ": set the option to the former if that is the one you mean");
}

OidcResult<ClientAuth> choose_auth(const std::vector<std::string>& offered, const OidcProvider& config) {
  const bool has_secret = !config.client_secret_file.empty();
  const std::string& said = config.token_endpoint_auth_method;
  if (said == "client_secret_basic") return ClientAuth::basic;
  if (said == "client_secret_post") return ClientAuth::post;
  // A public client is let in by PKCE, whether it is listed or not.
  if (said == "none" || !has_secret) return ClientAuth::none;
  if (offered.empty() || holds(offered, "client_secret_basic")) return ClientAuth::basic;
  if (holds(offered, "client_secret_post")) return ClientAuth::post;
  if (holds(offered, "none")) return ClientAuth::none;
  return OidcFailure::misconfigured("the provider takes clients by " + joined(offered) +
                                    " alone; client_secret_basic, client_secret_post and none are supported");
}

OidcResult<void> check_algorithms(const std::vector<std::string>& offered, const OidcProvider& config) {
  const std::string& said = config.id_token_signed_response_alg;
  if (offered.empty()) return {};  // it is required, but not everywhere there
  if (!said.empty()) {
    if (std::ranges::any_of(offered, [&](const auto& each) { return is_jws_algorithm(each, said); }))
      return {};
    return OidcFailure::misconfigured("the option id_token_signed_response_alg says " + said +
                                      ", and the provider signs by " + joined(offered));
  }
  if (std::ranges::any_of(offered, &is_public_key_algorithm)) return {};
  const auto secret =
      std::ranges::find_if(offered, [](const auto& each) { return hmac_secret_bytes(each) > 0; });
  if (secret != offered.end())
    return OidcFailure::misconfigured(
        "the provider signs by " + joined(offered) +
        " alone; if it is to be the client's secret, set id_token_signed_response_alg = \"" + *secret + "\"");
  return OidcFailure::misconfigured(
      "the provider signs by " + joined(offered) +
      " alone; RS, PS and ES with 256, 384 and 512, ES256K and EdDSA are supported");
}

// aud: a string, or an array of them.
std::vector<std::string> audiences(const json::object& claims) {
  if (std::string one = text_of(claims, "aud"); !one.empty()) return {std::move(one)};
  return list_of(claims, "aud");
}

bool is_issuer(const std::string& iss, const OidcProvider& config) {
  // Google documents both spellings for its own tokens.
  return iss == config.issuer ||
         (config.issuer == "https://accounts.google.com" && iss == "accounts.google.com");
}

// The times of an id_token. A clock that is a minute off, here or there, is no fault.
OidcResult<void> check_times(const json::object& claims, std::int64_t now_s) {
  std::string wrong;
  const auto exp = seconds(claims, "exp", wrong);
  const auto iat = seconds(claims, "iat", wrong);
  const auto nbf = seconds(claims, "nbf", wrong);
  if (!wrong.empty()) return OidcFailure::distrusted("id_token: " + wrong + " is no number");
  if (!exp) return OidcFailure::distrusted("id_token: it has no exp");
  const std::string clock = "; the clock of this server says " + std::to_string(now_s);
  if (*exp <= now_s - kLeewayS)
    return OidcFailure::distrusted("id_token: it expired at " + std::to_string(*exp) + clock);
  for (const auto& since : {iat, nbf})
    if (since && *since > now_s + kLeewayS)
      return OidcFailure::distrusted("id_token: it is good from " + std::to_string(*since) + clock);
  return {};
}

// What to suggest to somebody new. Never decides who somebody is.
void read_names(const json::object& claims, Identity& out) {
  for (const char* name : {"preferred_username", "nickname", "email"}) {
    if (!out.preferred_name.empty()) break;
    const std::string said = text_of(claims, name);
    if (name == std::string_view("email") && is_said_to_be_false(claims, "email_verified")) continue;
    if (said.size() <= kMaxName) out.preferred_name = said;
  }
  if (!out.display_name.empty()) return;
  std::string name = text_of(claims, "name");
  if (name.empty()) name = text_of(claims, "given_name") + " " + text_of(claims, "family_name");
  // The provider's people name themselves there by other rules; nobody here can mend what they chose.
  out.display_name = text::clean_line(name, kMaxDisplayName);
}

}  // namespace

std::optional<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

OidcResult<OidcEndpoints> read_discovery(const json::object& document, const OidcProvider& config) {
  if (const auto checked = check_issuer(text_of(document, "issuer"), config); !checked)
    return checked.error();
  OidcEndpoints found{.authorization = text_of(document, "authorization_endpoint"),
                      .token = text_of(document, "token_endpoint"),
                      .jwks = text_of(document, "jwks_uri"),
                      .userinfo = text_of(document, "userinfo_endpoint")};
  if (!is_safe(found.userinfo, config.issuer)) found.userinfo.clear();
  const bool by_secret = hmac_secret_bytes(config.id_token_signed_response_alg) > 0;
  const std::pair<const char*, const std::string*> wanted[] = {
      {"authorization_endpoint", &found.authorization},
      {"token_endpoint", &found.token},
      {"jwks_uri", &found.jwks}};
  for (const auto& [name, url] : wanted) {
    if (url == &found.jwks && url->empty() && by_secret) continue;
    if (url->empty())
      return OidcFailure::misconfigured(std::string("the provider's discovery has no ") + name);
    if (!is_safe(*url, config.issuer))
      return OidcFailure::misconfigured(std::string("the provider's ") + name +
                                        " is not https: " + url->substr(0, 200));
  }
  if (const auto types = list_of(document, "response_types_supported");
      !types.empty() && !holds(types, "code"))
    return OidcFailure::misconfigured("the provider does not offer response_type code, but " + joined(types));
  const auto algorithms = list_of(document, "id_token_signing_alg_values_supported");
  if (const auto checked = check_algorithms(algorithms, config); !checked) return checked.error();
  const auto auth = choose_auth(list_of(document, "token_endpoint_auth_methods_supported"), config);
  if (!auth) return auth.error();
  found.auth = *auth;
  return found;
}

OidcResult<Identity> read_claims(const json::object& claims, const OidcProvider& config,
                                 std::string_view nonce, std::int64_t now_s) {
  const std::string iss = text_of(claims, "iss");
  if (!is_issuer(iss, config)) {
    if (!iss.empty() && without_slashes(iss) == without_slashes(config.issuer))
      return OidcFailure::misconfigured("the provider's id_tokens are issued by \"" + iss +
                                        "\", which differs from the option issuer by a slash at the end");
    return OidcFailure::distrusted("id_token: iss is somebody else: " + iss.substr(0, 200));
  }
  const auto aud = audiences(claims);
  if (!holds(aud, config.client_id))
    return OidcFailure::distrusted("id_token: aud is somebody else: " + joined(aud) +
                                   "; the option client_id says " + config.client_id);
  const json::value* azp = claims.if_contains("azp");
  const bool has_azp = azp != nullptr && !azp->is_null();
  if (aud.size() > 1 && !has_azp)
    return OidcFailure::distrusted("id_token: aud names several, and azp none of them");
  if (has_azp && text_of(claims, "azp") != config.client_id)
    return OidcFailure::distrusted("id_token: azp is somebody else; the option client_id says " +
                                   config.client_id);
  if (const auto checked = check_times(claims, now_s); !checked) return checked.error();
  if (nonce.empty() || text_of(claims, "nonce") != nonce)
    return OidcFailure::distrusted("id_token: another nonce");
  Identity identity{config.issuer, text_of(claims, "sub"), {}, {}};
  if (identity.subject.empty() || identity.subject.size() > kMaxSubject)
    return OidcFailure::distrusted("id_token: sub is missing, no text, or longer than 255 bytes");
  read_names(claims, identity);
  return identity;
}

void read_userinfo(const json::object& claims, Identity& identity) {
  // Section 5.3.2: it must be the id_token's, or nothing of it may be used.
  if (text_of(claims, "sub") == identity.subject) read_names(claims, identity);
}

}  // namespace parley::api
