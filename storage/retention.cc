#include "storage/retention.h"

#include <algorithm>

#include "schemas/message.h"
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

MessageId retention_bound_by_times(MessageId bound, std::uint64_t now_ms_unix, const RetentionPolicy& policy,
                                   MessageId& scanned,
                                   const std::function<void(MessageId from, const EventVisitor&)>& read) {
  const auto max_age = static_cast<std::uint64_t>(policy.max_age.count());
  if (max_age == 0 || now_ms_unix <= max_age) return bound;
  const std::uint64_t oldest_kept = now_ms_unix - max_age;
  EventReader reader;
  scanned = std::max(scanned, bound);
  read(scanned, [&](MessageId id, Bytes bytes) {
    scanned = id;
    const auto event = reader.read(bytes);
    if (!event) return false;
    const std::uint64_t ts = event->stamp.ts_ms;
    // From a clock that was ahead: how old it is, the next one tells, which is younger.
    if (ts > now_ms_unix) return true;
    if (ts >= oldest_kept) return false;
    bound = scanned = MessageId{raw(id) + 1};
    return true;
  });
  return bound;
}

}  // namespace parley::storage
