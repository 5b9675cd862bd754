// Text from outside in a line of a log: whatever somebody calls themselves, it stays one value of one line.
// Pure.
#ifndef PARLEY_SCHEMAS_LOG_TEXT_H_
#define PARLEY_SCHEMAS_LOG_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace parley {

// Appends `text` in quotes, as a JSON string that is safe to look at: beyond what RFC 8259 escapes, all that
// a terminal or an editor does not show as one visible character (controls, line separators, what turns the
// direction of writing, what has no width) is written \uXXXX, and bytes that are no UTF-8 become \ufffd. When
// that takes more than `most` bytes between the quotes, its beginning is written, and how many bytes it had:
// "abc...[65535 bytes]".
void append_log_string(std::string_view text, std::size_t most, std::string& out);

// The same for key=value lines: a word of letters, digits and a few signs is written as it is, anything else
// in quotes.
void append_log_value(std::string_view text, std::size_t most, std::string& out);

}  // namespace parley

#endif
