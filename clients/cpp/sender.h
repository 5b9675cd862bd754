// Sends what is in the outbox whenever the line is up, and settles it: by the `ack` event, by the sender's
// own copy in the room, or by a refusal. Pure decisions; the engine carries out its Actions. One thread.
#ifndef PARLEY_CLIENTS_CPP_SENDER_H_
#define PARLEY_CLIENTS_CPP_SENDER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "clients/cpp/environment.h"
#include "clients/cpp/outbox.h"
#include "clients/cpp/outbox_store.h"
#include "clients/cpp/transport.h"
#include "clients/cpp/types.h"

namespace parley::client {

class Sender {
 public:
  struct Options {
    std::size_t capacity = 1000;
    std::size_t window = 1;
    bool retry_refused = true;   // rate_limited and unavailable
    Millis ack_timeout{10'000};  // from PUBACK to the ack; then it is sent again
  };
  class Actions {
   public:
    virtual ~Actions() = default;
    // Returns the ticket that published() will name.
    virtual Ticket publish(const std::string& topic, std::string_view payload) = 0;
    // A refusal that is being waited out.
    virtual void delayed(const Outgoing& message, const Refusal& refusal) = 0;
  };

  // `store` may be null. Loads what it holds.
  Sender(Actions& actions, const Environment& environment, Options options,
         std::shared_ptr<OutboxStore> store);

  // `done` is called exactly once, later or (when it cannot be taken) now.
  void submit(Outgoing message, SendDone done);
  // Takes back what has not been settled. True if it was there; `done` is told `unavailable`. The server may
  // have it already.
  bool cancel(std::string_view room, std::string_view cid);

  void online();
  void offline();
  void published(Ticket ticket, const Outcome& outcome);
  void acked(const Ack& ack);
  // False: it is about nothing of ours.
  bool refused(std::string_view room, std::string_view cid, const Refusal& refusal);
  void on_time(TimePoint now);
  // Tells everybody still waiting `unavailable`; what is in the store stays there.
  void abandon();

  std::size_t unsettled() const { return outbox_.size(); }
  std::optional<TimePoint> next_deadline() const;

 private:
  void pump();
  void settle(Outbox::Entry& entry, const SendResult& result);
  void settle_refused(Outbox::Entry& entry, const Refusal& refusal);

  Actions& actions_;
  const Environment& environment_;
  Options options_;
  Outbox outbox_;
  std::shared_ptr<OutboxStore> store_;
  bool online_ = false;
};

}  // namespace parley::client

#endif
