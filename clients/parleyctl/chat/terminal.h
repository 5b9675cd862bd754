// The terminal in raw mode on its alternate screen, given back as it was: on destruction, and by a signal
// handler when the program dies (SIGSEGV, SIGABRT, SIGTERM, SIGHUP...). One object at a time, used by one
// thread.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_TERMINAL_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_TERMINAL_H_

#include <string>
#include <string_view>

#include "clients/parleyctl/chat/view.h"

namespace parley::chat {

class Terminal {
 public:
  // Throws std::system_error when standard input is no terminal.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // Both standard input and output are terminals that can move their cursor.
  static bool usable();

  struct Size {
    int columns = 80;
    int rows = 24;
  };
  Size size() const;

  // Becomes readable when the window's size changes; drain it with take_resize().
  int resize_fd() const;
  void take_resize();

  // Writes only the rows that differ from what is there. After forget() everything is written again.
  void show(const Picture& picture);
  void forget() { shown_.clear(); }
  void bell();

 private:
  void write(std::string_view bytes);

  std::vector<std::string> shown_;
};

}  // namespace parley::chat

#endif
