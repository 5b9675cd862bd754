#include "bridge/api/users.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "bridge/api/accounts.h"
#include "bridge/api/limits.h"
#include "bridge/api/refusals.h"
#include "bridge/api/registration.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "schemas/ids.h"
#include "schemas/text/field_text.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDisplayName = 100;  // characters
constexpr std::size_t kMaxAbout = 500;        // characters
constexpr std::size_t kMaxQuery = 64;         // bytes
constexpr std::size_t kMaxBots = 50;          // of one user

// What everybody may see of a user.
json::object public_side(const storage::User& user) {
  json::object object;
  object["user"] = user.name;
  object["display_name"] = user.display_name;
  if (!user.about.empty()) object["about"] = user.about;
  object["role"] = to_string(user.role);
  if (!user.owner.empty()) object["owner"] = user.owner;
  object["created_at"] = user.created_ms;
  return object;
}

http::Response own_side(const storage::User& user, unsigned status = 200) {
  json::object object = public_side(user);
  object["about"] = user.about;
  object["admin"] = user.admin;
  object["limits"] = user.limits;
  object["version"] = user.version;
  return http::json(object, status).etag(user.version);
}

// A service is nobody with an account.
std::optional<http::Response> refuse_service(const Context& context) {
  if (context.caller.role != TokenRole::service) return std::nullopt;
  return http::forbidden("a service has no account of its own; use the routes below /api/v1/admin");
}

}  // namespace

http::Response get_me(const http::Request&, Context& context) {
  if (auto refusal = refuse_service(context)) return *std::move(refusal);
  const auto user = context.metadata.users().get(context.caller.user);
  return user ? own_side(*user) : refused(user.error());
}

http::Response change_me(const http::Request& request, Context& context) {
  if (auto refusal = refuse_service(context)) return *std::move(refusal);
  http::Fields body(request);
  storage::UserPatch patch;
  body.clear_by_null("display_name", json::value(context.caller.user));  // what it is for who never chose one
  body.clear_by_null("about", "");
  patch.display_name = body.optional_line("display_name", 1, kMaxDisplayName);
  patch.about = body.optional_longer_text("about", 0, kMaxAbout);
  patch.if_version = user_version(request, context.caller.user, context);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const auto user = context.metadata.users().update(actor(request, context), context.caller.user, patch);
  return user ? own_side(*user) : refused(user.error());
}

http::Response delete_me(const http::Request& request, Context& context) {
  if (auto refusal = refuse_service(context)) return *std::move(refusal);
  const auto gone = context.metadata.users().remove(actor(request, context), context.caller.user,
                                                    user_version(request, context.caller.user, context));
  if (!gone) return refused(gone.error());
  context.accounts.gate.forget(context.caller.user);
  return http::no_content();
}

http::Response get_user(const http::Request& request, Context& context) {
  const std::string& name = request.param("user");
  if (!is_user_name(name)) return no_such_user();
  const auto user = context.metadata.users().get(name);
  if (!user) {
    return user.error().code == storage::MetadataError::not_found ? no_such_user() : refused(user.error());
  }
  if (user->status != storage::AccountStatus::active) return no_such_user();
  return http::json(public_side(*user));
}

http::Response search_users(const http::Request& request, Context& context) {
  storage::PageRequest page;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  const std::string query(request.query("q").value_or(""));
  if (query.empty() || query.size() > kMaxQuery) {
    return http::invalid("q", "expected how the name begins, 1 to " + std::to_string(kMaxQuery) + " bytes");
  }
  const auto found = context.metadata.users().search(text::composed(query), page);
  return found ? http::json(page_object(*found, public_side)) : refused(found.error());
}

http::Response list_bots(const http::Request&, Context& context) {
  const auto bots = context.metadata.users().bots_of(context.caller.user);
  if (!bots) return refused(bots.error());
  json::array items;
  for (const storage::User& bot : *bots) items.emplace_back(public_side(bot));
  return http::json(json::object{{"items", std::move(items)}});
}

http::Response create_bot(const http::Request& request, Context& context) {
  if (context.caller.role != TokenRole::user) return http::forbidden("only people make bots");
  http::Fields body(request);
  storage::NewUser bot;
  bot.name = body.user("user");
  bot.display_name = body.optional_line("display_name", 1, kMaxDisplayName).value_or(bot.name);
  const std::string role = body.optional_choice("role", {"bot", "device"}).value_or("bot");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  bot.role = role == "bot" ? TokenRole::bot : TokenRole::device;
  bot.owner = context.caller.user;
  if (is_reserved_name(bot.name, context)) return reserved_name();

  storage::Actor self;
  if (auto refusal = idempotent_actor(request, context, self)) return *std::move(refusal);
  const auto bots = context.metadata.users().bots_of(context.caller.user);
  if (!bots) return refused(bots.error());
  // Of that name there is one: no other is made, but the answer of the first time comes again, or a conflict.
  const bool again =
      std::ranges::any_of(*bots, [&](const storage::User& each) { return each.name == bot.name; });
  if (!again && !context.caller.admin) {
    if (bots->size() >= kMaxBots)
      return http::problem(
          {409, "limit", "you have " + std::to_string(kMaxBots) + " bots; delete one first"});
    if (const auto wait = context.limits.bot(context.caller.user); wait.count() > 0)
      return http::rate_limited("you made many bots; make the next one later", wait);
  }
  const auto made = context.metadata.users().create(self, bot);
  if (!made) return refused(made.error());
  return http::json(public_side(made->value), 201).header("Location", "/api/v1/users/" + made->value.name);
}

http::Response delete_bot(const http::Request& request, Context& context) {
  const std::string& name = request.param("user");
  const auto bots = context.metadata.users().bots_of(context.caller.user);
  if (!bots) return refused(bots.error());
  for (const storage::User& bot : *bots) {
    if (bot.name != name) continue;
    const auto gone = context.metadata.users().remove(actor(request, context), name);
    context.accounts.gate.forget(name);
    return gone ? http::no_content() : refused(gone.error());
  }
  return http::problem({404, "not_found", "you have no such bot", "user"});
}

}  // namespace parley::api
