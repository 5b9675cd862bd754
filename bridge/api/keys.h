// The keys of this server: keys_dir holds private keys (*.pem) and jwks.json, the public ones that brokers
// read. The newest private key signs, provided that jwks.json publishes it (a broker would refuse its tokens
// otherwise); tokens of every key that is published here are accepted. So a key is rotated by adding one, and
// retired by taking its file and its entry in jwks.json away once the last of its tokens has expired.
//
// Thread-safe. Files are looked at again at most once a second, when keys are asked for.
#ifndef PARLEY_BRIDGE_API_KEYS_H_
#define PARLEY_BRIDGE_API_KEYS_H_

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "schemas/token.h"

namespace parley::api {

// The keys at one time; immutable.
struct KeyRing {
  SigningKey signer;
  KeySet verifier;
  std::string jwks;                  // public halves of all, {"keys":[...]}
  std::uint64_t number = 0;          // another ring has another number
  std::vector<std::string> secrets;  // of every private key, the signer's first: 32 bytes each, for sealing
                                     // what only this server is to open (bridge/api/seal.h)
};

class Keys {
 public:
  // Throws std::runtime_error, saying what to do, when there is no usable key.
  explicit Keys(std::filesystem::path folder);

  std::shared_ptr<const KeyRing> current();
  // Reads the files now. False, and a line in the log, when they are not in order: the old ring stays.
  bool reload();

 private:
  struct File {
    std::filesystem::path path;
    std::filesystem::file_time_type changed;
    std::uintmax_t size = 0;
    bool operator==(const File&) const = default;
  };
  std::vector<File> list() const;
  KeyRing read(const std::vector<File>& files) const;

  const std::filesystem::path folder_;
  std::mutex mutex_;
  std::shared_ptr<const KeyRing> ring_;
  std::vector<File> files_;
  std::chrono::steady_clock::time_point looked_{};
  std::uint64_t rings_ = 0;
};

}  // namespace parley::api

#endif
