#include "tests/bench/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <stdexcept>

namespace parley::bench {
namespace {

using mqtt::Packet;
using mqtt::PacketReader;
using mqtt::PacketType;
using mqtt::ReadStatus;

// As many handshakes at once as fit into any server's backlog of connections not yet accepted.
constexpr std::size_t kAtOnce = 64;
constexpr timeval kHandshakePatience{.tv_sec = 30, .tv_usec = 0};

[[noreturn]] void fail(const LinkRequest& request, const std::string& why) {
  throw std::runtime_error("connection " + request.login.client_id + ": " + why);
}

test::UniqueFd dial(std::uint16_t port, const LinkRequest& request) {
  test::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) fail(request, std::string("socket: ") + std::strerror(errno));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail(request, std::string("connect: ") + std::strerror(errno));
  }
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &kHandshakePatience, sizeof kHandshakePatience);
  return fd;
}

void send_all(int fd, std::string_view bytes, const LinkRequest& request) {
  while (!bytes.empty()) {
    const ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) fail(request, std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

// The next packet, which must be of this type and the last one that arrived.
std::uint8_t expect(int fd, PacketType type, const LinkRequest& request) {
  PacketReader reader(request.version);
  Packet packet;
  while (true) {
    const ReadStatus status = reader.next(packet);
    if (status == ReadStatus::malformed) fail(request, reader.error());
    if (status == ReadStatus::packet) break;
    auto space = reader.prepare(256);
    const ssize_t n = recv(fd, space.data(), space.size(), 0);
    if (n == 0) fail(request, "closed instead of " + std::string(to_string(type)));
    if (n < 0) fail(request, std::string(to_string(type)) + " awaited: " + std::strerror(errno));
    reader.commit(static_cast<std::size_t>(n));
  }
  if (packet.type != type)
    fail(request, std::string(to_string(packet.type)) + " instead of " + std::string(to_string(type)));
  if (reader.buffered() != 0) fail(request, "more than a " + std::string(to_string(type)) + " came");
  return type == PacketType::suback ? static_cast<std::uint8_t>(packet.reasons[0]) : packet.reason;
}

void shake_hands(std::span<const LinkRequest> requests, std::span<test::UniqueFd> links) {
  std::string out;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Login& login = requests[i].login;
    mqtt::Connect connect;
    connect.version = requests[i].version;
    connect.client_id = login.client_id;
    connect.keep_alive_s = 0;
    if (!login.username.empty() || !login.password.empty()) connect.username = login.username;
    if (!login.password.empty()) connect.password = login.password;
    out.clear();
    mqtt::append_connect(out, connect);
    send_all(links[i].get(), out, requests[i]);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const int reason = expect(links[i].get(), PacketType::connack, requests[i]);
    if (reason != 0) fail(requests[i], "refused with CONNACK " + std::to_string(reason));
    if (requests[i].subscribe.empty()) continue;
    const mqtt::Subscription subscription{.filter = requests[i].subscribe, .qos = requests[i].qos};
    out.clear();
    mqtt::append_subscribe(out, requests[i].version, 1, {&subscription, 1});
    send_all(links[i].get(), out, requests[i]);
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (requests[i].subscribe.empty()) continue;
    const int reason = expect(links[i].get(), PacketType::suback, requests[i]);
    if (reason >= 0x80) fail(requests[i], "may not subscribe " + requests[i].subscribe);
  }
}

}  // namespace

std::vector<test::UniqueFd> open_links(std::uint16_t port, const std::vector<LinkRequest>& requests,
                                       const std::function<void(std::size_t)>& progress) {
  std::vector<test::UniqueFd> links;
  links.reserve(requests.size());
  for (std::size_t begin = 0; begin < requests.size(); begin += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, requests.size() - begin);
    for (std::size_t i = 0; i < n; ++i) links.push_back(dial(port, requests[begin + i]));
    shake_hands(std::span(requests).subspan(begin, n), std::span(links).subspan(begin, n));
    if (progress) progress(links.size());
  }
  for (const auto& fd : links) fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  return links;
}

Poller::Poller() : fd_(epoll_create1(EPOLL_CLOEXEC)) {
  if (!fd_) throw std::runtime_error(std::string("epoll_create1: ") + std::strerror(errno));
}

void Poller::add(int fd, std::uint32_t tag, bool writable) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP | EPOLLET | (writable ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
  event.data.u32 = tag;
  if (epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    throw std::runtime_error(std::string("epoll_ctl: ") + std::strerror(errno));
  }
}

int Poller::wait(std::int64_t nanoseconds) {
  epoll_event events[kBatch];
  const timespec timeout{.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
  const int n = epoll_pwait2(fd_.get(), events, kBatch, &timeout, nullptr);
  for (int i = 0; i < n; ++i) tags_[i] = events[i].data.u32;
  return std::max(n, 0);
}

}  // namespace parley::bench
