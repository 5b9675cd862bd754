#include <map>
#include <mutex>
#include <optional>

#include "storage/replica_bytes.h"
#include "storage/replica_store.h"

namespace parley::storage {
namespace {

// Facts by their key in the stored form, which is also the order in which they can be applied.
using Facts = std::map<std::string, ControlOp, std::less<>>;

class Applier {
 public:
  explicit Applier(Facts& facts) : facts_(facts) {}

  void operator()(const UserPut& op) { put(key(FactType::user, op.user), op); }
  void operator()(const RoomPut& op) { put(key(FactType::room, op.room), op); }
  void operator()(const MemberPut& op) { put(key(FactType::member, op.room, op.user), op); }
  void operator()(const BlockPut& op) { put(key(FactType::block, op.user, op.blocked), op); }
  void operator()(const SessionRevoke& op) { put(key(FactType::session, op.sid), op); }
  void operator()(const TokenPut& op) { put(key(FactType::token, sha_text(op.sha256)), op); }
  void operator()(const LimitsPut& op) { put(key(FactType::limits, op.name), op); }
  void operator()(const MemberRemove& op) { facts_.erase(key(FactType::member, op.room, op.user)); }
  void operator()(const BlockRemove& op) { facts_.erase(key(FactType::block, op.user, op.blocked)); }
  void operator()(const TokenRemove& op) { facts_.erase(key(FactType::token, sha_text(op.sha256))); }
  void operator()(const EventPost&) {}  // no facts
  void operator()(const UserEvent&) {}
  void operator()(const RoomRemove& op) {
    facts_.erase(key(FactType::room, op.room));
    std::erase_if(facts_, [&](const auto& fact) {
      const auto* member = std::get_if<MemberPut>(&fact.second);
      return member != nullptr && member->room == op.room;
    });
  }
  void operator()(const UserRemove& op) {
    facts_.erase(key(FactType::user, op.user));
    std::erase_if(facts_, [&](const auto& fact) {
      const auto* member = std::get_if<MemberPut>(&fact.second);
      const auto* block = std::get_if<BlockPut>(&fact.second);
      const auto* token = std::get_if<TokenPut>(&fact.second);
      return (member != nullptr && member->user == op.user) || (block != nullptr && block->user == op.user) ||
             (token != nullptr && token->user == op.user);
    });
  }

 private:
  template <class... Names>
  std::string key(FactType type, Names... names) {
    return std::string(FactKey().set(kFirstGeneration, type, names...).view());
  }
  void put(std::string fact_key, ControlOp op) {
    facts_.insert_or_assign(std::move(fact_key), std::move(op));
  }

  Facts& facts_;
};

ReplicaResult<void> check(std::span<const ControlOp> ops) {
  for (const ControlOp& op : ops) {
    if (const auto back = parse_control_op(to_json(op)); !back)
      return "not a valid operation: " + back.error().message;
  }
  return {};
}

class MemoryReplica final : public ReplicaStore {
 public:
  std::uint64_t version() const override {
    const std::lock_guard lock(mutex_);
    return position_.version;
  }
  FeedPosition position() const override {
    const std::lock_guard lock(mutex_);
    return position_;
  }

  ReplicaResult<void> load(const std::function<void(ControlOp&&)>& visit) override {
    Facts facts;
    {
      const std::lock_guard lock(mutex_);
      facts = facts_;
    }
    for (auto& [key, op] : facts) visit(std::move(op));
    return {};
  }

  ReplicaResult<void> apply(FeedPosition to, std::span<const ControlOp> ops) override {
    if (auto valid = check(ops); !valid) return valid;
    const std::lock_guard lock(mutex_);
    for (const ControlOp& op : ops) std::visit(Applier(facts_), op);
    position_ = to;
    return {};
  }

  ReplicaResult<void> snapshot_begin() override {
    const std::lock_guard lock(mutex_);
    gathering_.emplace();
    return {};
  }
  ReplicaResult<void> snapshot_add(std::span<const ControlOp> ops) override {
    if (auto valid = check(ops); !valid) return valid;
    const std::lock_guard lock(mutex_);
    if (!gathering_) return "no snapshot has been begun; begin one first";
    for (const ControlOp& op : ops) std::visit(Applier(*gathering_), op);
    return {};
  }
  ReplicaResult<void> snapshot_commit(FeedPosition to) override {
    const std::lock_guard lock(mutex_);
    if (!gathering_) return "no snapshot has been begun; begin one first";
    facts_ = std::move(*gathering_);
    gathering_.reset();
    position_ = to;
    return {};
  }
  ReplicaResult<void> sync() override { return {}; }

 private:
  mutable std::mutex mutex_;
  Facts facts_;
  std::optional<Facts> gathering_;
  FeedPosition position_;
};

}  // namespace

std::unique_ptr<ReplicaStore> make_memory_replica() { return std::make_unique<MemoryReplica>(); }

}  // namespace parley::storage
