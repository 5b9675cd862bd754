// The broker node's persistent copy of the ACL facts: what it needs to decide while Postgres and the bridge
// are away. Facts are the last operation on each thing (schemas/control.h), a version tells how far the feed
// has come.
//
// One thread writes (the broker's); sync() may run on another. apply() writes without waiting for the disk,
// so it may be called on the broker's thread; facts lost by a power failure come again from the feed, because
// the version is lost with them.
#ifndef PARLEY_STORAGE_REPLICA_STORE_H_
#define PARLEY_STORAGE_REPLICA_STORE_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "schemas/control.h"
#include "storage/feed_position.h"

namespace parley::storage {

template <class T>
using ReplicaResult = boost::system::result<T, std::string>;

class ReplicaStore {
 public:
  virtual ~ReplicaStore() = default;
  virtual std::uint64_t version() const = 0;  // any thread
  // The version, with the mark that came with it. Not while a snapshot is being committed.
  virtual FeedPosition position() const = 0;

  // All facts in an order in which they can be applied (limits and users before rooms, rooms before members).
  virtual ReplicaResult<void> load(const std::function<void(ControlOp&&)>& visit) = 0;

  // Atomic: the operations and the new position, or nothing. A remove drops what it names: room.remove its
  // members too, user.remove the user's memberships, blocks and API tokens. What is no fact (is_fact) is
  // passed over.
  virtual ReplicaResult<void> apply(FeedPosition to, std::span<const ControlOp> ops) = 0;

  // A full snapshot, gathered beside the facts that serve; commit replaces them all at once. begin() drops an
  // unfinished one. add() and commit() may wait for the disk and need not run on the broker's thread, but
  // nothing else may be called meanwhile except load() and version().
  virtual ReplicaResult<void> snapshot_begin() = 0;
  virtual ReplicaResult<void> snapshot_add(std::span<const ControlOp> ops) = 0;
  virtual ReplicaResult<void> snapshot_commit(FeedPosition to) = 0;

  virtual ReplicaResult<void> sync() = 0;
};

struct RocksReplicaOptions {
  std::filesystem::path path;
  std::size_t memory_budget_bytes = 32u << 20;
  // Told, while it opens, what a power loss had left to be put right.
  std::function<void(std::string_view)> notice = {};
};
ReplicaResult<std::unique_ptr<ReplicaStore>> open_rocks_replica(const RocksReplicaOptions& options);
std::unique_ptr<ReplicaStore> make_memory_replica();  // for tests

}  // namespace parley::storage

#endif
