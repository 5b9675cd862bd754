// One HTTP request to somebody else's server (an OpenID provider), by libcurl, which stays in the .cc. Blocks
// for kFetchTimeout at most; any thread.
#ifndef PARLEY_BRIDGE_API_FETCH_H_
#define PARLEY_BRIDGE_API_FETCH_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

namespace parley::api {

inline constexpr std::chrono::seconds kFetchTimeout{5};
inline constexpr std::size_t kFetchBytes = std::size_t{1} << 20;  // of an answer's body: many keys

struct Fetch {
  std::string url{};       // http or https; redirects are not followed
  std::string form{};      // when not empty: POST, application/x-www-form-urlencoded
  std::string user{};      // when not empty: Basic authentication...
  std::string password{};  // ...with this
  std::string bearer{};    // when not empty: the token of an Authorization: Bearer
};
struct Fetched {
  long status = 0;
  std::string body;
  std::string location;  // of a redirect: the whole URL
};
struct FetchError {
  enum class Kind : std::uint8_t {
    temporary,  // away, or slow
    suspect,    // no such host, or no TLS to be agreed on: a wrong URL, if it has never worked
    lasting,    // a certificate that is not trusted, a URL that is none
  };
  Kind kind = Kind::temporary;
  std::string what;  // what happened, without secrets
};
[[noreturn]] void throw_exception_from_error(const FetchError& error, const boost::source_location&);
// Ends early, as a temporary error, when it is asked to stop.
boost::system::result<Fetched, FetchError> fetch(const Fetch& request, const std::stop_token& stop = {});

}  // namespace parley::api

#endif
