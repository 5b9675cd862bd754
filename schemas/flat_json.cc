#include "schemas/flat_json.h"

#include <boost/json/basic_parser_impl.hpp>

#include "schemas/whole_number.h"

namespace parley {
namespace {

namespace json = boost::json;

// Boost.JSON's SAX interface; false with an error set stops the parser.
class Handler {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  FlatObject members;
  bool is_object = false;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    if (depth_ == 0) is_object = true;
    return open();
  }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_begin(json::error_code&) { return open(); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_key_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_key(json::string_view s, std::size_t, json::error_code& error) {
    part(s);
    if (depth_ == 1) {
      const auto [at, is_new] = members.try_emplace(text_);
      if (!is_new) {
        error = json::error::syntax;
        return false;
      }
      current_ = &at->second;
    }
    text_.clear();
    return true;
  }
  bool on_string_part(json::string_view s, std::size_t, json::error_code&) { return part(s); }
  bool on_string(json::string_view s, std::size_t, json::error_code&) {
    part(s);
    if (depth_ == 1 && is_object) {
      current_->type = FlatValue::Type::string;
      current_->text = text_;
    }
    text_.clear();
    return true;
  }
  bool on_number_part(json::string_view s, json::error_code&) { return part(s); }
  bool on_int64(std::int64_t, json::string_view s, json::error_code&) { return number(s); }
  bool on_uint64(std::uint64_t, json::string_view s, json::error_code&) { return number(s); }
  bool on_double(double, json::string_view s, json::error_code&) { return number(s); }
  bool on_bool(bool, json::error_code&) { return true; }
  bool on_null(json::error_code&) { return true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool open() {
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool part(json::string_view s) {
    text_.append(s.data(), s.size());
    return true;
  }
  bool number(json::string_view last_part) {
    part(last_part);
    const auto whole = depth_ == 1 && is_object ? parse_whole_number(text_) : std::nullopt;
    if (const auto integer = whole ? whole->as<std::int64_t>() : std::nullopt) {
      current_->type = FlatValue::Type::integer;
      current_->integer = *integer;
    }
    text_.clear();
    return true;
  }

  int depth_ = 0;
  std::string text_;
  FlatValue* current_ = nullptr;
};

}  // namespace

std::optional<FlatObject> read_flat_json(std::string_view text) {
  json::basic_parser<Handler> parser{json::parse_options()};
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size() || !parser.handler().is_object) return std::nullopt;
  return std::move(parser.handler().members);
}

}  // namespace parley
