// Mosquitto's own file of sessions, queues and retained messages (persistence_file, format 6), which it
// writes when it ends in order and reads when it starts. We read it too: the broker tells a plugin nothing of
// the sessions it has taken from there, and does not start when the file is damaged.
#ifndef PARLEY_STORAGE_BROKER_SNAPSHOT_H_
#define PARLEY_STORAGE_BROKER_SNAPSHOT_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace parley::storage {

struct BrokerSnapshot {
  struct Client {
    std::string id;
    std::string username;  // empty: none
  };
  struct Subscription {
    std::string client_id;
    std::string filter;
  };
  struct Retained {
    std::string topic;
    std::string payload;
    std::string properties;  // MQTT 5, encoded, without their length
    std::string username;    // whose message it is; empty: unknown
    std::uint8_t qos = 0;
    std::int64_t expires_s = 0;  // seconds since 1970; 0: never
  };
  std::vector<Client> clients;
  std::vector<Subscription> subscriptions;
  std::vector<Retained> retained;
};

// Pure. The whole of it or, when a single byte is missing or does not fit, why not.
boost::system::result<BrokerSnapshot, std::string> parse_broker_snapshot(std::string_view bytes);
boost::system::result<BrokerSnapshot, std::string> read_broker_snapshot(const std::filesystem::path& file);

// Writes `file`.sha256 beside it, as sha256sum does, on disk when this returns: by it the launcher knows,
// before it starts the broker, that the file is the one that was checked here.
boost::system::result<void, std::string> seal_broker_snapshot(const std::filesystem::path& file);
// Takes both files away: what they hold is good for one start.
void remove_broker_snapshot(const std::filesystem::path& file);

}  // namespace parley::storage

#endif
