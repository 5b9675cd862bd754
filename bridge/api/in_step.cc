#include "bridge/api/in_step.h"

#include <algorithm>
#include <thread>

#include "bridge/broker_link.h"

namespace parley::api {

bool wait_until_in_step(bridge::BrokerLink& brokers, std::uint64_t version) {
  using std::chrono::milliseconds;
  using std::chrono::steady_clock;
  constexpr milliseconds kLongestStep{8};
  const auto until = steady_clock::now() + kInStepPatience;
  milliseconds step{1};
  for (std::size_t node = 0; node < brokers.nodes(); ++node) {
    while (brokers.connected(node)) {
      const auto answer = brokers.call(node, "version", "", until);
      if (!answer && steady_clock::now() >= until) return false;
      if (!answer || bridge::answered_number(*answer, "version") >= version) break;
      if (steady_clock::now() + step >= until) return false;
      std::this_thread::sleep_for(step);
      step = std::min(step * 2, kLongestStep);
    }
  }
  return true;
}

}  // namespace parley::api
