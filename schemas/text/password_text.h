// Passwords as RFC 8265 has them (OpaqueString): the same however a keyboard composes its accents. Pure; any
// thread.
#ifndef PARLEY_SCHEMAS_TEXT_PASSWORD_TEXT_H_
#define PARLEY_SCHEMAS_TEXT_PASSWORD_TEXT_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley::text {

struct PreparedPassword {
  std::string text{};          // what is hashed: NFC, each kind of space U+0020
  std::size_t characters = 0;  // code points of `text`
  // What a hash from before may have been made of, when it is something else: the bytes as they were typed,
  // or as a keyboard that takes accents apart would have typed them. Empty: nothing else.
  std::string earlier{};
};
// Nothing when it is not UTF-8.
std::optional<PreparedPassword> prepare_password(std::string_view utf8);

}  // namespace parley::text

#endif
