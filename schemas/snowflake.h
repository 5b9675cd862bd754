// Message ids: 41 bits milliseconds since 2024-01-01 UTC, 10 bits node, 12 bits counter.
#ifndef PARLEY_SCHEMAS_SNOWFLAKE_H_
#define PARLEY_SCHEMAS_SNOWFLAKE_H_

#include <cstdint>

#include "schemas/ids.h"

namespace parley {

inline constexpr std::uint64_t kSnowflakeEpochMs = 1'704'067'200'000;  // 2024-01-01T00:00:00Z
inline constexpr std::uint16_t kMaxNode = 1023;

constexpr std::uint64_t snowflake_ms(MessageId id) { return (raw(id) >> 22) + kSnowflakeEpochMs; }
constexpr std::uint16_t snowflake_node(MessageId id) {
  return static_cast<std::uint16_t>((raw(id) >> 12) & 0x3ff);
}

// Ids of one node, strictly rising, whatever the clock does: when it stands still or jumps back, the last
// millisecond is used on, and when that one's 4,096 ids are used up, the next is borrowed. So an id is never
// behind the clock, and is ahead of it until the clock has caught up: when something was sent is its `ts`,
// not its id. One thread.
class Snowflake {
 public:
  // `last`: an id this node has given out before (from its log), or zero.
  explicit Snowflake(std::uint16_t node, MessageId last = MessageId{0});
  MessageId next(std::uint64_t now_ms_unix);
  MessageId last() const { return last_; }
  // How far the last id is ahead of the clock; 0: it is not.
  std::uint64_t ahead_ms(std::uint64_t now_ms_unix) const {
    const std::uint64_t last_ms = raw(last_) == 0 ? 0 : snowflake_ms(last_);
    return last_ms > now_ms_unix ? last_ms - now_ms_unix : 0;
  }

 private:
  std::uint16_t node_;
  MessageId last_;
};

}  // namespace parley

#endif
