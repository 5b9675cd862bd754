#include "tests/support/bridge.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <thread>

namespace parley::test {
namespace {

namespace fs = std::filesystem;

std::string bridge_path() {
  // Set by CMake; another one, built with sanitizers say, may be named by hand.
  const char* named = std::getenv("PARLEY_BRIDGE");
  return named != nullptr ? named : PARLEY_BRIDGE_PATH;
}

std::string last_lines(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  return "..." + text.substr(text.find('\n', text.size() - bytes) + 1);
}

// "section.option = value" lines as TOML; the last one of an option counts.
std::string toml_of(const std::vector<std::string>& lines) {
  std::map<std::string, std::map<std::string, std::string>> sections;
  for (const std::string& line : lines) {
    const auto dot = line.find('.');
    const auto equals = line.find('=');
    if (dot == std::string::npos || equals == std::string::npos || dot > equals)
      throw std::runtime_error("not section.option = value: " + line);
    std::string option = line.substr(dot + 1, equals - dot - 1);
    option.erase(option.find_last_not_of(' ') + 1);
    sections[line.substr(0, dot)][option] = line.substr(equals + 1);
  }
  std::string toml;
  for (const auto& [section, options] : sections) {
    toml += "[" + section + "]\n";
    for (const auto& [option, value] : options) toml += option + " =" + value + "\n";
  }
  return toml;
}

// One request on a connection of its own, read to its end.
std::optional<std::string> fetch(std::uint16_t port, std::string_view path) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::nullopt;
  const std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return std::nullopt;
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t n = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (n < 0) return std::nullopt;
    if (n == 0) return text;
    text.append(buffer, static_cast<std::size_t>(n));
  }
}

template <class Ready>
bool wait_for(Deadline deadline, Ready&& ready) {
  while (!ready()) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

Bridge::Bridge(BridgeOptions options) : options_(std::move(options)) {
  write_files();
  if (options_.start) start();
}

Bridge::~Bridge() {
  process_.reset();
  if (testing::Test::HasFailure())
    std::fprintf(stderr, "--- the bridge's log, its end\n%s---\n", last_lines(log(), 6000).c_str());
}

void Bridge::write_files() {
  std::string nodes;
  for (const Broker* broker : options_.brokers)
    nodes += (nodes.empty() ? "" : ", ") +
             ("{host = \"127.0.0.1\", port = " + std::to_string(broker->port()) + "}");
  std::vector<std::string> lines = {
      "database.url = \"" + options_.database + "\"",
      "broker.nodes = [" + nodes + "]",
      "http.listen = \"127.0.0.1:" + std::to_string(port()) + "\"",
      "auth.keys_dir = \"keys\"",
      "auth.argon2_ops = 1",
      "auth.argon2_mem_mb = 8",
      "control.standby_poll_ms = 100",
      "limits.requests_per_s = 0",
      "limits.room_creations_per_h = 0",
      "limits.registrations_per_h = 0",
  };
  lines.insert(lines.end(), options_.settings.begin(), options_.settings.end());
  write_file(folder() / "bridge.toml", toml_of(lines) + options_.more_toml);
  fs::create_directory(folder() / "keys");
  for (const auto& [name, content] : options_.files) write_file(folder() / name, content);
  if (options_.brokers.empty()) throw std::runtime_error("a bridge needs a broker");
  const TokenMint& mint = options_.brokers.front()->mint();
  write_file(folder() / "keys" / "signing.pem", mint.key().pem());
  fs::permissions(folder() / "keys" / "signing.pem", fs::perms::owner_read | fs::perms::owner_write);
  write_file(folder() / "keys" / "jwks.json", mint.jwks());
}

void Bridge::start() {
  launch();
  const bool alive = wait_for(kPatience, [this] { return !running() || get("/health/live").has_value(); });
  if (!alive || !running())
    throw std::runtime_error("the bridge does not come up:\n" + last_lines(log(), 4000));
}

void Bridge::launch() {
  Command command;
  command.argv = {bridge_path(), "--config", (folder() / "bridge.toml").string(), "--roles", options_.roles};
  command.output = folder() / "bridge.log";
  process_ = std::make_unique<Process>(command);
}

void Bridge::wait_until_ready() {
  std::string last;
  const bool ready = wait_for(kPatience, [&] {
    const auto answer = get("/health/ready");
    if (answer) last = answer->body;
    return answer && answer->status == 200;
  });
  if (!ready)
    throw std::runtime_error("the bridge does not get ready: " + last + "\n" + last_lines(log(), 4000));
}

Output Bridge::check() const {
  Command command;
  command.argv = {
      bridge_path(), "--check",      "--config",    (folder() / "bridge.toml").string(),
      "--roles",     options_.roles, "--replacing", std::to_string(process_ ? process_->pid() : 0)};
  return run(command);
}

std::optional<int> Bridge::terminate() { return process_->stop(); }

void Bridge::kill9() {
  process_->signal(SIGKILL);
  process_->wait(kPatience);
}

std::string Bridge::url(std::string_view path) const {
  return "http://127.0.0.1:" + std::to_string(port()) + std::string(path);
}

std::optional<Bridge::Answer> Bridge::get(std::string_view path) const {
  const auto text = fetch(port(), path);
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (!text || !text->starts_with(kVersion)) return std::nullopt;
  const auto body = text->find("\r\n\r\n");
  if (body == std::string::npos) return std::nullopt;
  return Answer{std::atoi(text->c_str() + kVersion.size()), text->substr(body + 4)};
}

std::optional<double> Bridge::metric(std::string_view name) const {
  const auto answer = get("/metrics");
  if (!answer) return std::nullopt;
  const std::string start = "\n" + std::string(name) + " ";
  const auto at = answer->body.find(start);
  if (at == std::string::npos) return std::nullopt;
  return std::atof(answer->body.c_str() + at + start.size());
}

std::string Bridge::log() const {
  const fs::path file = folder() / "bridge.log";
  return fs::exists(file) ? read_file(file) : "";
}

bool Bridge::logged(std::string_view text, Deadline deadline) const {
  return wait_for(deadline, [&] { return log().find(text) != std::string::npos; });
}

}  // namespace parley::test
