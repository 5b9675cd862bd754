// A program on a terminal of its own, for tests: types at it, and sees what it draws.
#ifndef PARLEY_CLIENTS_PARLEYCTL_TESTING_PTY_H_
#define PARLEY_CLIENTS_PARLEYCTL_TESTING_PTY_H_

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/deadline.h"

namespace parley::ctl {

class Pty {
 public:
  Pty(const std::vector<std::string>& argv, const std::vector<std::pair<std::string, std::string>>& env,
      unsigned short columns = 80, unsigned short rows = 24) {
    winsize size{rows, columns, 0, 0};
    pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
    if (pid_ < 0) throw std::runtime_error("forkpty failed");
    if (pid_ > 0) return;
    const rlimit no_core{0, 0};  // some tests make it crash
    ::setrlimit(RLIMIT_CORE, &no_core);
    for (const auto& [name, value] : env) ::setenv(name.c_str(), value.c_str(), 1);
    std::vector<char*> args;
    for (const std::string& arg : argv) args.push_back(const_cast<char*>(arg.c_str()));
    args.push_back(nullptr);
    ::execv(args[0], args.data());
    ::_exit(127);
  }
  ~Pty() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(fd_);
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  void type(std::string_view keys) {
    if (::write(fd_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
      throw std::runtime_error("the terminal takes no keys");
    }
  }
  void resize(unsigned short columns, unsigned short rows) {
    winsize size{rows, columns, 0, 0};
    ::ioctl(fd_, TIOCSWINSZ, &size);
  }
  // Waits until `text` has been written since the last forget().
  bool shows(std::string_view text, test::Deadline deadline = test::kPatience) {
    while (output_.find(text) == std::string::npos) {
      if (!read(deadline)) return output_.find(text) != std::string::npos;
    }
    return true;
  }
  void forget() { output_.clear(); }
  const std::string& output() const { return output_; }
  pid_t pid() const { return pid_; }
  // Whether typed characters come back and lines are gathered, as a shell expects to find it.
  bool cooked() const {
    termios modes{};
    ::tcgetattr(fd_, &modes);
    return (modes.c_lflag & ICANON) != 0 && (modes.c_lflag & ECHO) != 0;
  }
  // Exit status, or 128 + signal; nothing at the deadline.
  std::optional<int> wait(test::Deadline deadline = test::kPatience) {
    while (!deadline.passed()) {
      // Its last words must be taken, or it cannot end.
      read(std::chrono::milliseconds(20));
      int status = 0;
      if (::waitpid(pid_, &status, WNOHANG) != pid_) continue;
      pid_ = -1;
      while (read(std::chrono::milliseconds(0))) {
      }
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return std::nullopt;
  }

 private:
  bool read(test::Deadline deadline) {
    pollfd wait{fd_, POLLIN, 0};
    if (::poll(&wait, 1, deadline.remaining_ms()) <= 0) return false;
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(fd_, buffer.data(), buffer.size());
    if (n <= 0) return false;
    output_.append(buffer.data(), static_cast<std::size_t>(n));
    return true;
  }

  pid_t pid_ = -1;
  int fd_ = -1;
  std::string output_;
};

}  // namespace parley::ctl

#endif
