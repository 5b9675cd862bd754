#include "bridge/api/refusals.h"

#include <algorithm>
#include <string>

#include "bridge/broker_link.h"
#include "bridge/http/canonical_json.h"
#include "bridge/http/fields.h"
#include "schemas/token.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

using storage::MetadataError;

struct Answer {
  unsigned status;
  std::string_view code;
};

Answer answer_to(MetadataError error) {
  switch (error) {
    case MetadataError::not_found:
      return {404, "not_found"};
    case MetadataError::conflict:
      return {409, "conflict"};
    case MetadataError::version_mismatch:
      return {412, "precondition_failed"};
    case MetadataError::unauthorized:
    case MetadataError::reused:
      return {401, "unauthorized"};
    case MetadataError::forbidden:
      return {403, "forbidden"};
    case MetadataError::not_member:
      return {403, "not_member"};
    case MetadataError::banned:
      return {403, "banned"};
    case MetadataError::blocked:
      return {403, "blocked"};
    case MetadataError::invalid:
      return {422, "invalid"};
    case MetadataError::limit:
      return {429, "rate_limited"};
    case MetadataError::key_reused:
      return {409, "key_reused"};
    case MetadataError::unavailable:
      return {503, "unavailable"};
    case MetadataError::too_old:
    case MetadataError::internal:
      break;
  }
  return {500, "internal"};
}

// Codes of protocol.md, "Sending", and what HTTP calls them.
unsigned status_of(std::string_view code) {
  if (code == "not_member" || code == "forbidden" || code == "blocked" || code == "read_only") return 403;
  if (code == "room_not_found" || code == "target_not_found") return 404;
  if (code == "rate_limited") return 429;
  if (code == "too_large") return 413;
  if (code == "bad_payload") return 422;
  return 503;
}

template <class Current>
std::optional<std::uint64_t> one_version(const http::IfMatch& wanted, Current&& current) {
  if (wanted.any) return std::nullopt;
  if (wanted.versions.size() == 1) return wanted.versions.front();
  if (wanted.versions.empty()) return http::kNoVersion;
  const std::uint64_t is = current();
  return std::ranges::find(wanted.versions, is) != wanted.versions.end() ? is : http::kNoVersion;
}

}  // namespace

http::Response refused(const storage::MetadataFault& fault) {
  Answer answer = answer_to(fault.code);
  if (fault.code == MetadataError::not_found && fault.field == "room") answer.code = "room_not_found";
  std::chrono::milliseconds retry_after(fault.retry_after_ms);
  // A limit that waiting does not lift (a full group) is a fact about the room, not a pace.
  if (fault.code == MetadataError::limit && fault.retry_after_ms == 0) answer = {409, "limit"};
  if (fault.code == MetadataError::unavailable && fault.retry_after_ms == 0)
    retry_after = std::chrono::seconds(1);
  http::Problem problem{answer.status, answer.code, fault.message, fault.field, retry_after};
  if (problem.message.empty()) problem.message = storage::to_string(fault.code);
  return http::problem(problem);
}

http::Response no_such_user() {
  return http::problem(
      {.status = 404, .code = "not_found", .message = "there is no such user", .field = "user"});
}

http::Response refused(const bridge::BrokerError& error) {
  const unsigned status = status_of(error.code);
  std::chrono::milliseconds retry_after = error.retry_after.value_or(std::chrono::milliseconds(0));
  if (status == 503 && retry_after.count() == 0) retry_after = std::chrono::seconds(1);
  const std::string_view code =
      status == 503 ? std::string_view("unavailable") : std::string_view(error.code);
  return http::problem({status, code, error.message, {}, retry_after});
}

storage::Actor actor(const http::Request& request, const Context& context) {
  return {.user = context.caller.user,
          .admin = context.caller.admin,
          .request_id = request.id,
          .address = request.remote};
}

std::optional<http::Response> idempotent_actor(const http::Request& request, const Context& context,
                                               storage::Actor& out) {
  out = actor(request, context);
  std::optional<std::string> key;
  if (auto refusal = http::read_idempotency_key(request, key)) return refusal;
  if (!key) return std::nullopt;
  std::string text(to_string(request.method));
  text.append(" ").append(request.path).append("\n").append(http::canonical_json(request.body));
  out.once = {*std::move(key), to_hex(sha256(text))};
  return std::nullopt;
}

std::optional<std::uint64_t> room_version(const http::Request& request, const std::string& room,
                                          Context& context) {
  return one_version(http::if_match(request), [&] {
    const auto view = context.metadata.rooms().get(room, context.caller.user);
    return view ? view->room.version : http::kNoVersion;
  });
}

std::optional<std::uint64_t> user_version(const http::Request& request, const std::string& user,
                                          Context& context) {
  return one_version(http::if_match(request), [&] {
    const auto found = context.metadata.users().get(user);
    return found ? found->version : http::kNoVersion;
  });
}

std::optional<http::Response> read_page(const http::Request& request, storage::PageRequest& out) {
  http::Page page;
  if (auto refusal = http::read_page(request, page)) return refusal;
  out = {std::move(page.cursor), static_cast<std::uint32_t>(page.limit)};
  return std::nullopt;
}

}  // namespace parley::api
