#include "clients/parleyctl/chat/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace parley::chat {
namespace {

// Alternate screen, bracketed paste, no alternate scroll (the wheel would type arrow keys).
constexpr char kEnter[] = "\x1b[?1049h\x1b[?2004h\x1b[?1007l\x1b[2J";
constexpr char kLeave[] = "\x1b[0m\x1b[?25h\x1b[?1007h\x1b[?2004l\x1b[?1049l";

// What the signal handlers need; nothing else may be touched there.
termios g_saved;
volatile std::sig_atomic_t g_active = 0;
int g_resize_pipe[2] = {-1, -1};

void give_back() {
  if (g_active == 0) return;
  g_active = 0;
  [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, kLeave, sizeof kLeave - 1);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_saved);
}

extern "C" void on_death(int number) {
  give_back();
  // The handler was installed with SA_RESETHAND: this time the signal does what it always does.
  ::raise(number);
}

extern "C" void on_resize(int) {
  const int saved = errno;
  [[maybe_unused]] const auto written = ::write(g_resize_pipe[1], "r", 1);
  errno = saved;
}

constexpr std::array kDeadly = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGHUP, SIGQUIT, SIGINT};

void install_handlers() {
  struct sigaction action {};
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_death;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  for (const int number : kDeadly) ::sigaction(number, &action, nullptr);
  action.sa_handler = on_resize;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGWINCH, &action, nullptr);
}

}  // namespace

bool Terminal::usable() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0 && term != nullptr &&
         std::string_view(term) != "dumb" && !std::string_view(term).empty();
}

Terminal::Terminal() {
  if (::tcgetattr(STDIN_FILENO, &g_saved) != 0) {
    throw std::system_error(errno, std::generic_category(), "standard input is no terminal");
  }
  if (::pipe2(g_resize_pipe, O_NONBLOCK | O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
  }
  termios raw = g_saved;
  ::cfmakeraw(&raw);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  g_active = 1;
  install_handlers();
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  write(kEnter);
}

Terminal::~Terminal() {
  give_back();
  for (const int number : kDeadly) std::signal(number, SIG_DFL);
  std::signal(SIGWINCH, SIG_DFL);
  ::close(g_resize_pipe[0]);
  ::close(g_resize_pipe[1]);
}

Terminal::Size Terminal::size() const {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

int Terminal::resize_fd() const { return g_resize_pipe[0]; }

void Terminal::take_resize() {
  char buffer[64];
  while (::read(g_resize_pipe[0], buffer, sizeof buffer) > 0) {
  }
  forget();
}

void Terminal::show(const Picture& picture) {
  std::string out = "\x1b[?25l";
  if (shown_.size() != picture.rows.size()) {
    out += "\x1b[2J";
    shown_.assign(picture.rows.size(), std::string());
  }
  for (std::size_t i = 0; i < picture.rows.size(); ++i) {
    if (picture.rows[i] == shown_[i]) continue;
    // Erased before, not after: behind a full row the cursor still stands on the last column.
    out += "\x1b[" + std::to_string(i + 1) + ";1H\x1b[2K" + picture.rows[i] + "\x1b[0m";
    shown_[i] = picture.rows[i];
  }
  out += "\x1b[" + std::to_string(picture.cursor_row + 1) + ";" + std::to_string(picture.cursor_column + 1) +
         "H\x1b[?25h";
  write(out);
}

void Terminal::bell() { write("\a"); }

void Terminal::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      pollfd wait{STDOUT_FILENO, POLLOUT, 0};
      ::poll(&wait, 1, 1000);
    } else if (n < 0 && errno != EINTR) {
      return;  // the terminal is gone; reading it will say so
    }
  }
}

}  // namespace parley::chat
