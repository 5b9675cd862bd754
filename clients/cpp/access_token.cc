#include "clients/cpp/access_token.h"

#include <boost/json.hpp>

#include "schemas/base64url.h"
#include "schemas/whole_number.h"

namespace parley::client {

std::optional<std::int64_t> token_expiry(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto claims = decode_base64url(token.substr(first + 1, second - first - 1));
  if (!claims) return std::nullopt;
  boost::system::error_code error;
  const boost::json::value document = boost::json::parse(*claims, error);
  if (error || !document.is_object()) return std::nullopt;
  const boost::json::value* exp = document.as_object().if_contains("exp");
  return exp != nullptr ? whole_number<std::int64_t>(*exp) : std::nullopt;
}

}  // namespace parley::client
