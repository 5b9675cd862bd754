#include "bridge/http/response.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <stdexcept>

#include "bridge/http/header_text.h"
#include "schemas/json_text.h"

namespace parley::http {

Response& Response::header(std::string_view name, std::string_view value) & {
  headers.push_back({std::string(name), std::string(value)});
  return *this;
}
Response&& Response::header(std::string_view name, std::string_view value) && {
  return std::move(header(name, value));
}
Response& Response::etag(std::uint64_t version) & {
  return header("ETag", "\"" + std::to_string(version) + "\"");
}
Response&& Response::etag(std::uint64_t version) && { return std::move(etag(version)); }

Response json(const boost::json::value& value, unsigned status) {
  return json_text(boost::json::serialize(value), status);
}

Response json_text(std::string text, unsigned status) {
  Response response;
  response.status = status;
  response.body = std::move(text);
  return response;
}

Response text(std::string body, std::string_view content_type, unsigned status) {
  Response response;
  response.status = status;
  response.content_type = content_type;
  response.body = std::move(body);
  return response;
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

Response problem(const Problem& problem) {
  Response response;
  response.status = problem.status;
  std::string& out = response.body;
  out = "{\"error\":";
  JsonObjectWriter error(out);
  error.text("code", problem.code);
  error.text("message", problem.message);
  error.text_if("field", problem.field);
  if (problem.retry_after.count() > 0) {
    error.number("retry_after_ms", static_cast<std::uint64_t>(problem.retry_after.count()));
    // Whole seconds, rounded up (RFC 9110, section 10.2.3): whoever waits that long is not refused again.
    response.header("Retry-After",
                    std::to_string(std::chrono::ceil<std::chrono::seconds>(problem.retry_after).count()));
  }
  error.close();
  out += '}';
  if (problem.status == 401) response.header("WWW-Authenticate", "Bearer");
  return response;
}

Response bad_request(std::string message, std::string field) {
  return problem({400, "bad_request", std::move(message), std::move(field)});
}
Response unauthorized(std::string message) { return problem({401, "unauthorized", std::move(message)}); }
Response forbidden(std::string message, std::string_view code) {
  return problem({403, code, std::move(message)});
}
Response not_found(std::string message, std::string_view code) {
  return problem({404, code, std::move(message)});
}
Response conflict(std::string message, std::string field) {
  return problem({409, "conflict", std::move(message), std::move(field)});
}
Response precondition_failed(std::string message) {
  return problem({412, "precondition_failed", std::move(message)});
}
Response invalid(std::string field, std::string message) {
  return problem({422, "invalid", std::move(message), std::move(field)});
}
Response rate_limited(std::string message, std::chrono::milliseconds retry_after) {
  return problem({429, "rate_limited", std::move(message), {}, retry_after});
}
Response unavailable(std::string message, std::chrono::milliseconds retry_after) {
  return problem({503, "unavailable", std::move(message), {}, retry_after});
}

void throw_exception_from_error(const Response& refusal, const boost::source_location&) {
  throw std::logic_error("a refusal was taken for a value: " + refusal.body);
}

IfMatch if_match(const Request& request) {
  IfMatch out;
  for (const Parameter& header : request.headers) {
    if (!same_token(header.name, "If-Match")) continue;
    const EntityTags tags = parse_entity_tags(header.value);
    if (tags.any) return IfMatch();
    out.any = false;
    for (const EntityTag& tag : tags.tags) {
      const std::string_view digits = tag.opaque.substr(1, tag.opaque.size() - 2);
      std::uint64_t version = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
      const bool whole = error == std::errc() && end == digits.data() + digits.size();
      if (!tag.weak && whole) out.versions.push_back(version);
    }
  }
  return out;
}

}  // namespace parley::http
