// Draws a chat as rows of text with colours, for a given size. Pure: the same model gives the same rows.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_VIEW_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_VIEW_H_

#include <string>
#include <vector>

#include "clients/cpp/types.h"
#include "clients/parleyctl/chat/line_editor.h"
#include "clients/parleyctl/chat/transcript.h"

namespace parley::chat {

struct Model {
  std::string room;
  std::string me;
  client::State state = client::State::offline;
  std::string reason;               // why not online
  int retry_in_s = 0;               // while waiting
  std::vector<std::string> typing;  // who else
  std::string hint;                 // a line of help about what was typed; takes the place of `typing`
  std::size_t unsettled = 0;        // own messages on their way
  int scrolled = 0;                 // rows up from the newest
  bool numbers = false;             // show each message's number
  int utc_offset_s = 0;             // for the times shown
};

struct Picture {
  std::vector<std::string> rows;  // exactly as many as asked for; with SGR sequences, each row ends reset
  int cursor_row = 0;             // 0-based
  int cursor_column = 0;
  int most_scrolled = 0;  // the largest useful Model::scrolled
};

// `colours` false: no sequences at all.
Picture draw(const Model& model, const Transcript& transcript, const LineEditor& editor, int columns,
             int rows, bool colours = true);

// "12:03" of a time in milliseconds since the Unix epoch.
std::string clock_time(std::uint64_t ts_ms, int utc_offset_s);

// One line of text for terminals that cannot draw, and for pipes: "12:03 bob: hello".
std::string plain_line(const Item& item, int utc_offset_s);

}  // namespace parley::chat

#endif
