// RocksDB's errors in the words of our contracts. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_ERRORS_H_
#define PARLEY_STORAGE_ROCKS_ERRORS_H_

#include <rocksdb/status.h>

#include <filesystem>
#include <string>

#include "storage/log.h"

namespace parley::storage {

bool is_disk_full(const rocksdb::Status& status);
LogError to_log_error(const rocksdb::Status& status);

// Why a folder could not be opened, and what to do about it.
std::string open_error_message(const rocksdb::Status& status, const std::filesystem::path& path,
                               std::string_view what);

}  // namespace parley::storage

#endif
