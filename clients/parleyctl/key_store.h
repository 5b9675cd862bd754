// The keys of this server in the var folder: keys/signing.pem (private, 0600) signs tokens, keys/jwks.json
// (0644) holds the public halves that the broker checks them with.
#ifndef PARLEY_CLIENTS_PARLEYCTL_KEY_STORE_H_
#define PARLEY_CLIENTS_PARLEYCTL_KEY_STORE_H_

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "schemas/token.h"

namespace parley::ctl {

class KeyStore {
 public:
  explicit KeyStore(const std::filesystem::path& var) : folder_(var / "keys") {}

  // Makes what is missing and changes nothing else: the folder (0700), the key, and a jwks.json that holds
  // its public half beside what it held before. Safe to run from several processes at once. Throws Failure.
  enum class Init { created, completed, unchanged };
  Init init();

  // Throws Failure that says what to do when there is no key or it cannot be read.
  SigningKey load() const;

  std::filesystem::path signing_file() const { return folder_ / "signing.pem"; }
  std::filesystem::path jwks_file() const { return folder_ / "jwks.json"; }
  // The kids in jwks.json, in its order; empty when there is none.
  std::vector<std::string> published_kids() const;

 private:
  std::filesystem::path folder_;
};

// A token for `user` on `device`, valid from now for `ttl`; the session id is random.
std::string sign_token(const SigningKey& key, const std::string& user, const std::string& device,
                       TokenRole role, std::chrono::seconds ttl);

// 16 random bytes as hex: for session ids, request ids and device names of one run.
std::string random_hex_id();

}  // namespace parley::ctl

#endif
