// $CONTROL/parley/v1: the replica's feed, administration, and reading the log (protocol.md, "Control").
// Requests arrive on the broker's thread; whatever may take long is done by the worker, and every request is
// answered exactly once, on $CONTROL/parley/v1/response.
#ifndef PARLEY_BROKER_PLUGIN_CONTROL_H_
#define PARLEY_BROKER_PLUGIN_CONTROL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/admission.h"
#include "broker-plugin/commit_queue.h"
#include "broker-plugin/delivery_queue.h"
#include "broker-plugin/facts.h"
#include "broker-plugin/metrics.h"
#include "broker-plugin/rooms.h"
#include "broker-plugin/worker.h"
#include "schemas/control.h"
#include "storage/log.h"
#include "storage/replica_store.h"

namespace parley::plugin {

class Control {
 public:
  struct Parts {
    std::shared_ptr<Directory> directory;
    Limits default_limits;
    std::unique_ptr<Facts>& facts;  // the ones that decide; a snapshot's commit replaces them
    storage::ReplicaStore& replica;
    storage::Log& log;
    Rooms& rooms;
    Admission& admission;
    CommitQueue& commits;
    DeliveryQueue& delivery;
    Worker& worker;
    Metrics& metrics;
    std::function<void(const std::vector<Effect>&)> on_effects;  // facts changed: sessions must feel it
    std::function<void()> on_replaced;                           // all facts changed at once
    std::function<void(const UserEvent&)> tell;                  // publishes it, if that user listens
    std::function<bool(const std::string& client_id)> kick;      // false: no such connection
    std::function<std::string()> stats_json;                     // one JSON object
  };
  explicit Control(Parts parts);

  void handle(std::string_view payload);

 private:
  void apply(const ControlRequest& request);
  void post_events(const ControlRequest& request);
  void send(const ControlRequest& request);
  void room_tail(const ControlRequest& request);
  void snapshot_begin(const ControlRequest& request);
  void snapshot_chunk(ControlRequest& request);
  void snapshot_commit(const ControlRequest& request);
  void list(const ControlRequest& request);
  void log_read(const ControlRequest& request);
  void log_cursor(const ControlRequest& request);
  void log_cursors(const ControlRequest& request);

  Result<bool> append_events(std::span<const ControlOp> ops);
  bool busy_with_snapshot(const ControlRequest& request);
  bool is_this_snapshot(const ControlRequest& request);
  void post(const std::string& req, Worker::Job job);
  // To the broker's log, when an HTTP request is behind this one.
  void note(std::string_view req, std::string_view what, std::string_view value);
  void reply(const std::string& req, std::string_view fields);
  void fail(const std::string& req, std::string_view code, std::string_view message,
            std::string_view more = {});
  void fail(const std::string& req, const Refusal& refusal);

  Parts parts_;
  std::unique_ptr<Facts> snapshot_;  // being filled between snapshot.begin and snapshot.commit
  std::uint32_t snapshot_number_;    // of the latest; random at first, so that no two processes' are alike
  storage::FeedPosition snapshot_base_;  // where the replica was when it was begun
  bool committing_ = false;              // the worker commits a snapshot: no other change meanwhile
  // Chunks that the worker has yet to write; no other change meanwhile either.
  std::atomic<std::uint32_t> unwritten_{0};
  std::atomic<bool> chunk_lost_{false};  // one of this snapshot's chunks could not be written
};

}  // namespace parley::plugin

#endif
