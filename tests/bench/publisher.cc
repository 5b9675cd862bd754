#include "tests/bench/publisher.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/bench/usage.h"

namespace parley::bench {
namespace {

constexpr std::uint64_t kPauseAfterRefusalNs = 100'000'000;

}  // namespace

Publisher::Publisher(test::UniqueFd fd, mqtt::Version version, int room, Stamper stamper, int window)
    : fd_(std::move(fd)),
      room_(room),
      stamper_(std::move(stamper)),
      reader_(version),
      window_(static_cast<std::uint64_t>(window)) {}

void Publisher::read() {
  while (true) {
    auto space = reader_.prepare(4096);
    const ssize_t n = recv(fd_.get(), space.data(), space.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (n <= 0) {
      throw std::runtime_error("the broker closed a publisher's connection" +
                               (n < 0 ? ": " + std::string(std::strerror(errno)) : std::string()));
    }
    reader_.commit(static_cast<std::size_t>(n));
    mqtt::Packet packet;
    mqtt::ReadStatus status;
    while ((status = reader_.next(packet)) == mqtt::ReadStatus::packet) {
      if (packet.type != mqtt::PacketType::puback) {
        throw std::runtime_error("a publisher got " + std::string(to_string(packet.type)) + " with reason " +
                                 std::to_string(packet.reason));
      }
      if (packet.reason < 0x80) {
        ++acked_;
      } else {
        ++refused_;
        resume_ns_ = now_ns() + kPauseAfterRefusalNs;
      }
    }
    if (status == mqtt::ReadStatus::malformed)
      throw std::runtime_error("the broker sent nonsense: " + reader_.error());
    if (static_cast<std::size_t>(n) < space.size()) break;
  }
  flush();
}

std::uint64_t Publisher::publish(std::uint64_t most) {
  if (!out_.empty()) return 0;
  const std::uint64_t count = std::min(most, window_ - std::min(window_, unacked()));
  if (count == 0) return 0;
  const std::uint64_t now = now_ns();
  if (now < resume_ns_) return 0;
  for (std::uint64_t i = 0; i < count; ++i) stamper_.append(out_, published_++, now);
  flush();
  return count;
}

void Publisher::flush() {
  if (out_.empty()) return;
  const ssize_t n = send(fd_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR) {
    throw std::runtime_error(std::string("a publisher cannot write: ") + std::strerror(errno));
  }
  if (n > 0) out_.erase(0, static_cast<std::size_t>(n));
}

}  // namespace parley::bench
