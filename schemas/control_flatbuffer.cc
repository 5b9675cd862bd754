#include "schemas/aligned.h"
#include "schemas/control_names.h"
#include "schemas/flatbuffer_fields.h"
#include "schemas/generated/control_generated.h"

namespace parley {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr flatbuffers::uoffset_t kMaxDepth = 8;

struct Packed {
  fb::Op type = fb::Op::NONE;
  Offset<void> offset;
};

// One overload an operation; each makes the table of the same name.
struct Packer {
  FlatBufferBuilder& fbb;

  Packed operator()(const UserPut& op) {
    const auto user = text(op.user);
    const auto limits = text(op.limits);
    const auto owner = op.owner.empty() ? Offset<flatbuffers::String>() : text(op.owner);
    return {fb::Op::UserPut,
            fb::CreateUserPut(fbb, user, static_cast<fb::TokenRole>(op.role), limits, op.tokens_after_s,
                              static_cast<fb::UserStatus>(op.status), owner)
                .Union()};
  }
  Packed operator()(const UserRemove& op) {
    return {fb::Op::UserRemove, fb::CreateUserRemove(fbb, text(op.user)).Union()};
  }
  Packed operator()(const RoomPut& op) {
    const auto room = text(op.room);
    const auto limits = text(op.limits);
    return {fb::Op::RoomPut, fb::CreateRoomPut(fbb, room, static_cast<fb::RoomKind>(op.kind), limits,
                                               static_cast<fb::RoomHistory>(op.history),
                                               static_cast<fb::RoomStatus>(op.status), op.guests_post,
                                               static_cast<fb::MemberRole>(op.pin_role))
                                 .Union()};
  }
  Packed operator()(const RoomRemove& op) {
    return {fb::Op::RoomRemove, fb::CreateRoomRemove(fbb, text(op.room)).Union()};
  }
  Packed operator()(const MemberPut& op) {
    const auto room = text(op.room);
    const auto user = text(op.user);
    return {
        fb::Op::MemberPut,
        fb::CreateMemberPut(fbb, room, user, static_cast<fb::MemberRole>(op.role), raw(op.since)).Union()};
  }
  Packed operator()(const MemberRemove& op) {
    const auto room = text(op.room);
    const auto user = text(op.user);
    return {fb::Op::MemberRemove, fb::CreateMemberRemove(fbb, room, user).Union()};
  }
  Packed operator()(const BlockPut& op) {
    const auto user = text(op.user);
    const auto blocked = text(op.blocked);
    return {fb::Op::BlockPut, fb::CreateBlockPut(fbb, user, blocked).Union()};
  }
  Packed operator()(const BlockRemove& op) {
    const auto user = text(op.user);
    const auto blocked = text(op.blocked);
    return {fb::Op::BlockRemove, fb::CreateBlockRemove(fbb, user, blocked).Union()};
  }
  Packed operator()(const SessionRevoke& op) {
    return {fb::Op::SessionRevoke, fb::CreateSessionRevoke(fbb, text(op.sid), op.until_s).Union()};
  }
  Packed operator()(const TokenPut& op) {
    const auto sha256 = fbb.CreateVector(op.sha256.data(), op.sha256.size());
    const auto user = text(op.user);
    const auto device = text(op.device);
    return {fb::Op::TokenPut,
            fb::CreateTokenPut(fbb, sha256, user, device, static_cast<fb::TokenRole>(op.role), op.until_s)
                .Union()};
  }
  Packed operator()(const TokenRemove& op) {
    const auto sha256 = fbb.CreateVector(op.sha256.data(), op.sha256.size());
    return {fb::Op::TokenRemove, fb::CreateTokenRemove(fbb, sha256).Union()};
  }
  Packed operator()(const LimitsPut& op) {
    return {fb::Op::LimitsPut, fb::CreateLimitsPut(fbb, text(op.name), op.messages_per_s, op.burst,
                                                   op.connections, op.requests_per_s, op.typing_per_s,
                                                   op.room_messages_per_s, op.room_bot_messages_per_s)
                                   .Union()};
  }
  Packed operator()(const EventPost& op) {
    const auto room = text(op.room);
    const auto from = text(op.from);
    const auto cid = fbb.CreateString(op.cid);
    const auto body = fbb.CreateString(op.body);
    const auto meta = fbb.CreateString(op.meta);
    return {fb::Op::EventPost,
            fb::CreateEventPost(fbb, room, static_cast<fb::Kind>(op.kind), from, cid, op.ts_ms, body, meta)
                .Union()};
  }
  Packed operator()(const UserEvent& op) {
    const auto user = text(op.user);
    return {fb::Op::UserEvent, fb::CreateUserEvent(fbb, user, fbb.CreateString(op.event)).Union()};
  }

 private:
  // Names come again and again in a snapshot and are stored once.
  Offset<flatbuffers::String> text(const std::string& value) { return fbb.CreateSharedString(value); }
};

std::string text(const flatbuffers::String* value) { return std::string(view(value)); }

// A digest of another length becomes nothing, which the caller refuses.
std::optional<Sha256> digest(const flatbuffers::Vector<std::uint8_t>* value) {
  Sha256 out{};
  if (value == nullptr || value->size() != out.size()) return std::nullopt;
  std::copy(value->begin(), value->end(), out.begin());
  return out;
}

std::optional<ControlOp> unpack_token_put(const fb::TokenPut& t) {
  const auto sha256 = digest(t.sha256());
  if (!sha256) return std::nullopt;
  return TokenPut{*sha256, text(t.user()), text(t.device()), static_cast<TokenRole>(t.role()), t.until()};
}

LimitsPut unpack_limits(const fb::LimitsPut& t) {
  LimitsPut op;
  op.name = text(t.name());
  op.messages_per_s = t.messages_per_s();
  op.burst = t.burst();
  op.connections = t.connections();
  op.requests_per_s = t.requests_per_s();
  op.typing_per_s = t.typing_per_s();
  op.room_messages_per_s = t.room_messages_per_s();
  op.room_bot_messages_per_s = t.room_bot_messages_per_s();
  return op;
}

RoomPut unpack_room(const fb::RoomPut& t) {
  RoomPut op;
  op.room = text(t.room());
  op.kind = static_cast<RoomKind>(t.kind());
  op.limits = text(t.limits());
  op.history = static_cast<RoomHistory>(t.history());
  op.status = static_cast<RoomStatus>(t.status());
  op.guests_post = t.guests_post();
  op.pin_role = static_cast<MemberRole>(t.pin_role());
  return op;
}

UserPut unpack_user(const fb::UserPut& t) {
  return {text(t.user()),   static_cast<TokenRole>(t.role()),    text(t.limits()),
          t.tokens_after(), static_cast<UserStatus>(t.status()), text(t.owner())};
}

// Nothing when the type is none we know, or a part is missing.
std::optional<ControlOp> unpack(const fb::ControlOp& entry) {
  if (entry.op() == nullptr) return std::nullopt;
  switch (entry.op_type()) {
    case fb::Op::NONE:
      return std::nullopt;
    case fb::Op::UserPut:
      return unpack_user(*entry.op_as_UserPut());
    case fb::Op::UserRemove:
      return UserRemove{text(entry.op_as_UserRemove()->user())};
    case fb::Op::RoomPut:
      return unpack_room(*entry.op_as_RoomPut());
    case fb::Op::RoomRemove:
      return RoomRemove{text(entry.op_as_RoomRemove()->room())};
    case fb::Op::MemberPut: {
      const auto& t = *entry.op_as_MemberPut();
      return MemberPut{text(t.room()), text(t.user()), static_cast<MemberRole>(t.role()), Seq{t.since()}};
    }
    case fb::Op::MemberRemove: {
      const auto& t = *entry.op_as_MemberRemove();
      return MemberRemove{text(t.room()), text(t.user())};
    }
    case fb::Op::BlockPut: {
      const auto& t = *entry.op_as_BlockPut();
      return BlockPut{text(t.user()), text(t.blocked())};
    }
    case fb::Op::BlockRemove: {
      const auto& t = *entry.op_as_BlockRemove();
      return BlockRemove{text(t.user()), text(t.blocked())};
    }
    case fb::Op::SessionRevoke: {
      const auto& t = *entry.op_as_SessionRevoke();
      return SessionRevoke{text(t.sid()), t.until()};
    }
    case fb::Op::TokenPut:
      return unpack_token_put(*entry.op_as_TokenPut());
    case fb::Op::TokenRemove: {
      const auto sha256 = digest(entry.op_as_TokenRemove()->sha256());
      if (!sha256) return std::nullopt;
      return TokenRemove{*sha256};
    }
    case fb::Op::LimitsPut:
      return unpack_limits(*entry.op_as_LimitsPut());
    case fb::Op::EventPost: {
      const auto& t = *entry.op_as_EventPost();
      return EventPost{
          text(t.room()), static_cast<Kind>(t.kind()), text(t.from()), text(t.cid()), t.ts(), text(t.body()),
          text(t.meta())};
    }
    case fb::Op::UserEvent:
      return UserEvent{text(entry.op_as_UserEvent()->user()), text(entry.op_as_UserEvent()->event())};
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::uint8_t> control_ops_to_flatbuffer(const std::vector<ControlOp>& ops) {
  FlatBufferBuilder fbb(1024 + ops.size() * 64);
  fbb.ForceDefaults(false);
  std::vector<Offset<fb::ControlOp>> offsets;
  offsets.reserve(ops.size());
  for (const ControlOp& op : ops) {
    const Packed packed = std::visit(Packer{fbb}, op);
    offsets.push_back(fb::CreateControlOp(fbb, packed.type, packed.offset));
  }
  fb::FinishControlOpsBuffer(fbb, fb::CreateControlOps(fbb, fbb.CreateVector(offsets)));
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

Result<std::vector<ControlOp>> control_ops_from_flatbuffer(Bytes bytes) {
  constexpr std::size_t kHeaderBytes = 8;
  const Refusal refusal{Code::bad_payload, "these bytes are no FlatBuffers ControlOps; see control.fbs"};
  if (bytes.size() <= kHeaderBytes || bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) return refusal;
  AlignedBytes copy;
  const Bytes aligned = copy.of(bytes);
  flatbuffers::Verifier verifier(aligned.data(), aligned.size(), kMaxDepth,
                                 static_cast<flatbuffers::uoffset_t>(aligned.size() / 4 + 1));
  if (!fb::VerifyControlOpsBuffer(verifier)) return refusal;
  std::vector<ControlOp> ops;
  const auto* list = fb::GetControlOps(aligned.data())->ops();
  if (list == nullptr) return ops;
  ops.reserve(list->size());
  for (const fb::ControlOp* entry : *list) {
    auto op = unpack(*entry);
    const std::string place = "operation " + std::to_string(ops.size()) + ": ";
    if (!op) return Refusal{Code::bad_payload, place + "of an unknown type, or incomplete"};
    if (auto problem = check_control_op(*op)) return Refusal{Code::bad_payload, place + problem->message};
    ops.push_back(std::move(*op));
  }
  return ops;
}

}  // namespace parley
