#include "bridge/api/oidc_failure.h"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "bridge/api/oidc_documents.h"
#include "bridge/http/target.h"
#include "schemas/text/field_text.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxWord = 100;         // bytes of an error's name
constexpr std::size_t kMaxDescription = 200;  // characters of what a provider says of it
constexpr const char* kSupported = "RS, PS and ES with 256, 384 and 512, ES256K and EdDSA are supported";

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return out;
}

template <std::size_t N>
bool is_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::find(words, text) != words.end();
}

template <std::size_t N>
bool has_one_of(std::string_view text, const std::array<std::string_view, N>& words) {
  return std::ranges::any_of(words, [&](auto word) { return text.find(word) != std::string_view::npos; });
}

std::string look_at_client(const OidcProvider& config) {
  return "look at client_id = \"" + config.client_id +
         "\", client_secret_file and token_endpoint_auth_method";
}

std::string unknown_redirect(const std::string& redirect_uri) {
  return "the provider does not take our redirect_uri " + redirect_uri + ": register exactly that one there";
}

// `error` among the parameters of a URL.
std::string error_of(const std::string& url) {
  const std::size_t at = url.find('?');
  if (at == std::string::npos) return {};
  const auto target = http::parse_target("/" + url.substr(at, url.find('#') - at));
  if (!target) return {};
  for (const auto& [name, value] : target->query)
    if (name == "error") return value;
  return {};
}

}  // namespace

bool passes(long status) { return status >= 500 || status == 429 || status == 408 || status == 425; }

OidcFailure bad_status(const std::string& what, long status) {
  std::string why = what + " answers with status " + std::to_string(status);
  if (passes(status)) return OidcFailure::temporary(std::move(why));
  if (status >= 300 && status < 400) why += ": it is somewhere else now";
  return OidcFailure::misconfigured(std::move(why));
}

OidcFailure not_fetched(const std::string& what, const FetchError& error, bool worked_before) {
  std::string why = what + ": " + error.what;
  const bool lasting =
      error.kind == FetchError::Kind::lasting || (error.kind == FetchError::Kind::suspect && !worked_before);
  return lasting ? OidcFailure::misconfigured(std::move(why)) : OidcFailure::temporary(std::move(why));
}

OidcFailure not_redeemed(long status, const json::object& answer, const OidcProvider& config,
                         const std::string& redirect_uri) {
  const std::string error = text_of(answer, "error").substr(0, kMaxWord);
  std::string said = error.empty() ? "status " + std::to_string(status) : error;
  if (const std::string more = text::clean_line(text_of(answer, "error_description"), kMaxDescription);
      !more.empty())
    said += ", \"" + more + '"';
  if (error == "redirect_uri_mismatch")
    return OidcFailure::misconfigured(unknown_redirect(redirect_uri) + " (" + said + ")");
  if (error == "unsupported_grant_type" || error == "unauthorized_client")
    return OidcFailure::client_refused("the provider does not let this client sign people in by code (" +
                                       said + "): allow it there, or " + look_at_client(config));
  if (error == "temporarily_unavailable" || error == "server_error" || error == "slow_down")
    return OidcFailure::temporary("it does not redeem codes now: " + said);
  // Whoever is asked by 401 is the client, whatever they call it: Auth0 says access_denied.
  if (error == "invalid_client" || (status == 401 && error != "invalid_grant"))
    return OidcFailure::client_refused("the provider does not accept the client (" + said +
                                       "): " + look_at_client(config));
  return OidcFailure::distrusted("it did not redeem the code: " + said);
}

bool is_client_error(std::string_view error) {
  static constexpr std::array<std::string_view, 7> kErrors = {
      "invalid_scope",  "unauthorized_client",   "unsupported_response_type", "invalid_request",
      "invalid_client", "redirect_uri_mismatch", "request_not_supported"};
  return is_one_of(error, kErrors);
}

OidcResult<void> read_silent_answer(const Fetched& answer, const OidcProvider& config,
                                    const std::string& redirect_uri) {
  static constexpr std::array<std::string_view, 5> kOfRedirects = {
      "redirect_uri", "redirect uri", "redirection uri", "redirect url", "callback url"};
  static constexpr std::array<std::string_view, 6> kOfClients = {"invalid_client",      "invalid client",
                                                                 "unauthorized_client", "unknown client",
                                                                 "client not found",    "client_id"};
  const auto refused_client = [&](const std::string& said) {
    return OidcFailure::client_refused("the provider does not know the client (" + said +
                                       "): look at client_id = \"" + config.client_id + "\"");
  };
  if (!answer.location.empty()) {
    const std::string error = lower(error_of(answer.location)).substr(0, kMaxWord);
    const bool back = answer.location.starts_with(redirect_uri);
    if (error == "redirect_uri_mismatch" || error == "invalid_redirect_uri")
      return OidcFailure::client_refused(unknown_redirect(redirect_uri));
    if (error == "invalid_client" || error == "unauthorized_client") return refused_client(error);
    if (back && (error == "invalid_scope" || error == "unsupported_response_type"))
      return OidcFailure::client_refused("the provider answers " + error +
                                         ": look at scopes, and at what the client may do there");
    return {};
  }
  if (answer.status != 400 && answer.status != 401 && answer.status != 403 && answer.status != 422) return {};
  std::string page = lower(answer.body);
  // Some pages show the whole URL again.
  for (const std::string_view parameter : {"redirect_uri=", "client_id="})
    for (std::size_t at = 0; (at = page.find(parameter, at)) != std::string::npos;)
      page.erase(at, parameter.size());
  const std::string said = "status " + std::to_string(answer.status);
  if (has_one_of(page, kOfRedirects))
    return OidcFailure::client_refused(unknown_redirect(redirect_uri) + " (" + said + ")");
  if (has_one_of(page, kOfClients)) return refused_client(said);
  return {};
}

OidcFailure not_verified(const JwsError& error, const OidcProvider& config) {
  const std::string& wanted = config.id_token_signed_response_alg;
  const std::string named = lower(error.algorithm);
  switch (error.kind) {
    case JwsError::Kind::encrypted:
      return OidcFailure::misconfigured(
          "the provider encrypts its id_tokens; turn that off for this client there");
    case JwsError::Kind::algorithm:
      if (named.empty() || named == "none") return OidcFailure::distrusted("id_token: it is not signed");
      if (!wanted.empty())
        return OidcFailure::misconfigured("the provider signs id_tokens by " + error.algorithm +
                                          ", and the option id_token_signed_response_alg says " + wanted);
      if (hmac_secret_bytes(error.algorithm) > 0)
        return OidcFailure::misconfigured(
            "the provider signs id_tokens by " + error.algorithm +
            "; if that is to be the client's secret, set id_token_signed_response_alg = \"" +
            error.algorithm + "\"");
      return OidcFailure::misconfigured("the provider signs id_tokens by " + error.algorithm + "; " +
                                        kSupported);
    case JwsError::Kind::malformed:
    case JwsError::Kind::unknown_key:
    case JwsError::Kind::signature:
      break;
  }
  return OidcFailure::distrusted("id_token: " + to_string(error));
}

}  // namespace parley::api
