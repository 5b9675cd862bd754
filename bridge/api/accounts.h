// What the handlers of sign-in share: keys, passwords, providers, and how tokens are made. Thread-safe.
#ifndef PARLEY_BRIDGE_API_ACCOUNTS_H_
#define PARLEY_BRIDGE_API_ACCOUNTS_H_

#include <boost/json/object.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bridge/api/context.h"
#include "bridge/api/gate.h"
#include "bridge/api/keys.h"
#include "bridge/api/oidc.h"
#include "bridge/api/password.h"
#include "storage/metadata_accounts.h"

namespace parley::api {

class Accounts {
 public:
  // Throws std::runtime_error, saying what to do.
  Accounts(const BridgeConfig& config, storage::Metadata& metadata, bridge::Metrics& metrics);

  Keys keys;
  Passwords passwords;
  Gate gate;
  Providers providers;
};

// An access token for a session; valid for auth.access_ttl_s.
std::string make_access_token(Context& context, const storage::User& user, const std::string& sid,
                              const std::string& device);
// Opens a session for a user who has shown who they are, and answers with its tokens. `device` empty: one is
// made up.
http::Response sign_in(const http::Request& request, Context& context, const storage::User& user,
                       const std::optional<std::string>& device, unsigned status);
// {"items":[...]}; the caller's own, `current`, is marked.
boost::json::object sessions_object(const std::vector<storage::Session>& sessions, std::string_view current);
// To who ended sessions: what ended and what goes on, where that was asked for, or where something goes on
// that they may not think of.
http::Response what_ended(const storage::Ended& ended, bool asked);
// Of a user whose sessions, and perhaps tokens, have ended; with the tokens those of the bots.
void forget_all_of(Context& context, const std::string& user, bool bots);

}  // namespace parley::api

#endif
