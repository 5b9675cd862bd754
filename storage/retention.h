// Which events a RetentionPolicy lets go. Pure.
#ifndef PARLEY_STORAGE_RETENTION_H_
#define PARLEY_STORAGE_RETENTION_H_

#include <cstdint>
#include <map>
#include <string>

#include "storage/log.h"

namespace parley::storage {

using Cursors = std::map<std::string, MessageId, std::less<>>;

// Events with an id below the result may go. Never above `last` + 1.
MessageId retention_bound(std::uint64_t now_ms_unix, const RetentionPolicy& policy, const Cursors& cursors,
                          MessageId last);

}  // namespace parley::storage

#endif
