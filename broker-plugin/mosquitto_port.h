// What we ask of Mosquitto, as BrokerPort. Broker thread.
#ifndef PARLEY_BROKER_PLUGIN_MOSQUITTO_PORT_H_
#define PARLEY_BROKER_PLUGIN_MOSQUITTO_PORT_H_

#include "broker-plugin/broker_port.h"

namespace parley::plugin {

class MosquittoPort final : public BrokerPort {
 public:
  void publish(std::string_view topic, Payload payload, int qos, bool retain) override;
  bool publish_now(std::string_view topic, std::string_view payload) override;
  void kick(const std::string& client_id) override;
  bool keeps_session(const std::string& client_id) override;
  void name(ClientHandle client, const std::string& username) override;
  void log(LogLevel level, std::string_view text) override;

 private:
  std::string topic_;  // with its terminating zero
};

}  // namespace parley::plugin

#endif
