#include "broker-plugin/worker.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "broker-plugin/thread_name.h"

namespace parley::plugin {
namespace {

constexpr int kNice = 5;  // a long job, such as writing a million facts, yields to the broker's thread

}  // namespace

Worker::Worker(std::chrono::milliseconds period, Job periodic)
    : period_(period), periodic_(std::move(periodic)) {}

Worker::~Worker() { stop(); }

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

bool Worker::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= kMaxJobs) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_one();
  return true;
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::run() {
  name_this_thread("parley-worker");
  // On Linux niceness is a thread's own (sched(7)).
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice);
  auto next_period = std::chrono::steady_clock::now() + period_;
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_until(lock, next_period, [this] { return stopping_ || !jobs_.empty(); });
    if (!jobs_.empty()) {
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    } else if (stopping_) {
      return;
    }
    if (std::chrono::steady_clock::now() < next_period) continue;
    lock.unlock();
    periodic_();
    lock.lock();
    next_period = std::chrono::steady_clock::now() + period_;
  }
}

}  // namespace parley::plugin
