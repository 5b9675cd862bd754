// Tokens in the hands of people: in files made with echo, in variables, behind a header's name. Pure.
#ifndef PARLEY_SCHEMAS_TOKEN_TEXT_H_
#define PARLEY_SCHEMAS_TOKEN_TEXT_H_

#include <string_view>

namespace parley {

// Without the white space and line ends around it, and the byte order mark before it. No token has any of
// these inside, or is another one without them.
std::string_view trim_token(std::string_view text);

}  // namespace parley

#endif
