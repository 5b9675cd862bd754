// HTTP/1.1 and HTTP/2 requests to one server, one at a time. Over libcurl, which stays in curl_client.cc.
//
// Threads: an HttpClient belongs to one thread at a time; several of them do not disturb each other.
// Connections are kept open between requests. Redirects are not followed: a token is for who it was meant
// for.
#ifndef PARLEY_CLIENTS_HTTP_HTTP_CLIENT_H_
#define PARLEY_CLIENTS_HTTP_HTTP_CLIENT_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace parley::client {

struct HttpRequest {
  std::string method = "GET";
  std::string url{};  // http:// or https://, with the query
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};  // sent with its length when not empty, and always with POST, PUT and PATCH
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers{};  // names in lower case, in order of arrival
  std::string body;
  // The last header of that name (in lower case); empty when there is none.
  std::string header(std::string_view name) const;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};           // of a whole request
  std::size_t max_body_bytes = std::size_t{64} << 20;  // of a response; a longer one is an error
  std::string ca_file{};                               // PEM; empty: the system's
  std::string user_agent = "parley";
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Any answer of the server is a success here, whatever its status; the error says in one line what went
  // wrong on the way.
  virtual boost::system::result<HttpResponse, std::string> send(const HttpRequest& request) = 0;
};

std::unique_ptr<HttpClient> make_http_client(HttpOptions options = {});

// All but letters, digits and -._~ as %XX (RFC 3986, 2.3): for one part of a path or of a query.
std::string percent_encode(std::string_view text);

}  // namespace parley::client

#endif
