// When an access token ends. The SDK does not check tokens, the server does; it only wants to renew in time.
#ifndef PARLEY_CLIENTS_CPP_ACCESS_TOKEN_H_
#define PARLEY_CLIENTS_CPP_ACCESS_TOKEN_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace parley::client {

// The `exp` claim of a JWT, seconds since the Unix epoch; nothing for an API token or anything unreadable.
std::optional<std::int64_t> token_expiry(std::string_view token);

}  // namespace parley::client

#endif
