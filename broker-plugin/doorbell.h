// The plugin's own MQTT connection to its broker: the only public way to wake the broker's thread out of its
// wait at once.
//
// ring() may be called by any thread and never blocks. The connection is kept up by a thread of its own;
// while it is down, the broker still looks at the delivery queue ten times a second, so that everything
// works, later.
#ifndef PARLEY_BROKER_PLUGIN_DOORBELL_H_
#define PARLEY_BROKER_PLUGIN_DOORBELL_H_

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "broker-plugin/metrics.h"
#include "config/broker_config.h"
#include "schemas/mqtt_packet.h"

namespace parley::plugin {

// What it subscribes to: topics that nobody else may subscribe to or need not. It is sent nothing of them;
// but the broker answers a publish that nobody subscribed to with reason 0x10 ("no matching subscribers"),
// which to people reads as if it had failed.
inline constexpr std::string_view kDoorbellFilters[] = {
    "rooms/+/send",  "rooms/+/typing", "rooms/+/receipt",
    "users/+/token", "users/+/status", "users/+/request/+",
};

class Doorbell {
 public:
  struct Credentials {
    std::string client_id;
    std::string password;  // random for each process; the plugin's authentication knows it
  };
  Doorbell(DoorbellConfig config, Credentials credentials, Metrics& metrics);
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  void start();
  void ring();
  void stop();

 private:
  void run();
  int open_socket() const;
  void serve(int fd);
  bool receive(int fd, mqtt::PacketReader& reader);
  bool handle(int fd, const mqtt::Packet& packet);
  void wake();
  bool send_pending(int fd);

  DoorbellConfig config_;
  Credentials credentials_;
  Metrics& metrics_;
  std::string bell_;  // the packet that rings
  int wake_event_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;     // never held across a call that can block
  int fd_ = -1;          // guarded by mutex_; -1 while not connected
  std::string pending_;  // guarded by mutex_; what the socket had no room for, perhaps the rest of a packet
  std::thread thread_;
};

}  // namespace parley::plugin

#endif
