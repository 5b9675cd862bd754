#include "tests/bench/peer.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>

#include "tests/support/port.h"
#include "tests/support/process.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"

namespace parley::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A broker that is one program with one configuration file.
class ProgramPeer : public Peer {
 public:
  void start(const Work& /*work*/) override {
    folder_.emplace();
    port_.emplace();
    const test::Command command = prepare();
    process_.emplace(command);
    wait_until_it_answers(port(), {"probe", "", ""}, *process_, command.output);
  }
  void stop() override {
    if (process_) process_->stop(SIGTERM, 10s);
    process_.reset();
    folder_.reset();
    port_.reset();
  }
  ~ProgramPeer() override { process_.reset(); }
  std::uint16_t port() const override { return port_->number(); }
  pid_t pid() const override { return process_->pid(); }

 protected:
  virtual test::Command prepare() = 0;  // writes the configuration into folder()
  const fs::path& folder() const { return folder_->path(); }

 private:
  std::optional<test::TempDir> folder_;
  std::optional<test::PortLease> port_;
  std::optional<test::Process> process_;
};

// Without plugin, open to all, nothing stored: what a bare broker can do at best.
class MosquittoPeer : public ProgramPeer {
 public:
  std::string name() const override { return "mosquitto"; }

 protected:
  test::Command prepare() override {
    test::write_file(folder() / "mosquitto.conf",
                     "per_listener_settings false\n"
                     "allow_anonymous true\n"
                     "set_tcp_nodelay true\n"
                     "allow_duplicate_messages true\n"
                     "check_retain_source false\n"
                     "max_inflight_messages 500\n"
                     "max_queued_messages 100000\n"
                     "max_queued_bytes 0\n"
                     "persistence false\n"
                     "sys_interval 0\n"
                     "connection_messages false\n"
                     "log_dest stderr\n"
                     "log_type error\nlog_type warning\n"
                     "listener " +
                         std::to_string(port()) + " 127.0.0.1\n");
    return {.argv = {find_program("mosquitto", "mosquitto"), "-c", folder() / "mosquitto.conf"},
            .env = {},
            .output = folder() / "log"};
  }
};

class NatsPeer : public ProgramPeer {
 public:
  std::string name() const override { return "nats"; }
  mqtt::Version publisher_version() const override { return mqtt::Version::v311; }  // all that 2.9 speaks

 protected:
  test::Command prepare() override {
    client_port_.emplace();
    // JetStream is what its MQTT listener needs; it holds the QoS 1 messages.
    test::write_file(folder() / "nats.conf",
                     "server_name: bench\nlisten: \"127.0.0.1:" + std::to_string(client_port_->number()) +
                         "\"\njetstream { store_dir: \"" + (folder() / "jetstream").string() +
                         "\" }\nmqtt { listen: \"127.0.0.1:" + std::to_string(port()) +
                         "\", max_ack_pending: 65535 }\n");
    return {.argv = {find_program("nats-server", "nats-server"), "-c", folder() / "nats.conf"},
            .env = {},
            .output = folder() / "log"};
  }

 private:
  std::optional<test::PortLease> client_port_;
};

class RabbitmqPeer : public ProgramPeer {
 public:
  std::string name() const override { return "rabbitmq"; }
  mqtt::Version publisher_version() const override { return mqtt::Version::v311; }  // all that 3.10 speaks

 protected:
  test::Command prepare() override {
    amqp_port_.emplace();
    dist_port_.emplace();
    epmd_port_.emplace();
    const std::string at = folder();
    test::write_file(folder() / "rabbitmq.conf",
                     "listeners.tcp.default = 127.0.0.1:" + std::to_string(amqp_port_->number()) +
                         "\nmqtt.listeners.tcp.default = 127.0.0.1:" + std::to_string(port()) +
                         "\nmqtt.allow_anonymous = true\nmqtt.tcp_listen_options.nodelay = true\n"
                         "log.console = true\nlog.console.level = warning\nlog.file = false\n"
                         "vm_memory_high_watermark.relative = 0.6\n");
    test::write_file(folder() / "enabled_plugins", "[rabbitmq_mqtt].\n");
    test::write_file(folder() / "rabbitmq-env.conf", "");
    // Not the one in sbin: started by root, that becomes the user rabbitmq, who may not use our folder.
    const fs::path server = "/usr/lib/rabbitmq/bin/rabbitmq-server";
    if (!fs::exists(server)) find_program("rabbitmq-server", "rabbitmq-server");
    return {.argv = {fs::exists(server) ? server.string() : "rabbitmq-server"},
            // epmd, Erlang's name server, starts as a daemon that outlives the node: it gets a port of its
            // own, by which stop() finds it.
            .env = {{"RABBITMQ_CONFIG_FILE", at + "/rabbitmq"},
                    {"RABBITMQ_CONF_ENV_FILE", at + "/rabbitmq-env.conf"},
                    {"RABBITMQ_ENABLED_PLUGINS_FILE", at + "/enabled_plugins"},
                    {"RABBITMQ_MNESIA_BASE", at + "/mnesia"},
                    {"RABBITMQ_LOG_BASE", at + "/logs"},
                    {"RABBITMQ_PID_FILE", at + "/pid"},
                    {"RABBITMQ_NODENAME", "bench" + std::to_string(port()) + "@localhost"},
                    {"RABBITMQ_DIST_PORT", std::to_string(dist_port_->number())},
                    {"ERL_EPMD_PORT", std::to_string(epmd_port_->number())},
                    {"ERL_EPMD_ADDRESS", "127.0.0.1"},
                    {"ERL_CRASH_DUMP", "/dev/null"},
                    {"HOME", at}},
            .output = folder() / "log"};
  }

 public:
  void stop() override {
    const std::string port = epmd_port_ ? std::to_string(epmd_port_->number()) : "";
    ProgramPeer::stop();
    if (!port.empty()) test::run({.argv = {"epmd", "-port", port, "-kill"}, .env = {}, .output = {}}, 5s);
  }

 private:
  std::optional<test::PortLease> amqp_port_;
  std::optional<test::PortLease> dist_port_;
  std::optional<test::PortLease> epmd_port_;
};

std::string last_words(const fs::path& log) {
  constexpr std::size_t kEnough = 1500;
  if (!fs::exists(log)) return "(none)";
  const std::string text = test::read_file(log);
  return text.size() > kEnough ? "..." + text.substr(text.size() - kEnough) : text;
}

std::string number(int value) {
  char text[16];
  std::snprintf(text, sizeof text, "%04d", value);
  return text;
}

}  // namespace

std::string room_name(int room) { return "r" + number(room); }

Login Peer::subscriber(int room, int index) const {
  return {"s" + number(room) + "-" + number(index), "", ""};
}
Login Peer::publisher(int room, int index) const {
  return {"p" + number(room) + "-" + number(index), "", ""};
}
std::string Peer::send_topic(int room) const { return "bench/" + room_name(room); }
std::string Peer::receive_topic(int room) const { return "bench/" + room_name(room); }
std::string Peer::idle_topic(int index) const { return "bench/idle/" + number(index); }

std::string find_program(std::string_view name, std::string_view package) {
  const char* path = std::getenv("PATH");
  // Servers live in sbin, which is not in everybody's PATH.
  std::string folders = std::string(path != nullptr ? path : "") + ":/usr/sbin:/usr/local/sbin:/sbin:";
  for (std::size_t begin = 0, end = 0; (end = folders.find(':', begin)) != std::string::npos;
       begin = end + 1) {
    std::string file = folders.substr(begin, end - begin) + "/" + std::string(name);
    if (access(file.c_str(), X_OK) == 0) return file;
  }
  throw std::runtime_error(std::string(name) + " is not installed: apt-get install " + std::string(package) +
                           ", or leave it out of --peers");
}

void wait_until_it_answers(std::uint16_t port, const Login& login, test::Process& process,
                           const fs::path& log) {
  const test::Deadline deadline(60s);
  while (true) {
    std::string why = "it refuses the connection";
    try {
      test::RawClient client(port, mqtt::Version::v311);
      const auto connack = client.connect({.client_id = login.client_id,
                                           .username = login.username,
                                           .password = login.password,
                                           .version = mqtt::Version::v311,
                                           .will = {},
                                           .session_expiry_s = {},
                                           .receive_maximum = {}});
      if (connack.reason == 0) {
        client.disconnect();
        return;
      }
      why = "CONNACK " + std::to_string(connack.reason);
    } catch (const std::runtime_error& error) {
      why = error.what();
    }
    const bool running = process.running();
    if (!running || deadline.passed()) {
      if (!running) why = "it has ended";
      throw std::runtime_error("no answer on port " + std::to_string(port) + " (" + why + "); its log:\n" +
                               last_words(log));
    }
    usleep(20'000);
  }
}

std::unique_ptr<Peer> make_peer(std::string_view name, const PeerOptions& options) {
  if (name == "mosquitto") return std::make_unique<MosquittoPeer>();
  if (name == "nats") return std::make_unique<NatsPeer>();
  if (name == "rabbitmq") return std::make_unique<RabbitmqPeer>();
  if (name == "parley") return make_parley_peer(options);
  throw std::runtime_error("unknown peer \"" + std::string(name) +
                           "\": there are parley, mosquitto, nats, rabbitmq");
}

}  // namespace parley::bench
