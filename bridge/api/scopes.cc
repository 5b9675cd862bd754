#include "bridge/api/scopes.h"

#include <algorithm>

namespace parley::api {
namespace {

constexpr Scope kNamed[] = {Scope::rooms_write, Scope::profile_write, Scope::contacts_write,
                            Scope::push_write};

}  // namespace

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::rooms_write:
      return "rooms:write";
    case Scope::profile_write:
      return "profile:write";
    case Scope::contacts_write:
      return "contacts:write";
    case Scope::push_write:
      return "push:write";
    case Scope::none:
    case Scope::token:
      break;
  }
  return "";
}

std::span<const Scope> named_scopes() { return kNamed; }

std::optional<Scope> parse_scope(std::string_view name) {
  for (const Scope scope : kNamed) {
    if (to_string(scope) == name) return scope;
  }
  return std::nullopt;
}

Scopes Scopes::all() {
  Scopes out;
  for (const Scope scope : kNamed) out.add(scope);
  return out;
}

Scopes Scopes::of(TokenRole role) { return role == TokenRole::device ? Scopes() : all(); }

Scopes Scopes::parse(std::string_view text) {
  Scopes out;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    if (const auto scope = parse_scope(word)) out.add(*scope);
    text.remove_prefix(std::min(text.size(), word.size() + 1));
  }
  return out;
}

std::string Scopes::text() const {
  std::string out;
  for (const Scope scope : kNamed) {
    if (!has(scope)) continue;
    if (!out.empty()) out += ' ';
    out += to_string(scope);
  }
  return out;
}

}  // namespace parley::api
