#include "bridge/http/worker_pool.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

namespace parley::http {

WorkerPool::WorkerPool(Options options) : options_(std::move(options)) {
  for (std::size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
}

bool WorkerPool::submit(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= options_.queue) return false;
    tasks_.push_back(std::move(task));
    wake = sleeping_ > 0;
  }
  if (wake) wake_.notify_one();
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
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void WorkerPool::run() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  // On Linux niceness is a thread's own (sched(7)); where it is refused, the pool is merely not nice.
  if (options_.nice != 0) setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), options_.nice);
  std::unique_lock lock(mutex_);
  for (;;) {
    while (tasks_.empty() && !stopping_) {
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
    }
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds is given back outside the lock
    lock.lock();
  }
}

}  // namespace parley::http
