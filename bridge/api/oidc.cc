#include "bridge/api/oidc.h"

#include <pthread.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <condition_variable>
#include <fstream>
#include <semaphore>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bridge/api/fetch.h"
#include "bridge/http/target.h"
#include "bridge/log.h"
#include "schemas/base64url.h"
#include "schemas/text/field_text.h"
#include "schemas/token.h"
#include "schemas/token_text.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using http::percent_encode;

constexpr std::chrono::minutes kKeepFor{60};
constexpr std::chrono::seconds kRetryAfter{5};  // a provider that did not answer is left alone for this long
constexpr std::chrono::seconds kClientAgainAfter{30};  // and one that does not know our client for this long
// A token that no key fits makes us look for new ones, so often at most: a provider may change its keys at
// any time, and one whose tokens are of keys that it never publishes must not have us ask for each of them.
constexpr std::size_t kAskAgainTimes = 3;
constexpr std::chrono::seconds kAskAgainWithin{60};
constexpr std::chrono::seconds kCheckAgainFirst{
    5};  // a provider that was away at the start; then twice as long
constexpr std::chrono::seconds kCheckAgainAtMost{300};
constexpr std::size_t kMaxWord = 100;  // bytes of an error's name
constexpr std::size_t kMaxTold = 600;  // characters of what an answer says of the reason
// What we ask by ourselves, and not often: nothing is left out of the log.
constexpr bridge::LogLimit kAsked{.kind = "an OpenID provider was asked", .rate = {.burst = 1000}};
constexpr std::string_view kNoCode = "parley-check";

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

OidcFailure busy() { return OidcFailure::temporary("too many sign-ins by this provider at once"); }

std::string read_secret(const std::filesystem::path& file) {
  if (file.empty()) return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  std::string secret(trim_token(content.str()));
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
                        : config_.redirect_uri) {
  const std::string& alg = config_.id_token_signed_response_alg;
  if (const std::size_t least = hmac_secret_bytes(alg); secret_.size() < least)
    throw std::runtime_error("oidc.client_secret_file: " + alg + " needs a secret of at least " +
                             std::to_string(least) + " bytes; " + config_.client_secret_file.string() +
                             " holds a shorter one");
}

void Provider::tell(const OidcFailure& failure, const bridge::LogLimit& limit) const {
  using bridge::LogLevel;
  switch (failure.kind) {
    case OidcFailure::Kind::misconfigured:
      return bridge::log(LogLevel::error, "an OpenID provider is not set up right",
                         {{"provider", config_.name}, {"issuer", config_.issuer}, {"why", failure.why}},
                         limit);
    case OidcFailure::Kind::distrusted:
      return bridge::log(LogLevel::warning, "a sign-in by an OpenID provider was refused",
                         {{"provider", config_.name}, {"why", failure.why}}, limit);
    case OidcFailure::Kind::temporary:
      return bridge::log(LogLevel::warning, "an OpenID provider cannot be used now",
                         {{"provider", config_.name}, {"issuer", config_.issuer}, {"why", failure.why}},
                         limit);
  }
}

http::Response Provider::answer(const OidcFailure& failure) const {
  tell(failure);
  // Some of it is the provider's, who may write what it likes.
  const std::string why = text::clean_line(failure.why, kMaxTold);
  switch (failure.kind) {
    case OidcFailure::Kind::misconfigured:
      return http::problem({500, "misconfigured",
                            "signing in by this provider is not set up right: " + why +
                                ". Tell the operator of this server; trying again is in vain until then"});
    case OidcFailure::Kind::distrusted:
      return http::unauthorized("the provider's answer does not prove who you are (" + why +
                                "); begin again");
    case OidcFailure::Kind::temporary:
      break;
  }
  return http::unavailable("the sign-in provider does not answer as it should; try again later",
                           std::chrono::seconds(10));
}

http::Response Provider::refused(std::string_view error, std::string_view description) const {
  std::string said(error.substr(0, kMaxWord));
  if (!description.empty()) said += ", \"" + std::string(description.substr(0, kMaxTold / 2)) + '"';
  if (error == "temporarily_unavailable" || error == "server_error")
    return answer(OidcFailure::temporary("it sends people back with " + said));
  if (is_client_error(error))
    return answer(OidcFailure::misconfigured("the provider sends people back with " + said +
                                             ": look at client_id, scopes and redirect_uri"));
  return http::forbidden("the provider did not let you in; begin again");
}

Provider::Known<OidcEndpoints> Provider::endpoints(const std::stop_token& stop) {
  bool worked_before = false;
  const auto kept = [&]() -> std::optional<Known<OidcEndpoints>> {
    const Steady now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    worked_before = endpoints_.value != nullptr;
    if (endpoints_.value && now - endpoints_.since < kKeepFor) return endpoints_.value;
    if (endpoints_.failure && now - endpoints_.failed < kRetryAfter) return *endpoints_.failure;
    return std::nullopt;
  };
  if (const auto known = kept()) return *known;
  const Slot slot;
  if (!slot) return busy();
  const std::lock_guard fetching(fetching_);
  if (const auto known = kept()) return *known;
  // Discovery 1.0, section 4: a slash at the issuer's end goes.
  std::string url = config_.issuer;
  while (url.ends_with('/')) url.pop_back();
  url += "/.well-known/openid-configuration";
  auto found = [&]() -> OidcResult<OidcEndpoints> {
    const auto document = fetch({.url = url}, stop);
    if (!document) return not_fetched(url, document.error(), worked_before);
    if (document->status != 200) return bad_status(url, document->status);
    const auto object = parse_object(document->body);
    if (!object) return OidcFailure::misconfigured(url + " is no discovery document: it is no JSON object");
    return read_discovery(*object, config_);
  }();
  const Steady now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (!found) {
    endpoints_.failed = now;
    endpoints_.failure = found.error();
    return found.error();
  }
  endpoints_ = {std::make_shared<const OidcEndpoints>(*std::move(found)), now, {}, {}};
  return endpoints_.value;
}

Provider::Known<JwsKeys> Provider::keys(const OidcEndpoints& where, const JwsKeys* in_vain,
                                        const std::stop_token& stop) {
  const auto kept = [&]() -> std::optional<Known<JwsKeys>> {
    const Steady now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (keys_.value && keys_.value.get() != in_vain && now - keys_.since < kKeepFor) return keys_.value;
    if (keys_.failure && now - keys_.failed < kRetryAfter) return *keys_.failure;
    return std::nullopt;
  };
  if (const auto known = kept()) return *known;
  const Slot slot;
  if (!slot) return busy();
  const std::lock_guard fetching(fetching_);
  if (const auto known = kept()) return *known;
  if (in_vain != nullptr && !may_ask_again()) {
    const std::lock_guard lock(mutex_);
    return keys_.value;
  }
  auto found = [&]() -> OidcResult<JwsKeys> {
    const auto answer = fetch({.url = where.jwks}, stop);
    if (!answer)
      return not_fetched("the provider's keys at " + where.jwks, answer.error(), in_vain != nullptr);
    if (answer->status != 200) return bad_status("the provider's jwks_uri " + where.jwks, answer->status);
    auto set = JwsKeys::parse(answer->body);
    if (!set)
      return OidcFailure::misconfigured("what is at the provider's jwks_uri " + where.jwks +
                                        " is no set of keys: " + set.error());
    if (set->size() == 0)
      return OidcFailure::misconfigured(
          "the provider publishes no key that checks signatures: " +
          (set->left_out().empty() ? std::string("its list is empty") : set->left_out()));
    return *std::move(set);
  }();
  const Steady now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (!found) {
    keys_.failed = now;
    keys_.failure = found.error();
    return found.error();
  }
  keys_ = {std::make_shared<const JwsKeys>(*std::move(found)), now, {}, {}};
  return keys_.value;
}

bool Provider::may_ask_again() {
  const Steady now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  while (!asked_again_.empty() && now - asked_again_.front() > kAskAgainWithin) asked_again_.pop_front();
  if (asked_again_.size() >= kAskAgainTimes) return false;
  asked_again_.push_back(now);
  return true;
}

std::string Provider::authorization(const OidcEndpoints& where, std::string_view state,
                                    std::string_view nonce, std::string_view verifier) const {
  std::string scopes;
  for (const std::string& scope : config_.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
  const Sha256 digest = sha256(verifier);
  const std::string challenge =
      encode_base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
  std::string url = where.authorization;
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += "response_type=code&client_id=" + percent_encode(config_.client_id);
  url += "&redirect_uri=" + percent_encode(redirect_uri_) + "&scope=" + percent_encode(scopes);
  url += "&state=" + percent_encode(state) + "&nonce=" + percent_encode(nonce);
  url += "&code_challenge=" + challenge + "&code_challenge_method=S256";
  return url;
}

boost::system::result<std::string, http::Response> Provider::authorization_url(std::string_view state,
                                                                               std::string_view nonce,
                                                                               std::string_view verifier) {
  const auto where = endpoints();
  if (!where) return answer(where.error());
  if (const auto known = check_client(**where); !known) return answer(known.error());
  return authorization(**where, state, nonce, verifier);
}

OidcResult<Provider::Tokens> Provider::exchange(const OidcEndpoints& where, std::string_view code,
                                                std::string_view verifier, const std::stop_token& stop) {
  Fetch request{.url = where.token};
  request.form = "grant_type=authorization_code&code=" + percent_encode(code) +
                 "&redirect_uri=" + percent_encode(redirect_uri_) +
                 "&code_verifier=" + percent_encode(verifier);
  if (where.auth == ClientAuth::basic) {
    // RFC 6749, section 2.3.1: both are form-encoded before they are joined.
    request.user = percent_encode(config_.client_id);
    request.password = percent_encode(secret_);
  } else {
    request.form += "&client_id=" + percent_encode(config_.client_id);
    if (where.auth == ClientAuth::post) request.form += "&client_secret=" + percent_encode(secret_);
  }
  const Slot slot;
  if (!slot) return busy();
  const std::string what = "the provider's token_endpoint " + where.token;
  const auto answer = fetch(request, stop);
  if (!answer) return not_fetched(what, answer.error(), true);
  if (passes(answer->status)) return bad_status(what, answer->status);
  const auto object = parse_object(answer->body);
  if (answer->status == 401 || (object && !text_of(*object, "error").empty()))
    return not_redeemed(answer->status, object.value_or(json::object()), config_, redirect_uri_);
  if (answer->status != 200) return bad_status(what, answer->status);
  if (!object) return OidcFailure::misconfigured(what + " answers no JSON object");
  Tokens tokens{text_of(*object, "id_token"), text_of(*object, "access_token")};
  if (tokens.id.empty())
    return OidcFailure::misconfigured(
        what + " sends no id_token: is it one of OpenID Connect, and openid among the scopes?");
  return tokens;
}

OidcResult<void> Provider::probe(const OidcEndpoints& where, const std::stop_token& stop) {
  // A code that is none: a provider that knows our client says invalid_grant.
  const auto redeemed = exchange(where, kNoCode, kNoCode, stop);
  if (!redeemed && redeemed.error().kind != OidcFailure::Kind::distrusted) return redeemed.error();
  const Slot slot;
  if (!slot) return busy();
  const auto page = fetch({.url = authorization(where, kNoCode, kNoCode, kNoCode) + "&prompt=none"}, stop);
  return page ? read_silent_answer(*page, config_, redirect_uri_) : OidcResult<void>();
}

void Provider::note_client(const OidcFailure& failure) {
  if (!failure.blocks) return;
  const std::lock_guard lock(mutex_);
  client_failure_ = failure;
  client_failed_ = std::chrono::steady_clock::now();
}

// Nobody is sent to a provider to come back in vain. What has failed is tried again from time to time.
OidcResult<void> Provider::check_client(const OidcEndpoints& where) {
  {
    const Steady now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (!client_failure_) return {};
    if (now - client_failed_ < kClientAgainAfter) return *client_failure_;
    client_failed_ = now;  // one asks, the others need not
  }
  const auto known = probe(where);
  if (!known && known.error().blocks) {
    note_client(known.error());
    return known.error();
  }
  const std::lock_guard lock(mutex_);
  client_failure_.reset();
  return {};
}

OidcResult<std::string> Provider::verify(const OidcEndpoints& where, const std::string& token) {
  const std::string& only = config_.id_token_signed_response_alg;
  if (hmac_secret_bytes(only) > 0) {
    auto payload = JwsKeys::from_secret(only, secret_).verify(token, only);
    if (!payload) return not_verified(payload.error(), config_);
    return *std::move(payload);
  }
  const auto known = keys(where);
  if (!known) return known.error();
  auto payload = (*known)->verify(token, only);
  if (payload) return *std::move(payload);
  // The provider may have new keys; without a kid, or with an old one, a wrong signature says the same.
  const JwsError::Kind kind = payload.error().kind;
  if (kind == JwsError::Kind::unknown_key || kind == JwsError::Kind::signature) {
    const auto later = keys(where, known->get());
    if (!later) return later.error();
    payload = (*later)->verify(token, only);
    if (payload) return *std::move(payload);
  }
  return not_verified(payload.error(), config_);
}

OidcResult<Identity> Provider::read_id_token(const OidcEndpoints& where, const std::string& token,
                                             std::string_view nonce) {
  const auto payload = verify(where, token);
  if (!payload) return payload.error();
  const auto claims = parse_object(*payload);
  if (!claims) return OidcFailure::distrusted("id_token: its claims are no JSON object");
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  return read_claims(*claims, config_, nonce, now);
}

// Only suggestions: whatever goes wrong, the person comes in without them.
void Provider::ask_for_names(const OidcEndpoints& where, const std::string& access_token,
                             Identity& identity) {
  if (where.userinfo.empty() || access_token.empty()) return;
  if (!identity.preferred_name.empty() || !identity.display_name.empty()) return;
  const Slot slot;
  if (!slot) return;
  const auto answer = fetch({.url = where.userinfo, .bearer = access_token});
  const auto claims = answer && answer->status == 200 ? parse_object(answer->body) : std::nullopt;
  if (claims) return read_userinfo(*claims, identity);
  bridge::log(bridge::LogLevel::warning, "an OpenID provider tells no names",
              {{"provider", config_.name},
               {"why", answer ? "userinfo_endpoint: status " + std::to_string(answer->status) + ", or no JSON"
                              : answer.error().what}});
}

boost::system::result<Identity, http::Response> Provider::redeem(std::string_view code,
                                                                 std::string_view verifier,
                                                                 std::string_view nonce) {
  const auto where = endpoints();
  if (!where) return answer(where.error());
  const auto tokens = exchange(**where, code, verifier);
  if (!tokens) {
    note_client(tokens.error());
    return answer(tokens.error());
  }
  auto identity = read_id_token(**where, tokens->id, nonce);
  if (!identity) return answer(identity.error());
  ask_for_names(**where, tokens->access, *identity);
  return *std::move(identity);
}

bool Provider::check(const std::stop_token& stop) {
  const auto all = [&]() -> OidcResult<void> {
    const auto where = endpoints(stop);
    if (!where) return where.error();
    if (hmac_secret_bytes(config_.id_token_signed_response_alg) == 0) {
      if (const auto known = keys(**where, nullptr, stop); !known) return known.error();
    }
    return probe(**where, stop);
  }();
  if (stop.stop_requested()) return true;
  if (all) {
    bridge::log(bridge::LogLevel::info, "an OpenID provider is ready",
                {{"provider", config_.name}, {"issuer", config_.issuer}}, kAsked);
    return true;
  }
  note_client(all.error());
  tell(all.error(), kAsked);
  return all.error().kind != OidcFailure::Kind::temporary;
}

Providers::Providers(const BridgeConfig& config) {
  for (const OidcProvider& provider : config.oidc) providers_.emplace_back(provider, config.http);
}

Provider* Providers::find(std::string_view name) {
  const auto found = std::find_if(providers_.begin(), providers_.end(),
                                  [&](const Provider& each) { return each.name() == name; });
  return found == providers_.end() ? nullptr : &*found;
}

void Providers::check() {
  if (providers_.empty()) return;
  checker_ = std::jthread([this](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), "parley-oidc");
    check_all(stop);
  });
}

void Providers::check_all(const std::stop_token& stop) {
  std::vector<Provider*> left;
  for (Provider& provider : providers_) left.push_back(&provider);
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  for (auto again = kCheckAgainFirst; !stop.stop_requested();
       again = std::min(2 * again, kCheckAgainAtMost)) {
    std::erase_if(left, [&](Provider* each) { return stop.stop_requested() || each->check(stop); });
    if (left.empty()) return;
    stopped.wait_for(lock, stop, again, [] { return false; });
  }
}

}  // namespace parley::api
