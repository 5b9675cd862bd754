// The server's REST interface (docs/protocol.md; the routes are in /api/v1/openapi.json), for one person.
//
// Blocking, for one thread. Everything that fails throws Failure with a line that says what to do.
#ifndef PARLEY_CLIENTS_PARLEYCTL_REST_CLIENT_H_
#define PARLEY_CLIENTS_PARLEYCTL_REST_CLIENT_H_

#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clients/http/http_client.h"

namespace parley::ctl {

class RestClient {
 public:
  // A bearer token; asked again with the one that was refused. Empty: none.
  using TokenSource = std::function<std::string(const std::string& refused)>;

  RestClient(std::string url, std::unique_ptr<client::HttpClient> http, TokenSource token = {});

  struct Answer {
    int status = 0;
    boost::json::object body;
    std::string etag;
    std::string code;     // empty: done
    std::string message;  // of the error, for people; names the field if there is one
    bool ok() const { return code.empty(); }
  };
  using Body = std::optional<boost::json::object>;
  // `path` begins after /api/v1 and is encoded already (see part()). Refused for a moment (429 of a few
  // seconds), it asks again. Throws only when there is no answer.
  Answer ask(const std::string& method, const std::string& path, const Body& body = {},
             const std::string& if_match = {});
  // The same where only success is of use.
  boost::json::object call(const std::string& method, const std::string& path, const Body& body = {},
                           const std::string& if_match = {});
  // The items of a list, page by page, until `visit` says false. `path` may have a query.
  void each(const std::string& path, const std::function<bool(boost::json::object&&)>& visit);

  const std::string& url() const { return url_; }
  [[noreturn]] static void fail(const Answer& answer);

 private:
  Answer once(const std::string& method, const std::string& path, const Body& body,
              const std::string& if_match, const std::string& token, std::int64_t& wait_ms);

  const std::string url_;
  const std::unique_ptr<client::HttpClient> http_;
  const TokenSource token_;
};

// One part of a path or of a query, encoded.
inline std::string part(std::string_view text) { return client::percent_encode(text); }

}  // namespace parley::ctl

#endif
