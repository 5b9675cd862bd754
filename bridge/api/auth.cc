#include "bridge/api/auth.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <optional>

#include "bridge/api/accounts.h"
#include "bridge/api/limits.h"
#include "bridge/api/networks.h"
#include "bridge/api/refusals.h"
#include "bridge/api/registration.h"
#include "bridge/api/seal.h"
#include "bridge/http/fields.h"
#include "bridge/log.h"
#include "schemas/ids.h"
#include "schemas/token_text.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

constexpr std::size_t kMaxDisplayName = 100;      // characters
constexpr std::size_t kMaxToken = 128;            // bytes; ours have 46
constexpr std::int64_t kRefreshGraceMs = 10'000;  // two tabs that refresh at once

// The same words for a wrong password, an unknown user and an account that signs in by a provider.
http::Response wrong_credentials() { return http::unauthorized("user or password is wrong"); }

http::Response too_many_logins(std::chrono::milliseconds wait) {
  return http::rate_limited("too many failed sign-ins; wait and try again", wait);
}

SignInLimits::Attempt begin_sign_in(const http::Request& request, Context& context, const std::string& user) {
  return context.limits.sign_ins().begin(user, request.remote, [&] {
    const auto sessions = context.metadata.sessions().list(user);
    if (!sessions) return false;
    const std::string here = network_of(request.remote);
    return std::ranges::any_of(*sessions, [&](const storage::Session& session) {
      return !session.address.empty() && network_of(session.address) == here;
    });
  });
}

// Failed sign-ins leave a trace for whoever looks into them; a trace that cannot be written stops nobody.
void audit_failure(const http::Request& request, Context& context, const std::string& user) {
  storage::Actor self = actor(request, context);
  self.user = user;
  const auto written = context.metadata.administration().audit(self, "login.failed", "user:" + user, "{}");
  if (!written) {
    bridge::log(bridge::LogLevel::warning, "a failed sign-in is not in the audit log",
                {{"user", user}, {"error", written.error().message}});
  }
}

void rehash(Context& context, const std::string& user, const PreparedPassword& password,
            const std::string& old_hash) {
  const auto done =
      context.metadata.users().rehash_password(user, old_hash, context.accounts.passwords.hash(password));
  if (!done) bridge::log(bridge::LogLevel::warning, "a password keeps its old hash", {{"user", user}});
}

}  // namespace

http::Response register_user(const http::Request& request, Context& context) {
  http::Fields body(request);
  NewAccount account;
  account.user = body.user("user");
  const PreparedPassword password = body.password("password", kMinPassword, kMaxPassword);
  account.display_name = body.optional_line("display_name", 1, kMaxDisplayName).value_or("");
  account.device = body.optional_device("device");
  account.invite = body.optional_text("invite", 1, kMaxToken).value_or("");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  if (password.text == account.user) return http::invalid("password", "must not be the user's name");
  if (auto refusal = may_register(request, context, account)) return *std::move(refusal);
  account.password_hash = context.accounts.passwords.hash(password);
  return register_account(request, context, account);
}

http::Response login(const http::Request& request, Context& context) {
  http::Fields body(request);
  const std::string user = body.user("user");
  const PreparedPassword password = body.password("password", 1, kMaxPassword);
  const auto device = body.optional_device("device");
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const SignInLimits::Attempt attempt = begin_sign_in(request, context, user);
  if (attempt.wait.count() > 0) return too_many_logins(attempt.wait);

  const auto found = context.metadata.users().credential(user);
  if (!found && found.error().code != storage::MetadataError::not_found) {
    context.limits.sign_ins().untried(attempt);
    return refused(found.error());
  }
  const Passwords& passwords = context.accounts.passwords;
  const bool has_password = found && !found->password_hash.empty();
  Passwords::Match match = Passwords::Match::no;
  if (has_password) {
    match = passwords.match(password, found->password_hash);
  } else {
    passwords.pretend(password);
  }
  if (match == Passwords::Match::no) {
    audit_failure(request, context, user);
    return wrong_credentials();
  }
  context.limits.sign_ins().succeeded(attempt);
  if (found->user.status != storage::AccountStatus::active) {
    return http::forbidden("this account has been blocked; ask the operator of this server");
  }
  if (match == Passwords::Match::earlier_form || passwords.outdated(found->password_hash))
    rehash(context, user, password, found->password_hash);
  return sign_in(request, context, found->user, device, 200);
}

http::Response refresh(const http::Request& request, Context& context) {
  http::Fields body(request);
  const std::string token(trim_token(body.secret("refresh_token", 1, kMaxToken)));
  if (auto refusal = body.refusal()) return *std::move(refusal);

  const std::string next = "rt_" + random_text(32);
  const std::int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.now.time_since_epoch()).count();
  const std::chrono::milliseconds ttl = context.config.auth.refresh_ttl;
  const auto done =
      context.metadata.sessions().refresh(actor(request, context), {.presented = sha256(token),
                                                                    .next = sha256(next),
                                                                    .expires_ms = now_ms + ttl.count(),
                                                                    .grace_ms = kRefreshGraceMs});
  if (!done) {
    if (done.error().code == storage::MetadataError::reused) {
      return http::unauthorized(
          "somebody else has used this refresh token; the session has been ended, sign in again");
    }
    if (done.error().code == storage::MetadataError::unauthorized) {
      return http::unauthorized("the refresh token is not valid, or no longer; sign in again");
    }
    return refused(done.error());
  }
  return signed_in(context, done->user, done->session, next, 200);
}

namespace {

// By the refresh token, whether or not an access token came with it, or what sort.
http::Response logout_by_refresh(const http::Request& request, Context& context, const std::string& token) {
  const auto done = context.metadata.sessions().revoke_by_refresh(actor(request, context), sha256(token));
  if (done) {
    context.accounts.gate.forget(done->user);
    return http::no_content();
  }
  if (done.error().code != storage::MetadataError::unauthorized) return refused(done.error());
  return http::unauthorized("there is no such refresh token, or no longer: nobody is signed in by it");
}

// Whether API tokens are to end too. Nothing was sent, as by clients that know nothing of it: they go on.
std::optional<bool> read_end_tokens(http::Fields& body) { return body.optional_boolean("end_tokens"); }

}  // namespace

http::Response logout(const http::Request& request, Context& context) {
  // Whose access token says who they are is signed out, whatever their client put into the body.
  const bool nothing_said = context.caller.signed_in() && !http::is_json(request);
  if (!request.body.empty() && !nothing_said) {
    http::Fields body(request);
    const auto token = body.optional_secret("refresh_token", 1, kMaxToken);
    if (auto refusal = body.refusal()) return *std::move(refusal);
    if (token) return logout_by_refresh(request, context, std::string(trim_token(*token)));
  }
  if (context.refusal) return *context.refusal;
  if (!context.caller.signed_in()) {
    return http::forbidden(
        "this token belongs to no session; remove an API token at /api/v1/users/me/tokens");
  }
  const auto done = context.metadata.sessions().revoke(actor(request, context), context.caller.user,
                                                       context.caller.session);
  context.accounts.gate.forget(context.caller.user);
  // Ended by somebody else a moment ago: ended is what was asked for.
  if (!done && done.error().code != storage::MetadataError::not_found) return refused(done.error());
  return http::no_content();
}

http::Response logout_all(const http::Request& request, Context& context) {
  std::optional<bool> end_tokens;
  if (!request.body.empty()) {
    http::Fields body(request);
    end_tokens = read_end_tokens(body);
    if (auto refusal = body.refusal()) return *std::move(refusal);
  }
  const auto done = context.metadata.sessions().revoke_all(actor(request, context), context.caller.user, {},
                                                           end_tokens.value_or(false));
  forget_all_of(context, context.caller.user, end_tokens.value_or(false));
  return done ? what_ended(*done, end_tokens.has_value()) : refused(done.error());
}

http::Response change_password(const http::Request& request, Context& context) {
  http::Fields body(request);
  const auto old_password = body.optional_password("old_password", 1, kMaxPassword);
  const PreparedPassword password = body.password("password", kMinPassword, kMaxPassword);
  const std::optional<bool> end_tokens = read_end_tokens(body);
  if (auto refusal = body.refusal()) return *std::move(refusal);
  const std::string& user = context.caller.user;
  if (password.text == user) return http::invalid("password", "must not be the user's name");

  // Somebody who found an open laptop has a token, not the password; guesses count as failed sign-ins.
  const SignInLimits::Attempt attempt = begin_sign_in(request, context, user);
  if (attempt.wait.count() > 0) return too_many_logins(attempt.wait);
  const auto found = context.metadata.users().credential(user);
  if (!found) {
    context.limits.sign_ins().untried(attempt);
    return refused(found.error());
  }
  const bool has_password = !found->password_hash.empty();
  if (has_password && !old_password) {
    context.limits.sign_ins().untried(attempt);
    return http::invalid("old_password", "is missing: send the password that is to be replaced");
  }
  if (has_password &&
      context.accounts.passwords.match(*old_password, found->password_hash) == Passwords::Match::no) {
    audit_failure(request, context, user);
    return http::forbidden("the old password is wrong", "wrong_password");
  }
  context.limits.sign_ins().succeeded(attempt);
  const auto done = context.metadata.users().set_password(actor(request, context), user,
                                                          context.accounts.passwords.hash(password),
                                                          context.caller.session, end_tokens.value_or(false));
  forget_all_of(context, user, end_tokens.value_or(false));
  return done ? what_ended(*done, end_tokens.has_value()) : refused(done.error());
}

http::Response list_sessions(const http::Request&, Context& context) {
  const auto sessions = context.metadata.sessions().list(context.caller.user);
  if (!sessions) return refused(sessions.error());
  return http::json(sessions_object(*sessions, context.caller.session));
}

http::Response end_session(const http::Request& request, Context& context) {
  const auto done =
      context.metadata.sessions().revoke(actor(request, context), context.caller.user, request.param("sid"));
  context.accounts.gate.forget(context.caller.user);
  return done ? http::no_content() : refused(done.error());
}

http::Response get_jwks(const http::Request&, Context& context) {
  return http::json_text(context.accounts.keys.current()->jwks).header("Cache-Control", "public, max-age=60");
}

}  // namespace parley::api
