// What the role's threads share: whether this process feeds the nodes, how far Postgres is, and when to stop.
// Thread-safe; waiting ends at once when any of it changes.
#ifndef PARLEY_BRIDGE_CONTROL_LEADERSHIP_H_
#define PARLEY_BRIDGE_CONTROL_LEADERSHIP_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace parley::bridge {

class Leadership {
 public:
  bool leads() const {
    const std::lock_guard lock(mutex_);
    return leads_ && !stopping_;
  }
  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }
  std::uint64_t head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }

  void set_leads(bool leads) {
    change([&] { leads_ = leads; });
  }
  void stop() {
    change([&] { stopping_ = true; });
  }
  void saw_head(std::uint64_t version) {
    change([&] { head_ = std::max(head_, version); });
  }
  // The database may be another one from here on, one that was restored.
  void forget_head() {
    change([&] { head_ = 0; });
  }
  // Something happened elsewhere (a change was committed, a connection came up): whoever waits looks again.
  void poke() {
    change([] {});
  }

  // A number that rises with every change of all this; take it before looking, hand it to wait_since().
  std::uint64_t moment() const {
    const std::lock_guard lock(mutex_);
    return moment_;
  }
  // Until something changed since `then`, or the time is over.
  void wait_since(std::uint64_t then, std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return moment_ != then; });
  }
  // The whole time, but for stopping and the loss of the lead.
  void pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    const bool led = leads_;
    changed_.wait_for(lock, time, [&] { return stopping_ || leads_ != led; });
  }

 private:
  template <class F>
  void change(F&& what) {
    {
      const std::lock_guard lock(mutex_);
      what();
      ++moment_;
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool leads_ = false;
  bool stopping_ = false;
  std::uint64_t head_ = 0;
  std::uint64_t moment_ = 0;
};

}  // namespace parley::bridge

#endif
