// A database of changes in memory, as several bridges see it, each through a feed of its own.
#ifndef PARLEY_BRIDGE_CONTROL_TESTING_FAKE_DATABASE_H_
#define PARLEY_BRIDGE_CONTROL_TESTING_FAKE_DATABASE_H_

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/metadata.h"
#include "storage/replica_store.h"

namespace parley::bridge {

class FakeDatabase {
 public:
  // Commits one change, and gives its version.
  std::uint64_t commit(const std::vector<ControlOp>& ops) {
    std::string json;
    for (const ControlOp& op : ops) json += (json.empty() ? "" : ",") + to_json(op);
    return commit_text("[" + json + "]", ops);
  }
  // The same with text that need not be what a node understands.
  std::uint64_t commit_text(const std::string& ops_json, const std::vector<ControlOp>& facts = {}) {
    const std::lock_guard lock(mutex_);
    rows_.push_back({++head_, ops_json, ++marks()});
    (void)facts_->apply(head_, facts);
    changed_.notify_all();
    return head_;
  }
  void trim(std::size_t keep) {
    const std::lock_guard lock(mutex_);
    while (rows_.size() > keep) rows_.pop_front();
  }
  void set_away(bool away) {
    const std::lock_guard lock(mutex_);
    away_ = away;
    if (away) leader_ = nullptr;
    changed_.notify_all();
  }
  std::uint64_t head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }
  // All facts, as text in the order of their keys.
  std::vector<std::string> facts() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    (void)facts_->load([&](ControlOp&& op) { all.push_back(to_json(op)); });
    return all;
  }
  std::unique_ptr<storage::Metadata> connect();

 private:
  friend class FakeFeed;
  // Of all databases: two of them never give a change the same one.
  static std::atomic<std::uint64_t>& marks() {
    static std::atomic<std::uint64_t> last{0};
    return last;
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<storage::ChangeRow> rows_;
  std::unique_ptr<storage::ReplicaStore> facts_ = storage::make_memory_replica();
  std::uint64_t head_ = 0;
  const void* leader_ = nullptr;
  bool away_ = false;
};

class FakeFeed final : public storage::Feed {
 public:
  explicit FakeFeed(FakeDatabase& database) : d_(database) {}

  storage::MetadataResult<std::uint64_t> head() override {
    const std::lock_guard lock(d_.mutex_);
    if (d_.away_) return away();
    return d_.head_;
  }
  storage::MetadataResult<std::vector<storage::ChangeRow>> changes_after(storage::FeedPosition after,
                                                                         std::uint32_t limit) override {
    const std::lock_guard lock(d_.mutex_);
    if (d_.away_) return away();
    const std::uint64_t oldest = d_.rows_.empty() ? d_.head_ + 1 : d_.rows_.front().version;
    const storage::MetadataFault gone{storage::MetadataError::too_old, "gone", "", 0};
    if (after.version > d_.head_ || after.version + 1 < oldest) return gone;
    const bool same = after.version < oldest ? after.version == d_.head_
                                             : d_.rows_[after.version - oldest].mark == after.mark;
    if (after.mark != 0 && !same) return gone;
    std::vector<storage::ChangeRow> rows;
    for (const auto& row : d_.rows_)
      if (row.version > after.version && rows.size() < limit) rows.push_back(row);
    return rows;
  }
  storage::MetadataResult<storage::FeedPosition> snapshot(const storage::FactVisitor& visit) override {
    std::vector<ControlOp> facts;
    storage::FeedPosition position;
    {
      const std::lock_guard lock(d_.mutex_);
      if (d_.away_) return away();
      (void)d_.facts_->load([&](ControlOp&& op) { facts.push_back(std::move(op)); });
      position = {d_.head_, d_.rows_.empty() ? 0 : d_.rows_.back().mark};
    }
    if (!visit(std::move(facts)))
      return storage::MetadataFault{storage::MetadataError::conflict, "stopped", "", 0};
    return position;
  }
  storage::MetadataResult<std::uint64_t> trim_changes(std::uint64_t) override { return 0; }
  storage::MetadataResult<std::uint64_t> sweep() override { return 0; }
  storage::MetadataResult<bool> try_lead() override {
    const std::lock_guard lock(d_.mutex_);
    if (d_.away_) return away();
    if (d_.leader_ == nullptr) d_.leader_ = this;
    return d_.leader_ == this;
  }
  bool leading() override {
    const std::lock_guard lock(d_.mutex_);
    return d_.leader_ == this;
  }
  void resign() override {
    const std::lock_guard lock(d_.mutex_);
    if (d_.leader_ == this) d_.leader_ = nullptr;
  }
  storage::Wake wait_for_change(std::chrono::milliseconds timeout) override {
    std::unique_lock lock(d_.mutex_);
    const bool woken = d_.changed_.wait_for(lock, timeout, [&] { return interrupted_ || seen_ != d_.head_; });
    if (std::exchange(interrupted_, false)) return storage::Wake::interrupted;
    if (d_.away_) return storage::Wake::lost;
    seen_ = d_.head_;
    return woken ? storage::Wake::changed : storage::Wake::timeout;
  }
  void interrupt() override {
    const std::lock_guard lock(d_.mutex_);
    interrupted_ = true;
    d_.changed_.notify_all();
  }

 private:
  static storage::MetadataFault away() {
    return {storage::MetadataError::unavailable, "postgres is away", "", 0};
  }
  FakeDatabase& d_;
  bool interrupted_ = false;  // guarded by d_.mutex_
  std::uint64_t seen_ = 0;    // guarded by d_.mutex_
};

// Nothing but the feed.
class FakeMetadata final : public storage::Metadata {
 public:
  explicit FakeMetadata(FakeDatabase& database) : feed_(database) {}
  storage::Users& users() override { return none<storage::Users>(); }
  storage::Sessions& sessions() override { return none<storage::Sessions>(); }
  storage::ApiTokens& api_tokens() override { return none<storage::ApiTokens>(); }
  storage::People& people() override { return none<storage::People>(); }
  storage::Rooms& rooms() override { return none<storage::Rooms>(); }
  storage::Members& members() override { return none<storage::Members>(); }
  storage::Invites& invites() override { return none<storage::Invites>(); }
  storage::Administration& administration() override { return none<storage::Administration>(); }
  storage::Feed& feed() override { return feed_; }
  storage::MetadataResult<void> ping() override { return {}; }
  PoolStats pool_stats() const override { return {}; }

 private:
  template <class T>
  static T& none() {
    throw std::logic_error("this database is only a feed");
  }
  FakeFeed feed_;
};

inline std::unique_ptr<storage::Metadata> FakeDatabase::connect() {
  return std::make_unique<FakeMetadata>(*this);
}

}  // namespace parley::bridge

#endif
