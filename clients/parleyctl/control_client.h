// A conversation with one broker node as a service: requests on $CONTROL/parley/v1, and the log tail.
//
// Blocking, for one thread. Everything that fails throws Failure with a line that says what to do.
#ifndef PARLEY_CLIENTS_PARLEYCTL_CONTROL_CLIENT_H_
#define PARLEY_CLIENTS_PARLEYCTL_CONTROL_CLIENT_H_

#include <boost/json.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "clients/cpp/transport.h"
#include "clients/parleyctl/context.h"
#include "schemas/control.h"
#include "schemas/token.h"
#include "schemas/topic.h"

namespace parley::ctl {

class ControlClient : private client::TransportObserver {
 public:
  // Topics are settable because a bare broker without the plugin answers nothing below $CONTROL.
  struct Options {
    client::ConnectRequest connect;
    std::string request_topic = std::string(kControlTopic);
    std::string response_topic = std::string(kControlResponseTopic);
    std::chrono::milliseconds timeout{10'000};  // for every answer
    client::TransportFactory transport = client::make_paho_transport;
  };
  explicit ControlClient(Options options);
  ~ControlClient() override;

  // The answer to {"req","cmd",...fields}. An error answer becomes an Answer with `code` set; no answer in
  // time throws.
  struct Answer {
    boost::json::object body;
    std::string text;     // as it came: a document does not keep how numbers are spelled
    std::string code;     // empty: ok
    std::string message;  // of the error
    bool ok() const { return code.empty(); }
  };
  // `more`: further members in their own spelling, such as "\"ops\":[...]".
  Answer ask(std::string_view cmd, boost::json::object fields = {}, std::string_view more = {});
  // The same, where only success is of use: an error answer throws.
  boost::json::object call(std::string_view cmd, boost::json::object fields = {});

  // A page of log.read in JSON, the events as they came.
  struct LogRecord {
    std::uint64_t offset = 0;
    std::string event;
  };
  struct LogRecords {
    std::vector<LogRecord> records;
    std::uint64_t next = 0;
    bool end = true;
  };
  // `room` empty: of every room.
  LogRecords read_log(std::uint64_t offset, std::uint64_t limit, const std::string& room);

  std::uint64_t version();
  // Applies the operations as one batch on top of whatever version the replica is at, and returns the new
  // one.
  std::uint64_t apply(std::span<const ControlOp> ops);
  std::uint64_t apply(const ControlOp& op) { return apply(std::span(&op, 1)); }

  struct Message {
    std::string topic;
    std::string payload;
  };
  // Messages of a subscribed filter wait in order for next(); at most 64 MiB of them, the newest beyond that
  // are dropped (whoever follows the log notices by `prev`).
  void subscribe(const std::string& filter);
  // Nothing when the time is over. Throws Failure when the connection is lost.
  std::optional<Message> next(std::chrono::milliseconds patience);

 private:
  void on_connect(const client::Outcome& outcome) override;
  void on_lost(const client::Outcome& why) override;
  void on_publish(client::Ticket ticket, const client::Outcome& outcome) override;
  void on_subscribe(client::Ticket ticket, const client::Outcome& outcome) override;
  void on_message(std::string_view topic, std::string_view payload) override;

  void connect();
  [[noreturn]] void fail_lost() const;
  // Waits until ready() or the time-out; false on time-out. Throws when the connection is lost.
  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds patience, Ready&& ready);
  std::string where() const;

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<client::Outcome> connected_;
  std::optional<client::Outcome> lost_;
  client::Ticket next_ticket_ = 1;
  std::pair<client::Ticket, client::Outcome> finished_{0, {}};  // the last publish or subscribe that ended
  std::string awaited_req_;
  std::optional<Answer> response_;
  std::deque<Message> messages_;
  std::size_t message_bytes_ = 0;
  std::unique_ptr<client::Transport> transport_;
};

// Nobody listens where the broker should be.
struct NoBroker : Failure {
  using Failure::Failure;
};

// Connects as service "parleyctl" with a token signed by the key in var, or by this one.
std::unique_ptr<ControlClient> connect_control(const Context& context);
std::unique_ptr<ControlClient> connect_control(const Context& context, const SigningKey& key);

}  // namespace parley::ctl

#endif
