// The brokers that are compared. Each is started for one run, on ports and in a folder of its own, with the
// best settings we know for the work, and ended with the object.
#ifndef PARLEY_TESTS_BENCH_PEER_H_
#define PARLEY_TESTS_BENCH_PEER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/mqtt_packet.h"
#include "tests/bench/work.h"

namespace parley::test {
class Process;
}

namespace parley::bench {

struct PeerOptions {
  std::filesystem::path plugin;       // libparley_plugin.so
  std::filesystem::path config_dir;   // with mosquitto.conf.in and parley.toml, as shipped
  std::vector<std::string> settings;  // section.key=value, for parley.toml: to try things out
};

struct Login {
  std::string client_id;
  std::string username;
  std::string password;  // empty: none
};

// One running broker. Used by one thread. Constructors and start() throw std::runtime_error, with the
// broker's own words, when it does not come up.
class Peer {
 public:
  virtual ~Peer() = default;

  virtual std::string name() const = 0;
  // Starts afresh and returns when every room and user of the work may connect.
  virtual void start(const Work& work) = 0;
  virtual void stop() = 0;
  virtual std::uint16_t port() const = 0;
  virtual pid_t pid() const = 0;

  virtual mqtt::Version publisher_version() const { return mqtt::Version::v5; }
  virtual Login subscriber(int room, int index) const;
  virtual Login publisher(int room, int index) const;
  virtual std::string send_topic(int room) const;
  virtual std::string receive_topic(int room) const;
  virtual std::string idle_topic(int index) const;  // what an idle connection listens to
  // Whether it takes FlatBuffers with a cid and delivers frames, or text both ways.
  virtual bool is_parley() const { return false; }
};

// mosquitto, nats, rabbitmq, parley. Throws std::runtime_error for another name, or when the program is
// missing.
std::unique_ptr<Peer> make_peer(std::string_view name, const PeerOptions& options);

// Used by the peers: "r0007", and a program's place or std::runtime_error naming the package to install.
std::string room_name(int room);
std::string find_program(std::string_view name, std::string_view package);
std::unique_ptr<Peer> make_parley_peer(const PeerOptions& options);
// Returns when an MQTT CONNECT is accepted. Throws std::runtime_error with what it said in `log` when it ends
// instead.
void wait_until_it_answers(std::uint16_t port, const Login& login, test::Process& process,
                           const std::filesystem::path& log);

}  // namespace parley::bench

#endif
