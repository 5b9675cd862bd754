// What header values are made of (RFC 9110, section 5.6): tokens without case, quoted strings, lists. Pure.
#ifndef PARLEY_BRIDGE_HTTP_HEADER_TEXT_H_
#define PARLEY_BRIDGE_HTTP_HEADER_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace parley::http {

bool same_token(std::string_view a, std::string_view b);  // ASCII letters in any case
std::string_view trim(std::string_view text);             // spaces and tabs around
// The parts between separators, with their spaces. Quotes are not looked at: one that a client leaves open
// must not swallow what a proxy adds behind it.
std::vector<std::string_view> split(std::string_view text, char separator);
// The content of a quoted string; what is not in quotes is itself.
std::string unquote(std::string_view text);
// Whether a list of tokens ("a, b;q=1") has this one, parameters aside.
bool has_token(std::string_view list, std::string_view token);

// Entity tags of If-Match and If-None-Match (RFC 9110, sections 8.8.3 and 13.1).
struct EntityTag {
  bool weak = false;
  std::string_view opaque;  // with its quotes
};
struct EntityTags {
  bool any = false;  // "*"
  std::vector<EntityTag> tags;
};
// What is no entity tag is passed over: it matches nothing.
EntityTags parse_entity_tags(std::string_view value);

}  // namespace parley::http

#endif
