#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "tests/chaos/chaos_options.h"

namespace parley::test {

ChaosOptions& chaos_options() {
  static ChaosOptions options;
  return options;
}

}  // namespace parley::test

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  auto& options = parley::test::chaos_options();
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (more && std::strcmp(argv[i], "--seed") == 0) {
      options.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (more && std::strcmp(argv[i], "--rounds") == 0) {
      options.rounds = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "unknown argument %s; known are --seed N and --rounds N\n", argv[i]);
      return 2;
    }
  }
  if (options.seed == 0) options.seed = std::random_device()() | 1u;
  std::printf("replay with --seed %llu\n", static_cast<unsigned long long>(options.seed));
  return RUN_ALL_TESTS();
}
