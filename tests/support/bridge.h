// A parley-bridge of a test's own, beside a Broker and a database.
#ifndef PARLEY_TESTS_SUPPORT_BRIDGE_H_
#define PARLEY_TESTS_SUPPORT_BRIDGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/broker.h"
#include "tests/support/port.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace parley::test {

struct BridgeOptions {
  std::string database{};                // its connection string
  std::vector<const Broker*> brokers{};  // the nodes, in their order; they outlive the bridge
  std::string roles = "control,api";
  // Lines of bridge.toml as "section.option = value", besides the defaults of a test (no limits to requests,
  // cheap password hashing).
  std::vector<std::string> settings{};
  std::string more_toml{};  // as it stands, at the end: [[oidc]]
  // More files of its folder, by name.
  std::vector<std::pair<std::string, std::string>> files{};
  bool start = true;
};

// Started and alive once constructed; killed and removed with the object. When the test has failed by then,
// the end of its log is printed. Throws std::runtime_error, with the log, when it does not come up.
class Bridge {
 public:
  explicit Bridge(BridgeOptions options);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  void start();                    // returns when it answers /health/live
  void launch();                   // the first half of start(): does not wait
  void wait_until_ready();         // /health/ready says 200; throws with what is missing
  Output check() const;            // as --check tells it, while this one runs or not
  std::optional<int> terminate();  // SIGTERM; the exit status, nothing when it had to be killed
  void kill9();                    // and waits until it is gone
  void hangup() { process_->signal(SIGHUP); }
  bool running() { return process_ && process_->running(); }

  std::uint16_t port() const { return port_.number(); }
  std::string url(std::string_view path = "") const;
  // GET without a token: status and body; nothing when nobody answers.
  struct Answer {
    int status = 0;
    std::string body;
  };
  std::optional<Answer> get(std::string_view path) const;
  // The value of a metric by its whole name with labels; nothing when it is not there.
  std::optional<double> metric(std::string_view name) const;
  std::string log() const;
  bool logged(std::string_view text, Deadline deadline = kPatience) const;
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  void write_files();

  BridgeOptions options_;
  TempDir folder_;
  PortLease port_;
  std::unique_ptr<Process> process_;
};

}  // namespace parley::test

#endif
