// Chat for scripts: lines in, lines out.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "clients/parleyctl/chat/session.h"
#include "clients/parleyctl/chat/view.h"
#include "clients/parleyctl/chat/window.h"

namespace parley::chat {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Our own copies follow the acks at once; this only bounds the wait for the last of them.
constexpr milliseconds kOwnCopyPatience{1'000};
// Reading ahead of what is acknowledged would fill the SDK's outbox and be refused.
constexpr std::size_t kMostUnsettled = 500;

class Lines : private Session::Face {
 public:
  Lines(client::Options options, const std::string& room, bool json)
      : session_(std::move(options), room, *this), json_(json) {
    const std::time_t now = std::time(nullptr);
    std::tm tm{};
    localtime_r(&now, &tm);
    utc_offset_s_ = static_cast<int>(tm.tm_gmtoff);
  }

  int run(milliseconds patience) {
    session_.start();
    Clock::time_point deadline = Clock::now() + patience;
    // Nothing is sent before the room is being read, so that what is sent is also seen.
    while (!session_.knows_whether_it_may_read() && Clock::now() < deadline && !over()) wait(false);
    if (!session_.knows_whether_it_may_read()) return fail("no connection: " + session_.status().reason);
    if (!session_.may_read()) return 1;

    while (!session_.quitting() && !over()) {
      submit_lines();
      if (ended_ && input_.empty()) break;
      wait(!ended_ && session_.unsettled() < kMostUnsettled);
    }
    // As long as one after the other is acknowledged there is nothing to give up.
    deadline = Clock::now() + patience;
    for (std::size_t left = session_.unsettled(); left > 0 && Clock::now() < deadline && !over();) {
      wait(false);
      if (session_.unsettled() < left) deadline = Clock::now() + patience;
      left = session_.unsettled();
    }
    if (session_.unsettled() > 0)
      return fail(std::to_string(session_.unsettled()) + " messages were not acknowledged");
    if (replaced()) return 1;  // it has been said why
    deadline = Clock::now() + kOwnCopyPatience;
    while (own_printed_ + session_.failures() < own_sent_ && Clock::now() < deadline && !over()) wait(false);
    return session_.failures() == 0 && !mistaken_ ? 0 : 1;
  }

 private:
  // The SDK does not come back by itself then.
  bool replaced() const { return session_.status().state == client::State::replaced; }
  bool over() const { return gone_ || replaced(); }

  // Session::Face
  void on_item(const Item& item) override {
    if (item.own) ++own_printed_;
    const bool message = item.kind == Item::Kind::message;
    if (!message && item.kind == Item::Kind::notice) return;  // small talk for people
    if (message && json_) return;
    std::FILE* out = message ? stdout : stderr;
    std::fprintf(out, "%s\n", plain_line(item, utc_offset_s_).c_str());
    if (std::fflush(out) != 0 && message) gone_ = true;
  }
  void on_event(const client::EventBytes& event) override {
    if (!json_) return;
    std::string line;
    append_event_json({event.data(), event.size()}, line);
    std::printf("%s\n", line.c_str());
    if (std::fflush(stdout) != 0) gone_ = true;
  }
  void on_refused(const std::string& body, const std::string& why) override {
    std::fprintf(stderr, "not sent: %s: %s\n", body.c_str(), why.c_str());
  }

  int fail(const std::string& why) {
    std::fprintf(stderr, "parleyctl: %s\n", why.c_str());
    return 1;
  }

  void wait(bool read) {
    std::array<pollfd, 2> fds{{{session_.mailbox().fd(), POLLIN, 0}, {read ? STDIN_FILENO : -1, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), 200) <= 0) return;
    if (fds[0].revents != 0) session_.mailbox().run();
    if (fds[1].revents != 0) read_input();
  }

  void read_input() {
    std::array<char, 16384> buffer;
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
      ended_ = true;
      return;
    }
    input_.append(buffer.data(), static_cast<std::size_t>(n));
  }

  // Of what was read as much as may be on its way at once.
  void submit_lines() {
    std::size_t begin = 0;
    while (begin < input_.size() && session_.unsettled() < kMostUnsettled && !session_.quitting()) {
      std::size_t end = input_.find('\n', begin);
      if (end == std::string::npos && !ended_) break;
      end = std::min(end, input_.size());  // a last line may be without its end
      submit(input_.substr(begin, end - begin));
      begin = std::min(end + 1, input_.size());
    }
    input_.erase(0, begin);
  }

  void submit(std::string line) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const Command::Kind kind = parse_command(line).kind;
    if (kind == Command::Kind::wrong) mistaken_ = true;
    if (kind == Command::Kind::say || kind == Command::Kind::reply) ++own_sent_;
    session_.submit(line);
  }

  Session session_;
  const bool json_;
  std::string input_;
  int utc_offset_s_ = 0;
  std::size_t own_sent_ = 0;
  std::size_t own_printed_ = 0;
  bool mistaken_ = false;  // a line that was no command
  bool ended_ = false;
  bool gone_ = false;  // nobody reads what we print
};

}  // namespace

int run_in_lines(client::Options options, const std::string& room, milliseconds patience, bool json) {
  return Lines(std::move(options), room, json).run(patience);
}

}  // namespace parley::chat
