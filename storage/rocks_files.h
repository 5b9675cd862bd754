// The file system as RocksDB sees it. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_FILES_H_
#define PARLEY_STORAGE_ROCKS_FILES_H_

#include <rocksdb/file_system.h>

#include <memory>

namespace parley::storage {

// Marks failed writes and syncs as worth retrying. RocksDB takes any other input/output error on its write
// path as fatal until the process restarts; with the mark, DB::Resume() can flush what is in memory to new
// files and go on, which is what Log::recover() promises.
std::shared_ptr<rocksdb::FileSystem> make_retryable_files(std::shared_ptr<rocksdb::FileSystem> base);

}  // namespace parley::storage

#endif
