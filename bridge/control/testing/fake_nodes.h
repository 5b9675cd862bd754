// Broker nodes in memory behind a link: they keep facts and a log of posted events by the rules of
// docs/protocol.md, "Administration", and can be made to fail at any moment.
#ifndef PARLEY_BRIDGE_CONTROL_TESTING_FAKE_NODES_H_
#define PARLEY_BRIDGE_CONTROL_TESTING_FAKE_NODES_H_

#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "bridge/broker_link.h"
#include "schemas/base64url.h"
#include "schemas/control.h"
#include "storage/replica_store.h"

namespace parley::bridge {

// One node's state; survives what happens to connections to it.
class FakeNode {
 public:
  // Answers one request as the plugin would.
  std::string handle(std::string_view cmd, std::string_view fields) {
    const std::lock_guard lock(mutex_);
    const auto request = parse_control_request(R"({"cmd":")" + std::string(cmd) + '"' +
                                               (fields.empty() ? "" : ",") + std::string(fields) + "}");
    if (!request) return fail("bad_payload", request.error().message);
    if (cmd == "version") return ok(replica_->position());
    if (cmd == "apply") return apply(*request);
    if (cmd == "post") return post(request->ops), ok(0);
    if (cmd == "snapshot.begin") {
      (void)replica_->snapshot_begin();
      return R"({"req":"r","ok":true,"snapshot":)" + std::to_string(++snapshot_) + "}";
    }
    if (request->snapshot != snapshot_) return fail("version_mismatch", "another snapshot was begun");
    if (cmd == "snapshot.chunk") return (void)replica_->snapshot_add(request->ops), ok(0);
    if (cmd == "snapshot.commit") {
      ++snapshots_;
      return (void)replica_->snapshot_commit({request->to, request->mark}), ok(request->to);
    }
    return fail("bad_payload", "unknown cmd");
  }

  std::uint64_t version() const {
    const std::lock_guard lock(mutex_);
    return replica_->version();
  }
  std::vector<std::string> facts() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    (void)replica_->load([&](ControlOp&& op) { all.push_back(to_json(op)); });
    return all;
  }
  // The cids of posted events, in the order of the log.
  std::vector<std::string> log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  std::vector<std::string> account_events() const {
    const std::lock_guard lock(mutex_);
    return account_events_;
  }
  int snapshots() const {
    const std::lock_guard lock(mutex_);
    return snapshots_;
  }
  std::size_t largest_request() const { return largest_; }
  // As after the loss of the replica's folder: the log is still there.
  void forget_facts() {
    const std::lock_guard lock(mutex_);
    replica_ = storage::make_memory_replica();
  }

 private:
  std::string apply(const ControlRequest& request) {
    const auto [version, mark] = replica_->position();
    const bool other = request.from_mark != 0 && mark != 0 && request.from_mark != mark;
    if (request.from != version || other)
      return R"({"req":"r","error":{"code":"version_mismatch","message":"m"},"version":)" +
             std::to_string(replica_->version()) + "}";
    post(request.ops);
    (void)replica_->apply({request.to, request.mark}, request.ops);
    largest_ = std::max(largest_, request.ops.size());
    for (const ControlOp& op : request.ops)
      if (const auto* event = std::get_if<UserEvent>(&op)) account_events_.push_back(event->event);
    return ok(request.to);
  }
  void post(const std::vector<ControlOp>& ops) {
    for (const ControlOp& op : ops)
      if (const auto* event = std::get_if<EventPost>(&op))
        if (known_.insert(event->room + ' ' + event->from + ' ' + event->cid).second)
          log_.push_back(event->cid);
  }
  static std::string ok(storage::FeedPosition at) {
    return R"({"req":"r","ok":true,"version":)" + std::to_string(at.version) + R"(,"mark":)" +
           std::to_string(at.mark) + "}";
  }
  static std::string fail(std::string_view code, std::string_view message) {
    return R"({"req":"r","error":{"code":")" + std::string(code) + R"(","message":")" +
           encode_base64url(message) + R"("}})";
  }

  mutable std::mutex mutex_;
  std::unique_ptr<storage::ReplicaStore> replica_ = storage::make_memory_replica();
  std::uint64_t snapshot_ = 100;
  int snapshots_ = 0;
  std::size_t largest_ = 0;
  std::set<std::string> known_;
  std::vector<std::string> log_;
  std::vector<std::string> account_events_;
};

class FakeLink final : public BrokerLink {
 public:
  explicit FakeLink(std::vector<FakeNode*> nodes)
      : nodes_(std::move(nodes)), connected_(nodes_.size(), true) {
    for (std::size_t i = 0; i < nodes_.size(); ++i)
      addresses_.push_back({"node" + std::to_string(i), static_cast<std::uint16_t>(1883)});
  }
  // Chances, of each request, that it gets lost, or takes effect and its answer gets lost.
  void set_trouble(double request_lost, double answer_lost, unsigned seed) {
    const std::lock_guard lock(mutex_);
    request_lost_ = request_lost;
    answer_lost_ = answer_lost;
    random_.seed(seed);
  }
  void set_connected(std::size_t node, bool connected) {
    {
      const std::lock_guard lock(mutex_);
      connected_[node] = connected;
    }
    if (listener_) listener_(node, connected);
  }

  std::size_t nodes() const override { return nodes_.size(); }
  const NodeAddress& address(std::size_t node) const override { return addresses_[node]; }
  bool connected(std::size_t node) const override {
    const std::lock_guard lock(mutex_);
    return connected_[node];
  }
  void on_change(std::function<void(std::size_t, bool)> listener) override {
    listener_ = std::move(listener);
  }
  void start() override {}
  void stop() override {}
  void request(std::size_t node, std::string_view cmd, std::string_view fields, Deadline,
               OnAnswer done) override {
    if (!connected(node) || chance(request_lost_)) return done(BrokerError("unavailable", "away"));
    const std::string answer = nodes_[node]->handle(cmd, fields);
    if (chance(answer_lost_)) return done(BrokerError("unavailable", "away"));
    if (answer.find(R"("ok":true)") == std::string::npos) return done(broker_error(answer));
    done(answer);
  }

 private:
  bool chance(double p) {
    const std::lock_guard lock(mutex_);
    return std::uniform_real_distribution<>(0, 1)(random_) < p;
  }

  const std::vector<FakeNode*> nodes_;
  std::vector<NodeAddress> addresses_;
  std::function<void(std::size_t, bool)> listener_;
  mutable std::mutex mutex_;
  std::vector<bool> connected_;
  double request_lost_ = 0;
  double answer_lost_ = 0;
  std::mt19937 random_;
};

}  // namespace parley::bridge

#endif
