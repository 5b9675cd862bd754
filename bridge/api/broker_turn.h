// Handlers that wait for the broker take turns: one that hangs may hold up half of the workers, but not those
// that only need the database.
#ifndef PARLEY_BRIDGE_API_BROKER_TURN_H_
#define PARLEY_BRIDGE_API_BROKER_TURN_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <semaphore>

#include "config/bridge_config.h"

namespace parley::api {

// For as long as it lives, on one worker. False: nobody gave up theirs in time, and the broker is not to be
// asked.
class BrokerTurn {
 public:
  explicit BrokerTurn(const BridgeConfig& config)
      : turns_(of_process(config)), taken_(turns_.try_acquire_for(std::chrono::milliseconds(100))) {}
  ~BrokerTurn() {
    if (taken_) turns_.release();
  }
  BrokerTurn(const BrokerTurn&) = delete;
  BrokerTurn& operator=(const BrokerTurn&) = delete;
  explicit operator bool() const { return taken_; }

 private:
  using Turns = std::counting_semaphore<>;
  static Turns& of_process(const BridgeConfig& config) {
    static Turns turns(static_cast<std::ptrdiff_t>(std::max<std::size_t>(1, config.http.workers / 2)));
    return turns;
  }

  Turns& turns_;
  const bool taken_;
};

}  // namespace parley::api

#endif
