// Base 64 in the URL-safe alphabet without padding (RFC 4648, section 5; RFC 7515, appendix C), and the
// common one.
#ifndef PARLEY_SCHEMAS_BASE64URL_H_
#define PARLEY_SCHEMAS_BASE64URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace parley {

std::string encode_base64url(std::string_view bytes);
// Strict: no padding, no white space, no other alphabet, unused bits zero, so that one value has one
// spelling.
std::optional<std::string> decode_base64url(std::string_view text);

// The alphabet with + and /, padded (RFC 4648, section 4); decoding is as strict.
std::string encode_base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace parley

#endif
