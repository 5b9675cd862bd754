#include "bridge/api/in_step.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "bridge/broker_link.h"

namespace parley::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLongestStep{8};

// False: it hangs, or has heard of nothing new for all that time.
bool wait_for_node(bridge::BrokerLink& brokers, std::size_t node, std::uint64_t version,
                   steady_clock::time_point until) {
  std::optional<std::uint64_t> first;
  milliseconds step{1};
  while (brokers.connected(node)) {
    const auto answer = brokers.call(node, "version", "", until);
    const auto now = steady_clock::now();
    if (!answer) return now < until;  // it was lost, which is not waited for
    const std::uint64_t is = bridge::answered_number(*answer, "version");
    if (is >= version) return true;
    if (!first) first = is;
    if (now + step >= until) return is != *first;
    std::this_thread::sleep_for(step);
    step = std::min(step * 2, kLongestStep);
  }
  return true;
}

}  // namespace

bool wait_until_in_step(bridge::BrokerLink& brokers, std::uint64_t version) {
  const auto until = steady_clock::now() + kInStepPatience;
  bool all = true;
  for (std::size_t node = 0; node < brokers.nodes(); ++node)
    all = wait_for_node(brokers, node, version, until) && all;
  return all;
}

}  // namespace parley::api
