// A real mosquitto, with our plugin or bare, in a folder and on a port of its own.
#ifndef PARLEY_TESTS_SUPPORT_BROKER_H_
#define PARLEY_TESTS_SUPPORT_BROKER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/port.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_mint.h"

namespace parley::test {

enum class RunAs {
  usual,     // as we are; when that is root, mosquitto drops to its own user before it loads the plugin
  ordinary,  // as a user without any rights, from the first instruction on (needs root; else the same as
             // usual)
};

struct BrokerOptions {
  bool bare = false;  // without the plugin, open to everybody
  RunAs run_as = RunAs::usual;
  std::vector<std::string> settings{};  // lines for parley.toml, dotted: "limits.connections = 3"
  std::vector<std::string> conf{};      // lines for mosquitto.conf
  std::vector<std::pair<std::string, std::string>> env{};  // LD_PRELOAD and the like
  bool keep_sessions = false;  // as the launcher's: over an end in order, in mosquitto.db
  bool start = true;
};

// Started and answering once constructed; stopped and removed with the object. When the test has failed by
// then, the end of the broker's log is printed. Throws std::runtime_error, with the log, when the broker does
// not come up.
class Broker {
 public:
  explicit Broker(BrokerOptions options = {});
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  void start();                    // returns when it answers on the port
  void launch();                   // the first half of start(): does not wait
  std::optional<int> terminate();  // SIGTERM; the exit status, nothing when it had to be killed
  void kill9();                    // and waits until it is gone
  void hangup() { process_->signal(SIGHUP); }
  bool running() { return process_ && process_->running(); }
  pid_t pid() const { return process_->pid(); }

  void set_env(std::vector<std::pair<std::string, std::string>> env) { options_.env = std::move(env); }

  std::uint16_t port() const { return port_.number(); }
  std::uint16_t metrics_port() const { return metrics_port_.number(); }
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path data() const { return folder_.path() / "data"; }
  std::filesystem::path keys_file() const { return folder_.path() / "jwks.json"; }
  std::filesystem::path log_file() const { return folder_.path() / "mosquitto.log"; }
  std::string log() const;
  // Waits until the log holds the text.
  bool logged(std::string_view text, Deadline deadline = kPatience) const;

  const TokenMint& mint() const { return mint_; }
  std::string token(std::string_view user, const TokenOptions& options = {}) const {
    return mint_.token(user, options);
  }
  std::string service_token(std::string_view device) const;

 private:
  void write_files();
  void give_away(const std::filesystem::path& path) const;
  void wait_until_it_answers();
  bool answers() const;

  BrokerOptions options_;
  TempDir folder_;
  PortLease port_;
  PortLease metrics_port_;
  const TokenMint& mint_;
  std::unique_ptr<Process> process_;
};

// The user the broker ends up as, and owns its data folder.
struct Owner {
  uid_t uid;
  gid_t gid;
};
Owner broker_owner(RunAs run_as);

}  // namespace parley::test

#endif
