// Where the plugin's lines go out: into the broker's log, and no more of a kind than LogLimiter lets. Broker
// thread; others hand their lines to DeliveryQueue::log.
#ifndef PARLEY_BROKER_PLUGIN_BROKER_LOG_H_
#define PARLEY_BROKER_PLUGIN_BROKER_LOG_H_

#include "broker-plugin/broker_port.h"
#include "broker-plugin/clock.h"
#include "broker-plugin/log_line.h"
#include "broker-plugin/metrics.h"
#include "schemas/log_limiter.h"

namespace parley::plugin {

class BrokerLog {
 public:
  BrokerLog(BrokerPort& broker, const Clock& clock, Metrics& metrics)
      : broker_(broker), clock_(clock), metrics_(metrics) {}

  void write(const LogLine& line);
  // Now and then: tells what was left out at the end of a flood.
  void tell_left_out();

 private:
  BrokerPort& broker_;
  const Clock& clock_;
  Metrics& metrics_;
  LogLimiter limiter_;
};

}  // namespace parley::plugin

#endif
