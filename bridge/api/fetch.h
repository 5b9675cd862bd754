// One HTTP request to somebody else's server (an OpenID provider), by libcurl, which stays in the .cc. Blocks
// for kFetchTimeout at most; any thread.
#ifndef PARLEY_BRIDGE_API_FETCH_H_
#define PARLEY_BRIDGE_API_FETCH_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <string>

namespace parley::api {

inline constexpr std::chrono::seconds kFetchTimeout{5};
inline constexpr std::size_t kFetchBytes = std::size_t{256} << 10;  // of an answer's body

struct Fetch {
  std::string url{};       // http or https; redirects are not followed
  std::string form{};      // when not empty: POST, application/x-www-form-urlencoded
  std::string user{};      // when not empty: Basic authentication...
  std::string password{};  // ...with this
};
struct Fetched {
  long status = 0;
  std::string body;
};
// The error says what happened, without secrets.
boost::system::result<Fetched, std::string> fetch(const Fetch& request);

}  // namespace parley::api

#endif
