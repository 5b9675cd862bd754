#include "bridge/api/registration.h"

#include <boost/json/object.hpp>

#include "bridge/api/accounts.h"
#include "bridge/api/limits.h"
#include "bridge/api/refusals.h"
#include "bridge/api/room_access.h"
#include "bridge/api/seal.h"
#include "bridge/log.h"
#include "storage/metadata.h"

namespace parley::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxAgent = 200;  // bytes
constexpr std::size_t kSidBytes = 16;

std::int64_t unix_ms(const Context& context) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(context.now.time_since_epoch()).count();
}

// What the client calls itself, for the list of sessions: printable ASCII, whatever was sent.
std::string agent_of(const http::Request& request) {
  std::string out(request.header("User-Agent").value_or("").substr(0, kMaxAgent));
  for (char& c : out) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

// Into the room of the invite. The account stands whatever becomes of this; who invited can do so again.
void accept_invite(const http::Request& request, Context& context, const NewAccount& account) {
  const auto fail = [&](std::string_view why) {
    bridge::log(bridge::LogLevel::warning, "a new user did not get into the room of the invite",
                {{"user", account.user}, {"why", why}});
  };
  storage::Actor self = actor(request, context);
  self.user = account.user;
  const auto view = context.metadata.invites().look_up(account.invite, account.user);
  if (!view) return fail(view.error().message);
  const auto tail = tail_for_newcomer(view->room, context);
  if (!tail) return fail("the broker is away");
  storage::NewMember member;
  member.tail = *tail;
  if (view->room.kind == RoomKind::group) member.max_members = context.config.limits.group_size;
  const auto done = context.metadata.invites().accept(self, account.invite, member);
  if (!done) fail(done.error().message);
}

// Nobody needs a token to register; with an admin's, accounts are made on servers that take no registrations.
bool is_from_admin(const http::Request& request, Context& context) {
  const auto authorization = request.header("Authorization");
  if (!authorization) return false;
  const auto caller = context.accounts.gate.admit(*authorization, context.now);
  return caller && caller->admin;
}

}  // namespace

bool is_reserved_name(std::string_view user, const Context& context) {
  return user == "me" || user == "search" || user == "parleyctl" || user == context.config.broker.user;
}

http::Response reserved_name() {
  return http::conflict("this name is the server's own; take another", "user");
}

std::optional<http::Response> may_register(const http::Request& request, Context& context,
                                           const NewAccount& account) {
  const bool by_admin = is_from_admin(request, context);
  const Registration rule = by_admin ? Registration::open : context.config.auth.registration;
  if (rule == Registration::closed) {
    return http::forbidden("this server takes no registrations; ask its operator for an account");
  }
  if (is_reserved_name(account.user, context)) return reserved_name();
  if (rule == Registration::invite && account.invite.empty()) {
    return http::invalid("invite", "is missing: this server takes those who bring an invite's code");
  }
  const auto wait = by_admin ? std::chrono::milliseconds(0) : context.limits.registration(request.remote);
  if (wait.count() > 0) return http::rate_limited("too many accounts were made from here; wait", wait);
  if (account.invite.empty()) return std::nullopt;
  const auto room = context.metadata.invites().look_up(account.invite, account.user);
  if (room) return std::nullopt;
  if (room.error().code != storage::MetadataError::not_found) return refused(room.error());
  return http::invalid("invite", "there is no such invite, or no longer; ask for a new one");
}

http::Response register_account(const http::Request& request, Context& context, const NewAccount& account) {
  storage::NewUser user;
  user.name = account.user;
  user.display_name = account.display_name.empty() ? account.user : account.display_name;
  user.password_hash = account.password_hash;
  user.issuer = account.issuer;
  user.subject = account.subject;
  const auto made = context.metadata.users().create(actor(request, context), user);
  if (!made) return refused(made.error());
  if (!account.invite.empty()) accept_invite(request, context, account);
  return sign_in(request, context, made->value, account.device, 201);
}

std::string make_access_token(Context& context, const storage::User& user, const std::string& sid,
                              const std::string& device) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(context.now.time_since_epoch());
  TokenClaims claims;
  claims.sub = user.name;
  claims.dev = device;
  claims.sid = sid;
  claims.iat = now.count();
  claims.exp = (now + context.config.auth.access_ttl).count();
  claims.role = user.role;
  return context.accounts.keys.current()->signer.sign(claims);
}

http::Response signed_in(Context& context, const storage::User& user, const storage::Session& session,
                         const std::string& refresh_token, unsigned status) {
  json::object body;
  body["user"] = user.name;
  body["access_token"] = make_access_token(context, user, session.sid, session.device);
  body["refresh_token"] = refresh_token;
  body["expires_in"] = context.config.auth.access_ttl.count();
  body["token_type"] = "Bearer";
  body["session"] = session.sid;
  body["device"] = session.device;
  return http::json(body, status);
}

http::Response sign_in(const http::Request& request, Context& context, const storage::User& user,
                       const std::optional<std::string>& device, unsigned status) {
  const std::string refresh_token = "rt_" + random_text(32);
  const std::chrono::milliseconds ttl = context.config.auth.refresh_ttl;
  storage::NewSession session;
  session.sid = random_hex(kSidBytes);
  session.user = user.name;
  session.device = device.value_or("d-" + random_hex(4));
  session.agent = agent_of(request);
  session.refresh = sha256(refresh_token);
  session.expires_ms = unix_ms(context) + ttl.count();
  session.max_sessions = context.config.limits.sessions;
  storage::Actor self = actor(request, context);
  self.user = user.name;
  const auto made = context.metadata.sessions().create(self, session);
  if (!made) return refused(made.error());
  // The device's session before this one ended with it.
  context.accounts.gate.forget(user.name);
  return signed_in(context, user, *made, refresh_token, status);
}

}  // namespace parley::api
