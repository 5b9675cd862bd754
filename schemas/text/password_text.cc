#include "schemas/text/password_text.h"

#include "schemas/text/unicode.h"

namespace parley::text {

std::optional<PreparedPassword> prepare_password(std::string_view utf8) {
  std::u32string typed;
  if (!decode(utf8, typed)) return std::nullopt;
  std::u32string points = normalize(typed, Form::composed);
  for (char32_t& point : points) {
    if (class_of(point) == Class::space) point = ' ';
  }
  PreparedPassword out;
  out.text = encode(points);
  out.characters = points.size();
  out.earlier = utf8;
  if (out.earlier == out.text) out.earlier = encode(normalize(typed, Form::decomposed));
  if (out.earlier == out.text) out.earlier.clear();
  return out;
}

}  // namespace parley::text
