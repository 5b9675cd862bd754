// What a connection string says. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_URL_H_
#define PARLEY_STORAGE_POSTGRES_URL_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace parley::storage::postgres {

// A connection string that cannot be parsed, or that libpq would quote a part of the password of, gives the
// reason, without a password.
std::string fault_in_url(const std::string& url);

// What libpq would take from the environment and send to the server at the startup, where poolers refuse it:
// PGOPTIONS and its like are taken out. To be called before there are threads that read the environment.
void forget_startup_environment();

// "-c name=value --name=value" as `options` of a connection string has them, or nothing when it has something
// else, too.
using Settings = std::vector<std::pair<std::string, std::string>>;
std::optional<Settings> parse_startup_options(const std::string& text);

// The servers that a connection string names, and which of them answered last: after a failover the dead one
// is not waited for by every new connection. Any thread.
class Servers {
 public:
  explicit Servers(const std::string& url);  // one, whatever it is, when the string cannot be parsed
  // Of those who find out at a time whether a pooler lends whole sessions, one does for all who were
  // connected before it began. (Not a timed mutex: ThreadSanitizer does not see it being locked.)
  struct SessionsSeen {
    std::mutex mutex;
    std::condition_variable changed;
    bool finding_out = false;                       // guarded by mutex, as the next: somebody does
    std::chrono::steady_clock::time_point begun{};  // the last time that it was seen
    std::atomic<bool> ever = false;                 // that it does was seen, and not the contrary since
  };
  struct Server {
    std::string host;  // empty, as the others: as the connection string says
    std::string hostaddr;
    std::string port;
    std::shared_ptr<SessionsSeen> sessions_seen = std::make_shared<SessionsSeen>();
  };
  std::size_t size() const { return servers_.size(); }
  const Server& at(std::size_t i) const { return servers_[i]; }
  std::size_t preferred() const { return preferred_; }
  void prefer(std::size_t i) { preferred_ = i; }

  // The rest of the connection string, for libpq by name.
  const Settings& options() const { return options_; }
  // Its `options`, in SQL: to be sent once connected.
  const std::string& settings() const { return settings_; }
  // They are of another kind, and are sent at the startup.
  bool sends_options() const { return sends_options_; }

 private:
  std::vector<Server> servers_;
  std::atomic<std::size_t> preferred_{0};
  Settings options_;
  std::string settings_;
  bool sends_options_ = false;
};

}  // namespace parley::storage::postgres

#endif
