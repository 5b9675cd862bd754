// The C edge: Mosquitto's callbacks to the node and back. Only wires. No exception passes into the broker.
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "broker-plugin/broker_log.h"
#include "broker-plugin/clock.h"
#include "broker-plugin/log_line.h"
#include "broker-plugin/mosquitto_port.h"
#include "broker-plugin/mosquitto_properties.h"
#include "broker-plugin/node.h"
#include "config/broker_config.h"

namespace {

using namespace parley::plugin;

constexpr int kEvents[] = {MOSQ_EVT_RELOAD,  MOSQ_EVT_ACL_CHECK, MOSQ_EVT_BASIC_AUTH,
                           MOSQ_EVT_MESSAGE, MOSQ_EVT_TICK,      MOSQ_EVT_DISCONNECT};

struct Plugin {
  mosquitto_plugin_id_t* id = nullptr;
  MosquittoPort port;
  SystemClock clock;
  std::unique_ptr<Node> node;
  std::string properties;  // of the message that is looked at, when it is to be retained
  Metrics failed;          // of callbacks that threw: outside of the node
  BrokerLog failures{port, clock, failed};
  std::uint64_t last_told_ns = 0;
  std::uint64_t lines_left_out = 0;  // that the node has been told of

  void log_failure(std::string_view what) {
    failures.write(LogLine(LogLevel::error, "callback_failed").prose("what", what));
  }
  void tell_left_out() {
    constexpr std::uint64_t kEveryNs = 1'000'000'000;
    if (const std::uint64_t now_ns = clock.steady_ns(); now_ns - last_told_ns >= kEveryNs) {
      last_told_ns = now_ns;
      failures.tell_left_out();
      port.tell_left_out();
      const std::uint64_t all = port.lines_left_out() + failed.log_lines_left_out.get();
      node->count_lines_left_out(all - std::exchange(lines_left_out, all));
    }
  }
};

std::string_view text(const char* s) { return s == nullptr ? std::string_view() : std::string_view(s); }

// Runs a callback's body; what it throws (out of memory, say) becomes `failed` and a line in the log.
template <class Body>
int guarded(Plugin& plugin, int failed, Body&& body) {
  try {
    return body();
  } catch (const std::exception& e) {
    plugin.log_failure(e.what());
    return failed;
  }
}

int on_basic_auth(int, void* data, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  auto& e = *static_cast<mosquitto_evt_basic_auth*>(data);
  return guarded(plugin, MOSQ_ERR_AUTH, [&] {
    const auto user = plugin.node->on_connect({.client = e.client,
                                               .client_id = text(mosquitto_client_id(e.client)),
                                               .username = text(e.username),
                                               .password = text(e.password),
                                               .address = text(mosquitto_client_address(e.client)),
                                               .keep_alive_s = mosquitto_client_keepalive(e.client)});
    if (!user) return MOSQ_ERR_AUTH;
    // The name is asked for again when the broker sends this client's last will. Nobody's is an empty one,
    // not none: what Mosquitto 2.0.11 writes for a kept session without a name is the one before it and
    // memory behind that.
    const int set = mosquitto_set_username(e.client, user->c_str());
    return set == MOSQ_ERR_SUCCESS ? MOSQ_ERR_SUCCESS : MOSQ_ERR_AUTH;
  });
}

Access to_access(int access) {
  switch (access) {
    case MOSQ_ACL_WRITE:
      return Access::write;
    case MOSQ_ACL_SUBSCRIBE:
      return Access::subscribe;
    case MOSQ_ACL_UNSUBSCRIBE:
      return Access::unsubscribe;
    default:
      return Access::read;
  }
}

int on_acl_check(int, void* data, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  const auto& e = *static_cast<mosquitto_evt_acl_check*>(data);
  return guarded(plugin, MOSQ_ERR_ACL_DENIED, [&] {
    const Access access = to_access(e.access);
    const AccessCheck check{.client = e.client,
                            .client_id = text(mosquitto_client_id(e.client)),
                            .username = text(mosquitto_client_username(e.client)),
                            .topic = text(e.topic),
                            .access = access,
                            .payload = {static_cast<const char*>(e.payload), e.payloadlen},
                            .qos = e.qos,
                            .retain = e.retain};
    return plugin.node->on_access(check) ? MOSQ_ERR_SUCCESS : MOSQ_ERR_ACL_DENIED;
  });
}

int on_message(int, void* data, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  auto& e = *static_cast<mosquitto_evt_message*>(data);
  return guarded(plugin, MOSQ_ERR_ACL_DENIED, [&] {
    if (e.retain) encode_properties(e.properties, plugin.properties);
    PublishVerdict verdict =
        plugin.node->on_publish({.client = e.client,
                                 .topic = text(e.topic),
                                 .payload = {static_cast<const char*>(e.payload), e.payloadlen},
                                 .qos = e.qos,
                                 .retain = e.retain,
                                 .properties = e.retain ? plugin.properties : std::string_view()});
    if (!verdict.allow) return MOSQ_ERR_ACL_DENIED;
    if (verdict.replace) {
      const std::string_view bytes = verdict.replacement.view();
      auto* copy = static_cast<char*>(mosquitto_malloc(bytes.size() + 1));
      if (copy == nullptr) return MOSQ_ERR_ACL_DENIED;
      std::memcpy(copy, bytes.data(), bytes.size());
      copy[bytes.size()] = 0;
      e.payload = copy;  // the broker frees the old one
      e.payloadlen = static_cast<std::uint32_t>(bytes.size());
    }
    return MOSQ_ERR_SUCCESS;
  });
}

int on_control(int, void* data, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  const auto& e = *static_cast<mosquitto_evt_control*>(data);
  // Never anything but success: the broker would cut the caller off. The answer says what went wrong.
  return guarded(plugin, MOSQ_ERR_SUCCESS, [&] {
    plugin.node->on_control({static_cast<const char*>(e.payload), e.payloadlen});
    return MOSQ_ERR_SUCCESS;
  });
}

int on_disconnect(int, void* data, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  const auto& e = *static_cast<mosquitto_evt_disconnect*>(data);
  return guarded(plugin, MOSQ_ERR_SUCCESS, [&] {
    const bool keeps =
        mosquitto_client_protocol_version(e.client) == 5 || !mosquitto_client_clean_session(e.client);
    plugin.node->on_disconnect(e.client, keeps);
    return MOSQ_ERR_SUCCESS;
  });
}

int on_tick(int, void*, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  return guarded(plugin, MOSQ_ERR_SUCCESS, [&] {
    plugin.node->on_turn();
    plugin.tell_left_out();
    return MOSQ_ERR_SUCCESS;
  });
}

int on_reload(int, void*, void* self) {
  auto& plugin = *static_cast<Plugin*>(self);
  return guarded(plugin, MOSQ_ERR_SUCCESS, [&] {
    plugin.node->on_reload();
    return MOSQ_ERR_SUCCESS;
  });
}

MOSQ_FUNC_generic_callback callback_of(int event) {
  switch (event) {
    case MOSQ_EVT_RELOAD:
      return on_reload;
    case MOSQ_EVT_ACL_CHECK:
      return on_acl_check;
    case MOSQ_EVT_BASIC_AUTH:
      return on_basic_auth;
    case MOSQ_EVT_MESSAGE:
      return on_message;
    case MOSQ_EVT_TICK:
      return on_tick;
    default:
      return on_disconnect;
  }
}

// The control callback is registered by its exact topic.
constexpr const char* kControlData = "$CONTROL/parley/v1";

bool register_callbacks(Plugin& plugin) {
  for (const int event : kEvents)
    if (mosquitto_callback_register(plugin.id, event, callback_of(event), nullptr, &plugin) !=
        MOSQ_ERR_SUCCESS)
      return false;
  return mosquitto_callback_register(plugin.id, MOSQ_EVT_CONTROL, on_control, kControlData, &plugin) ==
         MOSQ_ERR_SUCCESS;
}

void unregister_callbacks(const Plugin& plugin) {
  for (const int event : kEvents)
    mosquitto_callback_unregister(plugin.id, event, callback_of(event), nullptr);
  mosquitto_callback_unregister(plugin.id, MOSQ_EVT_CONTROL, on_control, kControlData);
}

int start(Plugin& plugin, const mosquitto_opt* options, int count) {
  std::string_view config_file;
  std::string_view sessions_file;
  for (int i = 0; i < count; ++i) {
    if (text(options[i].key) == "config") config_file = text(options[i].value);
    if (text(options[i].key) == "sessions") sessions_file = text(options[i].value);
  }
  if (config_file.empty()) {
    plugin.port.log(LogLevel::error, "no configuration: set `plugin_opt_config /path/to/parley.toml`");
    return MOSQ_ERR_INVAL;
  }
  auto config = parley::load_broker_config(std::string(config_file));
  if (!config) {
    std::istringstream lines(config.error());
    for (std::string line; std::getline(lines, line);) plugin.port.log(LogLevel::error, line);
    return MOSQ_ERR_INVAL;
  }
  config->node.broker_snapshot = sessions_file;
  auto node = Node::create(std::move(*config), plugin.port, plugin.clock);
  if (!node) {
    plugin.port.log(LogLevel::error, node.error());
    return MOSQ_ERR_UNKNOWN;
  }
  plugin.node = std::move(*node);
  if (!register_callbacks(plugin)) {
    plugin.port.log(LogLevel::error, "the broker refused a callback; Mosquitto 2.0 or later is needed");
    return MOSQ_ERR_UNKNOWN;
  }
  plugin.node->start();
  return MOSQ_ERR_SUCCESS;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) int mosquitto_plugin_version(int count, const int* versions) {
  for (int i = 0; i < count; ++i)
    if (versions[i] == MOSQ_PLUGIN_VERSION) return MOSQ_PLUGIN_VERSION;
  return -1;
}

__attribute__((visibility("default"))) int mosquitto_plugin_init(mosquitto_plugin_id_t* id, void** user_data,
                                                                 mosquitto_opt* options, int count) {
  auto plugin = std::make_unique<Plugin>();
  plugin->id = id;
  plugin->port.guard_log(plugin->clock);
  const int result = guarded(*plugin, MOSQ_ERR_UNKNOWN, [&] { return start(*plugin, options, count); });
  if (result == MOSQ_ERR_SUCCESS) *user_data = plugin.release();
  return result;
}

__attribute__((visibility("default"))) int mosquitto_plugin_cleanup(void* user_data, mosquitto_opt*, int) {
  const std::unique_ptr<Plugin> plugin(static_cast<Plugin*>(user_data));
  if (!plugin) return MOSQ_ERR_SUCCESS;
  return guarded(*plugin, MOSQ_ERR_UNKNOWN, [&] {
    unregister_callbacks(*plugin);
    plugin->node->stop();
    return MOSQ_ERR_SUCCESS;
  });
}

}  // extern "C"
