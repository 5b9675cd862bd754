// parley-broker-check: whether a broker could run with this parley.toml. It starts and changes nothing.
//
//   parley-broker-check --config var/parley.toml [--options-only] [--skip files|ports] [--replacing PID]
//   [--listen HOST:PORT ...]
//
// Ends with 0 when all is in order; with 2, and lines that say what to put right, when it is not.
#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "broker-plugin/check.h"
#include "config/broker_config.h"
#include "config/surroundings.h"

namespace parley::plugin {
namespace {

struct Options {
  std::filesystem::path config;
  bool options_only = false;
  pid_t replacing = 0;
  std::vector<std::string> listen;
  std::string skip;
};

std::vector<std::string> check(const Options& options) {
  std::vector<std::string> faults;
  for (const std::string& address : options.listen) {
    std::string host;
    std::uint16_t port = 0;
    if (!split_address(address, host, port)) {
      faults.push_back("\"" + address + "\" is no host:port");
    } else if (std::string fault = why_not_listen(host, port, options.replacing); !fault.empty()) {
      faults.push_back(std::move(fault));
    }
  }
  if (options.config.empty()) return faults;
  const LookAt look_at{.files = options.skip != "files", .ports = options.skip != "ports"};
  const auto config = load_broker_config(options.config);
  if (!config) {
    faults.push_back(config.error());
  } else if (!options.options_only) {
    for (const std::string& fault : what_is_wrong(*config, options.replacing, look_at))
      faults.push_back(options.config.string() + ": " + fault);
  }
  return faults;
}

int run(int argc, char** argv) {
  CLI::App app("Whether a Parley broker could run with these options; starts and changes nothing");
  Options options;
  app.add_option("--config", options.config, "The parley.toml to look at");
  app.add_flag("--options-only", options.options_only, "Look at no other file, folder or port that it names");
  app.add_option("--skip", options.skip, "Leave out files or ports, which another user may be better to ask")
      ->check(CLI::IsMember({"files", "ports"}));
  app.add_option("--replacing", options.replacing,
                 "A broker that will have ended by then: its ports are free");
  app.add_option("--listen", options.listen, "Addresses (host:port) that must be free, too");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const std::vector<std::string> faults = check(options);
  for (const std::string& fault : faults) std::fprintf(stderr, "%s\n", fault.c_str());
  return faults.empty() ? 0 : 2;
}

}  // namespace
}  // namespace parley::plugin

int main(int argc, char** argv) { return parley::plugin::run(argc, argv); }
