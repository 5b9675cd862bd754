// Keeps one broker node's facts at Postgres's version: a thread that asks the node where it is, sends what is
// newer, batch by batch, and a snapshot when that cannot be had. Feeds only while this process leads.
//
// Everything here may be repeated: a node takes a batch only when it is at its `from`, and posts an event
// once.
#ifndef PARLEY_BRIDGE_CONTROL_NODE_FEEDER_H_
#define PARLEY_BRIDGE_CONTROL_NODE_FEEDER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bridge/broker_link.h"
#include "bridge/control/change_batch.h"
#include "bridge/control/feed_metrics.h"
#include "bridge/control/leadership.h"
#include "bridge/control/node_talk.h"
#include "storage/metadata_feed.h"

namespace parley::bridge {

class NodeFeeder {
 public:
  struct Parts {
    storage::Feed& feed;
    BrokerLink& link;
    std::shared_ptr<Leadership> leadership;  // answers that come late still poke it
    Metrics& metrics;
  };
  NodeFeeder(const Parts& parts, std::size_t node, std::uint32_t batch);
  ~NodeFeeder();
  NodeFeeder(const NodeFeeder&) = delete;
  NodeFeeder& operator=(const NodeFeeder&) = delete;

  void start();
  void stop();  // after Leadership::stop()
  // Any thread: the connection came or went, so the node may be another one than before.
  void connection_changed();

  // Any thread. Has it been at Postgres's version since this process began to feed it?
  bool in_step() const { return in_step_.load(); }
  const std::string& name() const { return name_; }

 private:
  // What a step comes to: it is done, look again at once, wait for news, or wait a moment because something
  // is in the way.
  enum class Step : std::uint8_t { done, again, wait, pause };

  void run();
  Step feed_once();
  bool ask_version();
  Step send_changes(const std::vector<storage::ChangeRow>& rows);
  Step send_batch(const Batch& batch);
  Step send_large(const storage::ChangeRow& row);
  Step apply(storage::FeedPosition to, std::string_view ops, bool single);
  Step refused(const BrokerError& error, bool single);
  Step send_snapshot(std::string_view why);
  void is_at(storage::FeedPosition position);
  void note_lag();

  const Parts parts_;
  const std::size_t node_;
  const NodeTalk talk_;
  const std::uint32_t batch_rows_;
  const std::string name_;
  NodeMetrics metrics_;
  std::atomic<bool> in_step_{false};
  std::atomic<bool> ask_again_{true};

  // The feeder's thread.
  bool known_ = false;  // at_ is where the node is
  storage::FeedPosition at_;
  std::chrono::steady_clock::time_point asked_at_{};
  bool one_by_one_ = false;  // a batch was refused: which of its changes is it?
  std::chrono::steady_clock::time_point next_forced_snapshot_{};
  std::chrono::steady_clock::time_point in_step_at_{};
  std::thread thread_;
};

}  // namespace parley::bridge

#endif
