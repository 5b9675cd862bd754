// An MQTT client for tests that shows every packet: nothing is resent, reconnected or interpreted on its own,
// and every wait has a deadline.
#ifndef PARLEY_TESTS_SUPPORT_RAW_CLIENT_H_
#define PARLEY_TESTS_SUPPORT_RAW_CLIENT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/mqtt_packet.h"
#include "tests/support/deadline.h"
#include "tests/support/unique_fd.h"

namespace parley::test {

using mqtt::PacketType;
using mqtt::Version;

// A received packet, owning its bytes.
struct Received {
  PacketType type{};
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::string topic;
  std::string payload;
  std::uint16_t packet_id = 0;
  bool session_present = false;
  std::uint8_t reason = 0;
  std::string reasons;
  std::string properties;
};

struct WillOptions {
  std::string topic{};
  std::string payload{};
  std::uint8_t qos = 1;
  bool retain = false;
  std::optional<std::uint32_t> delay_s{};  // v5
};

struct ConnectOptions {
  std::string client_id{};
  std::string username{};
  std::string password{};  // empty: none sent
  Version version = Version::v5;
  bool clean = true;
  std::uint16_t keep_alive_s = 60;
  std::optional<WillOptions> will{};
  std::optional<std::uint32_t> session_expiry_s{};  // v5
  std::optional<std::uint16_t> receive_maximum{};   // v5
  int receive_buffer =
      0;  // bytes of kernel buffer (SO_RCVBUF), to make a client that soon stops taking; 0: default
};

struct PublishOptions {
  std::uint8_t qos = 1;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;  // 0: the next free one
  std::string properties{};     // v5, encoded
};

// Blocking, one thread. What a test waits for and does not get within the deadline throws std::runtime_error
// that tells what came instead, so that a test fails at the line that waited.
//
// Incoming PUBLISH packets are acknowledged and kept in an inbox while the client waits for other packets.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, Version version = Version::v5, int receive_buffer = 0);
  // Connects as `options` say and returns the CONNACK; `client` is usable when its reason is 0.
  Received connect(const ConnectOptions& options);
  // A connected client, or std::runtime_error with the CONNACK's reason.
  static RawClient connected(std::uint16_t port, const ConnectOptions& options);

  // --- whole exchanges
  // Publishes and waits for PUBACK (QoS 1) or PUBCOMP (2; a refusing PUBREC ends it); returns its
  // reason, 0 for every success.
  std::uint8_t publish(std::string_view topic, std::string_view payload, const PublishOptions& options = {});
  // Subscribes and waits; returns the reason of SUBACK: the QoS granted, or 0x80 and above.
  std::uint8_t subscribe(std::string_view filter, std::uint8_t qos = 1);
  void unsubscribe(std::string_view filter);
  // Waits until the broker has worked on everything sent so far (PINGREQ, PINGRESP).
  void ping();
  void disconnect();  // DISCONNECT and close: no will
  void abort();       // just close, as a died client: the will is sent

  // --- the next message, from the inbox or the wire
  std::optional<Received> next(Deadline deadline = kPatience);
  // The next message on the topic; others are dropped. Throws when there is none.
  Received expect_on(std::string_view topic, Deadline deadline = kPatience);
  // True when no message arrives. Pings first: what the broker had queued for us before is here then.
  bool silent(Deadline deadline = kSilence);
  // Waits for a message which `wanted` accepts; others are dropped. Throws when there is none.
  Received expect_message(const std::function<bool(const Received&)>& wanted, std::string_view what,
                          Deadline deadline = kPatience);

  // --- packets
  std::uint16_t send_publish(std::string_view topic, std::string_view payload,
                             const PublishOptions& options = {});
  void send_bytes(std::string_view bytes);  // throws when the connection breaks
  bool try_send_bytes(std::string_view bytes);
  // The next packet of this type (and packet id, unless 0). Messages go to the inbox; any other packet
  // throws.
  Received expect(PacketType type, std::uint16_t packet_id = 0, Deadline deadline = kPatience);
  // The next packet that is no message.
  std::optional<Received> next_control(Deadline deadline = kPatience);
  // Waits until the broker closes the connection; false when it stays open. The reason of a v5 DISCONNECT
  // that came before is in last_disconnect().
  bool closed(Deadline deadline = kPatience);
  std::optional<std::uint8_t> last_disconnect() const { return last_disconnect_; }

  void set_auto_ack(bool on) { auto_ack_ = on; }  // off: a client that never acknowledges
  bool open() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  std::uint16_t next_packet_id();
  std::deque<Received>& inbox() { return inbox_; }

 private:
  // Reads the next packet; nothing at the deadline or when closed.
  std::optional<Received> read_packet(Deadline deadline);
  void take_message(Received message);

  UniqueFd fd_;
  Version version_;
  mqtt::PacketReader reader_;
  std::deque<Received> inbox_;
  std::uint16_t packet_id_ = 0;
  bool auto_ack_ = true;
  std::optional<std::uint8_t> last_disconnect_;
};

std::string describe(const Received& packet);

}  // namespace parley::test

#endif
