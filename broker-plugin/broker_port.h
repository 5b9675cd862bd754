// The plugin's view of the broker that carries it: what the broker asks (the structs) and what we ask of it
// (BrokerPort). The real one is mosquitto_port.cc; tests play the broker with a fake.
//
// All of it on the broker's one thread.
#ifndef PARLEY_BROKER_PLUGIN_BROKER_PORT_H_
#define PARLEY_BROKER_PLUGIN_BROKER_PORT_H_

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace parley::plugin {

// A connection's identity for the broker; addresses are reused after a disconnect. Never dereferenced by us
// but in mosquitto_port.cc.
using ClientHandle = const void*;

// Bytes in malloc'ed memory, as the broker wants to own them.
class Payload {
 public:
  Payload() = default;
  explicit Payload(std::string_view bytes) : Payload(bytes.data(), bytes.size()) {}
  Payload(const void* data, std::size_t size)
      : data_(static_cast<char*>(std::malloc(size + 1))), size_(size) {
    if (data_ == nullptr) throw std::bad_alloc();
    if (size > 0) std::memcpy(data_.get(), data, size);  // an empty view may have no address
    data_.get()[size] = 0;
  }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }
  char* release() { return data_.release(); }

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0;
};

enum class LogLevel : std::uint8_t { debug, info, notice, warning, error };

class BrokerPort {
 public:
  virtual ~BrokerPort() = default;
  // Delivered to whoever subscribed, each asked through read checks, once the broker is back in its loop.
  virtual void publish(std::string_view topic, Payload payload, int qos, bool retain) = 0;
  // Delivered before this returns, to whoever subscribed and is connected: for what has to reach a connection
  // that the broker closes next. False: this broker has no way to do that.
  virtual bool publish_now(std::string_view topic, std::string_view payload) = 0;
  // Retains it (an empty payload: retains nothing more) on the topic, for `expires_in_s` seconds (0: for
  // ever), and delivers it as publish() does. `properties`: MQTT 5, encoded.
  virtual void retain(std::string_view topic, Payload payload, int qos, std::string_view properties,
                      std::uint32_t expires_in_s) = 0;
  // Closes the connection; its will is sent, if it has one. Must not be called from inside a check of that
  // same client.
  virtual void kick(const std::string& client_id) = 0;
  // Whether the broker keeps a session under this client id, whose client must not be connected. While it
  // looks, it may ask for the session's subscriptions (Access::subscribe), which must be granted.
  virtual bool keeps_session(const std::string& client_id) = 0;
  // What the broker shows as AccessCheck::username from now on, as long as it remembers the client.
  virtual void name(ClientHandle client, const std::string& username) = 0;
  virtual void log(LogLevel level, std::string_view text) = 0;
};

struct ConnectAttempt {
  ClientHandle client = nullptr;
  std::string_view client_id;
  std::string_view username;  // empty: none
  std::string_view password;  // empty: none
  std::string_view address;
  int keep_alive_s = 0;  // 0: never to be missed
};

enum class Access : std::uint8_t { read, write, subscribe, unsubscribe };

struct AccessCheck {
  ClientHandle client = nullptr;
  std::string_view client_id;  // these two are the broker's, for clients whose connection is over (wills, and
  std::string_view username;  // sessions that wait for their client); the name is the one we gave it (name())
  std::string_view topic;     // a filter for subscribe and unsubscribe
  Access access = Access::read;
  std::string_view payload{};  // these three are what a read or write carries
  int qos = 0;
  bool retain = false;
};

struct Publish {
  ClientHandle client = nullptr;
  std::string_view topic;
  std::string_view payload;
  int qos = 0;
  bool retain = false;
  std::string_view properties{};  // MQTT 5, encoded; only of what is to be retained
};

// What becomes of a publish: it passes (perhaps with another payload) or is denied.
struct PublishVerdict {
  bool allow = false;
  bool replace = false;
  Payload replacement;
  static PublishVerdict pass() { return {.allow = true, .replace = false, .replacement = {}}; }
  static PublishVerdict deny() { return {}; }
  static PublishVerdict pass_as(std::string_view payload) {
    return {.allow = true, .replace = true, .replacement = Payload(payload)};
  }
};

}  // namespace parley::plugin

#endif
