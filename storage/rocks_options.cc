#include "storage/rocks_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

namespace parley::storage {
namespace {

// Of 8 bytes each, in each memtable of `cids`: 64 Ki with 128 MiB, one or two entries a bucket when it is
// full.
constexpr std::size_t kBudgetPerBucket = 2048;

rocksdb::InfoLogLevel info_level(const std::string& name) {
  if (name == "debug") return rocksdb::InfoLogLevel::DEBUG_LEVEL;
  if (name == "info") return rocksdb::InfoLogLevel::INFO_LEVEL;
  if (name == "error") return rocksdb::InfoLogLevel::ERROR_LEVEL;
  return rocksdb::InfoLogLevel::WARN_LEVEL;
}

rocksdb::BlockBasedTableOptions table_options(const RocksMemory& memory) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = memory.cache;
  // Indexes and filters live in the cache, so that they are inside the budget however large the log grows ...
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  // ... except what every look-up touches first, which is small: L0's, and the top of the two-level ones.
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.pin_top_level_index_and_filter = true;
  // In pieces of 4 KiB: a large table costs only the pieces in use, and a miss reads 4 KiB rather than
  // megabytes.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.metadata_block_size = 4096;
  table.format_version = 5;
  return table;
}

// What all column families share. `share` is the part of the budget one memtable may take.
rocksdb::ColumnFamilyOptions base_options(const RocksMemory& memory, double share) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = std::max<std::size_t>(
      static_cast<std::size_t>(static_cast<double>(memory.budget_bytes) * share), std::size_t{64} << 10);
  // One that fills, one that is flushed, one for a burst while the disk is slow. Past that appends are
  // `stalled`.
  options.max_write_buffer_number = 3;
  options.level0_file_num_compaction_trigger = 4;
  // Flushing must not be held up by compaction for long: L0 may grow, at the price of slower look-ups
  // meanwhile.
  options.level0_slowdown_writes_trigger = 40;
  options.level0_stop_writes_trigger = 60;
  options.soft_pending_compaction_bytes_limit = std::uint64_t{64} << 30;
  options.hard_pending_compaction_bytes_limit = std::uint64_t{256} << 30;
  options.level_compaction_dynamic_level_bytes = true;
  // The same codec on all levels: a table that overlaps nothing moves down by name, without being rewritten.
  options.compression = rocksdb::kLZ4Compression;
  return options;
}

}  // namespace

RocksMemory::RocksMemory(std::size_t budget)
    : budget_bytes(std::max<std::size_t>(budget, std::size_t{256} << 10)) {
  rocksdb::LRUCacheOptions options;
  options.capacity = budget_bytes;
  // Filters and indexes are kept before data: an append's look-up needs them, and data is read rarely.
  options.high_pri_pool_ratio = 0.8;
  // Not strict: a strict cache answers a read with an error when pinned blocks fill it. What is pinned is
  // small.
  options.strict_capacity_limit = false;
  cache = rocksdb::NewLRUCache(options);
}

rocksdb::DBOptions log_db_options(const RocksMemory& memory, const std::string& info_log_level) {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log_level = info_level(info_log_level);
  options.max_log_file_size = 4 << 20;
  options.keep_log_file_num = 4;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;

  // Recovery. A torn or missing tail of the WAL ends the log there: everything before survives, nothing
  // after.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // What a start has to read again, at most.
  options.max_total_wal_size = memory.budget_bytes / 3;
  // The WAL has everything; a stop is quick and leaves the same state as a crash.
  options.avoid_flush_during_shutdown = true;
  // Opening reads the manifest, not the tables.
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  // The broker needs the descriptors for its clients. Tables are large, so this many are plenty.
  options.max_open_files = 512;

  // One writer, the broker's thread: no coordination between writers.
  options.allow_concurrent_memtable_write = false;
  options.enable_write_thread_adaptive_yield = false;
  // One thread flushes, two compact: a long compaction must not keep the next small one waiting.
  options.max_background_jobs = 3;
  // Tables are written back in steps: a large write-back at once delays the WAL's sync.
  options.bytes_per_sync = 512 << 10;
  options.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(memory.budget_bytes / 2, memory.cache, false);
  // Errors wait for RocksEngine::recover(), which knows more than the engine's own attempts.
  options.max_bgerror_resume_count = 0;
  return options;
}

rocksdb::ColumnFamilyOptions events_options(const RocksMemory& memory) {
  // This family fills first and takes the others along when it flushes: a quarter of the budget, a few ten
  // thousand messages. Larger flushes mean fewer tables for find_cid to ask and less to compact; smaller, a
  // quicker start.
  rocksdb::ColumnFamilyOptions options = base_options(memory, 1.0 / 4);
  // Keys only rise, so tables never overlap and none is ever rewritten; large ones keep descriptors few.
  options.target_file_size_base = 64 << 20;
  options.max_bytes_for_level_base = 512 << 20;
  rocksdb::BlockBasedTableOptions table = table_options(memory);
  table.block_size = 16 << 10;
  // No filter: a look-up by id asks for what is there, and one table at most can hold it.
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions cids_options(const RocksMemory& memory,
                                          std::shared_ptr<rocksdb::CompactionFilterFactory> filter) {
  rocksdb::ColumnFamilyOptions options = base_options(memory, 1.0 / 8);
  options.compaction_filter_factory = std::move(filter);
  // Quiet rooms' tables meet the filter too.
  options.periodic_compaction_seconds = 3 * 24 * 3600;
  // Keys come in no order, and a skip list sorts them on the broker's thread; a hash table leaves that to the
  // flush.
  options.prefix_extractor.reset(rocksdb::NewNoopTransform());  // the whole key is hashed
  options.memtable_factory.reset(rocksdb::NewHashLinkListRepFactory(memory.budget_bytes / kBudgetPerBucket));
  // Nearly every look-up is a miss, and memory decides it: a filter over each memtable and each table. 12
  // bits a key: 0.4% false positives, 15 MB for 10 million messages. A Ribbon filter would take 30% less and
  // cost each compaction three times the work; compaction shares two cores with the broker.
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.memtable_whole_key_filtering = true;
  rocksdb::BlockBasedTableOptions table = table_options(memory);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(12));
  table.optimize_filters_for_memory = true;
  // Each table has one filter, found without an index of filters. Small tables keep it small: 200 KB to read
  // again when memory is short (docs/adr/0003).
  options.target_file_size_base = 8 << 20;
  // Compaction writes everything anew a few times: fewer times with a large first level, faster without a
  // codec, which would gain little on random ids.
  options.level0_file_num_compaction_trigger = 6;
  options.max_bytes_for_level_base = 256 << 20;
  options.compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions rooms_options(const RocksMemory& memory) {
  rocksdb::ColumnFamilyOptions options = base_options(memory, 1.0 / 16);
  rocksdb::BlockBasedTableOptions table = table_options(memory);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions meta_options(const RocksMemory& memory) {
  rocksdb::ColumnFamilyOptions options = base_options(memory, 1.0 / 64);
  rocksdb::BlockBasedTableOptions table = table_options(memory);
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions replica_db_options(const RocksMemory& memory) {
  rocksdb::DBOptions options = log_db_options(memory, "warn");
  options.max_open_files = 64;
  return options;
}

rocksdb::ColumnFamilyOptions facts_options(const RocksMemory& memory) {
  rocksdb::ColumnFamilyOptions options = base_options(memory, 1.0 / 8);
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  // No filter: nothing here asks for what may be missing.
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(memory)));
  return options;
}

}  // namespace parley::storage
