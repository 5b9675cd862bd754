// The one seam between the SDK and an MQTT library: MQTT 5, one connection at a time, nothing kept between
// connections (clean start, no session). paho_transport.cc implements it over Paho; tests implement it in
// memory.
//
// Threads: methods are called by one thread. The observer is called by the library's threads, several at
// once, or from inside a method (when it fails at once); so an implementation of the observer only queues and
// returns. After close() no call arrives for that connection any more.
//
// Errors: methods never throw; what goes wrong is told to the observer.
#ifndef PARLEY_CLIENTS_CPP_TRANSPORT_H_
#define PARLEY_CLIENTS_CPP_TRANSPORT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace parley::client {

// Reason codes of MQTT 5.0, section 2.4, that the SDK tells apart.
inline constexpr int kNoReason = -1;  // no packet told us: refused TCP connection, lost line, time-out
inline constexpr int kReasonSuccess = 0x00;
inline constexpr int kReasonBadCredentials = 0x86;
inline constexpr int kReasonNotAuthorized = 0x87;
inline constexpr int kReasonServerBusy = 0x89;
inline constexpr int kReasonSessionTakenOver = 0x8e;
inline constexpr int kReasonPacketTooLarge = 0x95;
inline constexpr int kReasonQuotaExceeded = 0x97;
inline constexpr int kReasonPayloadInvalid = 0x99;

// What a reason code means, for people.
std::string describe_reason(int reason);

// Made by the caller, unique within a connection; comes back with the outcome.
using Ticket = std::uint64_t;

struct Outcome {
  int reason = kReasonSuccess;
  std::string message;  // for people; empty on success
  bool ok() const { return reason >= 0 && reason < 0x80; }
};

struct ConnectRequest {
  std::string host;
  std::uint16_t port = 1883;
  std::string client_id;
  std::string username;
  std::string password;
  std::chrono::seconds keep_alive{20};
  std::chrono::seconds timeout{10};
};

class TransportObserver {
 public:
  virtual ~TransportObserver() = default;
  virtual void on_connect(const Outcome& outcome) = 0;
  // Once for every connection that was up, whoever ended it (except by close()).
  virtual void on_lost(const Outcome& why) = 0;
  virtual void on_publish(Ticket ticket, const Outcome& outcome) = 0;  // PUBACK, or (QoS 0) written
  virtual void on_subscribe(Ticket ticket, const Outcome& outcome) = 0;
  virtual void on_message(std::string_view topic, std::string_view payload) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Starts a connection; on_connect follows. A connection that is still there is dropped without a word.
  virtual void open(const ConnectRequest& request) = 0;
  // DISCONNECT, waiting at most `patience` for what is in flight. Nothing is reported for this connection
  // afterwards.
  virtual void close(std::chrono::milliseconds patience) = 0;
  virtual void publish(Ticket ticket, const std::string& topic, std::string_view payload, int qos) = 0;
  virtual void subscribe(Ticket ticket, const std::string& filter, int qos) = 0;
  virtual void unsubscribe(const std::string& filter) = 0;  // best effort, not reported
};

// The observer outlives the transport.
using TransportFactory = std::function<std::unique_ptr<Transport>(TransportObserver& observer)>;
std::unique_ptr<Transport> make_paho_transport(TransportObserver& observer);

}  // namespace parley::client

#endif
