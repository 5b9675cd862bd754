// Writing JSON by hand where a document tree would cost too much. Appends to the caller's string.
#ifndef PARLEY_SCHEMAS_JSON_TEXT_H_
#define PARLEY_SCHEMAS_JSON_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

// `text` (valid UTF-8) escaped as RFC 8259, section 7 demands and no further; without the quotes.
void append_json_escaped(std::string_view text, std::string& out);
void append_json_string(std::string_view text, std::string& out);  // with the quotes
void append_decimal(std::uint64_t value, std::string& out);

}  // namespace parley

#endif
