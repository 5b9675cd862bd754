#include "broker-plugin/mosquitto_port.h"

#include <mosquitto.h>
#include <mosquitto_broker.h>

namespace parley::plugin {

void MosquittoPort::publish(std::string_view topic, Payload payload, int qos, bool retain) {
  topic_.assign(topic);
  const int size = static_cast<int>(payload.size());
  char* const bytes = payload.release();
  // Mosquitto takes the bytes over only when it succeeds.
  if (mosquitto_broker_publish(nullptr, topic_.c_str(), size, bytes, qos, retain, nullptr) !=
      MOSQ_ERR_SUCCESS) {
    std::free(bytes);
    log(LogLevel::error, "event=publish_failed topic=" + topic_);
  }
}

void MosquittoPort::kick(const std::string& client_id) {
  mosquitto_kick_client_by_clientid(client_id.c_str(), false);
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
  mosquitto_log_printf(type, "parley: %.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace parley::plugin
