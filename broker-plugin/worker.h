// Slow work that must not run on the broker's thread: reading the log for followers, trimming it, syncing and
// swapping the replica, looking after the key file. One thread, jobs in order, a bounded number waiting.
#ifndef PARLEY_BROKER_PLUGIN_WORKER_H_
#define PARLEY_BROKER_PLUGIN_WORKER_H_

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace parley::plugin {

class Worker {
 public:
  using Job = std::function<void()>;
  // `periodic` runs on the thread about every `period`, between jobs.
  Worker(std::chrono::milliseconds period, Job periodic);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();
  // Any thread. False when too much waits already: tell the asker to come again later.
  bool post(Job job);
  // Finishes the jobs that wait, then ends the thread.
  void stop();

 private:
  static constexpr std::size_t kMaxJobs = 1024;
  void run();

  const std::chrono::milliseconds period_;
  const Job periodic_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;   // guarded by mutex_
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace parley::plugin

#endif
