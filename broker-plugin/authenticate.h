// Who may connect, and as whom. A pure decision: it takes the keys, the facts and the time, touches no I/O,
// and says why it refused. The broker's thread.
#ifndef PARLEY_BROKER_PLUGIN_AUTHENTICATE_H_
#define PARLEY_BROKER_PLUGIN_AUTHENTICATE_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "broker-plugin/broker_port.h"
#include "broker-plugin/facts.h"
#include "broker-plugin/sessions.h"
#include "schemas/token.h"

namespace parley::plugin {

// The spelling is the metric's label and the log's word.
enum class AuthError : std::uint8_t {
  no_credentials,
  bad_token,
  expired_token,
  unknown_api_token,
  unknown_user,
  user_blocked,
  token_revoked,  // issued before the user's tokens_after
  session_revoked,
  wrong_username,
  foreign_client_id,  // user:device of another user, or an id somebody else holds
  too_many_connections,
};
std::string_view to_string(AuthError error);

struct AuthRefusal {
  AuthError error;
  std::string detail;  // for the log; never holds a secret
};
void throw_exception_from_error(const AuthRefusal& refusal, const boost::source_location&);
template <class T>
using AuthResult = boost::system::result<T, AuthRefusal>;

struct AuthContext {
  const KeySet& keys;
  const Facts& facts;
  const Sessions& sessions;
  // Whose a client id is that is not of the form user:device; kNoUser: nobody's.
  const std::function<UserIndex(std::string_view)>& owner_of;
  Displaced& displaced;
  std::int64_t now_s;
  bool allow_anonymous;
};

// Everything CONNECT asks for: credentials, user, revocations, client id, number of connections.
AuthResult<Identity> authenticate(const ConnectAttempt& attempt, const AuthContext& context);

// The same for a token that renews a connection: it must be the session's own user and device.
AuthResult<Identity> authenticate_renewal(const Session& session, std::string_view token,
                                          const AuthContext& context);

// Whether somebody who is connected may stay: asked again when facts about the user or session changed.
AuthResult<void> still_allowed(const Identity& who, const Facts& facts, std::int64_t now_s);

// Whether a last will may speak for somebody. As above, but that a token has expired since does not matter;
// an API token that has is not known any more.
AuthResult<void> may_leave_will(const Identity& who, const Facts& facts, std::int64_t now_s);

}  // namespace parley::plugin

#endif
