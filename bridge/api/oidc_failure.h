// What goes wrong with a provider, sorted by what helps: waiting, the operator, or nothing. Pure.
#ifndef PARLEY_BRIDGE_API_OIDC_FAILURE_H_
#define PARLEY_BRIDGE_API_OIDC_FAILURE_H_

#include <boost/json/fwd.hpp>
#include <boost/system/result.hpp>
#include <boost/throw_exception.hpp>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "bridge/api/fetch.h"
#include "config/bridge_config.h"
#include "schemas/jws.h"

namespace parley::api {

struct OidcFailure {
  enum class Kind : std::uint8_t {
    temporary,      // trying again later may help
    misconfigured,  // it will not, until somebody changes an option here or at the provider
    distrusted,     // what came back does not prove who somebody is
  };
  Kind kind = Kind::temporary;
  std::string why;      // for the log and the answer. Never a secret
  bool blocks = false;  // the provider does not take our client, whoever comes

  static OidcFailure temporary(std::string why) { return {Kind::temporary, std::move(why)}; }
  static OidcFailure misconfigured(std::string why) { return {Kind::misconfigured, std::move(why)}; }
  static OidcFailure client_refused(std::string why) { return {Kind::misconfigured, std::move(why), true}; }
  static OidcFailure distrusted(std::string why) { return {Kind::distrusted, std::move(why)}; }
};
template <class T>
using OidcResult = boost::system::result<T, OidcFailure>;
[[noreturn]] inline void throw_exception_from_error(const OidcFailure& failure,
                                                    const boost::source_location&) {
  throw std::runtime_error(failure.why);
}

// `what` could not be asked. What hints at a wrong option does so only where it has not worked before.
OidcFailure not_fetched(const std::string& what, const FetchError& error, bool worked_before);
// Whether a status of HTTP is a matter of time.
bool passes(long status);
// `what` answered with this status, where 200 was wanted.
OidcFailure bad_status(const std::string& what, long status);
// What the token endpoint says when it does not redeem a code (RFC 6749, section 5.2).
OidcFailure not_redeemed(long status, const boost::json::object& answer, const OidcProvider& config,
                         const std::string& redirect_uri);
// The `error` with which the provider sends somebody back (RFC 6749, section 4.1.2.1).
bool is_client_error(std::string_view error);
// What it means that the authorization endpoint answered so to a question that shows nobody a page
// (prompt=none): nothing, or that it refuses the client or the redirect_uri. They say so in many ways; what
// is not plain counts as nothing.
OidcResult<void> read_silent_answer(const Fetched& answer, const OidcProvider& config,
                                    const std::string& redirect_uri);
OidcFailure not_verified(const JwsError& error, const OidcProvider& config);

}  // namespace parley::api

#endif
