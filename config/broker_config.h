// Options of one broker node: the file the plugin is given by `plugin_opt_config`, parsed and validated once.
// config/parley.toml documents every option with its default; a test holds the two to each other.
//
// Pure but for load_broker_config(), which reads the file; a BrokerConfig is a plain value.
#ifndef PARLEY_CONFIG_BROKER_CONFIG_H_
#define PARLEY_CONFIG_BROKER_CONFIG_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/control.h"
#include "schemas/message.h"

namespace parley {

struct NodeConfig {
  std::uint16_t id = 0;                     // 0 to 1023: the node bits of message ids
  std::filesystem::path data_dir = "data";  // the log and the replica
  // Mosquitto's own persistence_file, which only mosquitto.conf knows (plugin_opt_sessions); empty: it keeps
  // none.
  std::filesystem::path broker_snapshot{};
};

struct AuthConfig {
  std::filesystem::path jwks_file = "keys/jwks.json";
  std::chrono::seconds connections_grace{30};  // a connection outlives its token by this
  bool anonymous = false;                      // clients without a password, for pass_through patterns only
};

// Where the plugin's own loopback connection reaches its broker. A unix socket unless a port is given.
struct DoorbellConfig {
  std::filesystem::path socket = "run/doorbell.sock";
  std::string host = "127.0.0.1";  // an IPv4 address
  std::uint16_t port = 0;          // 0: use the socket

  bool uses_socket() const { return port == 0; }
};

struct DeliveryConfig {
  std::chrono::milliseconds max_pace{
      20};  // ceiling of the time between two frames of a hot room; 0: no pacing
  std::size_t frame_bytes =
      256 * 1024;                  // payload of one frame, at most (a single larger event still goes alone)
  std::size_t frame_events = 512;  // events of one frame, at most
};

// Bounds of what is on its way, and when the node protects itself. Lag is how late the broker's thread runs.
struct QueueConfig {
  std::size_t uncommitted_bytes = std::size_t{64} << 20;  // appended, not yet synced
  std::size_t undelivered_bytes = std::size_t{64} << 20;  // durable, not yet handed to the broker
  std::chrono::milliseconds shed_typing_lag{50};
  std::chrono::milliseconds refuse_lag{2000};
  std::chrono::milliseconds retry_after{1000};
};

struct LogConfig {
  std::size_t memory_bytes = std::size_t{128} << 20;
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;  // free space below which publishes are refused
  std::chrono::hours retention{24 * 30};                  // zero: for ever
  std::chrono::seconds trim_interval{60};
};

struct ReplicaConfig {
  std::size_t memory_bytes = std::size_t{32} << 20;
};

struct MetricsConfig {
  std::string listen = "127.0.0.1:9464";  // host:port; empty: off
};

// Topics that ordinary MQTT clients may use beside chat, untouched by us.
enum class PassThroughAccess : std::uint8_t { read, write, readwrite };
struct PassThroughPattern {
  std::string pattern;  // an MQTT filter; a level %u or %d stands for the client's user or device
  PassThroughAccess access = PassThroughAccess::readwrite;
  bool anonymous = false;
};

// Their retained messages, which are kept on disk: what one user may have of them.
struct RetainedConfig {
  std::uint64_t messages = 1000;
  std::uint64_t bytes = std::uint64_t{16} << 20;  // topics, payloads and properties together
};

struct BrokerConfig {
  NodeConfig node;
  AuthConfig auth;
  DoorbellConfig doorbell;
  DeliveryConfig delivery;
  LimitsPut limits{.name = "default"};  // the class `default`, until the control feed puts another
  QueueConfig queues;
  LogConfig log;
  ReplicaConfig replica;
  MetricsConfig metrics;
  std::vector<PassThroughPattern> pass_through{{.pattern = "devices/%u/#"}};
  RetainedConfig retained;
  MessageLimits messages;
};

// One line a problem, all of them at once, as "file:line: section.key: what is wrong and what to do".
using ConfigErrors = std::string;

// `file` names the text in errors, and its folder is where relative paths start. Paths come back absolute
// when `file` is.
boost::system::result<BrokerConfig, ConfigErrors> parse_broker_config(std::string_view text,
                                                                      const std::filesystem::path& file);
boost::system::result<BrokerConfig, ConfigErrors> load_broker_config(const std::filesystem::path& file);

}  // namespace parley

#endif
