// The text being written, as a model: a cursor among characters as people see them, a history, a kill buffer,
// completion, and the part of it that fits a given width. Pure; knows no terminal.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_LINE_EDITOR_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_LINE_EDITOR_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "clients/parleyctl/chat/keys.h"

namespace parley::chat {

class LineEditor {
 public:
  // Applies an editing key; false for keys that are no business of an editor (enter, page_up, interrupt...).
  bool apply(const Key& key);

  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }  // bytes before it
  bool empty() const { return text_.empty(); }
  void set(std::string text);

  // The text, leaving an empty line. What was taken comes back with Up.
  std::string take();

  // Completes the word before the cursor to the first candidate that begins with it, and to the next ones
  // when called again at once. Candidates are whole words ("/help", "@bob").
  bool complete(const std::vector<std::string>& candidates);

  // What a line `width` columns wide shows: the part around the cursor, line breaks as a visible sign.
  struct View {
    std::string text;
    int cursor_column = 0;  // 0-based, less than width
  };
  View view(int width) const;

 private:
  void insert(std::string_view text);
  void erase(std::size_t from, std::size_t to);
  void kill(std::size_t from, std::size_t to);
  std::size_t left_of(std::size_t at) const;
  std::size_t right_of(std::size_t at) const;
  std::size_t word_left_of(std::size_t at) const;
  std::size_t word_right_of(std::size_t at) const;
  void recall(std::size_t index);

  std::string text_;
  std::size_t cursor_ = 0;
  std::string killed_;
  std::vector<std::string> history_;
  std::size_t recalled_ = 0;  // index in history_; history_.size(): the draft
  std::string draft_;
  // Of the completion going on: the word as typed and which candidate was shown last.
  std::string completing_;
  std::size_t completed_from_ = 0;
  std::size_t candidate_ = 0;
};

}  // namespace parley::chat

#endif
