// Retained messages of topics beside chat: kept on disk before the broker acknowledges them, bounded for each
// user, and given back to the broker when it starts. Broker thread, but sync().
//
// While the broker runs it has them in its memory and delivers them; the store follows. After an end in
// order, Mosquitto's own file says what it had (last wills of that moment among them), and the store takes
// that over; at the start the broker is made to have what the store has.
#ifndef PARLEY_BROKER_PLUGIN_RETAINED_MESSAGES_H_
#define PARLEY_BROKER_PLUGIN_RETAINED_MESSAGES_H_

#include <atomic>
#include <boost/system/result.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "broker-plugin/broker_port.h"
#include "config/broker_config.h"
#include "schemas/errors.h"
#include "storage/broker_snapshot.h"
#include "storage/retained_store.h"

namespace parley::plugin {

class RetainedMessages {
 public:
  // `limits` for each user; `retry_after` is what whoever is refused because of the disk is told.
  RetainedMessages(std::unique_ptr<storage::RetainedStore> store, RetainedConfig limits,
                   std::chrono::milliseconds retry_after);

  // Counts what there is. Once, before anything else.
  boost::system::result<void, std::string> load();

  // Keeps a message that is about to be accepted; an empty payload takes away what the topic has. `bounded`:
  // by the limits of its owner.
  Result<void> keep(const storage::RetainedMessage& message, bool bounded);

  // At the start: gives the broker what it lacks of ours, and takes from it what is not. `had`: what the
  // broker has read from its file; nullptr when there was none.
  boost::system::result<void, std::string> restore(BrokerPort& broker, const storage::BrokerSnapshot* had,
                                                   std::int64_t now_s);
  // At the end: the broker's file has just been written and says what it had.
  boost::system::result<void, std::string> follow(const storage::BrokerSnapshot& snapshot);

  // Any thread. Makes durable what has changed; nothing to do when nothing has.
  boost::system::result<void, std::string> sync();

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string owner;
    std::uint64_t bytes = 0;
  };
  struct Usage {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  Result<void> within_limits(const storage::RetainedMessage& message, std::uint64_t bytes);
  void count(const storage::RetainedMessage& message, std::uint64_t bytes);
  void forget(std::string_view topic);
  boost::system::result<void, std::string> write(const storage::RetainedMessage& message);

  const std::unique_ptr<storage::RetainedStore> store_;
  const RetainedConfig limits_;
  const std::chrono::milliseconds retry_after_;
  boost::unordered_flat_map<std::string, Entry> entries_;  // by topic
  boost::unordered_flat_map<std::string, Usage> usage_;    // by owner
  std::atomic<bool> changed_{false};
};

}  // namespace parley::plugin

#endif
