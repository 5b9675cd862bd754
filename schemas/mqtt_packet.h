// MQTT 3.1.1 and 5 packets as bytes: encoders for what a client sends, and an incremental reader of what it
// receives. No I/O, no clock, no state of the protocol (who owes an acknowledgment is the caller's business).
//
// Threads: encoders are pure; a PacketReader belongs to one thread.
//
// Sources: MQTT 3.1.1 and MQTT 5.0 (OASIS), sections 2 and 3. Grammar of a packet:
//   packet    = type:4 flags:4 remaining-length(1..4 bytes, 7 bits each, least first) body
//   string    = u16 length, bytes                     (numbers are big endian)
//   v5 only   = properties after the variable header: variable-length size, then id-value pairs
#ifndef PARLEY_SCHEMAS_MQTT_PACKET_H_
#define PARLEY_SCHEMAS_MQTT_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace parley::mqtt {

enum class Version : std::uint8_t { v311 = 4, v5 = 5 };

enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};
std::string_view to_string(PacketType type);

// Largest remaining length the format can express.
inline constexpr std::size_t kMaxRemainingLength = 268'435'455;

// --- Properties (MQTT 5, 2.2.2) ---------------------------------------------------------------------------

enum class PropertyId : std::uint8_t {
  payload_format = 1,
  message_expiry = 2,
  content_type = 3,
  response_topic = 8,
  correlation_data = 9,
  subscription_id = 11,
  session_expiry = 17,
  assigned_client_id = 18,
  server_keep_alive = 19,
  auth_method = 21,
  auth_data = 22,
  request_problem_info = 23,
  will_delay = 24,
  request_response_info = 25,
  response_info = 26,
  server_reference = 28,
  reason_string = 31,
  receive_maximum = 33,
  topic_alias_maximum = 34,
  topic_alias = 35,
  maximum_qos = 36,
  retain_available = 37,
  user_property = 38,
  maximum_packet_size = 39,
  wildcard_available = 40,
  subscription_id_available = 41,
  shared_available = 42,
};

// Append one property. The number's width on the wire follows from the id. Wrong kind for the id (a number
// for a text property, or the reverse) is a mistake of the caller and appends nothing.
void append_property(std::string& out, PropertyId id, std::uint32_t value);
void append_property(std::string& out, PropertyId id, std::string_view value);
void append_user_property(std::string& out, std::string_view name, std::string_view value);

struct Property {
  PropertyId id{};
  std::uint32_t number = 0;  // of the numeric ones
  std::string_view text;     // of the strings and binaries; the name of a user property
  std::string_view value;    // of a user property
};
// Takes one property off the front of `rest`. Nothing at the end, or when what is left is malformed (then
// `rest` stays as it is: not empty).
std::optional<Property> next_property(std::string_view& rest);
std::optional<Property> find_property(std::string_view properties, PropertyId id);

// --- Encoders ---------------------------------------------------------------------------------------------
// Each appends one whole packet to `out`. Strings longer than 65,535 bytes do not fit the format: such a
// packet is not appended, and the encoder returns false; so does one above kMaxRemainingLength. `properties`
// are encoded properties without their length, ignored for 3.1.1.

struct Will {
  std::string_view topic{};
  std::string_view payload{};
  std::uint8_t qos = 0;
  bool retain = false;
  std::string_view properties{};
};

struct Connect {
  Version version = Version::v311;
  std::string_view client_id{};
  bool clean_start = true;  // clean session in 3.1.1
  std::uint16_t keep_alive_s = 60;
  std::optional<std::string_view> username{};
  std::optional<std::string_view> password{};
  std::optional<Will> will{};
  std::optional<std::uint32_t> session_expiry_s{};  // v5
  std::optional<std::uint16_t> receive_maximum{};   // v5
  std::string_view properties{};                    // v5, beside the two above
};
bool append_connect(std::string& out, const Connect& connect);

struct Publish {
  std::string_view topic{};
  std::string_view payload{};
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::uint16_t packet_id = 0;    // of QoS 1 and 2; not zero
  std::string_view properties{};  // v5
};
bool append_publish(std::string& out, Version version, const Publish& publish);

// PUBACK, PUBREC, PUBREL, PUBCOMP: the short form, and in v5 with a reason when it is not 0.
void append_ack(std::string& out, Version version, PacketType type, std::uint16_t packet_id,
                std::uint8_t reason = 0);

struct Subscription {
  std::string_view filter{};
  std::uint8_t qos = 0;
  bool no_local = false;             // v5
  bool retain_as_published = false;  // v5
  std::uint8_t retain_handling = 0;  // v5
};
bool append_subscribe(std::string& out, Version version, std::uint16_t packet_id,
                      std::span<const Subscription> subscriptions, std::string_view properties = {});
bool append_unsubscribe(std::string& out, Version version, std::uint16_t packet_id,
                        std::span<const std::string_view> filters, std::string_view properties = {});
void append_pingreq(std::string& out);
void append_disconnect(std::string& out, Version version, std::uint8_t reason = 0,
                       std::string_view properties = {});

// --- Reader -----------------------------------------------------------------------------------------------

// One packet. Views point into the reader and live until its next feed() or prepare().
struct Packet {
  PacketType type{};
  std::uint8_t flags = 0;  // the low four bits of the first byte
  // PUBLISH
  std::uint8_t qos = 0;
  bool retain = false;
  bool dup = false;
  std::string_view topic;
  std::string_view payload;
  // PUBLISH with QoS above 0, acknowledgments, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK
  std::uint16_t packet_id = 0;
  // CONNACK
  bool session_present = false;
  // CONNACK, PUBACK and its kin, DISCONNECT, AUTH: the reason (in 3.1.1 CONNACK the return code; else 0)
  std::uint8_t reason = 0;
  // SUBACK and UNSUBACK: one byte for each filter (none in a 3.1.1 UNSUBACK)
  std::string_view reasons;
  // v5: of this packet, well formed, without their length
  std::string_view properties;
  // All behind the fixed header, for packets that only a server receives (CONNECT, SUBSCRIBE, UNSUBSCRIBE:
  // what stands in them is not looked at, but for the packet id) and for tests.
  std::string_view body;
};

enum class ReadStatus : std::uint8_t { packet, need_more, malformed };

// Cuts a stream of bytes into packets. Checked: lengths, the flags the standard fixes, packet ids that may
// not be zero, QoS 3, PUBLISH topics that are empty or hold a wildcard, property lists. Not checked: UTF-8.
// After `malformed` the stream is lost: every further next() says the same.
class PacketReader {
 public:
  explicit PacketReader(Version version, std::size_t max_packet_bytes = 1 << 20);

  void feed(std::string_view bytes);
  // The same without a copy: room for at least `size` bytes to receive into, then how many arrived.
  std::span<char> prepare(std::size_t size);
  void commit(std::size_t size);

  ReadStatus next(Packet& packet);
  const std::string& error() const { return error_; }  // after malformed: why
  std::size_t buffered() const { return end_ - begin_; }

 private:
  ReadStatus fail(std::string why);

  Version version_;
  std::size_t max_packet_bytes_;
  std::string buffer_;
  std::size_t begin_ = 0;  // buffer_[begin_, end_) is not consumed yet
  std::size_t end_ = 0;
  std::string error_;
};

}  // namespace parley::mqtt

#endif
