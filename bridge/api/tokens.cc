#include "bridge/api/tokens.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bridge/api/accounts.h"
#include "bridge/api/refusals.h"
#include "bridge/http/fields.h"
#include "schemas/ids.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLabel = 100;                                  // characters
constexpr std::int64_t kMaxLifeS = std::int64_t{10} * 365 * 24 * 3600;  // ten years

json::object render(const storage::ApiToken& token) {
  json::object object;
  object["id"] = token.id;
  object["user"] = token.user;
  object["device"] = token.device;
  object["role"] = to_string(token.role);
  object["label"] = token.label;
  json::array scopes;
  for (const Scope scope : named_scopes()) {
    if (Scopes::parse(token.scopes).has(scope)) scopes.emplace_back(to_string(scope));
  }
  object["scopes"] = std::move(scopes);
  object["created_at"] = token.created_ms;
  if (token.until_s != 0) object["expires_at"] = token.until_s * 1000;
  return object;
}

// Nothing when they were left out; what is wrong with them is reported to `body`.
std::optional<Scopes> read_scopes(http::Fields& body) {
  if (!body.has("scopes") || body.is_null("scopes")) {
    (void)body.raw("scopes");
    return std::nullopt;
  }
  std::string names;
  for (const Scope scope : named_scopes())
    names.append(names.empty() ? "" : ", ").append("\"").append(to_string(scope)).append("\"");
  const json::value* list = body.raw("scopes");
  Scopes out;
  if (list != nullptr && list->is_array()) {
    for (const json::value& each : list->get_array()) {
      const auto scope = each.is_string() ? parse_scope(each.get_string()) : std::nullopt;
      if (scope) {
        out.add(*scope);
      } else {
        body.wrong("scopes", "expected some of " + names + "; reading and writing in rooms needs none");
      }
    }
  } else {
    body.wrong("scopes", "expected an array with some of " + names);
  }
  return out;
}

// ?user= of a bot of one's own (storage decides whose it is); otherwise the caller's.
std::string whose(const http::Request& request, const Context& context) {
  return std::string(request.query("user").value_or(context.caller.user));
}

}  // namespace

http::Response list_tokens(const http::Request& request, Context& context) {
  const auto tokens = context.metadata.api_tokens().list(actor(request, context), whose(request, context));
  if (!tokens) return refused(tokens.error());
  json::array items;
  for (const storage::ApiToken& token : *tokens) items.emplace_back(render(token));
  return http::json(json::object{{"items", std::move(items)}});
}

http::Response create_token(const http::Request& request, Context& context) {
  http::Fields body(request);
  storage::NewApiToken wanted;
  wanted.user = body.optional_user("user").value_or(context.caller.user);
  wanted.device = body.device("device");
  wanted.label = body.optional_line("label", 1, kMaxLabel).value_or("");
  const auto expires_in = body.optional_integer("expires_in", 60, kMaxLifeS);
  const auto role = body.optional_choice("role", {"bot", "device"});
  const auto scopes = read_scopes(body);
  if (auto refusal = body.refusal()) return *std::move(refusal);

  const auto owner = context.metadata.users().get(wanted.user);
  if (!owner) return refused(owner.error());
  // What is a bot stays one; a person's own gadget is a device.
  const TokenRole natural = owner->role == TokenRole::bot ? TokenRole::bot : TokenRole::device;
  if (role && *role != to_string(natural)) {
    return http::invalid("role",
                         "this user's tokens have the role \"" + std::string(to_string(natural)) + "\"");
  }
  wanted.role = natural;
  wanted.scopes = scopes.value_or(Scopes::of(natural)).text();
  const std::int64_t now_s =
      std::chrono::duration_cast<std::chrono::seconds>(context.now.time_since_epoch()).count();
  if (expires_in) wanted.until_s = now_s + *expires_in;

  const storage::Actor self = actor(request, context);
  const auto existing = context.metadata.api_tokens().list(self, wanted.user);
  if (!existing) return refused(existing.error());
  if (existing->size() >= context.config.limits.tokens) {
    return http::problem(
        {409, "limit",
         "there are " + std::to_string(existing->size()) + " tokens already; delete one first"});
  }
  // No idempotency key: the secret is not kept anywhere, so it could not be told a second time.
  const std::string secret = random_api_token();
  wanted.sha256 = sha256(secret);
  const auto made = context.metadata.api_tokens().create(self, wanted);
  if (!made) return refused(made.error());
  json::object answer = render(made->value);
  answer["token"] = secret;
  return http::json(answer, 201);
}

http::Response delete_token(const http::Request& request, Context& context) {
  const std::string user = whose(request, context);
  const auto gone =
      context.metadata.api_tokens().remove(actor(request, context), user, request.param("token"));
  context.accounts.gate.forget(user);
  return gone ? http::no_content() : refused(gone.error());
}

}  // namespace parley::api
