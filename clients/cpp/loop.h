// One thread's queue of work with a deadline beside it.
#ifndef PARLEY_CLIENTS_CPP_LOOP_H_
#define PARLEY_CLIENTS_CPP_LOOP_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "clients/cpp/environment.h"

namespace parley::client {

class Loop {
 public:
  using Task = std::function<void()>;

  // Any thread. False once stop() was called: the task is dropped.
  bool post(Task task) {
    std::lock_guard lock(mutex_);
    if (stopped_) return false;
    tasks_.push_back(std::move(task));
    wake_.notify_one();
    return true;
  }

  // The loop's thread: runs tasks in order until stop(), and `on_time` after each round of them and when the
  // deadline it asked for has come. What was posted before stop() is still run.
  void run(const std::function<std::optional<TimePoint>()>& next_deadline, const Task& on_time) {
    while (true) {
      std::deque<Task> round;
      {
        std::unique_lock lock(mutex_);
        const auto ready = [this] { return stopped_ || !tasks_.empty(); };
        if (const auto deadline = next_deadline()) {
          wake_.wait_until(lock, *deadline, ready);
        } else {
          wake_.wait(lock, ready);
        }
        if (stopped_ && tasks_.empty()) return;
        round.swap(tasks_);
      }
      for (const Task& task : round) task();
      on_time();
    }
  }

  // Any thread.
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;  // guarded by mutex_
  bool stopped_ = false;    // guarded by mutex_
};

}  // namespace parley::client

#endif
