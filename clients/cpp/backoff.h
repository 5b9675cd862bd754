// How long to wait before the next attempt: doubling, with jitter, so that many clients who lost the same
// server do not all come back at once. Pure but for the randomness passed in; one thread.
#ifndef PARLEY_CLIENTS_CPP_BACKOFF_H_
#define PARLEY_CLIENTS_CPP_BACKOFF_H_

#include <algorithm>
#include <functional>
#include <utility>

#include "clients/cpp/environment.h"

namespace parley::client {

class Backoff {
 public:
  struct Options {
    Millis first{250};
    Millis ceiling{30'000};
  };

  Backoff(Options options, std::function<double()> random) : options_(options), random_(std::move(random)) {}

  // The n-th call since reset() gives between half and all of min(first * 2^(n-1), ceiling).
  Millis next() {
    const Millis full =
        std::min(options_.first * (std::int64_t{1} << std::min(attempts_, 20)), options_.ceiling);
    ++attempts_;
    const Millis half = full / 2;
    return half + Millis(static_cast<std::int64_t>(random_() * static_cast<double>((full - half).count())));
  }
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  Options options_;
  std::function<double()> random_;
  int attempts_ = 0;
};

}  // namespace parley::client

#endif
