#include "bridge/api/devices.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "bridge/api/limits.h"
#include "bridge/api/refusals.h"
#include "bridge/http/fields.h"
#include "schemas/base64url.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxPushToken = 2048;  // bytes; Web Push endpoints are the longest
constexpr std::size_t kMaxApp = 200;         // characters
// RFC 8291, section 3.1: an uncompressed P-256 point and 16 bytes.
constexpr std::size_t kP256dhBytes = 65;
constexpr std::size_t kAuthBytes = 16;

json::object render(const storage::PushDevice& device) {
  json::object object;
  object["device"] = device.device;
  object["platform"] = device.platform;
  if (!device.app.empty()) object["app"] = device.app;
  object["updated_at"] = device.updated_ms;
  return object;  // not the token: who has it can send
}

bool is_key(const json::object& keys, std::string_view name, std::size_t bytes) {
  const json::value* value = keys.if_contains(name);
  if (value == nullptr || !value->is_string()) return false;
  const auto raw = decode_base64url(value->get_string());
  return raw && raw->size() == bytes;
}

// The `keys` of a browser's PushSubscription, as text; empty when they are none.
std::string web_push_keys(const json::value* value) {
  if (value == nullptr || !value->is_object()) return {};
  const json::object& keys = value->get_object();
  if (!is_key(keys, "p256dh", kP256dhBytes) || !is_key(keys, "auth", kAuthBytes)) return {};
  return json::serialize(json::object{{"p256dh", keys.at("p256dh")}, {"auth", keys.at("auth")}});
}

}  // namespace

http::Response list_devices(const http::Request&, Context& context) {
  const auto devices = context.metadata.people().devices(context.caller.user);
  if (!devices) return refused(devices.error());
  json::array items;
  for (const storage::PushDevice& device : *devices) items.emplace_back(render(device));
  return http::json(json::object{{"items", std::move(items)}});
}

http::Response put_device(const http::Request& request, Context& context) {
  http::Fields body(request);
  storage::PushDevice device;
  device.user = context.caller.user;
  device.device = body.optional_device("device").value_or(context.caller.device);
  device.credential = context.caller.credential();
  device.platform = body.choice("platform", {"apns", "fcm", "webpush"});
  device.token = body.text("token", 1, kMaxPushToken);
  device.app = body.optional_line("app", 1, kMaxApp).value_or("");
  const json::value* keys = body.raw("keys");
  if (device.platform == "webpush") {
    // The server will call this URL: only what browsers give out.
    if (!device.token.starts_with("https://"))
      body.wrong("token", "expected the subscription's https:// endpoint");
    device.keys = web_push_keys(keys);
    if (device.keys.empty())
      body.wrong("keys", "expected the subscription's {\"p256dh\",\"auth\"}, base64url");
  } else if (keys != nullptr) {
    body.wrong("keys", "belongs to webpush alone; leave it out");
  }
  if (auto refusal = body.refusal()) return *std::move(refusal);

  const auto existing = context.metadata.people().devices(context.caller.user);
  if (!existing) return refused(existing.error());
  const bool known = std::any_of(existing->begin(), existing->end(),
                                 [&](const auto& other) { return other.device == device.device; });
  if (!known && existing->size() >= context.config.limits.devices) {
    return http::problem(
        {409, "limit",
         "there are " + std::to_string(existing->size()) + " devices already; delete one first"});
  }
  const auto put = context.metadata.people().put_device(actor(request, context), device);
  return put ? http::json(render(*put), known ? 200 : 201) : refused(put.error());
}

http::Response delete_device(const http::Request& request, Context& context) {
  const auto gone = context.metadata.people().remove_device(actor(request, context), context.caller.user,
                                                            request.param("device"));
  return gone ? http::no_content() : refused(gone.error());
}

http::Response get_connect(const http::Request&, Context& context) {
  const auto wait =
      context.caller.admin ? std::chrono::milliseconds(0) : context.limits.connect(context.caller.limited_as);
  if (wait.count() > 0) return http::rate_limited("too many connects; wait before you ask again", wait);
  json::object object;
  object["mqtt"] = context.config.endpoints.mqtt;
  if (!context.config.endpoints.websocket.empty()) object["websocket"] = context.config.endpoints.websocket;
  object["user"] = context.caller.user;
  object["device"] = context.caller.device;
  object["client_id"] = context.caller.user + ":" + context.caller.device;
  return http::json(object);
}

}  // namespace parley::api
