#include "broker-plugin/check.h"

#include <cstdint>
#include <filesystem>
#include <functional>

#include "broker-plugin/key_file.h"
#include "config/surroundings.h"

namespace parley::plugin {

namespace {

using Add = std::function<void(const std::string& option, const std::string& fault)>;

void look_at_files(const BrokerConfig& config, pid_t replacing, const Add& add) {
  if (const auto keys = KeyFile(config.auth.jwks_file).read(); !keys) add("auth.jwks_file", keys.error());
  add("node.data_dir", why_not_writable(config.node.data_dir));
  for (const char* store : {"log", "replica", "retained"}) {
    const std::filesystem::path folder = config.node.data_dir / store;
    if (const pid_t holder = who_locks(folder / "LOCK", replacing); holder != 0) {
      add("node.data_dir", "process " + std::to_string(holder) + " has " + folder.string() +
                               " open: another broker runs on it; stop that one, or name another folder");
    }
  }
  if (config.doorbell.uses_socket())
    add("doorbell.socket", why_not_writable(config.doorbell.socket.parent_path()));
}

}  // namespace

std::vector<std::string> what_is_wrong(const BrokerConfig& config, pid_t replacing, LookAt look_at) {
  std::vector<std::string> faults;
  const auto add = [&faults](const std::string& option, const std::string& fault) {
    if (!fault.empty()) faults.push_back(option + ": " + fault);
  };
  if (look_at.files) look_at_files(config, replacing, add);
  std::string host;
  std::uint16_t port = 0;
  if (look_at.ports && split_address(config.metrics.listen, host, port))
    add("metrics.listen", why_not_listen(host, port, replacing));
  return faults;
}

}  // namespace parley::plugin
