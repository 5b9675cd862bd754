// What people type. What a check lets pass it lets pass unchanged a second time; what was cleaned needs no
// cleaning.
#include <cstdlib>

#include "schemas/text/emoji.h"
#include "schemas/text/field_text.h"
#include "schemas/text/password_text.h"
#include "schemas/text/unicode.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::text;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const FieldKind kind : {FieldKind::one_line, FieldKind::longer}) {
    const FieldText first = check_field(input, kind);
    require(first.text.empty() != first.problem.empty());
    if (!first.problem.empty()) continue;
    const FieldText second = check_field(first.text, kind);
    require(second.problem.empty() && second.text == first.text && second.characters == first.characters);
    require(composed(first.text) == first.text);
    if (kind == FieldKind::one_line) require(is_harmless(first.text));
  }
  const std::string cleaned = clean_line(input.substr(0, 400), 50);
  const FieldText again = check_field(cleaned, FieldKind::one_line);
  require(cleaned.empty() || (again.problem.empty() && again.text == cleaned && again.characters <= 50));

  EmojiBuffer buffer{};
  const std::string emoji(qualified_emoji(input, buffer));
  require(emoji.empty() || qualified_emoji(emoji, buffer) == emoji);
  require(emoji.empty() || !check_field(emoji, FieldKind::one_line).text.empty());

  if (const auto password = prepare_password(input)) {
    const auto twice = prepare_password(password->text);
    require(twice && twice->text == password->text && twice->characters == password->characters);
    require(password->earlier != password->text || input.empty());
  }
  return 0;
}
