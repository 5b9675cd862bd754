// A broker for tests of the plugin: takes publishes as Mosquitto does (checks, callbacks, one loop turn at a
// time) and keeps for each client what was delivered to it. Speed instead of sockets; tests/e2e has the real
// one.
#ifndef PARLEY_BROKER_PLUGIN_FAKE_BROKER_H_
#define PARLEY_BROKER_PLUGIN_FAKE_BROKER_H_

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker-plugin/node.h"
#include "schemas/topic.h"

namespace parley::plugin {

class FakeBroker final : public BrokerPort {
 public:
  struct Delivered {
    std::string topic;
    std::string payload;
  };
  struct Client {
    std::string id;
    std::string username;
    std::set<std::string> filters;
    std::vector<Delivered> inbox;
    bool connected = true;
    bool durable = false;  // its session is kept when the connection ends
    bool held = false;     // away, but its session is kept
    std::string will_topic;
    std::string will;
  };

  void attach(Node& node) { node_ = &node; }

  // nullptr when the node refuses.
  Client* connect(const std::string& id, const std::string& password, int keep_alive_s = 60) {
    Client& client = clients_.emplace_back();
    client.id = id;
    const auto user = node_->on_connect({.client = &client,
                                         .client_id = client.id,
                                         .username = {},
                                         .password = password,
                                         .address = "127.0.0.1",
                                         .keep_alive_s = keep_alive_s});
    if (!user) {
      client.connected = false;
      return nullptr;
    }
    client.username = *user;
    return &client;
  }
  void disconnect(Client& client, bool keeps_session = false) {
    client.connected = false;
    client.held = keeps_session;
    node_->on_disconnect(&client, keeps_session);
  }
  // Comes back to the session that was kept, with the subscriptions that are in it; false when refused.
  bool resume(Client& client, const std::string& password) {
    client.held = false;
    client.connected = node_
                           ->on_connect({.client = &client,
                                         .client_id = client.id,
                                         .username = {},
                                         .password = password,
                                         .address = "127.0.0.1",
                                         .keep_alive_s = 60})
                           .has_value();
    return client.connected;
  }
  bool subscribe(Client& client, const std::string& filter) {
    if (!node_->on_access(check(client, filter, Access::subscribe))) return false;
    client.filters.insert(filter);
    return true;
  }
  // What the broker does with a client's last will; true: it was published by the broker itself.
  bool send_will(const Client& client, const std::string& topic, const std::string& payload,
                 bool retain = false) {
    AccessCheck will = check(client, topic, Access::write);
    will.payload = payload;
    will.retain = retain;
    if (!node_->on_access(will)) return false;
    fan_out(topic, payload);
    return true;
  }
  // A session that the broker has read from its file: no connection ever passed the node.
  Client& restored(const std::string& id, const std::string& username) {
    Client& client = clients_.emplace_back();
    client.id = id;
    client.username = username;
    client.connected = false;
    client.held = true;
    return client;
  }
  // A client that is of no further interest.
  void forget(const Client& client) {
    clients_.remove_if([&](const Client& other) { return &other == &client; });
  }
  // What a PUBLISH from a client goes through; false: denied.
  bool publish(Client& client, const std::string& topic, const std::string& payload, int qos = 1,
               bool retain = false) {
    if (!node_->on_access(check(client, topic, Access::write))) return false;
    if (topic == kControlTopic) {
      node_->on_control(payload);
      return true;
    }
    PublishVerdict verdict = node_->on_publish(
        {.client = &client, .topic = topic, .payload = payload, .qos = qos, .retain = retain});
    if (!verdict.allow) return false;
    fan_out(topic, verdict.replace ? std::string(verdict.replacement.view()) : payload);
    return true;
  }

  // One turn of the loop, as Mosquitto's: plugins' publishes go out at its beginning, the tick comes at its
  // end.
  void turn() {
    for (auto& [topic, payload] : std::exchange(queued_, {})) fan_out(topic, payload);
    node_->on_turn();
  }
  // Turns until `done`, for at most ten seconds.
  bool run_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      turn();
      std::this_thread::yield();
    }
    return true;
  }

  void publish(std::string_view topic, Payload payload, int, bool) override {
    queued_.emplace_back(std::string(topic), std::string(payload.view()));
  }
  void retain(std::string_view topic, Payload payload, int qos, std::string_view properties,
              std::uint32_t expires_in_s) override {
    retained.push_back(
        {std::string(topic), std::string(payload.view()), qos, std::string(properties), expires_in_s});
  }
  bool publish_now(std::string_view topic, std::string_view payload) override {
    fan_out(std::string(topic), std::string(payload), false);
    return true;
  }
  void kick(const std::string& client_id) override {
    kicked.push_back(client_id);
    for (Client& client : clients_) {
      if (!client.connected || client.id != client_id) continue;
      if (client.durable)
        std::erase_if(client.filters, [&](const std::string& filter) {
          return !node_->on_access(check(client, filter, Access::subscribe));
        });
      disconnect(client, client.durable);
      if (!client.will_topic.empty()) send_will(client, client.will_topic, client.will);
    }
  }
  bool keeps_session(const std::string& client_id) override {
    for (Client& client : clients_) {
      if (!client.held || client.id != client_id) continue;
      std::erase_if(client.filters, [&](const std::string& filter) {
        return !node_->on_access(check(client, filter, Access::subscribe));
      });
      return true;
    }
    return false;
  }
  void name(ClientHandle handle, const std::string& username) override {
    for (Client& client : clients_)
      if (&client == handle) client.username = username;
  }
  void log(LogLevel, std::string_view text) override { logs.emplace_back(text); }

  std::vector<std::string> logs;
  std::vector<std::string> kicked;
  struct Retained {
    std::string topic;
    std::string payload;
    int qos = 0;
    std::string properties;
    std::uint32_t expires_in_s = 0;
  };
  std::vector<Retained> retained;  // what the node gave it to retain

 private:
  static AccessCheck check(const Client& client, const std::string& topic, Access access) {
    return {.client = &client,
            .client_id = client.id,
            .username = client.username,
            .topic = topic,
            .access = access};
  }
  void fan_out(const std::string& topic, const std::string& payload, bool queued = true) {
    for (Client& client : clients_) {
      if (!client.connected && !(client.held && queued)) continue;
      for (const std::string& filter : client.filters) {
        if (!matches(filter, topic)) continue;
        AccessCheck read = check(client, topic, Access::read);
        read.payload = payload;
        if (node_->on_access(read)) client.inbox.push_back({topic, payload});
      }
    }
  }

  Node* node_ = nullptr;
  std::list<Client> clients_;
  std::vector<std::pair<std::string, std::string>> queued_;
};

}  // namespace parley::plugin

#endif
