// Every RocksDB option we set, and why. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_OPTIONS_H_
#define PARLEY_STORAGE_ROCKS_OPTIONS_H_

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

#include <memory>
#include <string>

namespace parley::storage {

// One budget for all memory: block cache, filters, indexes and memtables are charged to one cache.
struct RocksMemory {
  explicit RocksMemory(std::size_t budget_bytes);
  std::size_t budget_bytes;
  std::shared_ptr<rocksdb::Cache> cache;
};

rocksdb::DBOptions log_db_options(const RocksMemory& memory, const std::string& info_log_level);
rocksdb::ColumnFamilyOptions events_options(const RocksMemory& memory);
rocksdb::ColumnFamilyOptions cids_options(const RocksMemory& memory,
                                          std::shared_ptr<rocksdb::CompactionFilterFactory> filter);
rocksdb::ColumnFamilyOptions rooms_options(const RocksMemory& memory);
rocksdb::ColumnFamilyOptions meta_options(const RocksMemory& memory);
rocksdb::DBOptions replica_db_options(const RocksMemory& memory);
rocksdb::ColumnFamilyOptions facts_options(const RocksMemory& memory);

}  // namespace parley::storage

#endif
