// Whether a broker could run with these options, found out without starting one: what plugin.cc would stumble
// over is told before another one that runs is stopped.
#ifndef PARLEY_BROKER_PLUGIN_CHECK_H_
#define PARLEY_BROKER_PLUGIN_CHECK_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "config/broker_config.h"

namespace parley::plugin {

// What is wrong, a line each, beginning with the option that it is about; empty: nothing. `replacing` is the
// process (0: none) that will have ended by then, with its ports and its locks. Ports are the business of who
// starts a broker, files and folders of whom it runs as: they may be looked at one without the other.
struct LookAt {
  bool files = true;
  bool ports = true;
};
std::vector<std::string> what_is_wrong(const BrokerConfig& config, pid_t replacing, LookAt look_at = {});

}  // namespace parley::plugin

#endif
