// One HTTP request as handlers see it: parsed, bounded, and free of the library that read it. A plain value;
// a handler's alone while it runs.
#ifndef PARLEY_BRIDGE_HTTP_REQUEST_H_
#define PARLEY_BRIDGE_HTTP_REQUEST_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::http {

enum class Method : std::uint8_t { get, head, post, put, patch, del, options };
inline constexpr std::size_t kMethods = 7;
std::string_view to_string(Method method);  // "GET"
std::optional<Method> parse_method(std::string_view text);

// The path of a request for the server itself: OPTIONS * (RFC 9112, section 3.2.4).
inline constexpr std::string_view kWholeServer = "*";

struct Parameter {
  std::string name;
  std::string value;
};
using Parameters = std::vector<Parameter>;

struct Request {
  Method method = Method::get;
  std::string target;           // as sent; may hold secrets of a query, so logs take `path`
  std::string path;             // without the query, still percent-encoded
  Parameters path_parameters;   // decoded (valid UTF-8, no NUL), by the names of the route's braces
  Parameters query_parameters;  // decoded, in their order
  Parameters headers;           // names as sent
  std::string body;
  std::chrono::steady_clock::time_point arrived = std::chrono::steady_clock::now();  // with its last byte
  std::string id;  // X-Request-Id: the client's when it is a sane one, else made here
  // The client's address (client_address.h; from X-Forwarded-For only when the configuration trusts it), in
  // its one spelling.
  std::string remote;

  // The value of a brace in the route's path; the route table makes sure it is there.
  const std::string& param(std::string_view name) const;
  // The first of that name, or nothing. Header names match in any case.
  std::optional<std::string_view> query(std::string_view name) const;
  std::optional<std::string_view> header(std::string_view name) const;
};

}  // namespace parley::http

#endif
