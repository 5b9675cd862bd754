// Finds the route of a path. Filled once, then read by any number of threads.
#ifndef PARLEY_BRIDGE_HTTP_ROUTER_H_
#define PARLEY_BRIDGE_HTTP_ROUTER_H_

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/http/request.h"

namespace parley::http {

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // `path` is segments like "/api/v1/rooms/{room}"; braces take one whole segment, and a fixed segment is
  // preferred to braces. `route` is the caller's number for it. Throws std::invalid_argument for a path that
  // is not of this form, or is there already for this method, or names the braces of a place differently.
  void add(Method method, std::string_view path, std::size_t route);

  enum class Outcome { found, not_found, method_not_allowed, bad_path };
  struct Match {
    Outcome outcome = Outcome::not_found;
    std::size_t route = 0;  // found
    Parameters parameters;  // found: decoded
    std::string allow;      // found, method_not_allowed: value of the Allow header, "GET, HEAD, OPTIONS"
  };
  // HEAD finds the GET route; OPTIONS is found nowhere (the server answers it), but `allow` is filled, of
  // kWholeServer and "/" with every method. Slashes in a row count as one at the start.
  // bad_path: percent-encoding that is broken, or does not give UTF-8 without NUL.
  Match match(Method method, std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace parley::http

#endif
