// Parley as it is shipped: stock Mosquitto with the plugin, configured from config/, every user with a token
// of its own, facts fed through the control topic. Authentication, ACL, idempotency and fsync are on: there
// is no way to turn them off.
#include <pwd.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

#include "schemas/control.h"
#include "schemas/topic.h"
#include "tests/bench/peer.h"
#include "tests/support/port.h"
#include "tests/support/process.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_mint.h"

namespace parley::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::size_t kOpsAtOnce = 1000;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

// `setting` is section.key=value; the file lists every key.
void set_option(std::string& toml, std::string_view setting) {
  const auto dot = setting.find('.');
  const auto equals = setting.find('=');
  if (dot == std::string_view::npos || equals == std::string_view::npos || dot > equals) {
    throw std::runtime_error("--set takes section.key=value, not \"" + std::string(setting) + "\"");
  }
  const std::string section = "\n[" + std::string(setting.substr(0, dot)) + "]";
  const std::string key = "\n" + std::string(setting.substr(dot + 1, equals - dot - 1)) + " = ";
  const auto from = toml.find(section);
  const auto at = from == std::string::npos ? from : toml.find(key, from);
  if (at == std::string::npos || toml.find("\n[", from + 1) < at) {
    throw std::runtime_error("config/parley.toml has no option " + std::string(setting.substr(0, equals)));
  }
  const auto value = at + key.size();
  toml.replace(value, toml.find('\n', value) - value, setting.substr(equals + 1));
}

// Feeds facts as the bridge does.
class Feed {
 public:
  Feed(std::uint16_t port, const Login& login)
      : client_(test::RawClient::connected(port, {.client_id = login.client_id,
                                                  .password = login.password,
                                                  .will = {},
                                                  .session_expiry_s = {},
                                                  .receive_maximum = {}})) {
    if (client_.subscribe(kControlResponseTopic) >= 0x80) {
      throw std::runtime_error("the service may not read the answers to control requests");
    }
  }
  void apply(const std::vector<ControlOp>& ops) {
    for (std::size_t begin = 0; begin < ops.size(); begin += kOpsAtOnce) {
      ControlRequest request;
      request.cmd = "apply";
      request.from = version_;
      request.to = version_ + 1;
      request.ops.assign(ops.begin() + static_cast<std::ptrdiff_t>(begin),
                         ops.begin() + static_cast<std::ptrdiff_t>(std::min(ops.size(), begin + kOpsAtOnce)));
      ask(request);
      ++version_;
    }
  }
  void read_version() {
    ControlRequest request;
    request.cmd = "version";
    version_ = ask(request).at("version").to_number<std::uint64_t>();
  }

 private:
  boost::json::object ask(ControlRequest& request) {
    request.req = "bench-" + std::to_string(++requests_);
    if (client_.publish(kControlTopic, to_json(request)) >= 0x80) {
      throw std::runtime_error("control requests are refused");
    }
    const auto answer = client_.expect_on(kControlResponseTopic, 20s);
    auto object = boost::json::parse(answer.payload).as_object();
    if (object.contains("error")) {
      throw std::runtime_error("control request refused: " + boost::json::serialize(object));
    }
    return object;
  }

  test::RawClient client_;
  std::uint64_t version_ = 0;
  std::uint64_t requests_ = 0;
};

class ParleyPeer : public Peer {
 public:
  explicit ParleyPeer(const PeerOptions& options) : options_(options) {
    if (!fs::exists(options.plugin)) {
      throw std::runtime_error(
          "there is no plugin at \"" + options.plugin.string() +
          "\": build it (cmake --build build/release --target parley_plugin) or name it with "
          "--plugin, or leave parley out of --peers");
    }
    find_program("mosquitto", "mosquitto");
  }
  ~ParleyPeer() override { process_.reset(); }

  std::string name() const override { return "parley"; }
  bool is_parley() const override { return true; }
  std::uint16_t port() const override { return port_->number(); }
  pid_t pid() const override { return process_->pid(); }
  std::string send_topic(int room) const override { return parley::send_topic(room_name(room)); }
  std::string receive_topic(int room) const override { return messages_topic(room_name(room)); }
  std::string idle_topic(int index) const override { return events_topic(user_of(subscriber_id(0, index))); }
  Login subscriber(int room, int index) const override { return login(subscriber_id(room, index)); }
  Login publisher(int room, int index) const override { return login(publisher_id(room, index)); }

  void start(const Work& work) override {
    sign_tokens(work);
    folder_.emplace();
    port_.emplace();
    metrics_port_.emplace();
    write_files();
    const fs::path log = var() / "log" / "stderr";
    // The shipped configuration's paths start in var.
    process_.emplace(test::Command{
        .argv = {"env", "-C", var(), find_program("mosquitto", "mosquitto"), "-c", "mosquitto.conf"},
        .env = {},
        .output = log});
    try {
      wait_until_it_answers(port(), service_, *process_, var() / "log" / "mosquitto.log");
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(error.what() + ("\n" + test::read_file(log)));
    }
    feed(work);
  }
  void stop() override {
    if (process_ && !process_->stop(SIGTERM, 20s)) throw std::runtime_error("Parley does not end on SIGTERM");
    process_.reset();
    folder_.reset();
    port_.reset();
    metrics_port_.reset();
  }

 private:
  const fs::path& var() const { return folder_->path(); }

  static std::string subscriber_id(int room, int index) {
    return "s" + std::to_string(room) + "." + std::to_string(index) + ":phone";
  }
  static std::string publisher_id(int room, int index) {
    return "p" + std::to_string(room) + "." + std::to_string(index) + ":phone";
  }
  static std::string user_of(const std::string& client_id) {
    return client_id.substr(0, client_id.find(':'));
  }

  Login login(const std::string& client_id) const {
    return {client_id, user_of(client_id), tokens_.at(client_id)};
  }

  static std::vector<std::string> client_ids(const Work& work) {
    std::vector<std::string> ids;
    for (int room = 0; room < work.rooms; ++room) {
      for (int i = 0; i < work.subscribers; ++i) ids.push_back(subscriber_id(room, i));
      for (int i = 0; i < work.publishers; ++i) ids.push_back(publisher_id(room, i));
    }
    return ids;
  }

  // One signature takes a millisecond, so they are made once for all rounds, by two threads.
  void sign_tokens(const Work& work) {
    std::vector<std::string> todo;
    for (const std::string& id : client_ids(work)) {
      if (!tokens_.contains(id)) todo.push_back(id);
    }
    std::vector<std::string> signed_tokens(todo.size());
    auto sign = [&](std::size_t first) {
      for (std::size_t i = first; i < todo.size(); i += 2) {
        signed_tokens[i] = mint_.token(user_of(todo[i]), {.device = "phone", .sid = {}, .ttl = 12h});
      }
    };
    std::thread other(sign, 1);
    sign(0);
    other.join();
    for (std::size_t i = 0; i < todo.size(); ++i) tokens_[todo[i]] = std::move(signed_tokens[i]);
    service_ = {"bench:feed", "bench",
                mint_.token("bench", {.device = "feed", .role = TokenRole::service, .sid = {}})};
  }

  void write_files() {
    for (const char* name : {"data", "run", "log", "keys", "lib"}) fs::create_directory(var() / name);
    test::write_file(var() / "keys" / "jwks.json", mint_.jwks());

    std::string toml = test::read_file(options_.config_dir / "parley.toml");
    set_option(toml, "metrics.listen=\"127.0.0.1:" + std::to_string(metrics_port_->number()) + "\"");
    for (const std::string& setting : options_.settings) set_option(toml, setting);
    test::write_file(var() / "parley.toml", toml);

    // A copy, because the user mosquitto may not be able to read the folder it was built in.
    const fs::path plugin = var() / "lib" / "libparley_plugin.so";
    fs::copy_file(options_.plugin, plugin);

    std::string conf = test::read_file(options_.config_dir / "mosquitto.conf.in");
    replace_all(conf, "@PLUGIN@", plugin.string());
    replace_all(conf, "@VAR@", var().string());
    replace_all(conf, "@MQTT_PORT@", std::to_string(port()));
    replace_all(conf, "@MQTT_BIND@", "127.0.0.1");
    replace_all(conf, "@CONNECTION_MESSAGES@", "false");
    replace_all(conf, "@USER_LINE@", "");
    test::write_file(var() / "mosquitto.conf", conf);

    // Started by root, mosquitto becomes the user mosquitto before it loads the plugin.
    const passwd* user = geteuid() == 0 ? getpwnam("mosquitto") : nullptr;
    for (const char* name : {"data", "run", "log"}) {
      if (user != nullptr && chown((var() / name).c_str(), user->pw_uid, user->pw_gid) != 0) {
        throw std::runtime_error("cannot give " + (var() / name).string() + " to the user mosquitto");
      }
    }
  }

  void feed(const Work& work) {
    Feed feed(port(), service_);
    feed.read_version();
    std::vector<ControlOp> ops;
    for (int room = 0; room < work.rooms; ++room) {
      const bool direct = work.subscribers == 2;
      ops.emplace_back(RoomPut{.room = room_name(room),
                               .kind = direct ? RoomKind::direct : RoomKind::channel,
                               .limits = "unlimited"});
    }
    for (const std::string& id : client_ids(work)) {
      ops.emplace_back(UserPut{.user = user_of(id), .limits = "unlimited"});
    }
    auto add_member = [&](int room, const std::string& id) {
      ops.emplace_back(MemberPut{.room = room_name(room), .user = user_of(id)});
    };
    for (int room = 0; room < work.rooms && work.kind != Work::Kind::idle; ++room) {
      for (int i = 0; i < work.subscribers; ++i) add_member(room, subscriber_id(room, i));
      for (int i = 0; i < work.publishers; ++i) add_member(room, publisher_id(room, i));
    }
    feed.apply(ops);
  }

  PeerOptions options_;
  test::TokenMint mint_;
  std::map<std::string, std::string> tokens_;  // by client id
  Login service_;
  std::optional<test::TempDir> folder_;
  std::optional<test::PortLease> port_;
  std::optional<test::PortLease> metrics_port_;
  std::optional<test::Process> process_;
};

}  // namespace

std::unique_ptr<Peer> make_parley_peer(const PeerOptions& options) {
  return std::make_unique<ParleyPeer>(options);
}

}  // namespace parley::bench
