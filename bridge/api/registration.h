// How an account comes to be, whichever way its owner showed who they are. Worker threads.
#ifndef PARLEY_BRIDGE_API_REGISTRATION_H_
#define PARLEY_BRIDGE_API_REGISTRATION_H_

#include <optional>
#include <string>

#include "bridge/api/context.h"
#include "storage/metadata_accounts.h"

namespace parley::api {

struct NewAccount {
  std::string user;
  std::string display_name;
  std::optional<std::string> device;
  std::string invite;         // code of a room's invite; empty: none
  std::string password_hash;  // or:
  std::string issuer;
  std::string subject;
};

// Names that are nobody's: those that stand for something else in a path (users/me), and those under which
// the server itself acts.
bool is_reserved_name(std::string_view user, const Context& context);
http::Response reserved_name();

// Nothing when this server takes new accounts on these terms, and the address has not made too many. Ask
// before spending time on a password.
std::optional<http::Response> may_register(const http::Request& request, Context& context,
                                           const NewAccount& account);
// Makes it, lets it into the invite's room, signs in: 201 with tokens.
http::Response register_account(const http::Request& request, Context& context, const NewAccount& account);

// The answer to every way of signing in.
http::Response signed_in(Context& context, const storage::User& user, const storage::Session& session,
                         const std::string& refresh_token, unsigned status);

}  // namespace parley::api

#endif
