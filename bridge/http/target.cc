#include "bridge/http/target.h"

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <boost/url/scheme.hpp>
#include <boost/url/url_view.hpp>

#include "schemas/utf8.h"

namespace parley::http {
namespace {

constexpr std::size_t kMaxParameters = 64;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// In a query a plus sign is a space, as HTML forms and every URL library write it.
std::optional<std::string> query_decode(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced) {
    if (c == '+') c = ' ';
  }
  return percent_decode(spaced);
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (out.find('\0') != std::string::npos || !scan_utf8(out).valid) return std::nullopt;
  return out;
}

std::string percent_encode(std::string_view text) {
  return boost::urls::encode({text.data(), text.size()}, boost::urls::unreserved_chars);
}

std::optional<Target> parse_target(std::string_view target) {
  const boost::core::string_view text(target.data(), target.size());
  const auto url =
      target.starts_with('/') ? boost::urls::parse_origin_form(text) : boost::urls::parse_absolute_uri(text);
  if (!url || url->has_fragment()) return std::nullopt;
  const bool is_http = url->scheme_id() == boost::urls::scheme::http ||
                       url->scheme_id() == boost::urls::scheme::https;  // in any case
  if (!target.starts_with('/') && !is_http) return std::nullopt;

  Target out;
  const boost::core::string_view path = url->encoded_path();
  out.path.assign(path.data(), path.size());
  if (out.path.empty()) out.path = "/";
  if (!url->has_query()) return out;
  const boost::core::string_view encoded = url->encoded_query();
  std::string_view query(encoded.data(), encoded.size());
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = query_decode(pair.substr(0, equals));
    auto value =
        query_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1));
    if (!name || !value || out.query.size() == kMaxParameters) return std::nullopt;
    out.query.push_back({*std::move(name), *std::move(value)});
  }
  return out;
}

}  // namespace parley::http
