// Changes, snapshots and leadership on PostgreSQL. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_FEED_H_
#define PARLEY_STORAGE_POSTGRES_FEED_H_

#include "storage/metadata_feed.h"
#include "storage/postgres/store.h"

namespace parley::storage::postgres {

class PostgresFeed : public Feed {
 public:
  explicit PostgresFeed(Store& store);
  ~PostgresFeed() override;
  PostgresFeed(const PostgresFeed&) = delete;
  PostgresFeed& operator=(const PostgresFeed&) = delete;

  MetadataResult<std::uint64_t> head() override;
  MetadataResult<std::vector<ChangeRow>> changes_after(FeedPosition after, std::uint32_t limit) override;
  MetadataResult<FeedPosition> snapshot(const FactVisitor& visit) override;
  MetadataResult<std::uint64_t> trim_changes(std::uint64_t keep) override;
  MetadataResult<std::uint64_t> sweep() override;
  MetadataResult<bool> try_lead() override;
  bool leading() override;
  void resign() override;
  Wake wait_for_change(std::chrono::milliseconds timeout) override;
  void interrupt() override;

 private:
  // Runs in steps of some thousand rows until one finds nothing more; gives how many rows it was.
  MetadataResult<std::uint64_t> in_steps(const Statement& statement, const std::function<Params()>& params);
  MetadataResult<std::uint64_t> finish_departures();

  Store& store_;
  const int interrupt_fd_;            // an eventfd
  std::unique_ptr<Connection> lead_;  // the feeder's thread; holds the advisory lock while it leads
  bool leads_ = false;
  Clock::time_point lead_checked_{};
  std::unique_ptr<Connection> listening_;  // the feeder's thread
};

}  // namespace parley::storage::postgres

#endif
