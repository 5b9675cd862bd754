// The RocksDB replica with its file system and clock exposed, for fault tests. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_REPLICA_H_
#define PARLEY_STORAGE_ROCKS_REPLICA_H_

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <memory>

#include "storage/replica_store.h"

namespace parley::storage {

ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica_on(
    const RocksReplicaOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
    std::shared_ptr<rocksdb::SystemClock> clock = nullptr);

}  // namespace parley::storage

#endif
