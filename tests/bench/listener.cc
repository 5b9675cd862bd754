#include "tests/bench/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/bench/payload.h"
#include "tests/bench/usage.h"

namespace parley::bench {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMaxPacket = 16 << 20;

}  // namespace

Listener::Listener(test::UniqueFd fd, int room, int publishers, bool parley)
    : fd_(std::move(fd)),
      room_(room),
      parley_(parley),
      reader_(mqtt::Version::v311, kMaxPacket),
      next_number_(static_cast<std::size_t>(publishers)) {}

void Listener::read(Histogram* latencies) {
  while (true) {
    auto space = reader_.prepare(parley_ ? kReadBytes : kReadBytes / 16);
    const ssize_t n = recv(fd_.get(), space.data(), space.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) {
      throw std::runtime_error("the broker closed a subscriber's connection" +
                               (n < 0 ? ": " + std::string(std::strerror(errno)) : std::string()));
    }
    reader_.commit(static_cast<std::size_t>(n));
    const std::uint64_t now = now_ns();
    mqtt::Packet packet;
    mqtt::ReadStatus status;
    const std::uint64_t before = bytes_ + reader_.buffered();
    while ((status = reader_.next(packet)) == mqtt::ReadStatus::packet) {
      bytes_ = before - reader_.buffered();
      on_packet(packet, now, latencies);
    }
    if (status == mqtt::ReadStatus::malformed)
      throw std::runtime_error("the broker sent nonsense: " + reader_.error());
    if (!acks_.empty()) {
      // A few bytes on a socket nothing else is written to: they fit.
      if (send(fd_.get(), acks_.data(), acks_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(acks_.size())) {
        throw std::runtime_error("cannot acknowledge");
      }
      acks_.clear();
    }
    if (static_cast<std::size_t>(n) < space.size()) break;
  }
}

void Listener::on_packet(const mqtt::Packet& packet, std::uint64_t now_ns, Histogram* latencies) {
  if (packet.type != mqtt::PacketType::publish) {
    throw std::runtime_error("a subscriber got " + std::string(to_string(packet.type)));
  }
  ++packets_;
  if (packet.qos == 1)
    mqtt::append_ack(acks_, mqtt::Version::v311, mqtt::PacketType::puback, packet.packet_id);
  if (parley_) {
    on_frame(packet.payload, now_ns, latencies);
  } else {
    on_body(packet.payload, now_ns, latencies);
  }
  if (recording_) places_.push_back({bytes_, events_});
}

void Listener::on_frame(std::string_view payload, std::uint64_t now_ns, Histogram* latencies) {
  const auto frame = read_frame({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
  if (!frame) {
    ++faults_.unreadable;
    return;
  }
  for (const Bytes& bytes : frame->events) {
    const auto event = event_reader_.read(bytes);
    if (!event) {
      ++faults_.unreadable;
      continue;
    }
    if (raw(event->stamp.prev) != last_seq_ || raw(event->stamp.seq) <= last_seq_) ++faults_.broken_prev;
    last_seq_ = raw(event->stamp.seq);
    on_body(event->send.body, now_ns, latencies);
  }
}

void Listener::on_body(std::string_view body, std::uint64_t now_ns, Histogram* latencies) {
  const auto mark = parse_body(body);
  if (!mark || mark->publisher >= next_number_.size()) {
    ++faults_.unreadable;
    return;
  }
  ++events_;
  std::uint64_t& next = next_number_[mark->publisher];
  if (mark->number < next) {
    ++faults_.repeated;
    return;
  }
  faults_.missing += mark->number - next;
  next = mark->number + 1;
  if (latencies != nullptr && now_ns > mark->sent_ns) latencies->add(now_ns - mark->sent_ns);
}

}  // namespace parley::bench
