// Ends recovery at the first gap. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_WAL_ORDER_H_
#define PARLEY_STORAGE_ROCKS_WAL_ORDER_H_

#include <rocksdb/wal_filter.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <string>

namespace parley::storage {

// Point-in-time recovery stops at a damaged record, but it does not notice what is missing without a trace:
// the lost tail of one write-ahead log when the next one survived, or a hole that a file system filled with
// zeros. Each record carries the engine's sequence number and how many it takes up, so we can.
//
// One recovery at a time; begin() before each.
class WalOrder final : public rocksdb::WalFilter {
 public:
  const char* Name() const override { return "parley.wal_order"; }
  void begin() { next_ = 0; }
  WalProcessingOption LogRecordFound(unsigned long long log_number, const std::string& log_file_name,
                                     const rocksdb::WriteBatch& batch, rocksdb::WriteBatch* new_batch,
                                     bool* batch_changed) override;

 private:
  std::uint64_t next_ = 0;  // sequence number of the record to come; zero: any
};

}  // namespace parley::storage

#endif
