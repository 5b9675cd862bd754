// Step 5 of a message's journey: from the delivery queue into the broker, a bounded stretch of fan-out a
// turn, and the counting of who listens. Broker thread.
#ifndef PARLEY_BROKER_PLUGIN_DELIVERY_H_
#define PARLEY_BROKER_PLUGIN_DELIVERY_H_

#include <deque>
#include <string>
#include <vector>

#include "broker-plugin/broker_log.h"
#include "broker-plugin/broker_port.h"
#include "broker-plugin/clock.h"
#include "broker-plugin/committer.h"
#include "broker-plugin/delivery_queue.h"
#include "broker-plugin/metrics.h"
#include "broker-plugin/rooms.h"

namespace parley::plugin {

class Delivery {
 public:
  Delivery(DeliveryQueue& queue, BrokerPort& broker, BrokerLog& log, Directory& directory, Rooms& rooms,
           Users& users, ListenerCount& tail, BrokerLoad& load, const Clock& clock, Metrics& metrics);

  // Hands what is due to the broker. When not all of it may go in this turn, rings for the next.
  void drain(const std::function<void()>& ring);

  // A read check was granted: one subscriber more of what was handed over.
  void was_read(ListenerCount& count);

 private:
  void settle();
  void hand_over(Outgoing& out, std::uint64_t now_ns);
  void published(ListenerCount& count);

  DeliveryQueue& queue_;
  BrokerPort& broker_;
  BrokerLog& log_;
  Directory& directory_;
  Rooms& rooms_;
  Users& users_;
  ListenerCount& tail_;
  BrokerLoad& load_;
  const Clock& clock_;
  Metrics& metrics_;

  DeliveryQueue::Taken taken_;
  std::deque<Outgoing> backlog_;
  std::vector<ListenerCount*> unsettled_;  // published in the last turn; their reads are in
  std::uint64_t turn_deliveries_ = 0;      // expected of what this turn has handed over
  std::uint64_t reads_ = 0;                // read checks since the last settle
  std::uint64_t first_read_ns_ = 0, last_read_ns_ = 0;
  std::string topic_;
};

}  // namespace parley::plugin

#endif
