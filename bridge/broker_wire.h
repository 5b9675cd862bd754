// One MQTT connection to one broker node, from its beginning to its end: a new connection is a new Wire. What
// broker_link.cc is written on; the real one is Paho's (broker_wire.cc), tests play another.
#ifndef PARLEY_BRIDGE_BROKER_WIRE_H_
#define PARLEY_BRIDGE_BROKER_WIRE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::bridge {

struct WireRequest {
  std::string host;
  std::uint16_t port = 0;
  std::string client_id;
  std::string user;
  std::string password;
  std::chrono::seconds timeout{5};
  std::chrono::seconds keep_alive{10};
};

// Called on a thread of the wire's, one at a time. They must not block, nor destroy the wire.
struct WireEvents {
  std::function<void()> up;                   // connected, and the answers' topic is subscribed to
  std::function<void(std::string why)> down;  // at most once; nothing comes after it
  std::function<void(std::string_view payload)> answer;
};

class Wire {
 public:
  // Hangs up; no event is told any more once this has returned.
  virtual ~Wire() = default;
  // Any thread, once up. False: it did not leave, and never will.
  virtual bool publish(const std::string& topic, std::string_view payload) = 0;
};

using WireFactory = std::function<std::unique_ptr<Wire>(const WireRequest& request, WireEvents events)>;
std::unique_ptr<Wire> connect_paho_wire(const WireRequest& request, WireEvents events);

}  // namespace parley::bridge

#endif
