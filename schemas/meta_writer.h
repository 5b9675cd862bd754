// Internal to schemas: writes `meta` again while a parser reads it, compactly; numbers keep their spelling,
// which a document tree of doubles would not.
#ifndef PARLEY_SCHEMAS_META_WRITER_H_
#define PARLEY_SCHEMAS_META_WRITER_H_

#include <string>
#include <string_view>

#include "schemas/json_text.h"

namespace parley {

// Takes the parser's events from the first '{' on; begin() counts as that one. The memory is kept.
class MetaWriter {
 public:
  void clear() {
    text_.clear();
    number_.clear();
    depth_ = 0;
    in_string_ = false;
    key_is_type_ = false;
    has_type_ = false;
  }
  void reserve(std::size_t bytes) {
    if (text_.capacity() < bytes) text_.reserve(bytes);
  }
  std::string_view text() const { return text_; }
  bool has_type() const { return has_type_; }  // a member "type" that is a string and not empty

  void begin() {
    clear();
    text_ = '{';
    depth_ = 1;
  }
  void open(char bracket) {
    value(bracket == '{' ? "{" : "[");
    ++depth_;
  }
  bool close(char bracket) {  // whether that was the last
    text_ += bracket;
    return --depth_ == 0;
  }
  void string_part(std::string_view part) {
    if (!in_string_) {
      in_string_ = true;
      comma();
      string_begin_ = text_.size();
      text_ += '"';
    }
    append_json_escaped(part, text_);
  }
  void key(std::string_view last_part) {
    end_string(last_part);
    // A key further down says nothing about the value that comes at the top.
    if (depth_ == 1) key_is_type_ = written() == "\"type\"";
    text_ += ':';
  }
  void string(std::string_view last_part) {
    end_string(last_part);
    note_type(written() != "\"\"");
  }
  void number_part(std::string_view part) { number_ += part; }
  void number(std::string_view last_part) {
    number_ += last_part;
    value(number_);
    number_.clear();
  }
  void value(std::string_view spelling) {
    note_type(false);
    comma();
    text_ += spelling;
  }

 private:
  // What was written last tells whether something must part it from what comes.
  void comma() {
    const char last = text_.back();
    if (last != '{' && last != '[' && last != ':') text_ += ',';
  }
  void end_string(std::string_view last_part) {
    string_part(last_part);
    text_ += '"';
    in_string_ = false;
  }
  std::string_view written() const { return std::string_view(text_).substr(string_begin_); }
  void note_type(bool is_useful) {
    if (depth_ == 1 && key_is_type_) has_type_ = is_useful;
  }

  std::string text_;
  std::string number_;
  std::size_t string_begin_ = 0;  // of the last string in text_
  std::size_t depth_ = 0;         // open brackets
  bool in_string_ = false;
  bool key_is_type_ = false;
  bool has_type_ = false;
};

}  // namespace parley

#endif
