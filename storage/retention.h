// Which events a RetentionPolicy lets go. Pure.
#ifndef PARLEY_STORAGE_RETENTION_H_
#define PARLEY_STORAGE_RETENTION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "storage/log.h"

namespace parley::storage {

using Cursors = std::map<std::string, MessageId, std::less<>>;

// Events with an id below the result may go. Never above `last` + 1.
MessageId retention_bound(std::uint64_t now_ms_unix, const RetentionPolicy& policy, const Cursors& cursors,
                          MessageId last);

// The same by the events' own times, for what is left when the ids alone have been looked at: while ids are
// ahead of the clock (schemas/snowflake.h), events are older than their ids say. `read` goes through the log
// from an id on and calls back for each event, until that returns false. `scanned`: kept by the caller
// between calls, so that nothing is looked at again and again.
using EventVisitor = std::function<bool(MessageId id, Bytes event)>;
MessageId retention_bound_by_times(MessageId bound, std::uint64_t now_ms_unix, const RetentionPolicy& policy,
                                   MessageId& scanned,
                                   const std::function<void(MessageId from, const EventVisitor&)>& read);

}  // namespace parley::storage

#endif
