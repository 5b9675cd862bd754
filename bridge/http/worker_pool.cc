#include "bridge/http/worker_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace parley::http {

WorkerPool::WorkerPool(Options options) : options_(std::move(options)) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t at_once = options_.at_once != 0 ? options_.at_once : processors + 1;
  for (std::size_t i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this, reserve = i >= at_once] { reserve ? run_reserve() : run(); });
}

bool WorkerPool::submit(Task task) {
  bool wake = false;
  bool wake_reserve = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= options_.queue) return false;
    tasks_.push_back({std::move(task), std::chrono::steady_clock::now()});
    wake = sleeping_ > 0;
    wake_reserve = !wake && nobody_looks_out();
  }
  if (wake) wake_.notify_one();
  if (wake_reserve) wake_reserve_.notify_one();
  return true;
}

std::size_t WorkerPool::waiting() const {
  const std::lock_guard lock(mutex_);
  return tasks_.size();
}

void WorkerPool::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  wake_reserve_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerPool::prepare_thread() const {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  // On Linux niceness is a thread's own (sched(7)); where it is refused, the pool is merely not nice.
  if (options_.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), options_.nice);
}

void WorkerPool::run_first(Lock& lock) {
  Task task = std::move(tasks_.front().task);
  tasks_.pop_front();
  const bool wake_reserve = nobody_looks_out();
  lock.unlock();
  if (wake_reserve) wake_reserve_.notify_one();
  task();
  task = nullptr;  // what it holds is given back outside the lock
  lock.lock();
}

void WorkerPool::run() {
  prepare_thread();
  Lock lock(mutex_);
  for (;;) {
    while (tasks_.empty() && !stopping_) {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
    }
    if (tasks_.empty()) return;
    run_first(lock);
  }
}

void WorkerPool::run_reserve() {
  prepare_thread();
  Lock lock(mutex_);
  while (!stopping_) {
    if (tasks_.empty() || watched_) {
      ++resting_;
      wake_reserve_.wait(lock);
      --resting_;
      continue;
    }
    const auto due = tasks_.front().since + options_.patience;
    if (std::chrono::steady_clock::now() >= due) {
      run_first(lock);
      continue;
    }
    watched_ = true;
    wake_reserve_.wait_until(lock, due);
    watched_ = false;
  }
}

}  // namespace parley::http
