#include "broker-plugin/delivery_queue.h"

#include <iterator>
#include <utility>

namespace parley::plugin {

void DeliveryQueue::ring_once() {
  if (!rung_.exchange(true) && ring_) ring_();
}

void DeliveryQueue::push(std::vector<Outgoing>& out) {
  if (out.empty()) return;
  std::size_t bytes = 0;
  for (const Outgoing& o : out) bytes += o.payload.size();
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (queued_.publishes.empty()) {
      std::swap(queued_.publishes, out);
    } else {
      std::move(out.begin(), out.end(), std::back_inserter(queued_.publishes));
    }
  }
  out.clear();
  ring_once();
}

void DeliveryQueue::push(Outgoing out) {
  bytes_.fetch_add(out.payload.size(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    queued_.publishes.push_back(std::move(out));
  }
  ring_once();
}

void DeliveryQueue::call(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queued_.calls.push_back(std::move(work));
  }
  ring_once();
}

void DeliveryQueue::log(LogLine line) {
  {
    const std::lock_guard lock(mutex_);
    queued_.logs.push_back(std::move(line));
  }
  ring_once();
}

bool DeliveryQueue::take(Taken& taken) {
  taken.publishes.clear();
  taken.calls.clear();
  taken.logs.clear();
  // Pushers ring only when nobody has since the last take: clear the flag before looking, so that nothing
  // that comes after the look goes unrung.
  if (!rung_.load(std::memory_order_acquire)) return false;
  rung_.store(false, std::memory_order_seq_cst);
  const std::lock_guard lock(mutex_);
  std::swap(taken, queued_);
  return true;
}

}  // namespace parley::plugin
