// Internal to schemas: the members of a JSON object whose values matter only when they are strings or whole
// numbers (whole_number.h: 60.0 is one).
#ifndef PARLEY_SCHEMAS_FLAT_JSON_H_
#define PARLEY_SCHEMAS_FLAT_JSON_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

struct FlatValue {
  enum class Type : std::uint8_t { string, integer, other };
  Type type = Type::other;
  std::string text;
  std::int64_t integer = 0;
};
using FlatObject = std::map<std::string, FlatValue, std::less<>>;

// Nothing when `text` is not one JSON object, or names a member twice (RFC 7519, section 4 lets a reader
// refuse that; taking one of two silently is how two readers come to disagree).
std::optional<FlatObject> read_flat_json(std::string_view text);

}  // namespace parley

#endif
