#include "bridge/api/oidc_sign_in.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "bridge/api/accounts.h"
#include "bridge/api/refusals.h"
#include "bridge/api/registration.h"
#include "bridge/api/seal.h"
#include "bridge/http/fields.h"
#include "schemas/ids.h"
#include "schemas/token_text.h"
#include "storage/call_budget.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kStateLifeS = 600;  // how long somebody may take at the provider
constexpr std::int64_t kRegistrationLifeS = 900;
constexpr std::string_view kStatePurpose = "oidc state";
constexpr std::string_view kRegistrationPurpose = "oidc registration";
constexpr std::string_view kCookie = "parley_oidc";
constexpr std::size_t kMaxCode = 4096;
constexpr std::size_t kMaxSealed = 4096;
constexpr std::size_t kMaxDisplayName = 100;

std::int64_t unix_s(const Context& context) {
  return std::chrono::duration_cast<std::chrono::seconds>(context.now.time_since_epoch()).count();
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::string seal_object(Context& context, std::string_view purpose, json::object object,
                        std::int64_t life_s) {
  object["exp"] = unix_s(context) + life_s;
  return seal(context.accounts.keys.current()->secrets.front(), purpose, json::serialize(object));
}

std::optional<json::object> unseal_object(Context& context, std::string_view purpose,
                                          std::string_view sealed) {
  if (sealed.size() > kMaxSealed) return std::nullopt;
  const auto plain = unseal(context.accounts.keys.current()->secrets, purpose, sealed);
  if (!plain) return std::nullopt;
  boost::system::error_code error;
  json::value value = json::parse(*plain, error);
  if (error || !value.is_object()) return std::nullopt;
  const json::value* exp = value.as_object().if_contains("exp");
  if (exp == nullptr || !exp->is_int64() || exp->get_int64() <= unix_s(context)) return std::nullopt;
  return std::move(value.as_object());
}

std::string hash_of(std::string_view cookie) { return to_hex(sha256(cookie)); }

std::string set_cookie(const Context& context, const std::string& value, std::int64_t life_s) {
  // Lax: the provider sends the browser back by a link, which such a cookie travels with.
  std::string cookie = std::string(kCookie) + "=" + value +
                       "; Path=/api/v1/auth/oidc; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(life_s);
  const HttpConfig& http = context.config.http;
  if (!http.tls_certificate.empty() || http.public_url.starts_with("https://")) cookie += "; Secure";
  return cookie;
}

std::string_view read_cookie(const http::Request& request) {
  for (const http::Parameter& header : request.headers) {
    if (header.name != "Cookie" && header.name != "cookie") continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('=')) {
        return pair.substr(kCookie.size() + 1);
      }
    }
  }
  return {};
}

http::Response no_such_provider() {
  return http::not_found("there is no such provider; GET /api/v1/auth/oidc lists them");
}

// A suggestion that is a valid name, made of what the provider says; empty when nothing is left of it.
std::string suggested_name(std::string_view preferred) {
  std::string out;
  for (const char c : preferred.substr(0, preferred.find('@'))) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    if (is_user_name(std::string("a") + lower)) out += lower;
    if (out.size() == 32) break;
  }
  return is_user_name(out) ? out : std::string();
}

http::Response newcomer(Context& context, const Identity& identity, const std::string& device) {
  json::object sealed{{"iss", identity.issuer}, {"sub", identity.subject}};
  if (!device.empty()) sealed["device"] = device;
  json::object body;
  body["registration_token"] =
      seal_object(context, kRegistrationPurpose, std::move(sealed), kRegistrationLifeS);
  body["expires_in"] = kRegistrationLifeS;
  if (auto name = suggested_name(identity.preferred_name); !name.empty()) body["suggested_user"] = name;
  if (!identity.display_name.empty()) body["display_name"] = identity.display_name;
  return http::json(body, 202);
}

// The identity in a registration token; nothing when it is none of ours or too old.
std::optional<json::object> open_registration(Context& context, http::Fields& body) {
  const std::string token(trim_token(body.secret("registration_token", 1, kMaxSealed)));
  auto identity = unseal_object(context, kRegistrationPurpose, token);
  if (!identity) body.wrong("registration_token", "is not valid, or no longer; begin the sign-in again");
  return identity;
}

}  // namespace

http::Response list_providers(const http::Request&, Context& context) {
  json::array items;
  for (const Provider& provider : context.accounts.providers.all()) {
    items.emplace_back(json::object{{"name", provider.name()},
                                    {"start", "/api/v1/auth/oidc/" + provider.name() + "/start"}});
  }
  return http::json(json::object{{"items", std::move(items)}});
}

http::Response start_oidc(const http::Request& request, Context& context) {
  Provider* provider = context.accounts.providers.find(request.param("provider"));
  if (provider == nullptr) return no_such_provider();
  const std::string device(request.query("device").value_or(""));
  if (!device.empty() && !is_device_name(device)) {
    return http::invalid("device", "expected 1 to 64 characters of A-Z, a-z, 0-9, _ and -");
  }
  const std::string verifier = random_text(32);
  const std::string nonce = random_text(16);
  const std::string cookie = random_text(16);
  const std::string state = seal_object(context, kStatePurpose,
                                        {{"provider", provider->name()},
                                         {"verifier", verifier},
                                         {"nonce", nonce},
                                         {"browser", hash_of(cookie)},
                                         {"device", device}},
                                        kStateLifeS);
  const auto url = provider->authorization_url(state, nonce, verifier);
  if (!url) return url.error();
  http::Response response;
  response.status = 303;
  response.header("Location", *url).header("Set-Cookie", set_cookie(context, cookie, kStateLifeS));
  return response;
}

http::Response finish_oidc(const http::Request& request, Context& context) {
  Provider* provider = context.accounts.providers.find(request.param("provider"));
  if (provider == nullptr) return no_such_provider();
  const auto state = unseal_object(context, kStatePurpose, request.query("state").value_or(""));
  // The cookie says that the browser that comes back is the one that was sent: nobody can be signed in as
  // somebody else by a link.
  const std::string_view cookie = read_cookie(request);
  if (!state || text(*state, "provider") != provider->name() || cookie.empty() ||
      text(*state, "browser") != hash_of(cookie)) {
    return http::bad_request("this sign-in was not begun in this browser, or took too long; begin again",
                             "state");
  }
  if (const auto error = request.query("error"))
    return provider->refused(*error, request.query("error_description").value_or(""));
  const std::string_view code = request.query("code").value_or("");
  if (code.empty() || code.size() > kMaxCode) return http::bad_request("is missing; begin again", "code");

  auto identity = [&] {
    const storage::CallBudget::Pause asking_the_provider;
    return provider->redeem(code, text(*state, "verifier"), text(*state, "nonce"));
  }();
  if (!identity) return identity.error();
  const std::string device = text(*state, "device");
  const std::string forget = set_cookie(context, "", 0);
  const auto user = context.metadata.users().by_identity(identity->issuer, identity->subject);
  if (!user) {
    if (user.error().code != storage::MetadataError::not_found) return refused(user.error());
    return newcomer(context, *identity, device).header("Set-Cookie", forget);
  }
  if (user->status != storage::AccountStatus::active) {
    return http::forbidden("this account has been blocked; ask the operator of this server");
  }
  return sign_in(request, context, *user, device.empty() ? std::nullopt : std::optional(device), 200)
      .header("Set-Cookie", forget);
}

http::Response register_oidc(const http::Request& request, Context& context) {
  http::Fields body(request);
  const auto identity = open_registration(context, body);
  NewAccount account;
  account.user = body.user("user");
  account.display_name = body.optional_line("display_name", 1, kMaxDisplayName).value_or("");
  account.device = body.optional_device("device");
  account.invite = body.optional_text("invite", 1, 128).value_or("");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  account.issuer = text(*identity, "iss");
  account.subject = text(*identity, "sub");
  if (const std::string device = text(*identity, "device"); !account.device && !device.empty()) {
    account.device = device;
  }
  if (auto refusal = may_register(request, context, account)) return *std::move(refusal);
  return register_account(request, context, account);
}

http::Response link_oidc(const http::Request& request, Context& context) {
  http::Fields body(request);
  const auto identity = open_registration(context, body);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (context.caller.role != TokenRole::user) return http::forbidden("only people sign in by a provider");
  const auto done = context.metadata.users().link_identity(actor(request, context), context.caller.user,
                                                           text(*identity, "iss"), text(*identity, "sub"));
  return done ? http::no_content() : refused(done.error());
}

}  // namespace parley::api
