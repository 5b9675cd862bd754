#include "schemas/token_text.h"

#include "schemas/raw_json.h"

namespace parley {

std::string_view trim_token(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  text = skip_byte_order_mark(text);
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace parley
