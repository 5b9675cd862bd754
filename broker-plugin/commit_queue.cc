#include "broker-plugin/commit_queue.h"

#include <utility>

namespace parley::plugin {

void CommitBatch::clear() {
  constexpr std::size_t kKeepBytes = 4u << 20;  // a burst's memory is not kept for ever
  if (bytes.capacity() > kKeepBytes) bytes = std::string();
  bytes.clear();
  items.clear();
  after_sync.clear();
}

void CommitQueue::push(Pending pending, Bytes event, std::string_view cid) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    // Events start at multiples of 8 so that they can be read in place.
    open_.bytes.resize((open_.bytes.size() + 7) & ~std::size_t{7});
    pending.event_offset = static_cast<std::uint32_t>(open_.bytes.size());
    pending.event_size = static_cast<std::uint32_t>(event.size());
    open_.bytes.append(reinterpret_cast<const char*>(event.data()), event.size());
    pending.cid_offset = static_cast<std::uint32_t>(open_.bytes.size());
    pending.cid_size = static_cast<std::uint32_t>(cid.size());
    open_.bytes.append(cid);
    open_.items.push_back(pending);
    wake = std::exchange(waiting_, false);
  }
  bytes_.fetch_add(event.size() + cid.size(), std::memory_order_relaxed);
  if (wake) filled_.notify_one();
}

void CommitQueue::push_after_sync(std::function<void()> action) {
  {
    const std::lock_guard lock(mutex_);
    open_.after_sync.push_back(std::move(action));
    waiting_ = false;
  }
  filled_.notify_one();
}

void CommitQueue::take(CommitBatch& batch, std::chrono::steady_clock::time_point until) {
  batch.clear();
  std::unique_lock lock(mutex_);
  while (open_.empty() && !stopping_.load()) {
    waiting_ = true;
    if (filled_.wait_until(lock, until) == std::cv_status::timeout) break;
  }
  waiting_ = false;
  std::swap(batch, open_);
}

void CommitQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true);
    waiting_ = false;
  }
  filled_.notify_one();
}

}  // namespace parley::plugin
