#include "schemas/snowflake.h"

#include <algorithm>

namespace parley {
namespace {
constexpr std::uint64_t kCounterMask = 0xfff;
constexpr std::uint64_t kMaxMs = (std::uint64_t{1} << 41) - 1;
}  // namespace

Snowflake::Snowflake(std::uint16_t node, MessageId last)
    : node_(static_cast<std::uint16_t>(node & kMaxNode)), last_(last) {}

MessageId Snowflake::next(std::uint64_t now_ms_unix) {
  const std::uint64_t last_ms = raw(last_) >> 22;
  std::uint64_t ms = now_ms_unix > kSnowflakeEpochMs ? std::min(now_ms_unix - kSnowflakeEpochMs, kMaxMs) : 0;
  std::uint64_t counter = 0;
  if (ms <= last_ms && raw(last_) != 0) {
    ms = last_ms;
    counter = (raw(last_) & kCounterMask) + 1;
    // A last id of another node (the node was renumbered) says nothing about our counter in that millisecond.
    if (counter > kCounterMask || snowflake_node(last_) != node_) {
      ++ms;
      counter = 0;
    }
  }
  std::uint64_t id = ms << 22 | std::uint64_t{node_} << 12 | counter;
  if (id == 0) id = 1;  // zero means "no message"; only a clock before 2024 on node 0 gets here
  last_ = MessageId{id};
  return last_;
}

}  // namespace parley
