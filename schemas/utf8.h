// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Pure.
#ifndef PARLEY_SCHEMAS_UTF8_H_
#define PARLEY_SCHEMAS_UTF8_H_

#include <cstddef>
#include <string_view>

namespace parley {

struct Utf8Scan {
  bool valid = false;
  bool has_nul = false;        // holds U+0000
  std::size_t characters = 0;  // Unicode code points, when valid
};
Utf8Scan scan_utf8(std::string_view text);

}  // namespace parley

#endif
