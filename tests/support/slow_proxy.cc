#include "tests/support/slow_proxy.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/unique_fd.h"

namespace parley::test {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.string().size() >= sizeof address.sun_path)
    throw std::runtime_error("too long a path for a socket");
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

bool send_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

}  // namespace

struct SlowProxy::State {
  std::filesystem::path listen_path;
  std::filesystem::path server_path;
  UniqueFd listener;
  UniqueFd stop{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // readable when all is over
  std::mutex mutex;
  std::string lose_after;             // with mutex
  std::string freeze_before;          // with mutex
  std::vector<int> open;              // with mutex: both ends of all connections
  std::vector<std::thread> carriers;  // the acceptor's thread, and the destructor after it
};

SlowProxy::SlowProxy(const std::filesystem::path& listen, const std::filesystem::path& server)
    : state_(std::make_unique<State>()) {
  state_->listen_path = listen;
  state_->server_path = server;
  state_->listener = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_of(listen);
  if (::bind(state_->listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(state_->listener.get(), 64) != 0)
    throw std::runtime_error("cannot listen on " + listen.string());
  acceptor_ = std::thread([this] { accept_loop(); });
}

SlowProxy::~SlowProxy() {
  frozen_ = false;
  const std::uint64_t one = 1;
  (void)!::write(state_->stop.get(), &one, sizeof one);
  acceptor_.join();
  for (std::thread& carrier : state_->carriers) carrier.join();
  std::error_code ignored;
  std::filesystem::remove(state_->listen_path, ignored);
}

void SlowProxy::lose_answer_to(std::string_view text) {
  const std::lock_guard lock(state_->mutex);
  lost_ = false;
  state_->lose_after = text;
}

void SlowProxy::freeze_before(std::string_view text) {
  const std::lock_guard lock(state_->mutex);
  lost_ = false;
  state_->freeze_before = text;
}

void SlowProxy::drop_all() {
  const std::lock_guard lock(state_->mutex);
  for (const int fd : state_->open) ::shutdown(fd, SHUT_RDWR);
}

void SlowProxy::accept_loop() {
  for (;;) {
    pollfd fds[2] = {{state_->listener.get(), POLLIN, 0}, {state_->stop.get(), POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    const int client = ::accept4(state_->listener.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    ++connections_;
    const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = address_of(state_->server_path);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      continue;
    }
    const std::lock_guard lock(state_->mutex);
    state_->open.push_back(client);
    state_->open.push_back(server);
    state_->carriers.emplace_back([this, client, server] { carry(client, server); });
  }
}

void SlowProxy::carry(int client, int server) {
  std::array<char, 65536> buffer;
  bool losing = false;
  for (bool open = true; open;) {
    pollfd fds[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {state_->stop.get(), POLLIN, 0}};
    if (frozen_) fds[0].events = fds[1].events = 0;
    if (::poll(fds, 3, frozen_ ? 5 : -1) < 0) continue;
    if (fds[2].revents != 0) break;
    if (frozen_) continue;
    for (int side = 0; side < 2 && open; ++side) {
      if (fds[side].revents == 0) continue;
      const ssize_t got = ::recv(fds[side].fd, buffer.data(), buffer.size(), 0);
      if (got <= 0 || (side == 1 && losing)) {
        lost_ = lost_ || losing;
        open = false;
        break;
      }
      if (delay_ms_ > 0) {  // cut short by the end of everything
        pollfd stop{state_->stop.get(), POLLIN, 0};
        (void)::poll(&stop, 1, delay_ms_);
      }
      if (side == 0) {
        const std::lock_guard lock(state_->mutex);
        const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
        if (!state_->lose_after.empty() && text.find(state_->lose_after) != std::string_view::npos) {
          state_->lose_after.clear();
          losing = true;
        }
        if (!state_->freeze_before.empty() && text.find(state_->freeze_before) != std::string_view::npos) {
          state_->freeze_before.clear();
          frozen_ = true;
          lost_ = true;
          open = false;
        }
      }
      if (!open) break;
      while (frozen_) {
        pollfd stop{state_->stop.get(), POLLIN, 0};
        if (::poll(&stop, 1, 5) > 0) break;
      }
      open = send_all(fds[1 - side].fd, buffer.data(), static_cast<std::size_t>(got));
    }
  }
  const std::lock_guard lock(state_->mutex);
  std::erase(state_->open, client);
  std::erase(state_->open, server);
  ::close(client);
  ::close(server);
}

}  // namespace parley::test
