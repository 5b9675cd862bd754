// Time and chance that a test sets.
#ifndef PARLEY_CLIENTS_CPP_TESTING_FAKE_ENVIRONMENT_H_
#define PARLEY_CLIENTS_CPP_TESTING_FAKE_ENVIRONMENT_H_

#include "clients/cpp/environment.h"

namespace parley::client {

struct FakeTime {
  TimePoint now{std::chrono::hours(1)};
  std::int64_t unix_s = 1'763'683'200;
  double random = 0;

  void advance(Millis by) {
    now += by;
    unix_s += by.count() / 1000;
  }
  Environment environment() {
    return {[this] { return now; }, [this] { return unix_s; }, [this] { return random; }};
  }
};

}  // namespace parley::client

#endif
