#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace parley::test {
namespace {

Received own(const mqtt::Packet& packet) {
  return {packet.type,
          packet.qos,
          packet.retain,
          packet.dup,
          std::string(packet.topic),
          std::string(packet.payload),
          packet.packet_id,
          packet.session_present,
          packet.reason,
          std::string(packet.reasons),
          std::string(packet.properties)};
}

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error(why); }

}  // namespace

std::string describe(const Received& packet) {
  std::string text(mqtt::to_string(packet.type));
  if (packet.type == PacketType::publish) {
    return text + " " + packet.topic + " (" + std::to_string(packet.payload.size()) + " bytes)";
  }
  return text + " id " + std::to_string(packet.packet_id) + " reason " + std::to_string(packet.reason);
}

RawClient::RawClient(std::uint16_t port, Version version, int receive_buffer)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), version_(version), reader_(version, 64 << 20) {
  if (receive_buffer > 0)
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot connect to port " + std::to_string(port) + ": " + std::strerror(errno));
  }
  int on = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

RawClient RawClient::connected(std::uint16_t port, const ConnectOptions& options) {
  RawClient client(port, options.version, options.receive_buffer);
  const Received answer = client.connect(options);
  if (answer.reason != 0) {
    fail("client " + options.client_id + " was refused with reason " + std::to_string(answer.reason));
  }
  return client;
}

Received RawClient::connect(const ConnectOptions& options) {
  mqtt::Connect connect;
  connect.version = options.version;
  connect.client_id = options.client_id;
  connect.clean_start = options.clean;
  connect.keep_alive_s = options.keep_alive_s;
  // 3.1.1 allows no password without a user name ([MQTT-3.1.2-22]); an empty one will do.
  if (!options.username.empty() || !options.password.empty()) connect.username = options.username;
  if (!options.password.empty()) connect.password = options.password;
  std::string will_properties;
  if (options.will) {
    if (options.will->delay_s) {
      mqtt::append_property(will_properties, mqtt::PropertyId::will_delay, *options.will->delay_s);
    }
    connect.will = mqtt::Will{options.will->topic, options.will->payload, options.will->qos,
                              options.will->retain, will_properties};
  }
  connect.session_expiry_s = options.session_expiry_s;
  connect.receive_maximum = options.receive_maximum;
  std::string bytes;
  if (!mqtt::append_connect(bytes, connect)) fail("this CONNECT does not fit the format");
  send_bytes(bytes);
  return expect(PacketType::connack);
}

std::uint16_t RawClient::next_packet_id() {
  if (++packet_id_ == 0) packet_id_ = 1;
  return packet_id_;
}

std::uint16_t RawClient::send_publish(std::string_view topic, std::string_view payload,
                                      const PublishOptions& options) {
  mqtt::Publish publish;
  publish.topic = topic;
  publish.payload = payload;
  publish.qos = options.qos;
  publish.retain = options.retain;
  publish.dup = options.dup;
  if (options.qos > 0) publish.packet_id = options.packet_id != 0 ? options.packet_id : next_packet_id();
  publish.properties = options.properties;
  std::string bytes;
  if (!mqtt::append_publish(bytes, version_, publish)) fail("this PUBLISH does not fit the format");
  send_bytes(bytes);
  return publish.packet_id;
}

std::uint8_t RawClient::publish(std::string_view topic, std::string_view payload,
                                const PublishOptions& options) {
  const std::uint16_t id = send_publish(topic, payload, options);
  if (options.qos == 0) return 0;
  // 0x10, "no matching subscribers", is a success.
  const auto success_is_0 = [](std::uint8_t reason) -> std::uint8_t { return reason < 0x80 ? 0 : reason; };
  if (options.qos == 1) return success_is_0(expect(PacketType::puback, id).reason);
  const std::uint8_t reason = success_is_0(expect(PacketType::pubrec, id).reason);
  if (reason != 0) return reason;
  std::string bytes;
  mqtt::append_ack(bytes, version_, PacketType::pubrel, id);
  send_bytes(bytes);
  return expect(PacketType::pubcomp, id).reason;
}

std::uint8_t RawClient::subscribe(std::string_view filter, std::uint8_t qos) {
  const std::uint16_t id = next_packet_id();
  const mqtt::Subscription subscription{filter, qos};
  std::string bytes;
  if (!mqtt::append_subscribe(bytes, version_, id, {&subscription, 1})) fail("this SUBSCRIBE does not fit");
  send_bytes(bytes);
  const Received answer = expect(PacketType::suback, id);
  if (answer.reasons.size() != 1)
    fail("SUBACK with " + std::to_string(answer.reasons.size()) + " reasons for 1");
  return static_cast<std::uint8_t>(answer.reasons[0]);
}

void RawClient::unsubscribe(std::string_view filter) {
  const std::uint16_t id = next_packet_id();
  std::string bytes;
  if (!mqtt::append_unsubscribe(bytes, version_, id, {&filter, 1})) fail("this UNSUBSCRIBE does not fit");
  send_bytes(bytes);
  expect(PacketType::unsuback, id);
}

void RawClient::ping() {
  std::string bytes;
  mqtt::append_pingreq(bytes);
  send_bytes(bytes);
  expect(PacketType::pingresp);
}

void RawClient::disconnect() {
  std::string bytes;
  mqtt::append_disconnect(bytes, version_);
  try_send_bytes(bytes);
  shutdown(fd_.get(), SHUT_WR);
  closed();  // so that the broker has seen it before the test goes on
  fd_.reset();
}

void RawClient::abort() { fd_.reset(); }

bool RawClient::try_send_bytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void RawClient::send_bytes(std::string_view bytes) {
  if (!try_send_bytes(bytes))
    fail(std::string("the connection broke while sending: ") + std::strerror(errno));
}

std::optional<Received> RawClient::read_packet(Deadline deadline) {
  mqtt::Packet packet;
  while (true) {
    switch (reader_.next(packet)) {
      case mqtt::ReadStatus::packet:
        return own(packet);
      case mqtt::ReadStatus::malformed:
        fail("the broker sent a malformed packet: " + reader_.error());
      case mqtt::ReadStatus::need_more:
        break;
    }
    if (!fd_) return std::nullopt;
    pollfd entry{fd_.get(), POLLIN, 0};
    const int ready = poll(&entry, 1, deadline.remaining_ms());
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    auto room = reader_.prepare(64 << 10);
    const ssize_t got = recv(fd_.get(), room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      fd_.reset();
      return std::nullopt;
    }
    reader_.commit(static_cast<std::size_t>(got));
  }
}

void RawClient::take_message(Received message) {
  if (auto_ack_ && message.qos > 0) {
    std::string bytes;
    mqtt::append_ack(bytes, version_, message.qos == 1 ? PacketType::puback : PacketType::pubrec,
                     message.packet_id);
    try_send_bytes(bytes);
  }
  inbox_.push_back(std::move(message));
}

std::optional<Received> RawClient::next_control(Deadline deadline) {
  while (auto packet = read_packet(deadline)) {
    if (packet->type == PacketType::publish) {
      take_message(std::move(*packet));
      continue;
    }
    if (packet->type == PacketType::pubrel) {  // second half of a QoS 2 message to us
      std::string bytes;
      mqtt::append_ack(bytes, version_, PacketType::pubcomp, packet->packet_id);
      try_send_bytes(bytes);
      continue;
    }
    if (packet->type == PacketType::disconnect) last_disconnect_ = packet->reason;
    return packet;
  }
  return std::nullopt;
}

Received RawClient::expect(PacketType type, std::uint16_t packet_id, Deadline deadline) {
  auto packet = next_control(deadline);
  const std::string wanted = std::string(mqtt::to_string(type)) +
                             (packet_id != 0 ? " id " + std::to_string(packet_id) : std::string());
  if (!packet) fail(wanted + " did not come; the connection is " + (fd_ ? "open" : "closed"));
  if (packet->type != type || (packet_id != 0 && packet->packet_id != packet_id)) {
    fail("waited for " + wanted + ", got " + describe(*packet));
  }
  return *packet;
}

std::optional<Received> RawClient::next(Deadline deadline) {
  while (inbox_.empty()) {
    auto packet = read_packet(deadline);
    if (!packet) return std::nullopt;
    if (packet->type == PacketType::publish) {
      take_message(std::move(*packet));
    } else if (packet->type == PacketType::pubrel) {
      std::string bytes;
      mqtt::append_ack(bytes, version_, PacketType::pubcomp, packet->packet_id);
      try_send_bytes(bytes);
    } else if (packet->type == PacketType::disconnect) {
      last_disconnect_ = packet->reason;
    } else if (packet->type != PacketType::puback) {  // a pipelined publish's answer may be in between
      fail("waited for a message, got " + describe(*packet));
    }
  }
  Received message = std::move(inbox_.front());
  inbox_.pop_front();
  return message;
}

Received RawClient::expect_message(const std::function<bool(const Received&)>& wanted, std::string_view what,
                                   Deadline deadline) {
  std::string seen;
  while (auto message = next(deadline)) {
    if (wanted(*message)) return *message;
    if (seen.size() < 2000) seen += "\n  " + message->topic + ": " + message->payload.substr(0, 200);
  }
  fail("waited for " + std::string(what) + "; the connection is " + (fd_ ? "open" : "closed") +
       (seen.empty() ? "; no message came" : "; came instead:" + seen));
}

Received RawClient::expect_on(std::string_view topic, Deadline deadline) {
  return expect_message([&](const Received& message) { return message.topic == topic; },
                        "a message on " + std::string(topic), deadline);
}

bool RawClient::silent(Deadline deadline) {
  ping();
  return !next(deadline).has_value();
}

bool RawClient::closed(Deadline deadline) {
  while (fd_) {
    if (!next_control(deadline) && fd_) return false;
  }
  return true;
}

}  // namespace parley::test
