// Drops the idempotency entries of trimmed events when `cids` is compacted. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_CID_FILTER_H_
#define PARLEY_STORAGE_ROCKS_CID_FILTER_H_

#include <rocksdb/compaction_filter.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace parley::storage {

// `low`: events below it are gone for good (the new bound was made durable before it was stored here). Read
// by the engine's compaction threads.
std::shared_ptr<rocksdb::CompactionFilterFactory> make_cid_filter(
    std::shared_ptr<const std::atomic<std::uint64_t>> low);

}  // namespace parley::storage

#endif
