#include "storage/rocks_cid_filter.h"

#include "storage/log_bytes.h"

namespace parley::storage {
namespace {

class CidFilter final : public rocksdb::CompactionFilter {
 public:
  explicit CidFilter(MessageId low) : low_(low) {}
  const char* Name() const override { return "parley.cids"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value, std::string*, bool*) const override {
    const auto entry = parse_cid_value(value.ToStringView());
    return entry && entry->id < low_;
  }

 private:
  MessageId low_;
};

class CidFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit CidFilterFactory(std::shared_ptr<const std::atomic<std::uint64_t>> low) : low_(std::move(low)) {}
  const char* Name() const override { return "parley.cids"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<CidFilter>(MessageId{low_->load(std::memory_order_acquire)});
  }

 private:
  std::shared_ptr<const std::atomic<std::uint64_t>> low_;
};

}  // namespace

std::shared_ptr<rocksdb::CompactionFilterFactory> make_cid_filter(
    std::shared_ptr<const std::atomic<std::uint64_t>> low) {
  return std::make_shared<CidFilterFactory>(std::move(low));
}

}  // namespace parley::storage
