// The RocksDB log with its file system and clock exposed, for fault tests. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_LOG_H_
#define PARLEY_STORAGE_ROCKS_LOG_H_

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <memory>

#include "storage/log.h"

namespace parley::storage {

boost::system::result<std::unique_ptr<Log>, std::string> open_rocks_log_on(
    const RocksLogOptions& options, std::shared_ptr<rocksdb::FileSystem> files,
    std::shared_ptr<rocksdb::SystemClock> clock = nullptr);

}  // namespace parley::storage

#endif
