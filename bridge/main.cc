// parley-bridge: the control plane and the edges, in roles that can run in one process or in many.
//
//   parley-bridge --config var/bridge.toml [--roles control,api]
//   parley-bridge --check --config var/bridge.toml [--options-only] [--replacing PID [--new-database]]
//
// --check starts and changes nothing: it ends with 0 when a bridge could run with these options, else with 2
// and lines that say what to put right.
//
// SIGTERM and SIGINT drain and end it with 0 (a second one ends it at once), SIGHUP reads keys again.
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bridge/broker_link.h"
#include "bridge/health.h"
#include "bridge/log.h"
#include "bridge/metrics.h"
#include "bridge/roles.h"
#include "bridge/schema_role.h"
#include "config/bridge_config.h"
#include "config/option_file.h"
#include "config/surroundings.h"
#include "storage/metadata.h"

namespace parley::bridge {
namespace {

struct Options {
  std::filesystem::path config;
  std::set<std::string> roles;
  bool check = false;
  bool options_only = false;
  pid_t replacing = 0;
  bool new_database = false;
};

storage::PostgresOptions postgres_options(const BridgeConfig& config) {
  storage::PostgresOptions options;
  options.url = config.database.url;
  options.pool = static_cast<std::uint32_t>(config.database.pool);
  options.statement_timeout_ms = static_cast<std::uint32_t>(config.database.statement_timeout.count());
  options.connect_timeout_s = static_cast<std::uint32_t>(config.database.connect_timeout.count());
  options.access_ttl_s = static_cast<std::uint32_t>(config.auth.access_ttl.count());
  options.log = [](std::string_view line) { log(LogLevel::warning, "postgres", {{"detail", line}}); };
  return options;
}

BrokerLinkOptions link_options(const BridgeConfig& config) {
  BrokerLinkOptions options;
  for (const BrokerNodeConfig& node : config.broker.nodes) options.nodes.push_back({node.host, node.port});
  options.user = config.broker.user;
  options.token = make_service_tokens(config);
  options.token_ttl = kServiceTokenTtl;
  return options;
}

// Blocked in all threads, so that only serve() takes them.
sigset_t block_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, each);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Until somebody ends the process.
void serve(const sigset_t& signals, const std::vector<std::unique_ptr<Role>>& roles, Metrics& metrics) {
  Counter left_out = metrics.counter("parley_bridge_log_lines_left_out_total",
                                     "Lines of the log that were left out in a flood of their kind");
  std::uint64_t known = 0;
  while (true) {
    constexpr timespec kEvery{.tv_sec = 1, .tv_nsec = 0};
    const int number = sigtimedwait(&signals, nullptr, &kEvery);
    if (number < 0) {
      const std::uint64_t all = tell_lines_left_out();
      left_out.add(static_cast<double>(all - std::exchange(known, all)));
      continue;
    }
    if (number != SIGHUP) {
      log(LogLevel::info, "stopping", {{"signal", number}});
      break;
    }
    log(LogLevel::info, "reloading");
    for (const auto& role : roles) role->reload();
  }
  for (const int each : {SIGTERM, SIGINT}) ::signal(each, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

// Its callbacks reach into the roles: it ends before they go, also when one of them cannot start.
class LinkStop {
 public:
  explicit LinkStop(BrokerLink& link) : link_(link) {}
  ~LinkStop() { link_.stop(); }
  LinkStop(const LinkStop&) = delete;
  LinkStop& operator=(const LinkStop&) = delete;

 private:
  BrokerLink& link_;
};

int run(const Options& options, const BridgeConfig& config) {
  const sigset_t signals = block_signals();
  auto metadata = storage::open_postgres(postgres_options(config));
  if (!metadata) throw std::runtime_error("[database]: " + metadata.error().message);
  const auto link = make_broker_link(link_options(config));
  Metrics metrics;
  Health health;
  const Process process{config, **metadata, *link, metrics, health};

  std::vector<std::unique_ptr<Role>> roles;
  roles.push_back(make_schema_role(postgres_options(config), **metadata));
  if (options.roles.contains("control")) roles.push_back(make_control_role(process));
  roles.push_back(make_http_role(process, options.roles.contains("api")));
  for (const auto& role : roles) health.add(*role);
  const LinkStop link_stop(*link);

  link->start();
  for (const auto& role : roles) role->start();
  serve(signals, roles, metrics);

  health.drain();
  for (auto role = roles.rbegin(); role != roles.rend(); ++role) (*role)->stop();
  log(LogLevel::info, "stopped");
  return 0;
}

// What start() would stumble over. Roles are made, not started: what they cannot wait for they throw.
std::vector<std::string> what_is_wrong(const Options& options, const BridgeConfig& config) {
  std::vector<std::string> faults;
  const auto attempt = [&faults](const auto& body) {
    try {
      body();
    } catch (const std::exception& e) {
      faults.emplace_back(e.what());
    }
  };
  if (std::string fault = why_not_listen(config.http.host, config.http.port, options.replacing);
      !fault.empty())
    faults.push_back("http.listen: " + fault);
  auto metadata = storage::open_postgres(postgres_options(config));
  if (!metadata) {
    faults.push_back("database.url: " + metadata.error().message);
    return faults;
  }
  // Nothing is lost by starting before the database is there. But a bridge that works is not given up for one
  // that the server would never let in, nor for another database that nobody has seen.
  using Why = storage::WhyNotPostgres;
  const storage::PostgresTrial trial = storage::try_postgres(postgres_options(config));
  const bool replaces = options.replacing != 0;
  const bool matters = trial.why == Why::options || (replaces && trial.why == Why::refused) ||
                       (replaces && trial.why == Why::away && options.new_database);
  if (matters) faults.push_back("database.url: " + trial.words);
  const auto link = make_broker_link(link_options(config));
  Metrics metrics;
  Health health;
  const Process process{config, **metadata, *link, metrics, health};
  attempt([&config] { (void)make_service_tokens(config)("check"); });
  if (options.roles.contains("control")) attempt([&process] { make_control_role(process)->check(); });
  attempt([&] { make_http_role(process, false)->check(); });
  // Only when the keys are in order, or it would say the same of them.
  if (faults.empty() && options.roles.contains("api"))
    attempt([&] { make_http_role(process, true)->check(); });
  return faults;
}

int check(const Options& options, const BridgeConfig& config) {
  if (options.options_only) return 0;
  const std::vector<std::string> faults = what_is_wrong(options, config);
  for (const std::string& fault : faults)
    std::fprintf(stderr, "%s\n", tell_at_option(options.config, fault).c_str());
  return faults.empty() ? 0 : 2;
}

Options parse(CLI::App& app, int argc, char** argv) {
  Options options;
  std::vector<std::string> roles{"control", "api"};
  app.add_option("--config", options.config, "The bridge.toml to run with")->required();
  app.add_option("--roles", roles, "What this process does: control, api or both")
      ->delimiter(',')
      ->check(CLI::IsMember({"control", "api"}));
  auto* check =
      app.add_flag("--check", options.check, "Only tell whether a bridge could run with these options");
  app.add_flag("--options-only", options.options_only, "Look at no other file or port that they name")
      ->needs(check);
  auto* replacing = app.add_option("--replacing", options.replacing,
                                   "A bridge that will have ended by then: its port is free");
  replacing->needs(check);
  app.add_flag("--new-database", options.new_database, "That one has another database: this one must answer")
      ->needs(replacing);
  app.parse(argc, argv);
  options.roles = {roles.begin(), roles.end()};
  return options;
}

int start(int argc, char** argv) {
  CLI::App app("The control plane and the edges of a Parley chat server");
  Options options;
  try {
    options = parse(app, argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const auto config = load_bridge_config(options.config);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().c_str());
    return 2;
  }
  set_log_level(config->log.level);
  if (options.check) return check(options, *config);
  try {
    return run(options, *config);
  } catch (const std::exception& e) {
    log(LogLevel::error, "parley-bridge cannot start", {{"reason", e.what()}});
    return 1;
  }
}

}  // namespace
}  // namespace parley::bridge

int main(int argc, char** argv) { return parley::bridge::start(argc, argv); }
