// What a handler answers. Plain values and pure functions.
#ifndef PARLEY_BRIDGE_HTTP_RESPONSE_H_
#define PARLEY_BRIDGE_HTTP_RESPONSE_H_

#include <boost/assert/source_location.hpp>
#include <boost/json/fwd.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/http/request.h"

namespace parley::http {

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  Parameters headers;  // besides those the server adds to every answer; values free of CR and LF
  std::string body;
  // Whether who has an answer with the same ETag has this one (then 304 says so). Not when the body has more
  // in it than what the ETag is of.
  bool same_by_etag = true;

  Response& header(std::string_view name, std::string_view value) &;
  Response&& header(std::string_view name, std::string_view value) &&;
  // ETag: "<version>"
  Response& etag(std::uint64_t version) &;
  Response&& etag(std::uint64_t version) &&;
};

Response json(const boost::json::value& value, unsigned status = 200);
Response json_text(std::string text, unsigned status = 200);  // JSON that was written by hand
Response text(std::string body, std::string_view content_type = "text/plain; charset=utf-8",
              unsigned status = 200);
Response no_content();  // 204

// A refusal: {"error":{"code","message","field"?,"retry_after_ms"?}}, and Retry-After when there is something
// to wait for. `message` says what to do.
struct Problem {
  unsigned status;
  std::string_view code;
  std::string message;
  std::string field{};  // the member, parameter or header that is wrong
  std::chrono::milliseconds retry_after{0};
};
Response problem(const Problem& problem);

// The usual ones.
Response bad_request(std::string message, std::string field = {});                  // 400 bad_request
Response unauthorized(std::string message);                                         // 401 unauthorized
Response forbidden(std::string message, std::string_view code = "forbidden");       // 403
Response not_found(std::string message, std::string_view code = "not_found");       // 404
Response conflict(std::string message, std::string field = {});                     // 409 conflict
Response precondition_failed(std::string message);                                  // 412 precondition_failed
Response invalid(std::string field, std::string message);                           // 422 invalid
Response rate_limited(std::string message, std::chrono::milliseconds retry_after);  // 429 rate_limited
Response unavailable(std::string message,
                     std::chrono::milliseconds retry_after = std::chrono::milliseconds{1000});  // 503

// Lets boost::system::result::value() throw where a Response stands for a refusal; we ask has_value() first.
[[noreturn]] void throw_exception_from_error(const Response& refusal, const boost::source_location&);

// If-Match of an update: the versions of which the current one must be one (strong comparison, RFC 9110,
// section 13.1.1: a weak tag matches nothing). `any` when the header is absent or "*". Tags that are not ours
// match no version.
struct IfMatch {
  bool any = true;
  std::vector<std::uint64_t> versions;
};
IfMatch if_match(const Request& request);
inline constexpr std::uint64_t kNoVersion = ~std::uint64_t{0};  // what nothing ever has

}  // namespace parley::http

#endif
