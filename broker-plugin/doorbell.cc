#include "broker-plugin/doorbell.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "broker-plugin/thread_name.h"
#include "schemas/mqtt_packet.h"
#include "schemas/topic.h"

namespace parley::plugin {
namespace {

constexpr auto kVersion = mqtt::Version::v311;
constexpr std::uint16_t kKeepAliveS = 60;
constexpr int kPingEveryMs = 20'000;
constexpr int kFirstRetryMs = 2;
constexpr int kLastRetryMs = 250;

std::string connect_packet(const Doorbell::Credentials& credentials) {
  mqtt::Connect connect;
  connect.version = kVersion;
  connect.client_id = credentials.client_id;
  connect.keep_alive_s = kKeepAliveS;
  connect.username = credentials.client_id;
  connect.password = credentials.password;
  std::string out;
  mqtt::append_connect(out, connect);
  std::vector<mqtt::Subscription> subscriptions;
  for (const std::string_view filter : kDoorbellFilters)
    subscriptions.push_back({.filter = filter, .qos = 0});
  mqtt::append_subscribe(out, kVersion, 1, subscriptions);
  return out;
}

}  // namespace

Doorbell::Doorbell(DoorbellConfig config, Credentials credentials, Metrics& metrics)
    : config_(std::move(config)),
      credentials_(std::move(credentials)),
      metrics_(metrics),
      wake_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_event_ < 0) throw std::runtime_error(std::string("eventfd: ") + std::strerror(errno));
  mqtt::append_publish(bell_, kVersion, {.topic = kDoorbellTopic});
}

Doorbell::~Doorbell() {
  stop();
  close(wake_event_);
}

void Doorbell::start() {
  thread_ = std::thread([this] { run(); });
}

void Doorbell::stop() {
  stopping_.store(true);
  wake();
  if (thread_.joinable()) thread_.join();
}

// What does not fit is left out: a full socket buffer means that the broker has plenty to read, so it is
// awake.
void Doorbell::ring() {
  const std::lock_guard lock(mutex_);
  if (fd_ < 0 || !pending_.empty()) return;
  const ssize_t n = send(fd_, bell_.data(), bell_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n <= 0 || static_cast<std::size_t>(n) == bell_.size()) return;
  pending_.assign(bell_, static_cast<std::size_t>(n));
  wake();
}

void Doorbell::wake() {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the thread is awake.
  [[maybe_unused]] const auto written = write(wake_event_, &one, sizeof one);
}

void Doorbell::run() {
  name_this_thread("parley-doorbell");
  int wait_ms = kFirstRetryMs;
  while (!stopping_.load()) {
    const int fd = open_socket();
    if (fd >= 0) {
      serve(fd);
      {
        const std::lock_guard lock(mutex_);
        if (fd_ >= 0) wait_ms = kFirstRetryMs;
        fd_ = -1;
        pending_.clear();
      }
      close(fd);
      metrics_.doorbell_reconnects.add();
    }
    pollfd woken{wake_event_, POLLIN, 0};
    if (!stopping_.load()) poll(&woken, 1, wait_ms);
    wait_ms = std::min(wait_ms * 2, kLastRetryMs);
  }
}

int Doorbell::open_socket() const {
  sockaddr_storage address{};
  socklen_t size = 0;
  if (config_.uses_socket()) {
    auto& a = reinterpret_cast<sockaddr_un&>(address);
    const std::string path = config_.socket.string();
    if (path.size() >= sizeof a.sun_path) return -1;  // refused when the configuration was read
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    size = sizeof a;
  } else {
    auto& a = reinterpret_cast<sockaddr_in&>(address);
    a.sin_family = AF_INET;
    a.sin_port = htons(config_.port);
    if (inet_pton(AF_INET, config_.host.c_str(), &a.sin_addr) != 1) return -1;
    size = sizeof a;
  }
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    close(fd);
    return -1;
  }
  const int on = 1;
  if (!config_.uses_socket()) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

bool Doorbell::send_pending(int fd) {
  const std::lock_guard lock(mutex_);
  while (!pending_.empty()) {
    const ssize_t n = send(fd, pending_.data(), pending_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    pending_.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

// False when the connection is of no more use.
bool Doorbell::handle(int fd, const mqtt::Packet& packet) {
  if (packet.type == mqtt::PacketType::connack) {
    if (packet.reason != 0) return false;
    const std::lock_guard lock(mutex_);
    fd_ = fd;
  }
  return true;
}

bool Doorbell::receive(int fd, mqtt::PacketReader& reader) {
  const std::span<char> room = reader.prepare(64 * 1024);
  const ssize_t n = recv(fd, room.data(), room.size(), 0);
  if (n <= 0) return n < 0 && errno == EINTR;
  reader.commit(static_cast<std::size_t>(n));
  mqtt::Packet packet;
  while (true) {
    const auto status = reader.next(packet);
    if (status == mqtt::ReadStatus::need_more) return true;
    if (status == mqtt::ReadStatus::malformed || !handle(fd, packet)) return false;
  }
}

void Doorbell::serve(int fd) {
  mqtt::PacketReader reader(kVersion);
  {
    const std::lock_guard lock(mutex_);
    pending_ = connect_packet(credentials_);
  }
  while (!stopping_.load() && send_pending(fd)) {
    bool more;
    {
      const std::lock_guard lock(mutex_);
      more = !pending_.empty();
    }
    pollfd waits[2] = {{fd, static_cast<short>(more ? POLLIN | POLLOUT : POLLIN), 0},
                       {wake_event_, POLLIN, 0}};
    const int ready = poll(waits, 2, kPingEveryMs);
    if (ready < 0 && errno != EINTR) return;
    if (ready == 0) {
      const std::lock_guard lock(mutex_);
      mqtt::append_pingreq(pending_);
    }
    if (ready <= 0) continue;
    std::uint64_t woken;
    if (waits[1].revents != 0) [[maybe_unused]]
      const auto drained = read(wake_event_, &woken, sizeof woken);
    if ((waits[0].revents & ~POLLOUT) != 0 && !receive(fd, reader)) return;
  }
}

}  // namespace parley::plugin
