#include "broker-plugin/mosquitto_port.h"

#include <dlfcn.h>
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "broker-plugin/log_line.h"

#include "broker-plugin/mosquitto_properties.h"

namespace parley::plugin {
namespace {

// Mosquitto's buffer for a line is 1,000 bytes, with the time in it.
constexpr std::size_t kMostLine = 940;

// The broker's own function by which it publishes last wills, and what plugins hand it, one loop turn later
// (Mosquitto 2.0, src/database.c). It is exported, but no part of the plugin API: nothing there delivers
// before it returns. See docs/adr/0016-telling-a-replaced-client.md.
using EasyQueue = int (*)(mosquitto* source, const char* topic, std::uint8_t qos, std::uint32_t payload_size,
                          const void* payload, int retain, std::uint32_t expiry_s,
                          mosquitto_property** properties);

EasyQueue find_easy_queue() {
  if constexpr (LIBMOSQUITTO_VERSION_NUMBER / 1000 != 2000)
    return nullptr;  // its shape is known in 2.0 alone
  return reinterpret_cast<EasyQueue>(dlsym(RTLD_DEFAULT, "db__messages_easy_queue"));
}

}  // namespace

void MosquittoPort::guard_log(const Clock& clock) { sink_ = LogSink::install(STDERR_FILENO, clock); }

void MosquittoPort::tell_left_out() {
  if (!sink_) return;
  for (const LogLimiter::LeftOut& each : sink_->take_left_out())
    log(LogLevel::notice, LogLine(LogLevel::notice, "lines_left_out")
                              .text("of", "mosquitto/" + each.kind)
                              .number("left_out", each.lines)
                              .line());
}

void MosquittoPort::publish(std::string_view topic, Payload payload, int qos, bool retain) {
  topic_.assign(topic);
  const int size = static_cast<int>(payload.size());
  char* const bytes = payload.release();
  // Mosquitto takes the bytes over only when it succeeds.
  if (mosquitto_broker_publish(nullptr, topic_.c_str(), size, bytes, qos, retain, nullptr) !=
      MOSQ_ERR_SUCCESS) {
    std::free(bytes);
    log(LogLevel::error, LogLine(LogLevel::error, "publish_failed").text("topic", topic_).line());
  }
}

bool MosquittoPort::publish_now(std::string_view topic, std::string_view payload) {
  static const EasyQueue easy_queue = find_easy_queue();
  if (easy_queue == nullptr) return false;
  topic_.assign(topic);
  // QoS 0: what the connection does not take is gone with it, and never resent to the one that comes after.
  easy_queue(nullptr, topic_.c_str(), 0, static_cast<std::uint32_t>(payload.size()), payload.data(), 0, 0,
             nullptr);
  return true;
}

void MosquittoPort::retain(std::string_view topic, Payload payload, int qos, std::string_view properties,
                           std::uint32_t expires_in_s) {
  topic_.assign(topic);
  const int size = static_cast<int>(payload.size());
  char* const bytes = payload.release();
  mosquitto_property* list = decode_properties(properties, expires_in_s);
  if (mosquitto_broker_publish(nullptr, topic_.c_str(), size, bytes, qos, true, list) != MOSQ_ERR_SUCCESS) {
    std::free(bytes);
    mosquitto_property_free_all(&list);
    log(LogLevel::error, LogLine(LogLevel::error, "publish_failed").text("topic", topic_).line());
  }
}

void MosquittoPort::kick(const std::string& client_id) {
  mosquitto_kick_client_by_clientid(client_id.c_str(), true);
}

// To a session without a connection this does nothing but to ask for its subscriptions; its answer says
// whether there is one. The plugin API has no other question for it.
bool MosquittoPort::keeps_session(const std::string& client_id) {
  return mosquitto_kick_client_by_clientid(client_id.c_str(), true) == MOSQ_ERR_SUCCESS;
}

void MosquittoPort::name(ClientHandle client, const std::string& username) {
  // The handle is the broker's own pointer, given to us without its constness in every callback.
  auto* const context = static_cast<mosquitto*>(const_cast<void*>(client));
  if (mosquitto_set_username(context, username.c_str()) != MOSQ_ERR_SUCCESS)
    log(LogLevel::error, "event=name_failed reason=\"out of memory\"");
}

void MosquittoPort::log(LogLevel level, std::string_view text) {
  int type = MOSQ_LOG_INFO;
  switch (level) {
    case LogLevel::debug:
      type = MOSQ_LOG_DEBUG;
      break;
    case LogLevel::info:
      type = MOSQ_LOG_INFO;
      break;
    case LogLevel::notice:
      type = MOSQ_LOG_NOTICE;
      break;
    case LogLevel::warning:
      type = MOSQ_LOG_WARNING;
      break;
    case LogLevel::error:
      type = MOSQ_LOG_ERR;
      break;
  }
  const LogSink::Own own;
  text = text.substr(0, kMostLine);
  mosquitto_log_printf(type, "parley: %.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace parley::plugin
