#include "bridge/http/canonical_json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>

#include "schemas/json_text.h"
#include "schemas/raw_json.h"
#include "schemas/whole_number.h"

namespace parley::http {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 32;  // as of every body; the recursion below is bounded by it

void append(const json::value& value, std::string& out);

void append(const json::object& object, std::string& out) {
  std::map<std::string_view, const json::value*> sorted;
  for (const auto& member : object) sorted.emplace(member.key(), &member.value());
  out += '{';
  for (const auto& [name, value] : sorted) {
    if (out.back() != '{') out += ',';
    append_json_string(name, out);
    out += ':';
    append(*value, out);
  }
  out += '}';
}

void append(const json::array& array, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (i > 0) out += ',';
    append(array[i], out);
  }
  out += ']';
}

void append(const json::value& value, std::string& out) {
  if (const auto* object = value.if_object()) return append(*object, out);
  if (const auto* array = value.if_array()) return append(*array, out);
  if (const auto* text = value.if_string()) return append_json_string(*text, out);
  if (const auto negative = whole_number<std::int64_t>(value)) {
    out += std::to_string(*negative);
  } else if (const auto large = whole_number<std::uint64_t>(value)) {
    out += std::to_string(*large);
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string canonical_json(std::string_view text) {
  text = skip_byte_order_mark(text);
  if (text.empty()) return "{}";
  boost::system::error_code error;
  const json::value value = json::parse(text, error, {}, {.max_depth = kMaxDepth});
  if (error) return std::string(text);
  std::string out;
  append(value, out);
  return out;
}

}  // namespace parley::http
