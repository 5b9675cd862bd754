// From a Response to the bytes before its body: status line and headers, those of the server included.
// Thread-safe: nothing here changes after construction.
#ifndef PARLEY_BRIDGE_HTTP_ANSWER_H_
#define PARLEY_BRIDGE_HTTP_ANSWER_H_

#include <string>
#include <string_view>

#include "bridge/http/request.h"
#include "bridge/http/response.h"
#include "config/bridge_config.h"

namespace parley::http {

class AnswerWriter {
 public:
  explicit AnswerWriter(const HttpConfig& config);

  // The head, its empty line included. The body follows it, unless the method is HEAD or has_body() is false.
  // Line breaks in header values become spaces: nothing a handler puts there can start another header.
  std::string head(const Request& request, const Response& response, bool close) const;
  static bool has_body(const Response& response) { return response.status != 204 && response.status != 304; }

  // What the server answers by itself to OPTIONS of a path with this Allow: a CORS preflight, or a plain
  // question.
  Response options(const Request& request, std::string_view allow) const;
  // 304 instead of a 200 that the client has already (If-None-Match).
  static void shorten_if_known(const Request& request, Response& response);

 private:
  // The request's Origin when it is on the list.
  std::string_view allowed_origin(const Request& request) const;

  const HttpConfig& config_;
  std::string security_headers_;
};

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string_view http_date_now();
std::string_view reason_of(unsigned status);
// The client's X-Request-Id when it is 1 to 64 of A-Z a-z 0-9 . _ -, otherwise a new one.
std::string request_id_for(const Request& request);

}  // namespace parley::http

#endif
