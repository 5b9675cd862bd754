// Text that people give a name, a title, a reason: what may be shown to others beside their own words without
// lying about where it begins and ends. (What they say, a message's body, is theirs and goes through
// unchanged.) Any thread.
//
// Both kinds of field refuse what is no character or cannot be seen, what turns the direction of writing
// around (RFC 8264, 9.9 and Unicode Technical Report 36), and marks heaped upon one character; both are
// brought to NFC and lose what is empty at their ends, as RFC 8266 has it for nicknames. What scripts need
// passes: joiners inside of words and of emoji, flags, variants of ideographs.
#ifndef PARLEY_SCHEMAS_TEXT_FIELD_TEXT_H_
#define PARLEY_SCHEMAS_TEXT_FIELD_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace parley::text {

enum class FieldKind : std::uint8_t {
  one_line,  // a name, a topic, a label
  longer,    // line feeds and tabs too: about oneself, a reason. CR LF and CR become LF
};

struct FieldText {
  std::string text;            // to be stored; empty only when `problem` is not
  std::size_t characters = 0;  // code points of `text`
  bool nothing_seen = false;   // there is nothing wrong with it but that it is as good as empty
  std::string
      problem;  // what is wrong, to stand behind the field's name: "must not hold ..."; empty: nothing
};
FieldText check_field(std::string_view utf8, FieldKind kind);

// For names that another program gives: what would be refused is left out, line breaks become spaces, and
// what is longer is cut. Empty when nothing is left that can be seen.
std::string clean_line(std::string_view utf8, std::size_t max_characters);

// Names of files and the like, which come with a message: no controls, no line breaks, nothing that turns the
// direction of writing. `utf8` is valid. Allocates nothing.
bool is_harmless(std::string_view utf8);

// NFC, to look for what check_field() stored. As given when it is not UTF-8.
std::string composed(std::string_view utf8);

}  // namespace parley::text

#endif
