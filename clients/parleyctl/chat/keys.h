// Bytes from a terminal in raw mode as keys: UTF-8, xterm's escape sequences (with modifiers), bracketed
// paste. Pure; feed it whatever read() gave, split anywhere.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_KEYS_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_KEYS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::chat {

enum class KeyKind : std::uint8_t {
  text,  // `text` holds it: typed characters or a paste
  enter,
  newline,  // Alt-Enter: a line break in the message
  tab,
  escape,
  backspace,
  del,
  left,
  right,
  up,
  down,
  home,
  end,
  page_up,
  page_down,
  word_left,
  word_right,
  kill_word,
  kill_to_start,
  kill_to_end,
  yank,
  redraw,
  interrupt,  // Ctrl-C
  eof,        // Ctrl-D
};

struct Key {
  KeyKind kind = KeyKind::text;
  std::string text{};
  bool operator==(const Key&) const = default;
};

class KeyReader {
 public:
  std::vector<Key> feed(std::string_view bytes);
  // A lone ESC is only known to be one when nothing follows for a moment: call this then.
  bool waiting() const { return !pending_.empty() && !pasting_; }
  std::vector<Key> flush();

 private:
  // Takes one key off the front of pending_; false if it is not complete yet.
  bool take(std::vector<Key>& keys);
  bool take_escape(std::vector<Key>& keys);
  bool take_paste(std::vector<Key>& keys);

  std::string pending_;
  bool pasting_ = false;
};

}  // namespace parley::chat

#endif
