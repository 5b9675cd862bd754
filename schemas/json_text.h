// Writing JSON by hand where a document tree would cost too much. Appends to the caller's string.
#ifndef PARLEY_SCHEMAS_JSON_TEXT_H_
#define PARLEY_SCHEMAS_JSON_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

// `text` (valid UTF-8) escaped as RFC 8259, section 7 demands and no further; without the quotes.
void append_json_escaped(std::string_view text, std::string& out);
void append_json_string(std::string_view text, std::string& out);  // with the quotes
void append_decimal(std::uint64_t value, std::string& out);
// Finite. At most 15 digits: Boost.JSON reads longer ones off by a unit in the last place, and what is read
// and written in turn would drift.
void append_number(double value, std::string& out);

// Writes the members of one object. Keys are literals that need no escape.
class JsonObjectWriter {
 public:
  explicit JsonObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  void close() { out_ += '}'; }

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(value, out_);
  }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    append_decimal(value, out_);
  }
  void number_if(std::string_view name, std::uint64_t value) {
    if (value != 0) number(name, value);
  }
  void decimal(std::string_view name, double value) {
    key(name);
    append_number(value, out_);
  }
  void id_if(std::string_view name, std::uint64_t value) {
    if (value == 0) return;
    key(name);
    out_ += '"';
    append_decimal(value, out_);
    out_ += '"';
  }
  void json_if(std::string_view name, std::string_view json) {
    if (json.empty()) return;
    key(name);
    out_ += json;
  }
  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += name;
    out_ += "\":";
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace parley

#endif
