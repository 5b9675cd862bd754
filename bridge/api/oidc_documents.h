// Reading what a provider publishes and sends: its discovery document (OpenID Connect Discovery 1.0) and the
// claims of an id_token (OpenID Connect Core 1.0, section 3.1.3.7). Pure.
#ifndef PARLEY_BRIDGE_API_OIDC_DOCUMENTS_H_
#define PARLEY_BRIDGE_API_OIDC_DOCUMENTS_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bridge/api/oidc_failure.h"
#include "config/bridge_config.h"

namespace parley::api {

// What a provider says of somebody. `subject` is theirs for good at this issuer; the rest are suggestions.
struct Identity {
  std::string issuer;
  std::string subject;
  std::string preferred_name;
  std::string display_name;
};

// How the client shows who it is at the token endpoint.
enum class ClientAuth : std::uint8_t { basic, post, none };

struct OidcEndpoints {
  std::string authorization;
  std::string token;
  std::string jwks;
  std::string userinfo;  // empty: it has none
  ClientAuth auth = ClientAuth::basic;
};

OidcResult<OidcEndpoints> read_discovery(const boost::json::object& document, const OidcProvider& config);
OidcResult<Identity> read_claims(const boost::json::object& claims, const OidcProvider& config,
                                 std::string_view nonce, std::int64_t now_s);
// Many providers tell names at their userinfo endpoint alone (OpenID Connect Core, section 5.4). Takes
// nothing from an answer about somebody else.
void read_userinfo(const boost::json::object& claims, Identity& identity);

// A JSON object; nothing when the text is none.
std::optional<boost::json::object> parse_object(std::string_view text);
// The member as text; empty when it is missing or something else.
std::string text_of(const boost::json::object& object, std::string_view name);

}  // namespace parley::api

#endif
