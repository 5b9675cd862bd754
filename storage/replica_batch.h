// Turns control operations into one RocksDB batch. Internal to storage/.
#ifndef PARLEY_STORAGE_REPLICA_BATCH_H_
#define PARLEY_STORAGE_REPLICA_BATCH_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <map>
#include <set>
#include <span>
#include <string>

#include "schemas/control.h"
#include "storage/replica_bytes.h"

namespace parley::storage {

// Operations act in order, on what is stored and on what came before them in the same batch. One that could
// not be read back is refused with InvalidArgument.
class ReplicaBatch {
 public:
  ReplicaBatch(rocksdb::DB& db, Generation generation) : db_(db), generation_(generation) {}

  rocksdb::Status add(std::span<const ControlOp> ops);
  rocksdb::WriteBatch& batch() { return batch_; }

 private:
  rocksdb::Status add(const UserPut& op);
  rocksdb::Status add(const UserRemove& op);
  rocksdb::Status add(const RoomPut& op);
  rocksdb::Status add(const RoomRemove& op);
  rocksdb::Status add(const MemberPut& op);
  rocksdb::Status add(const MemberRemove& op);
  rocksdb::Status add(const BlockPut& op);
  rocksdb::Status add(const BlockRemove& op);
  rocksdb::Status add(const SessionRevoke& op);
  rocksdb::Status add(const TokenPut& op);
  rocksdb::Status add(const TokenRemove& op);
  rocksdb::Status add(const LimitsPut& op);
  // What is no fact leaves nothing behind.
  static rocksdb::Status add(const EventPost&) { return rocksdb::Status::OK(); }
  static rocksdb::Status add(const UserEvent&) { return rocksdb::Status::OK(); }

  rocksdb::Status put(const FactKey& key, std::string_view value);
  rocksdb::Status put_json(const FactKey& key, const ControlOp& op);
  rocksdb::Status remove(const FactKey& key);
  // All keys of the type with this first name.
  rocksdb::Status remove_pairs(FactType type, std::string_view first);
  rocksdb::Status stored_seconds(FactType type, std::string_view first,
                                 std::set<std::string, std::less<>>& seconds);
  rocksdb::Status owner_of_token(std::string_view sha, std::string& owner);

  rocksdb::DB& db_;
  const Generation generation_;
  rocksdb::WriteBatch batch_;
  FactKey key_;
  FactKey end_;

  // Only kept where a user.remove is among the operations: what this batch itself has added.
  bool remember_ = false;
  std::map<std::string, std::set<std::string, std::less<>>, std::less<>> rooms_added_;  // by user
  std::map<std::string, std::string, std::less<>> token_owner_;  // by sha256; "" when removed
};

}  // namespace parley::storage

#endif
