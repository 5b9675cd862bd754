#include "clients/parleyctl/password.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <iostream>

#include "clients/parleyctl/context.h"
#include "clients/parleyctl/key_store.h"
#include "schemas/raw_json.h"
#include "schemas/text/password_text.h"

namespace parley::ctl {
namespace {

constexpr std::size_t kLongest = 1024;  // characters; the server has its own limit

// The password as the server takes it, for comparing two.
std::string prepared_form(const std::string& typed) {
  const auto prepared = text::prepare_password(typed);
  if (!prepared) {
    throw Failure(
        "the password is not UTF-8: set the terminal (or save the file) to UTF-8, as the server has it",
        kExitUsage);
  }
  return prepared->text;
}

std::string line_of(std::istream& in, const std::string& name) {
  std::string line;
  std::getline(in, line);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  line.erase(0, line.size() - skip_byte_order_mark(line).size());  // editors on Windows put one
  if (line.empty()) throw Failure(name + " holds no password in its first line", kExitUsage);
  (void)prepared_form(line);
  return line;
}

// The terminal without echo, and as it was afterwards. Signals that would leave it mute are held back
// meanwhile.
class QuietTerminal {
 public:
  QuietTerminal() : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0 || ::tcgetattr(fd_, &before_) != 0) {
      throw Failure(
          "there is no terminal to ask for a password: use --password-file FILE, or - for standard input",
          kExitUsage);
    }
    sigemptyset(&held_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&held_, number);
    sigprocmask(SIG_BLOCK, &held_, &mask_);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);  // ^C arrives as a character
    ::tcsetattr(fd_, TCSAFLUSH, &quiet);
  }
  ~QuietTerminal() {
    ::tcsetattr(fd_, TCSAFLUSH, &before_);
    sigprocmask(SIG_SETMASK, &mask_, nullptr);
    ::close(fd_);
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

  std::string ask(const std::string& question) {
    say(question);
    std::string line;
    char c = 0;
    while (::read(fd_, &c, 1) == 1 && c != '\n' && line.size() < kLongest) {
      if (c == '\x03') {
        say("\n");
        throw Failure("interrupted", 128 + SIGINT);
      }
      line += c;
    }
    say("\n");
    if (line.empty()) throw Failure("no password was given");
    return line;
  }

 private:
  void say(const std::string& text) const {
    if (::write(fd_, text.data(), text.size()) < 0) throw Failure("the terminal is gone");
  }

  int fd_;
  termios before_{};
  sigset_t held_{};
  sigset_t mask_{};
};

}  // namespace

std::string read_password(const std::string& file, const std::string& user, bool twice) {
  if (file == "-") return line_of(std::cin, "standard input");
  if (!file.empty()) {
    std::ifstream in(file);
    if (!in) throw Failure("cannot read " + file + ": " + std::strerror(errno));
    return line_of(in, file);
  }
  QuietTerminal terminal;
  std::string password = terminal.ask("Password of " + user + ": ");
  const std::string prepared = prepared_form(password);
  if (twice && prepared_form(terminal.ask("Once more: ")) != prepared)
    throw Failure("the two were not the same");
  return password;
}

std::string random_password() {
  // In groups of four, as people read them out.
  const std::string digits = random_hex_id();
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 4) out += (i == 0 ? "" : "-") + digits.substr(i, 4);
  return out;
}

}  // namespace parley::ctl
