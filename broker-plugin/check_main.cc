// parley-broker-check: whether a broker could run with this parley.toml. It starts and changes nothing.
//
//   parley-broker-check --config var/parley.toml [--options-only] [--skip files|ports] [--replacing PID]
//   [--listen HOST:PORT ...]
//   parley-broker-check --config FILE --get http.listen
//   parley-broker-check --config FILE --set http.listen <VALUE
//
// Ends with 0 when all is in order; with 2, and lines that say what to put right, when it is not.
//
// --get and --set are for the launcher, and for any file of options, bridge.toml as well: the one prints an
// option's value and ends with 3 when it is not set, the other the whole file with another value, which comes
// as TOML on its input, because it may hold a password.
#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "broker-plugin/check.h"
#include "config/broker_config.h"
#include "config/option_file.h"
#include "config/surroundings.h"

namespace parley::plugin {
namespace {

struct Options {
  std::filesystem::path config;
  bool options_only = false;
  pid_t replacing = 0;
  std::vector<std::string> listen;
  std::string skip;
  std::string get, set;
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
      faults.push_back(tell_at_option(options.config, fault));
  }
  return faults;
}

// The status to end with.
int get_or_set(const Options& options) {
  const auto give = [](const auto& text, auto&& print) {
    if (!text) {
      std::fprintf(stderr, "%s\n", text.error().text.c_str());
      return 2;
    }
    return print(*text);
  };
  return give(load_option_file(options.config), [&](const std::string& text) {
    if (options.set.empty()) {
      return give(option_in(text, options.config, options.get), [](const std::optional<std::string>& value) {
        if (value) std::printf("%s\n", value->c_str());
        return value ? 0 : 3;
      });
    }
    const std::string value{std::istreambuf_iterator<char>(std::cin), {}};
    return give(with_option(text, options.config, options.set, value), [](const std::string& changed) {
      std::fwrite(changed.data(), 1, changed.size(), stdout);
      return 0;
    });
  });
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
  auto* get = app.add_option("--get", options.get, "Only print this option's value; 3: it is not set");
  auto* set = app.add_option("--set", options.set, "Only print the file with this option as the input says");
  get->needs("--config")->excludes(set);
  set->needs("--config");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  if (!options.get.empty() || !options.set.empty()) return get_or_set(options);
  const std::vector<std::string> faults = check(options);
  for (const std::string& fault : faults) std::fprintf(stderr, "%s\n", fault.c_str());
  return faults.empty() ? 0 : 2;
}

}  // namespace
}  // namespace parley::plugin

int main(int argc, char** argv) { return parley::plugin::run(argc, argv); }
