#include "bridge/http/request.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <stdexcept>

#include "bridge/http/header_text.h"

namespace parley::http {
namespace {

constexpr std::array<std::string_view, kMethods> kNames = {"GET",   "HEAD",   "POST",   "PUT",
                                                           "PATCH", "DELETE", "OPTIONS"};

}  // namespace

std::string_view to_string(Method method) { return kNames.at(static_cast<std::size_t>(method)); }

std::optional<Method> parse_method(std::string_view text) {
  const auto* found = std::find(kNames.begin(), kNames.end(), text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Method>(found - kNames.begin());
}

const std::string& Request::param(std::string_view name) const {
  for (const Parameter& parameter : path_parameters) {
    if (parameter.name == name) return parameter.value;
  }
  throw std::logic_error("the route has no {" + std::string(name) + "}");
}

std::optional<std::string_view> Request::query(std::string_view name) const {
  for (const Parameter& parameter : query_parameters) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Parameter& parameter : headers) {
    if (same_token(parameter.name, name)) return parameter.value;
  }
  return std::nullopt;
}

}  // namespace parley::http
