// What REST has answered holds at the broker too: somebody who was told "201, you are in this room" may
// subscribe to it with the next packet. A change is in force there some milliseconds after its commit.
#ifndef PARLEY_BRIDGE_API_IN_STEP_H_
#define PARLEY_BRIDGE_API_IN_STEP_H_

#include <chrono>
#include <cstdint>

namespace parley::bridge {
class BrokerLink;
}

namespace parley::api {

inline constexpr std::chrono::milliseconds kInStepPatience{500};

// Blocks a worker until every node that is connected has this version, but not longer than kInStepPatience:
// who feeds the brokers may be away, which is no reason to refuse what has been committed.
// False: a node hangs, or nobody feeds it.
bool wait_until_in_step(bridge::BrokerLink& brokers, std::uint64_t version);

}  // namespace parley::api

#endif
