// Parley's C++ SDK. One Client is one device of one user: it keeps a connection up, sends messages so that
// each is stored exactly once, and reads rooms in order.
//
//   struct App : parley::client::Listener {
//     void on_event(const parley::Event& event) override { ... }
//   } app;
//   parley::client::Options options{.user = *UserName::parse("alice"), .device =
//   *DeviceName::parse("laptop")}; options.token = parley::client::fixed_token(token); parley::client::Client
//   client(std::move(options), app); client.join("general"); client.connect(); client.send({.room =
//   "general", .body = "hello"}, [](const parley::client::SendResult& result) { ... });
//
// Threads. Every method may be called by any thread, also from inside a callback; none of them blocks, except
// drain() and the destructor. All callbacks (Listener, SendDone, token and refetch hooks) are called by one
// thread of the Client's own, one at a time, never from inside a call of yours; work that takes long belongs
// elsewhere. Views given to a callback (Event and its parts) are valid until it returns.
//
// Ownership. The Listener outlives the Client. The destructor ends the SDK's thread and must not be called
// from a callback; after it no callback comes any more. Messages still unsettled then are told `unavailable`,
// and stay in the OutboxStore if there is one.
//
// Errors. What the server refuses arrives as a Refusal with one of protocol.md's codes. Connection trouble is
// not an error: it is told to on_status() and repaired. Callbacks must not throw.
#ifndef PARLEY_CLIENTS_CPP_CLIENT_H_
#define PARLEY_CLIENTS_CPP_CLIENT_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/environment.h"
#include "clients/cpp/outbox_store.h"
#include "clients/cpp/transport.h"
#include "clients/cpp/types.h"
#include "schemas/ids.h"
#include "schemas/message.h"

namespace parley::client {

class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_status(const Status&) {}
  // The room's events in order, each once; the sender's own too.
  virtual void on_event(const Event&) {}
  // Events that will not come: there is no refetch hook, or it gave none in time.
  virtual void on_gap(const Gap&) {}
  virtual void on_typing(const std::string& /*room*/, const std::string& /*user*/, bool /*typing*/) {}
  // The server lets us read the room, or does not (`refusal`); asked again on every connection.
  virtual void on_joined(const std::string& /*room*/, const Refusal* /*refusal*/) {}
  // A message is being held back and will be sent again by itself after refusal.retry_after.
  virtual void on_delayed(const std::string& /*room*/, const std::string& /*cid*/, const Refusal&) {}
  // What else arrives on users/{me}/events: room.added, mention, session.revoked... as the JSON it came as.
  virtual void on_notice(const std::string& /*type*/, const std::string& /*json*/) {}
};

// Called with a token, or with an empty one and the reason; once, from any thread, at once or later.
using TokenReply = std::function<void(const std::string& token, const std::string& error)>;
// Asked before each connection and before a token ends. May answer later, from another thread.
using TokenProvider = std::function<void(TokenReply reply)>;
// Always this one: for API tokens and short programs.
TokenProvider fixed_token(std::string token);

// Called with the missing events in order (as in frames), or with none; once, from any thread, at once or
// later.
using RefetchReply = std::function<void(std::vector<EventBytes> events)>;
using Refetch = std::function<void(const Gap& gap, RefetchReply reply)>;

struct Options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 1883;
  UserName user;
  DeviceName device;
  // The MQTT client id; empty: `user:device`. Two connections cannot share one: the later throws the earlier
  // out, which then stays away (State::replaced). A program that may run several times on one device gives
  // each run an id of its own, see process_client_id(). Messages carry the token's device, whatever this is.
  std::string client_id{};
  TokenProvider token{};
  Refetch refetch{};  // may be empty: gaps are told to on_gap() and reading goes on after them

  std::chrono::seconds keep_alive{20};
  std::chrono::milliseconds backoff_first{250};       // waits grow from this, doubling, with jitter,
  std::chrono::milliseconds backoff_ceiling{30'000};  // up to this
  std::size_t outbox_capacity = 1000;                 // messages; more are refused `unavailable`
  // Messages of one room on their way at once. 1 keeps them in order whatever is refused; more is faster over
  // a long line, where order among one's own messages does not matter.
  std::size_t window = 1;
  bool retry_refused = true;  // wait out rate_limited and unavailable instead of reporting them
  std::shared_ptr<OutboxStore> outbox_store{};  // may be null; not shared between Clients

  // For tests; the defaults are the real ones.
  TransportFactory transport = make_paho_transport;
  Environment environment = system_environment();
};

// A client id of this run's own: `user:device-` and eight random digits; a device that is too long for that
// is cut. Such ids are the user's as well (docs/protocol.md, section 2).
std::string process_client_id(const UserName& user, const DeviceName& device);

class Client {
 public:
  Client(Options options, Listener& listener);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void connect();
  void disconnect();  // unsettled messages wait for the next connect()

  // Returns the message's cid. `done` is called once, with the place the server gave it or the refusal.
  std::string send(Outgoing message, SendDone done = {});
  std::future<SendResult> send_future(Outgoing message);
  // Takes back a message that is not settled; the server may have it already.
  void cancel(const std::string& room, const std::string& cid);

  // Reads a room from now on, on this and every later connection. `have`: the last seq the app knows of, and
  // the id of the event there; what came after it is a gap.
  void join(const std::string& room, Seq have = Seq{0}, MessageId have_id = MessageId{0});
  void leave(const std::string& room);

  // The user is typing, or has stopped; say it as often as you like.
  void typing(const std::string& room, bool typing);

  // Waits until every message given to send() is settled; false when the time is over. Not from a callback.
  bool drain(std::chrono::milliseconds patience);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::client

#endif
