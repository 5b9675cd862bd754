#include "tests/support/broker.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "tests/support/raw_client.h"

namespace parley::test {
namespace {

namespace fs = std::filesystem;

// One key for all brokers of the process: nothing a test does changes it.
const TokenMint& shared_mint() {
  static const TokenMint mint;
  return mint;
}

std::string plugin_path() {
  // Set by CMake; another one, built with sanitizers say, may be named by hand.
  const char* named = std::getenv("PARLEY_PLUGIN");
  return named != nullptr ? named : PARLEY_PLUGIN_PATH;
}

std::string last_lines(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  return "..." + text.substr(text.find('\n', text.size() - bytes) + 1);
}

// Debian's mosquitto has no sanitizer in it; a plugin that has one needs its runtime to be there first. What
// the sanitizer finds ends the broker, and its words are in the broker's log.
std::vector<std::pair<std::string, std::string>> with_sanitizer(
    std::vector<std::pair<std::string, std::string>> env) {
  const std::string runtime = PARLEY_SANITIZER_RUNTIME;
  if (runtime.empty()) return env;
  const auto set = [&](const std::string& name, const std::string& value, char between) {
    for (auto& [key, present] : env) {
      if (key != name) continue;
      present = value + between + present;
      return;
    }
    env.emplace_back(name, value);
  };
  set("LD_PRELOAD", runtime, ':');
  // Leaks are looked for in the unit tests: at its end Mosquitto leaves memory of its own behind.
  set("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1", ':');
  set("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1", ':');
  set("TSAN_OPTIONS", "halt_on_error=1", ':');
  return env;
}

constexpr const char* kConf = R"(per_listener_settings false
set_tcp_nodelay true
allow_duplicate_messages true
max_inflight_messages 500
max_queued_messages 100000
check_retain_source false
max_packet_size 1048576
log_type error
log_type warning
log_type notice
log_type information
log_dest stderr
)";

}  // namespace

Owner broker_owner(RunAs run_as) {
  if (geteuid() != 0) return {geteuid(), getegid()};
  const passwd* entry = getpwnam(run_as == RunAs::ordinary ? "nobody" : "mosquitto");
  if (entry == nullptr)
    throw std::runtime_error("this machine has no user mosquitto: install the package mosquitto");
  return {entry->pw_uid, entry->pw_gid};
}

Broker::Broker(BrokerOptions options) : options_(std::move(options)), mint_(shared_mint()) {
  write_files();
  if (options_.start) start();
}

Broker::~Broker() {
  process_.reset();
  if (testing::Test::HasFailure()) {
    std::fprintf(stderr, "--- the broker's log, its end\n%s---\n", last_lines(log(), 6000).c_str());
  }
}

void Broker::write_files() {
  std::string conf = kConf;
  conf += "listener " + std::to_string(port()) + " 127.0.0.1\n";
  conf += options_.keep_sessions ? "persistence true\nautosave_interval 0\npersistence_file mosquitto.db\n"
                                   "persistence_location " +
                                       data().string() + "/\n"
                                 : "persistence false\n";
  if (options_.bare) {
    conf += "allow_anonymous true\n";
  } else {
    const fs::path run = folder() / "run";
    const fs::path toml = folder() / "parley.toml";
    fs::create_directory(run);
    fs::create_directory(data());
    conf += "listener 0 " + (run / "doorbell.sock").string() + "\n";
    conf += "plugin " + plugin_path() + "\nplugin_opt_config " + toml.string() + "\n";
    if (options_.keep_sessions) conf += "plugin_opt_sessions " + (data() / "mosquitto.db").string() + "\n";
    std::string text = "node.data_dir = \"data\"\nauth.jwks_file = \"jwks.json\"\n";
    text += "doorbell.socket = \"run/doorbell.sock\"\n";
    text += "metrics.listen = \"127.0.0.1:" + std::to_string(metrics_port()) + "\"\n";
    for (const auto& line : options_.settings) text += line + "\n";
    write_file(toml, text);
    write_file(keys_file(), mint_.jwks());
    give_away(run);
    give_away(data());
  }
  for (const auto& line : options_.conf) conf += line + "\n";
  write_file(folder() / "mosquitto.conf", conf);
}

void Broker::give_away(const fs::path& path) const {
  if (geteuid() != 0) return;
  const Owner owner = broker_owner(options_.run_as);
  if (chown(path.c_str(), owner.uid, owner.gid) != 0)
    throw std::runtime_error("cannot chown " + path.string());
}

bool Broker::answers() const {
  try {
    RawClient client(port());
    // Any CONNACK will do: the plugin decides once it is loaded, and it is loaded before the port is open.
    client.connect({.client_id = "probe:probe", .password = options_.bare ? "" : service_token("probe")});
    client.disconnect();
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

void Broker::start() {
  launch();
  wait_until_it_answers();
}

void Broker::launch() {
  Command command;
  command.argv = {"mosquitto", "-c", (folder() / "mosquitto.conf").string()};
  if (const char* sbin = "/usr/sbin/mosquitto"; access(sbin, X_OK) == 0) command.argv[0] = sbin;
  command.env = with_sanitizer(options_.env);
  command.output = log_file();
  if (options_.run_as == RunAs::ordinary && geteuid() == 0) {
    const Owner owner = broker_owner(options_.run_as);
    command.uid = owner.uid;
    command.gid = owner.gid;
  }
  process_ = std::make_unique<Process>(command);
}

void Broker::wait_until_it_answers() {
  const Deadline deadline(kPatience);
  while (!answers()) {
    const bool ended = process_->wait(2ms).has_value();
    if (ended || deadline.passed()) {
      const std::string how =
          ended ? "ended with status " + std::to_string(*process_->wait(0ms)) : "does not answer";
      process_.reset();
      throw std::runtime_error("the broker " + how + "; its log:\n" + last_lines(log(), 6000));
    }
  }
}

std::optional<int> Broker::terminate() { return process_->stop(SIGTERM); }

void Broker::kill9() { process_->stop(SIGKILL); }

std::string Broker::log() const {
  std::error_code missing;
  return fs::exists(log_file(), missing) ? read_file(log_file()) : std::string();
}

bool Broker::logged(std::string_view text, Deadline deadline) const {
  while (log().find(text) == std::string::npos) {
    if (deadline.passed()) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

std::string Broker::service_token(std::string_view device) const {
  return mint_.token("probe", {.device = std::string(device), .role = TokenRole::service});
}

}  // namespace parley::test
