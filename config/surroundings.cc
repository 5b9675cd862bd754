#include "config/surroundings.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

namespace parley {
namespace {

namespace fs = std::filesystem;

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string in_words(int error) {
  switch (error) {
    case ENOSPC:
      return "the disk is full: make room";
    case EDQUOT:
      return "the quota on this disk is used up: make room";
    case EROFS:
      return "the disk is mounted read-only: see dmesg, and mount it for writing";
    case EACCES:
    case EPERM:
      return "permission denied: let this user in (chown, chmod)";
    case EIO:
      return "the disk fails (input/output error): see dmesg";
    default:
      return std::strerror(error);
  }
}

// A socket that listens, as /proc/net/tcp has it.
struct Listener {
  std::string inode;
  uid_t owner = 0;
};

std::vector<Listener> listeners_at(std::uint16_t port) {
  std::vector<Listener> found;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    std::string line;
    std::getline(in, line);  // the heading
    while (std::getline(in, line)) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmit, owner, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmit >> owner >> timeout >>
          inode;
      const std::size_t colon = local.rfind(':');
      if (state != "0A" || colon == std::string::npos) continue;  // TCP_LISTEN
      unsigned its_port = 0;
      std::from_chars(local.data() + colon + 1, local.data() + local.size(), its_port, 16);
      if (its_port != port) continue;
      uid_t uid = 0;
      std::from_chars(owner.data(), owner.data() + owner.size(), uid);
      found.push_back({inode, uid});
    }
  }
  return found;
}

// Whether one of its descriptors is one of these sockets; `error` when they cannot be looked at.
bool has_socket(const fs::path& process, const std::set<std::string>& sockets, std::error_code& error) {
  for (const fs::directory_entry& fd : fs::directory_iterator(process / "fd", error)) {
    std::error_code gone;
    if (sockets.contains(fs::read_symlink(fd.path(), gone).string())) return true;
  }
  return false;
}

uid_t user_of(const fs::path& process) {
  std::ifstream status(process / "status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("Uid:")) continue;
    std::istringstream words(line.substr(4));
    uid_t real = 0, effective = 0;
    words >> real >> effective;
    return effective;
  }
  return static_cast<uid_t>(-1);
}

std::string taken(std::uint16_t port, pid_t replacing) {
  const std::vector<Listener> listeners = listeners_at(port);
  std::set<std::string> sockets;
  for (const Listener& one : listeners) sockets.insert("socket:[" + one.inode + "]");
  if (replacing > 0) {
    const fs::path process = fs::path("/proc") / std::to_string(replacing);
    std::error_code error;
    if (has_socket(process, sockets, error)) return "";
    struct stat info {};
    // In a container root may not look at the descriptors of other users: then their owner has to do. The
    // folder of a process that has changed its user is root's.
    if (error && ::stat(process.c_str(), &info) == 0)
      for (const Listener& one : listeners)
        if (one.owner == info.st_uid || one.owner == user_of(process)) return "";
  }
  std::string who;
  std::error_code error;
  for (const fs::directory_entry& process : fs::directory_iterator("/proc", error)) {
    const std::string pid = process.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::error_code closed;
    if (!has_socket(process.path(), sockets, closed)) continue;
    std::string name;
    std::getline(std::ifstream(process.path() / "comm"), name);
    who = " (" + name + ", process " + pid + ")";
    break;
  }
  return "port " + std::to_string(port) + " is taken by another program" + who;
}

}  // namespace

std::string why_not_readable(const fs::path& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return "cannot read " + file.string() + ": " + in_words(errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) == 0 && S_ISDIR(info.st_mode))
    return "cannot read " + file.string() + ": it is a folder";
  if (info.st_size == 0) return file.string() + " is empty";
  return "";
}

std::string why_not_writable(const fs::path& folder) {
  const auto no = [&folder](const std::string& why) {
    return "cannot write to " + folder.string() + ": " + why;
  };
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) {
    const fs::path parent = folder.parent_path();
    if (parent.empty() || parent == folder) return no("there is no such folder");
    return why_not_writable(parent);
  }
  if (status.type() != fs::file_type::directory) return no(error ? error.message() : "it is no folder");
  int fd = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0 &&
      (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {  // not every file system has it
    std::string name = (folder / ".parley-check-XXXXXX").string();
    fd = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd >= 0) ::unlink(name.c_str());
  }
  const Fd file(fd);
  if (fd < 0) return no(in_words(errno));
  const std::vector<char> some(64 * 1024);
  const ssize_t written = ::write(fd, some.data(), some.size());
  if (written < 0) return no(in_words(errno));
  if (written < static_cast<ssize_t>(some.size())) return no(in_words(ENOSPC));
  return "";
}

std::string why_not_listen(const std::string& host, std::uint16_t port, pid_t replacing) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const std::string number = std::to_string(port);
  if (const int fault = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), number.c_str(), &hints, &list);
      fault != 0)
    return "cannot listen on " + host + ": there is no such address (" + ::gai_strerror(fault) + ")";
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> addresses(list, &::freeaddrinfo);
  std::string fault;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    const Fd fd(::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (fd.get() < 0) continue;  // no IPv6 here, say
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (each->ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (::bind(fd.get(), each->ai_addr, each->ai_addrlen) == 0) continue;
    if (errno == EADDRINUSE) {
      fault = taken(port, replacing);
    } else if (errno == EADDRNOTAVAIL) {
      fault = "cannot listen on " + host + ": this machine does not have that address (see ip address)";
    } else if (errno == EACCES) {
      fault = "may not listen on port " + number +
              ": choose one from 1024 on, or give the right to (CAP_NET_BIND_SERVICE)";
    } else {
      fault = "cannot listen on " + host + ", port " + number + ": " + std::strerror(errno);
    }
    if (!fault.empty()) break;
  }
  return fault;
}

bool split_address(std::string_view text, std::string& host, std::uint16_t& port) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return false;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return !host.empty();
}

pid_t who_locks(const fs::path& file, pid_t mine) {
  const Fd fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (fd.get() < 0) return 0;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return lock.l_pid == mine ? 0 : lock.l_pid;
}

}  // namespace parley
