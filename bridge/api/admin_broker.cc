// The broker nodes, for admins.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "bridge/api/admin.h"
#include "bridge/api/refusals.h"
#include "bridge/broker_link.h"
#include "bridge/http/fields.h"
#include "schemas/json_text.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;
using std::chrono::steady_clock;

constexpr std::chrono::seconds kNodeDeadline{2};
constexpr std::size_t kMaxClientId = 128;  // characters

http::Response no_broker() { return http::unavailable("this server has no broker nodes to ask"); }

// The node's own counters, without what belongs to the request alone. Null when it does not answer.
json::value stats_of(bridge::BrokerLink& broker, std::size_t node) {
  const auto answer = broker.call(node, "stats", "", steady_clock::now() + kNodeDeadline);
  if (!answer) return nullptr;
  boost::system::error_code error;
  json::value stats = json::parse(*answer, error);
  if (error || !stats.is_object()) return nullptr;
  stats.get_object().erase("req");
  stats.get_object().erase("ok");
  return stats;
}

}  // namespace

http::Response admin_broker(const http::Request&, Context& context) {
  if (context.broker == nullptr) return no_broker();
  json::array nodes;
  for (std::size_t i = 0; i < context.broker->nodes(); ++i) {
    json::object node;
    node["host"] = context.broker->address(i).host;
    node["port"] = context.broker->address(i).port;
    const bool connected = context.broker->connected(i);
    node["connected"] = connected;
    json::value stats = connected ? stats_of(*context.broker, i) : json::value();
    if (!stats.is_null()) node["stats"] = std::move(stats);
    nodes.emplace_back(std::move(node));
  }
  json::object object;
  object["nodes"] = std::move(nodes);
  return http::json(object);
}

http::Response admin_kick(const http::Request& request, Context& context) {
  http::Fields body(request);
  const std::string client = body.text("client", 1, kMaxClientId);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (context.broker == nullptr) return no_broker();
  std::string fields = "\"client\":";
  append_json_string(client, fields);
  unsigned kicked = 0;
  std::optional<http::Response> silent;
  for (std::size_t i = 0; i < context.broker->nodes(); ++i) {
    const auto answer = context.broker->call(i, "kick", fields, steady_clock::now() + kNodeDeadline);
    if (answer) ++kicked;
    if (!answer && !answer.error().answered) silent = refused(answer.error());
  }
  if (kicked == 0 && silent) return *std::move(silent);  // it may be there
  if (kicked == 0)
    return http::problem(
        {.status = 404, .code = "not_found", .message = "no node has such a client", .field = "client"});
  std::string target = "client:" + client;
  const auto noted =
      context.metadata.administration().audit(actor(request, context), "broker.kick", target, "{}");
  if (!noted) return refused(noted.error());
  json::object object;
  object["kicked"] = kicked;
  return http::json(object);
}

}  // namespace parley::api
