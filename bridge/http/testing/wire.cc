#include "bridge/http/testing/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace parley::http {

Wire::Wire(std::uint16_t port, int receive_buffer) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  if (receive_buffer > 0) {
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
  }
}

bool Wire::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void Wire::finish_sending() { ::shutdown(fd_.get(), SHUT_WR); }

Wire::Got Wire::receive(const test::Deadline& deadline) {
  pollfd wait{fd_.get(), POLLIN, 0};
  if (::poll(&wait, 1, deadline.remaining_ms()) <= 0) return Got::nothing;
  std::array<char, 65536> buffer;
  const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (n <= 0) return Got::end;
  input_.append(buffer.data(), static_cast<std::size_t>(n));
  return Got::bytes;
}

std::optional<WireAnswer> Wire::answer(test::Deadline deadline, bool no_body) {
  std::size_t end = 0;
  while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
    if (receive(deadline) != Got::bytes) return std::nullopt;
  }
  WireAnswer out;
  out.head = input_.substr(0, end + 4);
  input_.erase(0, end + 4);
  if (out.head.size() > 12)
    out.status = static_cast<unsigned>(std::strtoul(out.head.c_str() + 9, nullptr, 10));
  std::size_t at = out.head.find("\r\n") + 2;
  while (at < out.head.size() - 2) {
    const std::size_t stop = out.head.find("\r\n", at);
    const std::string line = out.head.substr(at, stop - at);
    at = stop + 2;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    std::string name = line.substr(0, colon);
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    out.headers[name] = line.substr(colon + 2);
  }
  const auto length = out.headers.find("content-length");
  if (no_body || length == out.headers.end()) return out;
  const std::size_t size = std::strtoul(length->second.c_str(), nullptr, 10);
  while (input_.size() < size) {
    if (receive(deadline) != Got::bytes) return std::nullopt;
  }
  out.body = input_.substr(0, size);
  input_.erase(0, size);
  return out;
}

bool Wire::ended(test::Deadline deadline) { return input_.empty() && receive(deadline) == Got::end; }

std::string Wire::rest(test::Deadline deadline) {
  while (receive(deadline) == Got::bytes) {
  }
  return std::exchange(input_, {});
}

}  // namespace parley::http
