#include "broker-plugin/authenticate.h"

#include <boost/throw_exception.hpp>
#include <stdexcept>

#include "schemas/token_text.h"

namespace parley::plugin {
namespace {

AuthRefusal refuse(AuthError error, std::string detail) { return {error, std::move(detail)}; }

AuthResult<Identity> from_access_token(std::string_view token, const AuthContext& context) {
  const auto claims = context.keys.verify(token, context.now_s);
  if (!claims) {
    const AuthError error =
        claims.error() == TokenError::expired ? AuthError::expired_token : AuthError::bad_token;
    return refuse(error, "access token: " + std::string(to_string(claims.error())));
  }
  Identity who;
  // A service is known by its signed token alone; it is no user and has no facts to wait for.
  who.user = claims->role == TokenRole::service ? context.facts.directory().intern_user(claims->sub)
                                                : context.facts.directory().find_user(claims->sub);
  if (who.user == kNoUser) return refuse(AuthError::unknown_user, "no user " + claims->sub);
  who.name = context.facts.directory().user_name(who.user);
  who.device = claims->dev;
  who.sid = claims->sid;
  who.role = claims->role;
  who.issued_s = claims->iat;
  who.expires_s = claims->exp;
  return who;
}

AuthResult<Identity> from_api_token(std::string_view token, const AuthContext& context) {
  const Sha256 digest = sha256(token);
  const ApiToken* known = context.facts.api_token(digest);
  if (known == nullptr) return refuse(AuthError::unknown_api_token, "API token not known");
  if (known->until_s != 0 && known->until_s <= context.now_s)
    return refuse(AuthError::expired_token, "API token expired");
  Identity who;
  who.user = known->user;
  who.name = context.facts.directory().user_name(known->user);
  who.device = known->device;
  who.role = known->role;
  who.issued_s = context.now_s;
  who.expires_s = known->until_s;
  who.api_token = digest;
  return who;
}

// In `password`, or in the payload of a renewal.
AuthResult<Identity> from_credentials(std::string_view password, const AuthContext& context) {
  const std::string_view token = trim_token(password);  // files made with echo end in a newline
  auto who = is_api_token(token) ? from_api_token(token, context) : from_access_token(token, context);
  if (!who) return who;
  if (const auto allowed = still_allowed(*who, context.facts, context.now_s); !allowed)
    return allowed.error();
  return who;
}

AuthResult<void> check_client_id(const ConnectAttempt& attempt, const Identity& who,
                                 const AuthContext& context) {
  // The plugin's own connection proves itself otherwise, and whoever took its id over would cut it off.
  if (attempt.client_id.starts_with("$parley"))
    return refuse(AuthError::foreign_client_id,
                  "client id " + std::string(attempt.client_id) + " is reserved for the node itself");
  if (const auto id = parse_client_id(attempt.client_id)) {
    if (id->user != who.name)
      return refuse(AuthError::foreign_client_id,
                    "client id " + std::string(attempt.client_id) + " is reserved for its own user");
    return {};
  }
  const UserIndex owner = context.owner_of(attempt.client_id);
  if (owner != kNoUser && owner != who.user)
    return refuse(AuthError::foreign_client_id,
                  "client id " + std::string(attempt.client_id) + " is held by another user");
  return {};
}

AuthResult<void> check_connection_count(const ConnectAttempt& attempt, const Identity& who,
                                        const AuthContext& context) {
  if (who.role == TokenRole::service) return {};
  const Facts& facts = context.facts;
  const UserIndex payer = facts.limited_as(who.user);
  const Limits& limits = facts.limits(facts.user(payer).limits);
  if (limits.unlimited) return {};
  // Those that give way make room for this one (Node::make_room), unless it had to make room itself.
  const bool comes_back = context.displaced.comes_back(attempt.client_id, context.now_s);
  std::size_t connections = 0;
  facts.for_each_limited_as(payer, [&](UserIndex account) {
    connections += comes_back ? context.sessions.connections(account, attempt.client_id)
                              : context.sessions.lasting_connections(account, attempt.client_id);
  });
  if (connections < limits.connections) return {};
  std::string whose(facts.directory().user_name(payer));
  if (!facts.bots_of(payer).empty()) whose += ", bots included,";
  return refuse(AuthError::too_many_connections,
                whose + " has " + std::to_string(limits.connections) + " connections already");
}

}  // namespace

std::string_view to_string(AuthError error) {
  switch (error) {
    case AuthError::no_credentials:
      return "no_credentials";
    case AuthError::bad_token:
      return "bad_token";
    case AuthError::expired_token:
      return "expired_token";
    case AuthError::unknown_api_token:
      return "unknown_api_token";
    case AuthError::unknown_user:
      return "unknown_user";
    case AuthError::user_blocked:
      return "user_blocked";
    case AuthError::token_revoked:
      return "token_revoked";
    case AuthError::session_revoked:
      return "session_revoked";
    case AuthError::wrong_username:
      return "wrong_username";
    case AuthError::foreign_client_id:
      return "foreign_client_id";
    case AuthError::too_many_connections:
      return "too_many_connections";
  }
  return "unknown";
}

void throw_exception_from_error(const AuthRefusal& refusal, const boost::source_location& where) {
  boost::throw_exception(std::runtime_error(refusal.detail), where);
}

AuthResult<void> still_allowed(const Identity& who, const Facts& facts, std::int64_t now_s) {
  if (who.anonymous || who.internal) return {};
  if (!who.sid.empty() && facts.session_revoked(who.sid))
    return refuse(AuthError::session_revoked, "session " + who.sid + " is revoked");
  if (who.role == TokenRole::service) return {};
  const UserFacts& user = facts.user(who.user);
  if (!user.exists) return refuse(AuthError::unknown_user, "no user " + std::string(who.name));
  if (user.status == UserStatus::blocked)
    return refuse(AuthError::user_blocked, std::string(who.name) + " is blocked");
  if (who.api_token) {
    const ApiToken* token = facts.api_token(*who.api_token);
    if (token == nullptr || (token->until_s != 0 && token->until_s <= now_s))
      return refuse(AuthError::unknown_api_token, "API token of " + std::string(who.name) + " is gone");
  } else if (who.issued_s < user.tokens_after_s) {
    return refuse(AuthError::token_revoked,
                  "token of " + std::string(who.name) + " is older than tokens_after");
  }
  return {};
}

AuthResult<void> may_leave_will(const Identity& who, const Facts& facts, std::int64_t now_s) {
  constexpr std::int64_t kNothingHasExpired = 0;
  const bool expired = who.api_token && who.expires_s != 0 && who.expires_s <= now_s;
  if (!expired) return still_allowed(who, facts, kNothingHasExpired);
  Identity without_token = who;
  without_token.api_token.reset();
  without_token.issued_s = now_s;  // what ends access tokens at once does not end API tokens
  return still_allowed(without_token, facts, kNothingHasExpired);
}

AuthResult<Identity> authenticate(const ConnectAttempt& attempt, const AuthContext& context) {
  if (attempt.password.empty()) {
    if (!context.allow_anonymous || !attempt.username.empty())
      return refuse(AuthError::no_credentials, "no password");
    Identity nobody;
    nobody.anonymous = true;
    if (const auto id = check_client_id(attempt, nobody, context); !id) return id.error();
    return nobody;
  }
  auto who = from_credentials(attempt.password, context);
  if (!who) return who;
  if (!attempt.username.empty() && attempt.username != who->name)
    return refuse(AuthError::wrong_username, "user name is not the token's " + std::string(who->name));
  if (const auto id = check_client_id(attempt, *who, context); !id) return id.error();
  if (const auto count = check_connection_count(attempt, *who, context); !count) return count.error();
  return who;
}

AuthResult<Identity> authenticate_renewal(const Session& session, std::string_view token,
                                          const AuthContext& context) {
  auto who = from_credentials(token, context);
  if (!who) return who;
  if (who->user != session.who.user || who->role != session.who.role)
    return refuse(AuthError::bad_token, "the token is not this connection's user");
  if (who->device != session.who.device)
    return refuse(AuthError::bad_token, "the token is for another device");
  return who;
}

}  // namespace parley::plugin
