// A wire over Paho MQTT C++. The only file of the bridge that sees its headers.
//
// Paho shares one sending and one receiving thread among all connections of a process, so what happens in its
// callbacks is kept to handing things on.
#include "bridge/broker_wire.h"

#include <arpa/inet.h>
#include <mqtt/async_client.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

#include "schemas/topic.h"

namespace parley::bridge {
namespace {

constexpr int kMaxInFlight = 65535;

// Paho leaves Nagle's algorithm on and hides its socket. Every request would wait for the delayed TCP
// acknowledgment of the one before (41 ms), so this finds the socket by the port it is connected to.
void set_no_delay(std::uint16_t port) {
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    const int fd = std::atoi(it->path().filename().c_str());
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
    const in_port_t to = peer.ss_family == AF_INET ? reinterpret_cast<const sockaddr_in&>(peer).sin_port
                                                   : reinterpret_cast<const sockaddr_in6&>(peer).sin6_port;
    const int on = 1;
    if (ntohs(to) == port) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

std::string why_of(const mqtt::token& token) {
  int reason = static_cast<int>(token.get_reason_code());
  const int code = token.get_return_code();
  if (reason < 0x80 && code >= 0x80 && code <= 0xff) reason = code;  // a refused CONNECT
  if (reason == 0x86 || reason == 0x87)
    return "the broker refuses this token; do broker and bridge share keys?";
  if (reason >= 0x80) return "the broker refuses it, reason " + std::to_string(reason);
  return "no connection";
}

class PahoWire final : public Wire {
 public:
  PahoWire(const WireRequest& request, WireEvents events)
      : port_(request.port),
        events_(std::move(events)),
        connected_(*this, true),
        subscribed_(*this, false),
        client_("tcp://" + request.host + ":" + std::to_string(request.port), request.client_id,
                mqtt::create_options(MQTTVERSION_5), nullptr) {
    client_.set_message_callback(
        [this](mqtt::const_message_ptr message) { tell([&] { events_.answer(message->get_payload()); }); });
    client_.set_connection_lost_handler([this](const std::string&) { down("the connection was lost"); });
    client_.set_disconnected_handler(
        [this](const mqtt::properties&, mqtt::ReasonCode) { down("the broker closed the connection"); });
    auto options = mqtt::connect_options_builder()
                       .mqtt_version(MQTTVERSION_5)
                       .clean_start(true)
                       .max_inflight(kMaxInFlight)
                       .keep_alive_interval(request.keep_alive)
                       .connect_timeout(request.timeout)
                       .user_name(request.user)
                       .password(request.password)
                       .finalize();
    try {
      client_.connect(std::move(options), nullptr, connected_);
    } catch (const std::exception& e) {
      down(e.what());
    }
  }

  ~PahoWire() override {
    {
      const std::lock_guard lock(mutex_);
      muted_ = true;
    }
    try {
      client_.disable_callbacks();
      if (client_.is_connected()) client_.disconnect(0)->wait_for(std::chrono::seconds(1));
    } catch (const std::exception&) {
      // The line may go down while we hang up: there is nobody left to tell.
    }
  }

  bool publish(const std::string& topic, std::string_view payload) override {
    // QoS 0: the answer says more than a PUBACK would.
    try {
      client_.publish(mqtt::make_message(topic, payload.data(), payload.size(), 0, false));
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }

 private:
  class Listener : public mqtt::iaction_listener {
   public:
    Listener(PahoWire& owner, bool connects) : owner_(owner), connects_(connects) {}
    void on_success(const mqtt::token&) override {
      if (connects_) return owner_.subscribe();
      owner_.tell([this] { owner_.events_.up(); });
    }
    void on_failure(const mqtt::token& token) override { owner_.down(why_of(token)); }

   private:
    PahoWire& owner_;
    const bool connects_;
  };

  void subscribe() {
    set_no_delay(port_);
    try {
      client_.subscribe(std::string(kControlResponseTopic), 1, nullptr, subscribed_);
    } catch (const std::exception& e) {
      down(e.what());
    }
  }

  void down(std::string why) {
    tell([&] {
      if (!std::exchange(over_, true)) events_.down(std::move(why));
    });
  }

  // Recursive, because Paho reports some failures from inside the call that failed.
  template <class F>
  void tell(F&& event) {
    const std::lock_guard lock(mutex_);
    if (!muted_) event();
  }

  const std::uint16_t port_;
  const WireEvents events_;
  std::recursive_mutex mutex_;
  bool muted_ = false;  // guarded by mutex_
  bool over_ = false;   // guarded by mutex_
  Listener connected_;
  Listener subscribed_;
  mqtt::async_client client_;  // last: its destructor ends the callbacks that use the rest
};

}  // namespace

std::unique_ptr<Wire> connect_paho_wire(const WireRequest& request, WireEvents events) {
  return std::make_unique<PahoWire>(request, std::move(events));
}

}  // namespace parley::bridge
