// Threads that run tasks from one bounded queue. Thread-safe.
//
// Not all of them at once: more tasks under way than there are processors, and each of them takes longer, the
// unlucky ones very much so. A few threads take tasks as they come; the reserve waits until a task has waited
// for `patience`, as happens when the others are held up by a slow database.
#ifndef PARLEY_BRIDGE_HTTP_WORKER_POOL_H_
#define PARLEY_BRIDGE_HTTP_WORKER_POOL_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace parley::http {

class WorkerPool {
 public:
  using Task = std::function<void()>;  // must not throw

  // `nice` as in nice(1): how far the threads stand back for others.
  struct Options {
    std::string name;  // of the threads; up to 15 characters
    std::size_t threads = 1;
    std::size_t queue = 1;  // tasks that may wait
    int nice = 0;
    std::size_t at_once = 0;  // of the threads, without the reserve; 0: one more than there are processors
    std::chrono::milliseconds patience{10};
  };
  explicit WorkerPool(Options options);
  ~WorkerPool() { stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // False when the queue is full or the pool has been stopped; the task is then not run.
  bool submit(Task task);
  std::size_t waiting() const;
  // Runs what is queued, then ends the threads. May be called twice, by one thread.
  void stop();

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct Waiting {
    Task task;
    std::chrono::steady_clock::time_point since;
  };
  void run();
  void run_reserve();
  void prepare_thread() const;
  void run_first(Lock& lock);
  bool nobody_looks_out() const { return !tasks_.empty() && !watched_ && resting_ > 0; }

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable wake_reserve_;
  // Guarded by mutex_.
  std::deque<Waiting> tasks_;
  std::size_t sleeping_ = 0;  // without the reserve
  std::size_t resting_ = 0;   // of the reserve: nothing to look out for
  bool watched_ = false;      // one of the reserve looks out for a task that has waited for long
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace parley::http

#endif
