// The target of a request line: what is after the method. Pure functions.
#ifndef PARLEY_BRIDGE_HTTP_TARGET_H_
#define PARLEY_BRIDGE_HTTP_TARGET_H_

#include <optional>
#include <string>
#include <string_view>

#include "bridge/http/request.h"

namespace parley::http {

struct Target {
  std::string path;  // still encoded; starts with a slash
  Parameters query;  // decoded; a name without "=" has an empty value
};

// Origin form, "/path?query" (RFC 9112, section 3.2.1), or absolute form, whose scheme and host are left out.
// Nothing when it is neither, or the query's encoding is broken or not UTF-8, or it has more than 64
// parameters.
std::optional<Target> parse_target(std::string_view target);

// Nothing when an escape is broken, or the result is not UTF-8 or holds a NUL. A plus sign stays one.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but RFC 3986's unreserved characters is escaped: fits a path segment and a query.
std::string percent_encode(std::string_view text);

}  // namespace parley::http

#endif
