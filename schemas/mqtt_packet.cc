#include "schemas/mqtt_packet.h"

#include <algorithm>
#include <cstring>

namespace parley::mqtt {
namespace {

// How a property's value is written (MQTT 5.0, table 2-4).
enum class Shape : std::uint8_t { none, byte, two_bytes, four_bytes, variable, text, text_pair };

Shape shape_of(PropertyId id) {
  switch (id) {
    case PropertyId::payload_format:
    case PropertyId::request_problem_info:
    case PropertyId::request_response_info:
    case PropertyId::maximum_qos:
    case PropertyId::retain_available:
    case PropertyId::wildcard_available:
    case PropertyId::subscription_id_available:
    case PropertyId::shared_available:
      return Shape::byte;
    case PropertyId::server_keep_alive:
    case PropertyId::receive_maximum:
    case PropertyId::topic_alias_maximum:
    case PropertyId::topic_alias:
      return Shape::two_bytes;
    case PropertyId::message_expiry:
    case PropertyId::session_expiry:
    case PropertyId::will_delay:
    case PropertyId::maximum_packet_size:
      return Shape::four_bytes;
    case PropertyId::subscription_id:
      return Shape::variable;
    case PropertyId::content_type:
    case PropertyId::response_topic:
    case PropertyId::correlation_data:
    case PropertyId::assigned_client_id:
    case PropertyId::auth_method:
    case PropertyId::auth_data:
    case PropertyId::response_info:
    case PropertyId::server_reference:
    case PropertyId::reason_string:
      return Shape::text;
    case PropertyId::user_property:
      return Shape::text_pair;
  }
  return Shape::none;
}

constexpr std::size_t kMaxString = 65'535;

void put_u8(std::string& out, std::uint32_t value) { out.push_back(static_cast<char>(value & 0xff)); }
void put_u16(std::string& out, std::uint32_t value) {
  put_u8(out, value >> 8);
  put_u8(out, value);
}
void put_u32(std::string& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value);
}
void put_variable(std::string& out, std::size_t value) {
  do {
    auto byte = static_cast<std::uint32_t>(value & 0x7f);
    value >>= 7;
    put_u8(out, value != 0 ? byte | 0x80 : byte);
  } while (value != 0);
}
void put_string(std::string& out, std::string_view text) {
  put_u16(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}
void put_properties(std::string& out, std::string_view properties) {
  put_variable(out, properties.size());
  out.append(properties);
}
std::size_t variable_size(std::size_t value) {
  return value < 128 ? 1 : value < 16'384 ? 2 : value < 2'097'152 ? 3 : 4;
}
std::size_t properties_size(Version version, std::string_view properties) {
  return version == Version::v5 ? variable_size(properties.size()) + properties.size() : 0;
}
bool fits(std::string_view text) { return text.size() <= kMaxString; }

bool begin_packet(std::string& out, PacketType type, std::uint32_t flags, std::size_t remaining) {
  if (remaining > kMaxRemainingLength) return false;
  put_u8(out, (static_cast<std::uint32_t>(type) << 4) | flags);
  put_variable(out, remaining);
  return true;
}

// Takes values off the front of a body; once one did not fit, `ok` stays false.
struct Cursor {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(std::size_t size) {
    if (size > rest.size()) {
      ok = false;
      return {};
    }
    std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (char c : bytes(size)) value = (value << 8) | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view text() { return bytes(number(2)); }
  std::uint32_t variable() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 28; shift += 7) {
      std::uint32_t byte = number(1);
      if (!ok) return 0;
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    ok = false;
    return 0;
  }
  std::string_view properties() {
    std::string_view all = bytes(variable());
    std::string_view left = all;
    while (next_property(left)) {
    }
    if (!left.empty()) ok = false;
    return all;
  }
};

// The flags the standard fixes for a type (3.1.1, table 2.2); PUBLISH has its own.
std::uint8_t fixed_flags(PacketType type) {
  bool two = type == PacketType::pubrel || type == PacketType::subscribe || type == PacketType::unsubscribe;
  return two ? 2 : 0;
}

const char* parse_publish(Version version, Packet& packet) {
  packet.qos = (packet.flags >> 1) & 3;
  packet.retain = (packet.flags & 1) != 0;
  packet.dup = (packet.flags & 8) != 0;
  if (packet.qos == 3) return "PUBLISH with QoS 3";
  Cursor in{packet.body};
  packet.topic = in.text();
  if (packet.qos > 0) packet.packet_id = static_cast<std::uint16_t>(in.number(2));
  if (version == Version::v5) packet.properties = in.properties();
  if (!in.ok) return "PUBLISH shorter than its parts";
  if (packet.qos > 0 && packet.packet_id == 0) return "PUBLISH with packet id 0";
  // Only v5 may leave the topic out, for a topic alias.
  if (packet.topic.empty() && !find_property(packet.properties, PropertyId::topic_alias)) {
    return "PUBLISH without a topic";
  }
  if (packet.topic.find_first_of("+#") != std::string_view::npos) return "PUBLISH to a topic with a wildcard";
  packet.payload = in.rest;
  return nullptr;
}

const char* parse_connack(Version version, Packet& packet) {
  Cursor in{packet.body};
  std::uint32_t flags = in.number(1);
  packet.session_present = (flags & 1) != 0;
  packet.reason = static_cast<std::uint8_t>(in.number(1));
  // A v5 client refused for its protocol version gets the two-byte form of 3.1.1.
  if (version == Version::v5 && !in.rest.empty()) packet.properties = in.properties();
  if (!in.ok || !in.rest.empty()) return "CONNACK of a wrong length";
  if (flags > 1) return "CONNACK with reserved flags";
  return nullptr;
}

const char* parse_ack(Version version, Packet& packet) {
  Cursor in{packet.body};
  packet.packet_id = static_cast<std::uint16_t>(in.number(2));
  if (version == Version::v5) {
    if (!in.rest.empty()) packet.reason = static_cast<std::uint8_t>(in.number(1));
    if (!in.rest.empty()) packet.properties = in.properties();
  }
  if (!in.ok || !in.rest.empty()) return "acknowledgment of a wrong length";
  return packet.packet_id == 0 ? "acknowledgment of packet id 0" : nullptr;
}

const char* parse_suback(Version version, Packet& packet) {
  Cursor in{packet.body};
  packet.packet_id = static_cast<std::uint16_t>(in.number(2));
  if (version == Version::v5) packet.properties = in.properties();
  packet.reasons = in.rest;
  if (!in.ok) return "SUBACK or UNSUBACK shorter than its parts";
  bool bare = packet.type == PacketType::unsuback && version == Version::v311;
  if (bare != packet.reasons.empty()) return "SUBACK or UNSUBACK of a wrong length";
  return packet.packet_id == 0 ? "SUBACK or UNSUBACK of packet id 0" : nullptr;
}

// DISCONNECT and AUTH.
const char* parse_reason(Version version, Packet& packet) {
  Cursor in{packet.body};
  if (version == Version::v5) {
    if (!in.rest.empty()) packet.reason = static_cast<std::uint8_t>(in.number(1));
    if (!in.rest.empty()) packet.properties = in.properties();
  }
  return !in.ok || !in.rest.empty() ? "DISCONNECT or AUTH of a wrong length" : nullptr;
}

// Fills the packet from its type, flags and body. Returns what is wrong, or null.
const char* parse_body(Version version, Packet& packet) {
  if (packet.type == PacketType::publish) return parse_publish(version, packet);
  if (packet.flags != fixed_flags(packet.type)) return "reserved flags in the first byte";
  switch (packet.type) {
    case PacketType::connack:
      return parse_connack(version, packet);
    case PacketType::puback:
    case PacketType::pubrec:
    case PacketType::pubrel:
    case PacketType::pubcomp:
      return parse_ack(version, packet);
    case PacketType::suback:
    case PacketType::unsuback:
      return parse_suback(version, packet);
    case PacketType::subscribe:
    case PacketType::unsubscribe: {
      Cursor in{packet.body};
      packet.packet_id = static_cast<std::uint16_t>(in.number(2));
      return in.ok && packet.packet_id != 0 ? nullptr : "SUBSCRIBE or UNSUBSCRIBE without a packet id";
    }
    case PacketType::pingreq:
    case PacketType::pingresp:
      return packet.body.empty() ? nullptr : "PINGREQ or PINGRESP with a body";
    case PacketType::auth:
      if (version != Version::v5) return "AUTH in MQTT 3.1.1";
      return parse_reason(version, packet);
    case PacketType::disconnect:
      return parse_reason(version, packet);
    case PacketType::connect:
    case PacketType::publish:
      return nullptr;
  }
  return "packet type 0";
}

std::string connect_properties(const Connect& connect) {
  std::string properties;
  if (connect.session_expiry_s)
    append_property(properties, PropertyId::session_expiry, *connect.session_expiry_s);
  if (connect.receive_maximum)
    append_property(properties, PropertyId::receive_maximum, *connect.receive_maximum);
  properties.append(connect.properties);
  return properties;
}

}  // namespace

std::string_view to_string(PacketType type) {
  static constexpr std::string_view kNames[] = {
      "reserved",  "CONNECT", "CONNACK",     "PUBLISH",  "PUBACK",  "PUBREC",   "PUBREL",     "PUBCOMP",
      "SUBSCRIBE", "SUBACK",  "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"};
  return kNames[static_cast<std::uint8_t>(type) & 15];
}

void append_property(std::string& out, PropertyId id, std::uint32_t value) {
  Shape shape = shape_of(id);
  if (shape == Shape::none || shape == Shape::text || shape == Shape::text_pair) return;
  put_u8(out, static_cast<std::uint32_t>(id));
  if (shape == Shape::byte) put_u8(out, value);
  if (shape == Shape::two_bytes) put_u16(out, value);
  if (shape == Shape::four_bytes) put_u32(out, value);
  if (shape == Shape::variable) put_variable(out, std::min<std::size_t>(value, kMaxRemainingLength));
}

void append_property(std::string& out, PropertyId id, std::string_view value) {
  if (shape_of(id) != Shape::text || !fits(value)) return;
  put_u8(out, static_cast<std::uint32_t>(id));
  put_string(out, value);
}

void append_user_property(std::string& out, std::string_view name, std::string_view value) {
  if (!fits(name) || !fits(value)) return;
  put_u8(out, static_cast<std::uint32_t>(PropertyId::user_property));
  put_string(out, name);
  put_string(out, value);
}

std::optional<Property> next_property(std::string_view& rest) {
  if (rest.empty()) return std::nullopt;
  Cursor in{rest};
  Property property;
  property.id = static_cast<PropertyId>(in.number(1));
  switch (shape_of(property.id)) {
    case Shape::none:
      return std::nullopt;
    case Shape::byte:
      property.number = in.number(1);
      break;
    case Shape::two_bytes:
      property.number = in.number(2);
      break;
    case Shape::four_bytes:
      property.number = in.number(4);
      break;
    case Shape::variable:
      property.number = in.variable();
      break;
    case Shape::text:
      property.text = in.text();
      break;
    case Shape::text_pair:
      property.text = in.text();
      property.value = in.text();
      break;
  }
  if (!in.ok) return std::nullopt;
  rest = in.rest;
  return property;
}

std::optional<Property> find_property(std::string_view properties, PropertyId id) {
  while (auto property = next_property(properties)) {
    if (property->id == id) return property;
  }
  return std::nullopt;
}

bool append_connect(std::string& out, const Connect& connect) {
  const bool v5 = connect.version == Version::v5;
  const std::string properties = v5 ? connect_properties(connect) : std::string();
  if (!fits(connect.client_id)) return false;
  std::uint32_t flags = connect.clean_start ? 2 : 0;
  std::size_t size = 10 + properties_size(connect.version, properties) + 2 + connect.client_id.size();
  if (const auto& will = connect.will) {
    if (!fits(will->topic) || !fits(will->payload)) return false;
    flags |= 4u | (static_cast<std::uint32_t>(will->qos & 3) << 3) | (will->retain ? 32u : 0u);
    size +=
        properties_size(connect.version, will->properties) + 4 + will->topic.size() + will->payload.size();
  }
  for (const auto* text : {&connect.username, &connect.password}) {
    if (!*text) continue;
    if (!fits(**text)) return false;
    flags |= text == &connect.username ? 128u : 64u;
    size += 2 + (*text)->size();
  }
  if (!begin_packet(out, PacketType::connect, 0, size)) return false;
  put_string(out, "MQTT");
  put_u8(out, static_cast<std::uint32_t>(connect.version));
  put_u8(out, flags);
  put_u16(out, connect.keep_alive_s);
  if (v5) put_properties(out, properties);
  put_string(out, connect.client_id);
  if (connect.will) {
    if (v5) put_properties(out, connect.will->properties);
    put_string(out, connect.will->topic);
    put_string(out, connect.will->payload);
  }
  if (connect.username) put_string(out, *connect.username);
  if (connect.password) put_string(out, *connect.password);
  return true;
}

bool append_publish(std::string& out, Version version, const Publish& publish) {
  if (!fits(publish.topic)) return false;
  std::size_t size = 2 + publish.topic.size() + (publish.qos > 0 ? 2 : 0) +
                     properties_size(version, publish.properties) + publish.payload.size();
  std::uint32_t flags = (publish.dup ? 8u : 0u) | (static_cast<std::uint32_t>(publish.qos & 3) << 1) |
                        (publish.retain ? 1u : 0u);
  if (!begin_packet(out, PacketType::publish, flags, size)) return false;
  put_string(out, publish.topic);
  if (publish.qos > 0) put_u16(out, publish.packet_id);
  if (version == Version::v5) put_properties(out, publish.properties);
  out.append(publish.payload);
  return true;
}

void append_ack(std::string& out, Version version, PacketType type, std::uint16_t packet_id,
                std::uint8_t reason) {
  const bool with_reason = version == Version::v5 && reason != 0;
  begin_packet(out, type, fixed_flags(type), with_reason ? 3 : 2);
  put_u16(out, packet_id);
  if (with_reason) put_u8(out, reason);
}

bool append_subscribe(std::string& out, Version version, std::uint16_t packet_id,
                      std::span<const Subscription> subscriptions, std::string_view properties) {
  std::size_t size = 2 + properties_size(version, properties);
  for (const Subscription& s : subscriptions) {
    if (!fits(s.filter)) return false;
    size += 3 + s.filter.size();
  }
  if (!begin_packet(out, PacketType::subscribe, fixed_flags(PacketType::subscribe), size)) return false;
  put_u16(out, packet_id);
  if (version == Version::v5) put_properties(out, properties);
  for (const Subscription& s : subscriptions) {
    put_string(out, s.filter);
    std::uint32_t options = s.qos & 3;
    if (version == Version::v5) {
      options |= (s.no_local ? 4u : 0u) | (s.retain_as_published ? 8u : 0u) |
                 (static_cast<std::uint32_t>(s.retain_handling & 3) << 4);
    }
    put_u8(out, options);
  }
  return true;
}

bool append_unsubscribe(std::string& out, Version version, std::uint16_t packet_id,
                        std::span<const std::string_view> filters, std::string_view properties) {
  std::size_t size = 2 + properties_size(version, properties);
  for (std::string_view filter : filters) {
    if (!fits(filter)) return false;
    size += 2 + filter.size();
  }
  if (!begin_packet(out, PacketType::unsubscribe, fixed_flags(PacketType::unsubscribe), size)) return false;
  put_u16(out, packet_id);
  if (version == Version::v5) put_properties(out, properties);
  for (std::string_view filter : filters) put_string(out, filter);
  return true;
}

void append_pingreq(std::string& out) { begin_packet(out, PacketType::pingreq, 0, 0); }

void append_disconnect(std::string& out, Version version, std::uint8_t reason, std::string_view properties) {
  const bool with_reason = version == Version::v5 && (reason != 0 || !properties.empty());
  if (!with_reason) {
    begin_packet(out, PacketType::disconnect, 0, 0);
    return;
  }
  begin_packet(out, PacketType::disconnect, 0, 1 + properties_size(version, properties));
  put_u8(out, reason);
  put_properties(out, properties);
}

PacketReader::PacketReader(Version version, std::size_t max_packet_bytes)
    : version_(version), max_packet_bytes_(max_packet_bytes) {}

void PacketReader::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  std::span<char> space = prepare(bytes.size());
  std::memcpy(space.data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

std::span<char> PacketReader::prepare(std::size_t size) {
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - end_ < size) {
    // Move what is left to the front first, so that the buffer grows no further than one packet and one read.
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (buffer_.size() - end_ < size) buffer_.resize(std::max(end_ + size, buffer_.size() * 2));
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void PacketReader::commit(std::size_t size) { end_ = std::min(end_ + size, buffer_.size()); }

ReadStatus PacketReader::fail(std::string why) {
  error_ = std::move(why);
  return ReadStatus::malformed;
}

ReadStatus PacketReader::next(Packet& packet) {
  if (!error_.empty()) return ReadStatus::malformed;
  const std::string_view in(buffer_.data() + begin_, end_ - begin_);
  std::size_t remaining = 0;
  std::size_t header = 1;
  for (int shift = 0;; shift += 7, ++header) {
    if (shift == 28) return fail("remaining length of more than four bytes");
    if (in.size() <= header) return ReadStatus::need_more;
    const auto byte = static_cast<std::uint8_t>(in[header]);
    remaining |= static_cast<std::size_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) break;
  }
  ++header;
  if (header + remaining > max_packet_bytes_) {
    return fail("packet of " + std::to_string(header + remaining) + " bytes; at most " +
                std::to_string(max_packet_bytes_) + " are taken");
  }
  if (in.size() < header + remaining) return ReadStatus::need_more;

  packet = Packet{};
  packet.type = static_cast<PacketType>(static_cast<std::uint8_t>(in[0]) >> 4);
  packet.flags = static_cast<std::uint8_t>(in[0]) & 15;
  packet.body = in.substr(header, remaining);
  if (const char* wrong = parse_body(version_, packet)) return fail(wrong);
  begin_ += header + remaining;
  return ReadStatus::packet;
}

}  // namespace parley::mqtt
