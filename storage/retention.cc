#include "storage/retention.h"

#include <algorithm>

#include "schemas/snowflake.h"

namespace parley::storage {
namespace {
constexpr int kSnowflakeMsShift = 22;  // below the milliseconds: node and counter (snowflake.h)
}

MessageId retention_bound(std::uint64_t now_ms_unix, const RetentionPolicy& policy, const Cursors& cursors,
                          MessageId last) {
  std::uint64_t bound = 0;
  if (policy.max_age.count() > 0) {
    const std::uint64_t kept_ms = static_cast<std::uint64_t>(policy.max_age.count()) + kSnowflakeEpochMs;
    if (now_ms_unix > kept_ms) bound = (now_ms_unix - kept_ms) << kSnowflakeMsShift;
  } else if (policy.keep_for_consumers && !cursors.empty()) {
    const auto slowest = std::min_element(cursors.begin(), cursors.end(),
                                          [](const auto& a, const auto& b) { return a.second < b.second; });
    bound = raw(slowest->second) + 1;
  }
  return MessageId{std::min(bound, raw(last) + 1)};
}

}  // namespace parley::storage
