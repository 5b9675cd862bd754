// Sealed text: what the server hands to a browser and wants back unread and unchanged, such as the state of a
// sign-in under way. Any bridge with the same keys opens it, so none needs to remember anything.
// Authenticated encryption by libsodium's secretbox. Pure but for randomness; any thread.
#ifndef PARLEY_BRIDGE_API_SEAL_H_
#define PARLEY_BRIDGE_API_SEAL_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parley::api {

// `secret`: 32 bytes. `purpose` is bound in: text sealed for one purpose does not open for another.
// base64url.
std::string seal(const std::string& secret, std::string_view purpose, std::string_view text);
// Tries each secret; nothing when none opens it.
std::optional<std::string> unseal(const std::vector<std::string>& secrets, std::string_view purpose,
                                  std::string_view sealed);
// `bytes` random bytes as base64url.
std::string random_text(std::size_t bytes);
std::string random_hex(std::size_t bytes);

}  // namespace parley::api

#endif
