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

class SchemaRole final : public Role {
 public:
  explicit SchemaRole(const storage::PostgresOptions& options) : options_(options) {}
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
    if (there_) return {};
    return {"postgres: its tables are not there yet"};
  }

 private:
  void run() {
    pthread_setname_np(pthread_self(), "parley-schema");
    std::string last;
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      const auto applied = storage::migrate_postgres(options_);
      lock.lock();
      if (applied) {
        if (*applied > 0)
          log(LogLevel::info, "the database was brought up to date", {{"migrations", *applied}});
        there_ = true;
        return;
      }
      if (applied.error().message != last)
        log(LogLevel::warning, "the database is not ready", {{"reason", applied.error().message}});
      last = applied.error().message;
      changed_.wait_for(lock, kTryEvery, [this] { return stopping_; });
    }
  }

  const storage::PostgresOptions options_;
  std::atomic<bool> there_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Role> make_schema_role(const storage::PostgresOptions& options) {
  return std::make_unique<SchemaRole>(options);
}

}  // namespace parley::bridge
