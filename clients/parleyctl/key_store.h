// The keys of this server in the var folder: keys/signing.pem (private, 0600) signs tokens, keys/jwks.json
// (0644) holds the public halves that the broker checks them with.
#ifndef PARLEY_CLIENTS_PARLEYCTL_KEY_STORE_H_
#define PARLEY_CLIENTS_PARLEYCTL_KEY_STORE_H_

#include <chrono>
#include <filesystem>
#include <functional>
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

  // A new key signs from now on; the public half of the one before stays published for `keep`, so that its
  // tokens hold. `known` is asked whether a token of the new key is accepted, after it was published and
  // before anything is signed with it; while it says no, the old key goes on signing, up to `patience`, and
  // then for good: Failure. Gives the new key's kid.
  std::string rotate(std::chrono::seconds keep, const std::function<bool(const SigningKey&)>& known,
                     std::chrono::milliseconds patience);
  // Takes out of jwks.json what was to be kept until now. True when there was something.
  bool prune();

  // Throws Failure that says what to do when there is no key or it cannot be read.
  SigningKey load() const;

  std::filesystem::path signing_file() const { return folder_ / "signing.pem"; }
  std::filesystem::path jwks_file() const { return folder_ / "jwks.json"; }
  // The kids in jwks.json, in its order; empty when there is none.
  std::vector<std::string> published_kids() const;
  struct Published {
    std::string kid;
    std::int64_t until_s = 0;  // Unix time after which it goes; 0: stays
  };
  std::vector<Published> published() const;

 private:
  std::filesystem::path lock_file() const { return folder_ / ".lock"; }

  std::filesystem::path folder_;
};

// A token for `user` on `device`, valid from now for `ttl`; the session id is random.
std::string sign_token(const SigningKey& key, const std::string& user, const std::string& device,
                       TokenRole role, std::chrono::seconds ttl);

// 16 random bytes as hex: for session ids, request ids and device names of one run.
std::string random_hex_id();

}  // namespace parley::ctl

#endif
