#include "storage/rocks_wal_order.h"

namespace parley::storage {
namespace {

// A batch begins with sequence:fixed64 count:fixed32, little endian (rocksdb/write_batch.cc).
constexpr std::size_t kSequenceBytes = 8;

std::uint64_t sequence_of(const rocksdb::WriteBatch& batch) {
  const std::string& bytes = batch.Data();
  std::uint64_t sequence = 0;
  for (std::size_t i = kSequenceBytes; i > 0; --i)
    sequence = sequence << 8 | static_cast<std::uint8_t>(bytes[i - 1]);
  return sequence;
}

}  // namespace

rocksdb::WalFilter::WalProcessingOption WalOrder::LogRecordFound(unsigned long long, const std::string&,
                                                                 const rocksdb::WriteBatch& batch,
                                                                 rocksdb::WriteBatch*, bool*) {
  const std::uint64_t sequence = sequence_of(batch);
  if (next_ != 0 && sequence > next_) return WalProcessingOption::kStopReplay;
  next_ = sequence + static_cast<std::uint64_t>(batch.Count());
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace parley::storage
