// Threads that run tasks from one bounded queue. Thread-safe.
#ifndef PARLEY_BRIDGE_HTTP_WORKER_POOL_H_
#define PARLEY_BRIDGE_HTTP_WORKER_POOL_H_

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
  void run();

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  std::size_t sleeping_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace parley::http

#endif
