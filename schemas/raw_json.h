// The parts of a JSON document in the spelling in which they came: numbers of any length, escapes, the order
// of members, which a document tree does not keep. Everything here expects text that a parser has found
// valid; other text gives nonsense, but nothing is read beyond its end. Pure.
#ifndef PARLEY_SCHEMAS_RAW_JSON_H_
#define PARLEY_SCHEMAS_RAW_JSON_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace parley {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
// `text` without the byte order mark that some editors and languages put before UTF-8.
std::string_view skip_byte_order_mark(std::string_view text);

// Without the white space outside of strings.
bool is_compact_json(std::string_view json);
void append_compact_json(std::string_view json, std::string& out);
std::string compact_json(std::string_view json);

struct RawMember {
  std::string_view key;  // between its quotes, escapes and all
  std::string_view value;
};

// Goes through the members of an object, or the elements of an array, in their order. Keeps a view of the
// text.
class RawMembers {
 public:
  explicit RawMembers(std::string_view object);
  std::optional<RawMember> next();

 private:
  std::string_view rest_;
};
class RawElements {
 public:
  explicit RawElements(std::string_view array);
  std::optional<std::string_view> next();

 private:
  std::string_view rest_;
};

// The value of the object's last member of this name (ASCII), however its key is escaped; of members given
// twice the last counts everywhere. Nothing when there is none.
std::optional<std::string_view> raw_member(std::string_view object, std::string_view name);

// Whether no value of the object or array lies deeper than this; the outermost brackets count as one.
bool is_json_deeper_than(std::string_view json, std::size_t depth);

}  // namespace parley

#endif
