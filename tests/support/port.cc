#include "tests/support/port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>

namespace parley::test {
namespace {

bool can_bind(std::uint16_t port) {
  UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // as the servers do
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

PortLease::PortLease() {
  const auto folder = std::filesystem::temp_directory_path() / "parley-test-ports";
  // World writable: runs of other users share the numbers.
  if (std::filesystem::create_directory(folder)) chmod(folder.c_str(), 01777);
  std::random_device seed;
  std::uniform_int_distribution<int> pick(12'000, 31'999);
  for (int attempt = 0; attempt < 500; ++attempt) {
    const int port = pick(seed);
    UniqueFd lock(open((folder / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (!can_bind(static_cast<std::uint16_t>(port))) continue;
    number_ = static_cast<std::uint16_t>(port);
    lock_ = std::move(lock);
    return;
  }
  throw std::runtime_error("no free port between 12000 and 31999");
}

}  // namespace parley::test
