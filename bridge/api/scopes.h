// What an API token may do. Every one may connect to the broker, where it reads and writes in its user's
// rooms, and do the same by REST; scopes are what it may do beside that. Who signed in may do everything
// without them.
#ifndef PARLEY_BRIDGE_API_SCOPES_H_
#define PARLEY_BRIDGE_API_SCOPES_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "schemas/token.h"

namespace parley::api {

// What a route asks of an API token.
enum class Scope : std::uint8_t {
  none,            // asks for no token, or takes no API token (Access::open, account, admin)
  token,           // any API token: itself, its rooms and who is in them, messages
  rooms_write,     // make, change, delete, join and leave rooms; members, bans, invites
  profile_write,   // the display name and what is said about the user
  contacts_write,  // find people; see and change contacts and blocks
  push_write,      // devices that get push messages
};

std::string_view to_string(Scope scope);  // "rooms:write"; none and token have no name
// Those that a token is made with or without, in this order.
std::span<const Scope> named_scopes();
std::optional<Scope> parse_scope(std::string_view name);

class Scopes {
 public:
  constexpr Scopes() = default;
  static Scopes all();
  // What a token of this role has unless it was asked for something else. A bot is an account of its own; a
  // device is a guest of its owner's.
  static Scopes of(TokenRole role);
  // Words with spaces between; unknown ones, of a newer version, are left out.
  static Scopes parse(std::string_view text);

  void add(Scope scope) { bits_ |= bit(scope); }
  bool has(Scope scope) const { return scope <= Scope::token || (bits_ & bit(scope)) != 0; }
  std::string text() const;
  bool operator==(const Scopes&) const = default;

 private:
  static constexpr unsigned bit(Scope scope) { return 1u << static_cast<unsigned>(scope); }
  unsigned bits_ = 0;
};

}  // namespace parley::api

#endif
