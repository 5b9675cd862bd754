// Transport over Paho MQTT C++ (1.2 of Debian bookworm, on Paho C 1.3). The only file that sees Paho's
// headers.
//
// A Paho client object serves one connection: Paho keeps reconnection state, in-flight messages and buffers
// of its own in it, and the SDK's outbox is the one place where unacknowledged messages live.
#include <arpa/inet.h>
#include <mqtt/async_client.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <utility>

#include "clients/cpp/transport.h"

namespace parley::client {
namespace {

// Paho reports a failure as an MQTT 5 reason code, as that code in the place of its own error (a refused
// CONNECT), or as a negative code of its own when no packet came.
Outcome failure_of(const mqtt::token& token, const std::string& where) {
  int reason = static_cast<int>(token.get_reason_code());
  const int code = token.get_return_code();
  if (reason < 0x80 && code >= 0x80 && code <= 0xff) reason = code;
  if (reason >= 0x80) return {reason, describe_reason(reason)};
  if (code == MQTTASYNC_FAILURE) return {kNoReason, "no connection to " + where};
  std::string message = mqtt::exception::error_str(code);
  return {kNoReason, message.empty() ? "no connection to " + where : message};
}

// Paho leaves Nagle's algorithm on: a message that follows the PUBACK of an ack would wait for the server's
// delayed TCP acknowledgment, 41 ms for every message (seen). Paho hides its socket, so this finds it among
// ours by the port it is connected to; no socket to a broker wants Nagle.
void set_no_delay(std::uint16_t port) {
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    const int fd = std::atoi(it->path().filename().c_str());
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    const bool v4 = peer.ss_family == AF_INET;
    if (!v4 && peer.ss_family != AF_INET6) continue;
    const in_port_t to = v4 ? reinterpret_cast<const sockaddr_in&>(peer).sin_port
                            : reinterpret_cast<const sockaddr_in6&>(peer).sin6_port;
    const int on = 1;
    if (ntohs(to) == port) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
}

// One connection. Callbacks check `muted` under a lock that close() takes too, so that after close() returns
// the observer hears nothing more of this connection.
class Connection {
 public:
  Connection(const ConnectRequest& request, TransportObserver& observer)
      : observer_(observer),
        port_(request.port),
        where_(request.host + ":" + std::to_string(request.port)),
        connect_listener_(*this, Kind::connect),
        publish_listener_(*this, Kind::publish),
        subscribe_listener_(*this, Kind::subscribe),
        client_("tcp://" + where_, request.client_id, mqtt::create_options(MQTTVERSION_5), nullptr) {
    client_.set_message_callback([this](mqtt::const_message_ptr message) {
      tell([&] { observer_.on_message(message->get_topic(), message->get_payload()); });
    });
    client_.set_connection_lost_handler([this](const std::string& cause) {
      lost({kNoReason, cause.empty() ? "connection lost" : cause});
    });
    client_.set_disconnected_handler([this](const mqtt::properties&, mqtt::ReasonCode code) {
      const int reason = static_cast<int>(code);
      lost({reason, describe_reason(reason)});
    });
  }

  void connect(const ConnectRequest& request) {
    auto options = mqtt::connect_options_builder()
                       .mqtt_version(MQTTVERSION_5)
                       .clean_start(true)
                       .keep_alive_interval(request.keep_alive)
                       .connect_timeout(request.timeout)
                       .user_name(request.username)
                       .password(request.password)
                       .finalize();
    attempt([&] { client_.connect(std::move(options), nullptr, connect_listener_); },
            [&](const Outcome& why) { observer_.on_connect(why); });
  }

  void publish(Ticket ticket, const std::string& topic, std::string_view payload, int qos) {
    attempt(
        [&] {
          auto message = mqtt::make_message(topic, payload.data(), payload.size(), qos, false);
          client_.publish(std::move(message), context(ticket), publish_listener_);
        },
        [&](const Outcome& why) { observer_.on_publish(ticket, why); });
  }

  void subscribe(Ticket ticket, const std::string& filter, int qos) {
    attempt([&] { client_.subscribe(filter, qos, context(ticket), subscribe_listener_); },
            [&](const Outcome& why) { observer_.on_subscribe(ticket, why); });
  }

  void unsubscribe(const std::string& filter) {
    attempt([&] { client_.unsubscribe(filter); }, [](const Outcome&) {});
  }

  void close(std::chrono::milliseconds patience) {
    {
      std::lock_guard lock(mutex_);
      muted_ = true;
    }
    try {
      client_.disable_callbacks();
      if (client_.is_connected()) client_.disconnect(patience)->wait_for(patience + std::chrono::seconds(1));
    } catch (const std::exception&) {
      // The line may go down while we hang up: there is nobody left to tell.
    }
  }

 private:
  enum class Kind { connect, publish, subscribe };

  class Listener : public mqtt::iaction_listener {
   public:
    Listener(Connection& owner, Kind kind) : owner_(owner), kind_(kind) {}
    void on_success(const mqtt::token& token) override { owner_.finished(kind_, token, {}); }
    void on_failure(const mqtt::token& token) override {
      owner_.finished(kind_, token, failure_of(token, owner_.where_));
    }

   private:
    Connection& owner_;
    Kind kind_;
  };

  // The number itself rides in Paho's user context; it is never followed.
  static void* context(Ticket ticket) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(ticket));
  }

  void finished(Kind kind, const mqtt::token& token, const Outcome& outcome) {
    const auto ticket = static_cast<Ticket>(reinterpret_cast<std::uintptr_t>(token.get_user_context()));
    if (kind == Kind::connect && outcome.ok()) set_no_delay(port_);
    tell([&] {
      switch (kind) {
        case Kind::connect:
          observer_.on_connect(outcome);
          break;
        case Kind::publish:
          observer_.on_publish(ticket, outcome);
          break;
        case Kind::subscribe:
          observer_.on_subscribe(ticket, outcome);
          break;
      }
    });
  }

  // Paho may tell of one end twice (the DISCONNECT packet, then the closed socket); the first says why.
  void lost(const Outcome& why) {
    tell([&] {
      if (std::exchange(lost_, true)) return;
      observer_.on_lost(why);
    });
  }

  template <class F>
  void tell(F&& call) {
    std::lock_guard lock(mutex_);
    if (!muted_) call();
  }

  template <class Call, class Failed>
  void attempt(Call&& call, Failed&& failed) {
    try {
      call();
    } catch (const std::exception& e) {
      failed(Outcome{kNoReason, e.what()});
    }
  }

  TransportObserver& observer_;
  const std::uint16_t port_;
  const std::string where_;  // for messages
  std::mutex mutex_;
  bool muted_ = false;  // guarded by mutex_
  bool lost_ = false;   // guarded by mutex_
  Listener connect_listener_;
  Listener publish_listener_;
  Listener subscribe_listener_;
  mqtt::async_client client_;  // last: its destructor stops the callbacks that use the rest
};

class PahoTransport : public Transport {
 public:
  explicit PahoTransport(TransportObserver& observer) : observer_(observer) {}
  ~PahoTransport() override { close(std::chrono::milliseconds(0)); }

  void open(const ConnectRequest& request) override {
    close(std::chrono::milliseconds(0));
    connection_ = std::make_unique<Connection>(request, observer_);
    connection_->connect(request);
  }
  void close(std::chrono::milliseconds patience) override {
    if (!connection_) return;
    connection_->close(patience);
    connection_.reset();
  }
  void publish(Ticket ticket, const std::string& topic, std::string_view payload, int qos) override {
    if (!connection_) return observer_.on_publish(ticket, {kNoReason, "not connected"});
    connection_->publish(ticket, topic, payload, qos);
  }
  void subscribe(Ticket ticket, const std::string& filter, int qos) override {
    if (!connection_) return observer_.on_subscribe(ticket, {kNoReason, "not connected"});
    connection_->subscribe(ticket, filter, qos);
  }
  void unsubscribe(const std::string& filter) override {
    if (connection_) connection_->unsubscribe(filter);
  }

 private:
  TransportObserver& observer_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Transport> make_paho_transport(TransportObserver& observer) {
  return std::make_unique<PahoTransport>(observer);
}

}  // namespace parley::client
