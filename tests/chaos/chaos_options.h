// Arguments of the chaos tests: --seed N replays a run's random choices, --rounds N sets how many times the
// broker dies.
#ifndef PARLEY_TESTS_CHAOS_CHAOS_OPTIONS_H_
#define PARLEY_TESTS_CHAOS_CHAOS_OPTIONS_H_

#include <cstdint>
#include <optional>

namespace parley::test {

struct ChaosOptions {
  std::uint64_t seed = 0;  // never 0 in a run: main() draws one
  std::optional<int> rounds{};
};
ChaosOptions& chaos_options();

}  // namespace parley::test

#endif
