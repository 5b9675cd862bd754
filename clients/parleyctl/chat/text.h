// Text as a terminal shows it: clusters that take one cursor step, their width in columns, wrapping, and
// making text from strangers harmless. Pure.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CHAT_TEXT_H_
#define PARLEY_CLIENTS_PARLEYCTL_CHAT_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace parley::chat {

// What a reader takes for one character (Unicode grapheme cluster), as a piece of the text given.
struct Cluster {
  std::string_view bytes;
  int width = 0;  // columns: 0, 1 or 2
};
std::vector<Cluster> clusters(std::string_view text);

// Without looking at the rest of the text, however long it is. The first one of no text is empty.
Cluster first_cluster(std::string_view text);
Cluster last_cluster(std::string_view text);

int width_of(std::string_view text);

// Valid UTF-8 without anything that moves the cursor, changes colours or turns writing direction around: what
// is invalid becomes U+FFFD, tabs become spaces, controls go. Line feeds stay.
std::string clean(std::string_view text);

// The same on one line, for names and titles: line feeds become spaces.
std::string clean_line(std::string_view text);

// At most `width` columns, the last one an ellipsis if something was cut off.
std::string fit(std::string_view text, int width);

// `text` and spaces, exactly `width` columns.
std::string pad(std::string_view text, int width);

// Lines of at most `width` columns (at least 1), broken at spaces where there are any, and at line feeds. At
// least one line.
std::vector<std::string> wrap(std::string_view text, int width);

}  // namespace parley::chat

#endif
