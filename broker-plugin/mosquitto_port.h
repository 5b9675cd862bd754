// What we ask of Mosquitto, as BrokerPort. Broker thread.
#ifndef PARLEY_BROKER_PLUGIN_MOSQUITTO_PORT_H_
#define PARLEY_BROKER_PLUGIN_MOSQUITTO_PORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker-plugin/broker_port.h"
#include "broker-plugin/clock.h"
#include "broker-plugin/log_sink.h"

namespace parley::plugin {

class MosquittoPort final : public BrokerPort {
 public:
  // From here on, what Mosquitto prints to stderr goes through a LogSink.
  void guard_log(const Clock& clock);
  // Once a second or so: tells how many of Mosquitto's lines were left out.
  void tell_left_out();
  std::uint64_t lines_left_out() const { return sink_ ? sink_->total_left_out() : 0; }

  void publish(std::string_view topic, Payload payload, int qos, bool retain) override;
  bool publish_now(std::string_view topic, std::string_view payload) override;
  void retain(std::string_view topic, Payload payload, int qos, std::string_view properties,
              std::uint32_t expires_in_s) override;
  void kick(const std::string& client_id) override;
  bool keeps_session(const std::string& client_id) override;
  void name(ClientHandle client, const std::string& username) override;
  void log(LogLevel level, std::string_view text) override;

 private:
  std::unique_ptr<LogSink> sink_;
  std::string topic_;  // with its terminating zero
};

}  // namespace parley::plugin

#endif
