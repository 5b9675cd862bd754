#include "bridge/api/audit.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

#include "bridge/api/refusals.h"
#include "bridge/api/room_fields.h"
#include "bridge/api/room_json.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

json::object render(const storage::AuditEntry& entry) {
  json::object object;
  object["id"] = entry.id;
  object["at"] = entry.at_ms;
  object["actor"] = entry.actor;
  object["action"] = entry.action;
  if (!entry.target.empty()) object["target"] = entry.target;
  if (!entry.room.empty()) object["room"] = entry.room;
  boost::system::error_code error;
  json::value detail = json::parse(entry.detail, error);
  if (!error && detail.is_object() && !detail.get_object().empty()) object["detail"] = std::move(detail);
  if (!entry.request_id.empty()) object["request_id"] = entry.request_id;
  if (!entry.address.empty()) object["address"] = entry.address;
  return object;
}

}  // namespace

http::Response admin_audit(const http::Request& request, Context& context) {
  storage::PageRequest page;
  storage::AuditFilter filter;
  if (auto refusal = read_page(request, page)) return *std::move(refusal);
  if (auto refusal = read_query(request, "actor", 64, filter.actor)) return *std::move(refusal);
  if (auto refusal = read_query(request, "action", 64, filter.action)) return *std::move(refusal);
  if (auto refusal = read_query(request, "target", 160, filter.target)) return *std::move(refusal);
  if (auto refusal = read_query(request, "room", 64, filter.room)) return *std::move(refusal);
  const auto found = context.metadata.administration().audit_log(filter, page);
  return found ? http::json(page_object(*found, render)) : refused(found.error());
}

}  // namespace parley::api
