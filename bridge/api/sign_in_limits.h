// How often passwords may be tried. An attempt counts as a failure from its beginning on, so that many at
// once are no way around it, and whether or not there is such a user.
//
// What is counted first is a user together with a network: who guesses one password from one place gets
// `login_failures` in `login_window`, and locks nobody out anywhere else. Beside that,
//
//   who tries from where this user has signed in before   4 times as many from this network, for all its
//   users anybody else                                          as many from this address, for all users,
//                                                         10 times as many from this network, for all users,
//                                                         10 times as many for this user, from everywhere
//
// so that strangers do not lock out those who are at home, and guessing from many places is still bounded.
//
// Counted in this process's memory; bounded. Thread-safe.
#ifndef PARLEY_BRIDGE_API_SIGN_IN_LIMITS_H_
#define PARLEY_BRIDGE_API_SIGN_IN_LIMITS_H_

#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bridge/api/buckets.h"
#include "config/bridge_config.h"

namespace parley::api {

class SignInLimits {
 public:
  static constexpr std::size_t kMaxKnown = 100'000;

  SignInLimits(const BridgeLimits& config, std::function<Ticks()> now);

  // One attempt. It ends with succeeded() or untried(), or was a failure.
  struct Attempt {
    std::chrono::milliseconds wait{0};  // zero: compare the password; otherwise not counted, come back then
    std::string user;
    std::string place;  // address, network: see networks.h
    std::string network;
    bool at_home = false;  // counted so
  };
  // `has_session_here`: has the user a session that was used from this network? Asked only where the limits
  // for strangers would refuse; it may block.
  Attempt begin(std::string_view user, std::string_view remote,
                const std::function<bool()>& has_session_here);
  void succeeded(const Attempt& attempt);
  // No password was compared: the attempt is not counted, and those before it stay so.
  void untried(const Attempt& attempt);

 private:
  std::chrono::milliseconds take_as_stranger(const Attempt& attempt, Ticks now);
  void give_back_beside_pair(const Attempt& attempt);
  void know(std::string pair, Ticks now);

  const std::function<Ticks()> now_;
  // Held over all buckets of an attempt: of several at once each sees what the others took. Not over
  // has_session_here().
  std::mutex mutex_;
  Buckets pairs_;
  Buckets networks_at_home_;
  Buckets places_;
  Buckets networks_;
  Buckets users_;
  std::unordered_map<std::string, Ticks> known_;  // pairs with a success, and when; guarded by mutex_
};

}  // namespace parley::api

#endif
