// Accounts and their sessions, for admins.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

#include "bridge/api/accounts.h"
#include "bridge/api/admin.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "bridge/http/fields.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPrefix = 100;     // bytes
constexpr std::size_t kMaxLimitsName = 32;  // characters
constexpr std::size_t kMaxSid = 64;

json::object render_user(const storage::User& user) {
  json::object object;
  object["user"] = user.name;
  if (!user.display_name.empty()) object["display_name"] = user.display_name;
  object["role"] = to_string(user.role);
  if (!user.owner.empty()) object["owner"] = user.owner;
  object["status"] = storage::to_string(user.status);
  object["admin"] = user.admin;
  object["limits"] = user.limits;
  object["version"] = user.version;
  object["created_at"] = user.created_ms;
  return object;
}

// Nothing when the {user} of the path is there.
std::optional<http::Response> missing_user(const http::Request& request, Context& context) {
  if (!is_user_name(request.param("user"))) return no_such_user();
  const auto user = context.metadata.users().get(request.param("user"));
  if (user) return std::nullopt;
  return user.error().code == storage::MetadataError::not_found ? no_such_user() : refused(user.error());
}

std::optional<http::Response> read_filter(const http::Request& request, storage::UserFilter& filter) {
  if (auto refusal = read_query(request, "prefix", kMaxPrefix, filter.prefix)) return refusal;
  const auto status = request.query("status");
  if (!status) return std::nullopt;
  if (*status == "active") {
    filter.status = storage::AccountStatus::active;
  } else if (*status == "blocked") {
    filter.status = storage::AccountStatus::blocked;
  } else if (*status == "deleted") {
    filter.status = storage::AccountStatus::deleted;
    filter.with_deleted = true;
  } else {
    return http::invalid("status", "must be active, blocked or deleted");
  }
  return std::nullopt;
}

}  // namespace

http::Response admin_list_users(const http::Request& request, Context& context) {
  storage::PageRequest page;
  storage::UserFilter filter;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  if (auto refusal = read_filter(request, filter)) return *std::move(refusal);
  const auto found = context.metadata.users().list(filter, page);
  return found ? http::json(page_object(*found, render_user)) : refused(found.error());
}

http::Response admin_get_user(const http::Request& request, Context& context) {
  if (!is_user_name(request.param("user"))) return no_such_user();
  const auto user = context.metadata.users().get(request.param("user"));
  return user ? http::json(render_user(*user)).etag(user->version) : refused(user.error());
}

http::Response admin_change_user(const http::Request& request, Context& context) {
  if (!is_user_name(request.param("user"))) return no_such_user();
  http::Fields body(request);
  storage::AdminUserPatch patch;
  body.clear_by_null("limits", "default");
  if (const auto word = body.optional_choice("status", {"active", "blocked"}))
    patch.status = *word == "active" ? storage::AccountStatus::active : storage::AccountStatus::blocked;
  patch.limits = body.optional_text("limits", 1, kMaxLimitsName);
  patch.admin = body.optional_boolean("admin");
  patch.if_version = user_version(request, request.param("user"), context);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (body.object().empty()) return http::bad_request("say what to change: status, limits or admin");
  const auto user =
      context.metadata.users().administer(actor(request, context), request.param("user"), patch);
  if (user) context.accounts.gate.forget(user->name);  // here at once, elsewhere within a second
  return user ? http::json(render_user(*user)).etag(user->version) : refused(user.error());
}

http::Response admin_list_sessions(const http::Request& request, Context& context) {
  if (auto refusal = missing_user(request, context)) return *std::move(refusal);
  const auto sessions = context.metadata.sessions().list(request.param("user"));
  if (!sessions) return refused(sessions.error());
  return http::json(sessions_object(*sessions, context.caller.session));
}

http::Response admin_end_sessions(const http::Request& request, Context& context) {
  if (auto refusal = missing_user(request, context)) return *std::move(refusal);
  bool end_tokens = false;
  if (auto refusal = read_flag(request, "end_tokens", end_tokens)) return *std::move(refusal);
  const std::string& user = request.param("user");
  const auto ended = context.metadata.sessions().revoke_all(actor(request, context), user, {}, end_tokens);
  forget_all_of(context, user, end_tokens);
  return ended ? what_ended(*ended, request.query("end_tokens").has_value()) : refused(ended.error());
}

http::Response admin_end_session(const http::Request& request, Context& context) {
  if (auto refusal = missing_user(request, context)) return *std::move(refusal);
  const std::string& sid = request.param("sid");
  const bool printable = sid.size() <= kMaxSid && sid.find_first_not_of(
                                                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
                                                      "mnopqrstuvwxyz0123456789_-.") == sid.npos;
  if (!printable) return http::not_found("there is no such session");
  const auto ended = context.metadata.sessions().revoke(actor(request, context), request.param("user"), sid);
  if (ended) context.accounts.gate.forget(request.param("user"));
  return ended ? http::no_content() : refused(ended.error());
}

}  // namespace parley::api
