#include "clients/parleyctl/chat/window.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "clients/parleyctl/chat/keys.h"
#include "clients/parleyctl/chat/line_editor.h"
#include "clients/parleyctl/chat/session.h"
#include "clients/parleyctl/chat/terminal.h"
#include "clients/parleyctl/chat/view.h"

namespace parley::chat {
namespace {

using std::chrono::milliseconds;

// After this an ESC with nothing behind it was the key.
constexpr int kEscapePatienceMs = 40;
// How long leaving waits for messages that are still on their way.
constexpr milliseconds kLeavingPatience{3'000};

class Window : private Session::Face {
 public:
  Window(client::Options options, const std::string& room) : session_(std::move(options), room, *this) {
    const std::time_t now = std::time(nullptr);
    std::tm tm{};
    localtime_r(&now, &tm);
    utc_offset_s_ = static_cast<int>(tm.tm_gmtoff);
  }

  void run(const std::vector<client::EventBytes>& backlog) {
    session_.start(backlog);
    while (!session_.quitting() && !leaving_) {
      show();
      wait();
    }
    show();
    session_.settle(session_.status().state == client::State::online ? kLeavingPatience : milliseconds(0));
  }

  std::size_t unsent() const { return session_.unsettled() + session_.failures(); }

 private:
  // Session::Face
  void on_prefill(const std::string& line) override { editor_.set(line); }
  void on_mention() override { terminal_.bell(); }

  void show() {
    Model model;
    model.room = session_.room();
    model.me = session_.me();
    model.state = session_.status().state;
    model.reason = session_.status().reason;
    model.retry_in_s = static_cast<int>(
        std::chrono::ceil<std::chrono::seconds>(session_.retry_at() - std::chrono::steady_clock::now())
            .count());
    model.typing = session_.typing_people();
    model.hint = hint_.empty() ? hint_for(editor_.text()) : hint_;
    model.unsettled = session_.unsettled();
    model.scrolled = scrolled_;
    model.numbers = session_.numbers();
    model.utc_offset_s = utc_offset_s_;
    const Terminal::Size size = terminal_.size();
    const bool colours = std::getenv("NO_COLOR") == nullptr;
    Picture picture = draw(model, session_.transcript(), editor_, size.columns, size.rows, colours);
    if (scrolled_ > 0 && picture.most_scrolled != most_scrolled_) {
      // Rows were added below: stay with what is being read.
      scrolled_ = std::clamp(scrolled_ + picture.most_scrolled - most_scrolled_, 0, picture.most_scrolled);
      model.scrolled = scrolled_;
      picture = draw(model, session_.transcript(), editor_, size.columns, size.rows, colours);
    }
    most_scrolled_ = picture.most_scrolled;
    page_rows_ = std::max(1, size.rows - 6);
    terminal_.show(picture);
  }

  void wait() {
    std::array<pollfd, 3> fds{{{STDIN_FILENO, POLLIN, 0},
                               {session_.mailbox().fd(), POLLIN, 0},
                               {terminal_.resize_fd(), POLLIN, 0}}};
    int patience = -1;
    if (session_.status().state == client::State::waiting) patience = 250;  // the countdown in the header
    if (keys_.waiting()) patience = kEscapePatienceMs;
    const int ready = ::poll(fds.data(), fds.size(), patience);
    if (ready < 0 && errno != EINTR) leaving_ = true;
    if (ready == 0) {
      for (const Key& key : keys_.flush()) take(key);
    }
    if (fds[2].revents != 0) terminal_.take_resize();
    if (fds[1].revents != 0) session_.mailbox().run();
    if (fds[0].revents != 0) read_keys();
  }

  void read_keys() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n <= 0) {
      // poll() said there is something and there is nothing: the terminal is gone.
      if (n == 0 || (errno != EINTR && errno != EAGAIN)) leaving_ = true;
      return;
    }
    for (const Key& key : keys_.feed({buffer.data(), static_cast<std::size_t>(n)})) take(key);
  }

  void take(const Key& key) {
    if (key.kind != KeyKind::interrupt && key.kind != KeyKind::eof) hint_.clear();
    switch (key.kind) {
      case KeyKind::enter:
        return submit();
      case KeyKind::tab:
        editor_.complete(candidates());
        return;
      case KeyKind::page_up:
        scrolled_ = std::min(scrolled_ + page_rows_, most_scrolled_);
        return;
      case KeyKind::page_down:
        scrolled_ = std::max(0, scrolled_ - page_rows_);
        return;
      case KeyKind::escape:
        scrolled_ = 0;
        return;
      case KeyKind::redraw:
        terminal_.forget();
        return;
      case KeyKind::eof:
        if (!editor_.empty()) {
          editor_.apply({KeyKind::del});
          return;
        }
        return leave();
      case KeyKind::interrupt:
        if (!editor_.empty()) {
          editor_.take();
          return;
        }
        return leave();
      default:
        break;
    }
    const std::string before = editor_.text();
    editor_.apply(key);
    if (editor_.text() != before) {
      // Commands are nobody's business until they are sent.
      session_.typing(!editor_.empty() && editor_.text()[0] != '/');
    }
  }

  void submit() {
    const std::string line = editor_.take();
    scrolled_ = 0;
    session_.submit(line);
  }

  void leave() {
    if (session_.unsettled() > 0 && !warned_ && session_.status().state != client::State::online) {
      warned_ = true;
      hint_ = std::to_string(session_.unsettled()) + " not sent yet; once more leaves without sending";
      return;
    }
    leaving_ = true;
  }

  std::vector<std::string> candidates() const {
    std::vector<std::string> out = command_names();
    for (const std::string& user : session_.transcript().people()) out.push_back("@" + user);
    return out;
  }

  Session session_;
  LineEditor editor_;
  KeyReader keys_;
  std::string hint_;
  int utc_offset_s_ = 0;
  int scrolled_ = 0;
  int most_scrolled_ = 0;
  int page_rows_ = 10;
  bool warned_ = false;
  bool leaving_ = false;
  Terminal terminal_;  // last: given back first
};

}  // namespace

int run_in_terminal(client::Options options, const std::string& room,
                    const std::vector<client::EventBytes>& backlog) {
  std::size_t unsent = 0;
  {
    Window window(std::move(options), room);
    window.run(backlog);
    unsent = window.unsent();
  }
  if (unsent > 0) std::fprintf(stderr, "parleyctl: %zu of your messages were not sent\n", unsent);
  return 0;
}

}  // namespace parley::chat
