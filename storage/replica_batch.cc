#include "storage/replica_batch.h"

#include <algorithm>

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;

Slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Status ReplicaBatch::add(std::span<const ControlOp> ops) {
  remember_ = std::ranges::any_of(ops, [](const auto& op) { return std::holds_alternative<UserRemove>(op); });
  Status status;
  for (const ControlOp& op : ops) {
    status = std::visit([&](const auto& one) { return add(one); }, op);
    if (!status.ok()) break;
  }
  return status;
}

Status ReplicaBatch::put(const FactKey& key, std::string_view value) {
  return batch_.Put(slice(key.view()), slice(value));
}
Status ReplicaBatch::remove(const FactKey& key) { return batch_.Delete(slice(key.view())); }

Status ReplicaBatch::remove_pairs(FactType type, std::string_view first) {
  key_.set(generation_, type, first, "");
  end_.set_end(generation_, type, first);
  return batch_.DeleteRange(slice(key_.view()), slice(end_.view()));
}

Status ReplicaBatch::put_json(const FactKey& key, const ControlOp& op) {
  const std::string json = to_json(op);
  if (const auto back = parse_control_op(json); !back) return Status::InvalidArgument(back.error().message);
  return put(key, json);
}

Status ReplicaBatch::add(const UserPut& op) {
  return put_json(key_.set(generation_, FactType::user, op.user), op);
}
Status ReplicaBatch::add(const RoomPut& op) {
  return put_json(key_.set(generation_, FactType::room, op.room), op);
}
Status ReplicaBatch::add(const SessionRevoke& op) {
  return put_json(key_.set(generation_, FactType::session, op.sid), op);
}
Status ReplicaBatch::add(const LimitsPut& op) {
  return put_json(key_.set(generation_, FactType::limits, op.name), op);
}
Status ReplicaBatch::add(const BlockPut& op) {
  return put_json(key_.set(generation_, FactType::block, op.user, op.blocked), op);
}
Status ReplicaBatch::add(const BlockRemove& op) {
  return remove(key_.set(generation_, FactType::block, op.user, op.blocked));
}

Status ReplicaBatch::add(const MemberPut& op) {
  if (!is_room_name(op.room)) return Status::InvalidArgument("room is not a room's name");
  if (!is_user_name(op.user)) return Status::InvalidArgument("user is not a user's name");
  if (remember_) rooms_added_[op.user].insert(op.room);
  Status status = put(key_.set(generation_, FactType::member, op.room, op.user), member_value(op));
  if (status.ok()) status = put(key_.set(generation_, FactType::rooms_of_user, op.user, op.room), "");
  return status;
}

Status ReplicaBatch::add(const MemberRemove& op) {
  Status status = remove(key_.set(generation_, FactType::member, op.room, op.user));
  if (status.ok()) status = remove(key_.set(generation_, FactType::rooms_of_user, op.user, op.room));
  return status;
}

Status ReplicaBatch::add(const TokenPut& op) {
  const std::string_view sha = sha_text(op.sha256);
  if (remember_) token_owner_[std::string(sha)] = op.user;
  Status status = put_json(key_.set(generation_, FactType::token, sha), op);
  if (status.ok()) status = put(key_.set(generation_, FactType::tokens_of_user, op.user, sha), "");
  return status;
}

// The owner's index entry stays behind: who owned it is only known by reading, and its reader checks anyway.
Status ReplicaBatch::add(const TokenRemove& op) {
  const std::string_view sha = sha_text(op.sha256);
  if (remember_) token_owner_[std::string(sha)] = "";
  return remove(key_.set(generation_, FactType::token, sha));
}

// The members' index entries stay behind: a room of 100,000 goes in one step.
Status ReplicaBatch::add(const RoomRemove& op) {
  Status status = remove(key_.set(generation_, FactType::room, op.room));
  if (status.ok()) status = remove_pairs(FactType::member, op.room);
  return status;
}

Status ReplicaBatch::add(const UserRemove& op) {
  Status status = remove(key_.set(generation_, FactType::user, op.user));
  if (status.ok()) status = remove_pairs(FactType::block, op.user);

  auto rooms = std::move(rooms_added_[op.user]);
  rooms_added_.erase(op.user);
  if (status.ok()) status = stored_seconds(FactType::rooms_of_user, op.user, rooms);
  for (const auto& room : rooms) {
    if (status.ok()) status = remove(key_.set(generation_, FactType::member, room, op.user));
  }
  if (status.ok()) status = remove_pairs(FactType::rooms_of_user, op.user);

  std::set<std::string, std::less<>> tokens;
  for (const auto& [sha, owner] : token_owner_) {
    if (owner == op.user) tokens.insert(sha);
  }
  if (status.ok()) status = stored_seconds(FactType::tokens_of_user, op.user, tokens);
  for (const auto& sha : tokens) {
    std::string owner;
    if (status.ok()) status = owner_of_token(sha, owner);
    if (!status.ok() || owner != op.user) continue;
    token_owner_[sha] = "";
    status = remove(key_.set(generation_, FactType::token, sha));
  }
  if (status.ok()) status = remove_pairs(FactType::tokens_of_user, op.user);
  return status;
}

Status ReplicaBatch::stored_seconds(FactType type, std::string_view first,
                                    std::set<std::string, std::less<>>& seconds) {
  key_.set(generation_, type, first, "");
  end_.set_end(generation_, type, first);
  const Slice end = slice(end_.view());
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> it(db_.NewIterator(options));
  for (it->Seek(slice(key_.view())); it->Valid(); it->Next()) {
    const auto names = parse_pair(it->key().ToStringView());
    if (names) seconds.emplace(names->second);
  }
  return it->status();
}

// "" when nobody's.
Status ReplicaBatch::owner_of_token(std::string_view sha, std::string& owner) {
  owner.clear();
  if (const auto added = token_owner_.find(sha); added != token_owner_.end()) {
    owner = added->second;
    return Status::OK();
  }
  std::string value;
  key_.set(generation_, FactType::token, sha);
  Status status = db_.Get(rocksdb::ReadOptions(), slice(key_.view()), &value);
  if (status.IsNotFound()) return Status::OK();
  if (!status.ok()) return status;
  const auto fact = parse_fact(key_.view(), value);
  if (!fact || !std::holds_alternative<TokenPut>(*fact))
    return Status::Corruption("bad token in the replica");
  owner = std::get<TokenPut>(*fact).user;
  return Status::OK();
}

}  // namespace parley::storage
