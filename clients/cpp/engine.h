// The SDK's logic as one object of one thread: joins connector, sender, room feeds and typing over a
// transport. Everything it needs comes in through methods, everything it does goes out through Transport,
// Listener and the app's hooks, so that tests run it with a transport and a clock of their own.
#ifndef PARLEY_CLIENTS_CPP_ENGINE_H_
#define PARLEY_CLIENTS_CPP_ENGINE_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "clients/cpp/client.h"
#include "clients/cpp/connector.h"
#include "clients/cpp/environment.h"
#include "clients/cpp/room_feed.h"
#include "clients/cpp/sender.h"
#include "clients/cpp/transport.h"
#include "clients/cpp/typing.h"

namespace parley::client {

class Engine : private Connector::Actions, private Sender::Actions, private RoomFeed::Sink {
 public:
  // The app's answers, as they come back to this thread.
  struct Hooks {
    std::function<void(std::uint64_t request)> fetch_token;          // answered by token()
    std::function<void(const Gap&, std::uint64_t request)> refetch;  // answered by refetched(); may be empty
  };

  // Time, chance and the store are those of the options.
  Engine(const Options& options, Listener& listener, Hooks hooks);
  // Before anything else.
  void use(std::unique_ptr<Transport> transport) { transport_ = std::move(transport); }

  void connect();
  void disconnect();
  void send(Outgoing message, SendDone done);
  void cancel(const std::string& room, const std::string& cid) { sender_.cancel(room, cid); }
  void join(const std::string& room, Seq have, MessageId have_id = MessageId{0});
  void leave(const std::string& room);
  void typing(const std::string& room, bool typing);
  void token(std::uint64_t request, const std::string& token, const std::string& error);
  void refetched(const std::string& room, std::uint64_t request, const std::vector<EventBytes>& events);
  // Settles everything, hangs up, closes the transport.
  void shut_down();

  // Which connection the transport's news are of; older ones' are to be dropped. Any thread.
  std::uint64_t connection() const { return connection_.load(); }
  void connected(const Outcome& outcome);
  void lost(const Outcome& why);
  void published(Ticket ticket, const Outcome& outcome);
  void subscribed(Ticket ticket, const Outcome& outcome);
  void received(std::string_view topic, std::string_view payload);

  void on_time();
  std::optional<TimePoint> next_deadline() const;
  std::size_t unsettled() const { return sender_.unsettled(); }

 private:
  struct RoomState {
    RoomState(const std::string& room, Seq have, MessageId have_id, RoomFeed::Sink& sink)
        : feed(room, have, have_id, sink, {}) {}
    RoomFeed feed;
  };

  // Connector::Actions
  void fetch_token(std::uint64_t request) override;
  void open(const std::string& token) override;
  void renew(const std::string& token) override;
  void abandon() override;
  void status(const Status& status) override;
  // Sender::Actions
  Ticket publish(const std::string& topic, std::string_view payload) override;
  void delayed(const Outgoing& message, const Refusal& refusal) override;
  // RoomFeed::Sink
  void deliver(const Event& event) override;
  bool fetch(const Gap& gap) override;
  void skipped(const Gap& gap) override;

  void went_down();
  void subscribe_room(const std::string& room);
  void publish_typing(const std::string& room, bool typing);
  void receive_frame(const std::string& room, std::string_view payload);
  void receive_typing(const std::string& room, std::string_view payload);
  void receive_notice(std::string_view payload);
  void set_typing(const std::string& room, const std::string& user, bool typing);

  const Options options_;
  const std::string client_id_;
  const Environment& environment_ = options_.environment;
  Listener& listener_;
  const Hooks hooks_;
  Connector connector_;
  Sender sender_;
  TypingWatch typing_watch_;
  TypingPacer typing_pacer_;
  std::map<std::string, RoomState, std::less<>> rooms_;
  std::map<Ticket, std::string> subscribing_;  // ticket -> room, "" for our own events
  Ticket next_ticket_ = 1;
  Ticket renewal_ = 0;
  std::atomic<std::uint64_t> connection_{0};
  std::unique_ptr<Transport> transport_;  // none after shut_down()
};

}  // namespace parley::client

#endif
