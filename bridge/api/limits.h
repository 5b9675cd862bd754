// How much one user or one address may ask for. Counted in this process's memory: several bridges allow a
// little more together. Thread-safe; bounded: past kMaxKeys the longest untouched are forgotten.
#ifndef PARLEY_BRIDGE_API_LIMITS_H_
#define PARLEY_BRIDGE_API_LIMITS_H_

#include <chrono>
#include <functional>
#include <string_view>

#include "bridge/api/buckets.h"
#include "bridge/api/sign_in_limits.h"
#include "config/bridge_config.h"

namespace parley::api {

class Limits {
 public:
  explicit Limits(
      const BridgeLimits& config,
      std::function<Ticks()> now = [] { return std::chrono::steady_clock::now(); });

  // Zero: granted and counted; otherwise how long to wait. Users and addresses are counted apart: a user's
  // name may look like an address.
  //
  // By address, where nobody is signed in. Each route is counted apart: whoever signs in as fast as they may
  // keeps nobody behind the same address from fresh tokens.
  std::chrono::milliseconds open_request(std::string_view address, std::string_view route);
  std::chrono::milliseconds request_of(std::string_view user);
  std::chrono::milliseconds connect(std::string_view user);
  std::chrono::milliseconds registration(std::string_view address);
  std::chrono::milliseconds bot(std::string_view owner);  // a name each, for good: as many as registrations
  std::chrono::milliseconds invite(std::string_view user);

  // Tokens that are none: counted, and how long this address must wait before it tries the next one.
  void guess(std::string_view address);
  std::chrono::milliseconds guess_wait(std::string_view address);

  SignInLimits& sign_ins() { return sign_ins_; }

 private:
  Buckets requests_;
  Buckets connects_;
  Buckets registrations_;
  Buckets invites_;
  Buckets guesses_;
  SignInLimits sign_ins_;
  std::function<Ticks()> now_;
};

}  // namespace parley::api

#endif
