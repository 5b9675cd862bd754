#include "bridge/schema_role.h"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bridge/log.h"

namespace parley::bridge {
namespace {

constexpr std::chrono::milliseconds kTryEvery{500};
constexpr std::chrono::milliseconds kAskEvery{1000};

class SchemaRole final : public Role {
 public:
  SchemaRole(const storage::PostgresOptions& options, storage::Metadata& metadata)
      : options_(options), metadata_(metadata) {}
  ~SchemaRole() override { stop(); }

  std::string_view name() const override { return "schema"; }
  void start() override {
    thread_ = std::thread([this] { run(); });
  }
  void stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  std::vector<std::string> missing() const override {
    if (!there_) return {"postgres: its tables are not there yet"};
    if (metadata_.trouble().empty()) return {};
    return {"postgres"};
  }
  std::string why(std::string_view) const override {
    if (there_) return metadata_.trouble();
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  void run() {
    pthread_setname_np(pthread_self(), "parley-schema");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const auto applied = storage::migrate_postgres(options_);
      lock.lock();
      if (applied) {
        if (*applied > 0)
          log(LogLevel::info, "the database was brought up to date", {{"migrations", *applied}});
        there_ = true;
        return watch(lock);
      }
      if (applied.error().message != last_)
        log(LogLevel::warning, "the database is not ready", {{"reason", applied.error().message}});
      last_ = applied.error().message;
      changed_.wait_for(lock, kTryEvery, [this] { return stopping_; });
    }
  }

  void watch(std::unique_lock<std::mutex>& lock) {
    while (!stopping_) {
      lock.unlock();
      (void)metadata_.ping();  // what it finds is in trouble()
      lock.lock();
      changed_.wait_for(lock, kAskEvery, [this] { return stopping_; });
    }
  }

  const storage::PostgresOptions options_;
  storage::Metadata& metadata_;
  std::atomic<bool> there_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::string last_;       // the same: why the tables are not there
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Role> make_schema_role(const storage::PostgresOptions& options, storage::Metadata& metadata) {
  return std::make_unique<SchemaRole>(options, metadata);
}

}  // namespace parley::bridge
