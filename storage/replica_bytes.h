// Bytes of the replica's keys and values. Pure.
//
//   key        = 0x00 "state"                        where we are: value = generation:byte version:fixed64
//                                                    mark:fixed64 form:byte
//              | generation:byte fact                 generation is 1 to 254; only one serves, see
//              rocks_replica.cc
//   fact       = 0x01 limits-name                     in the order in which they can be applied
//              | 0x02 user
//              | 0x03 sha256                          API token
//              | 0x04 sid                             revoked session
//              | 0x05 user 0x00 blocked-user
//              | 0x06 room
//              | 0x07 room 0x00 user                  member
//              | 0x08 user 0x00 room                  index: rooms a user may be a member of; value empty
//              | 0x09 user 0x00 sha256                index: tokens that may be a user's; value empty
//   value      = the operation as JSON (schemas/control.h): its fields may grow without a change here
//              | role:byte since:fixed64              of a member, because there are so many
//
// An index may name what is gone (a removed room leaves its members' entries), so its reader checks.
#ifndef PARLEY_STORAGE_REPLICA_BYTES_H_
#define PARLEY_STORAGE_REPLICA_BYTES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/control.h"
#include "storage/feed_position.h"

namespace parley::storage {

enum class FactType : char {
  limits = 1,
  user,
  token,
  session,
  block,
  room,
  member,
  rooms_of_user,
  tokens_of_user
};
inline constexpr FactType kFirstIndex = FactType::rooms_of_user;
using Generation = std::uint8_t;
inline constexpr Generation kFirstGeneration = 1;
inline constexpr Generation kLastGeneration = 254;
inline const std::string kStateKey("\0state", 6);

// A key built in place, its memory reused.
class FactKey {
 public:
  FactKey& set(Generation generation, FactType type, std::string_view name);
  FactKey& set(Generation generation, FactType type, std::string_view first, std::string_view second);
  // All keys of that type whose first name is this one lie from set(generation, type, first, "") to this.
  FactKey& set_end(Generation generation, FactType type, std::string_view first);
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

// The parts of a two-part fact, without generation and type.
struct NamePair {
  std::string_view first;
  std::string_view second;
};
std::optional<NamePair> parse_pair(std::string_view key);
std::optional<FactType> fact_type(std::string_view key);
std::string_view sha_text(const Sha256& sha256);

// What the facts of a replica can say; rises when the feed has to bring all of them once more. 1: owners of
// bots. A replica from before goes on working, but is at a place in the feed at which no change is, so that
// it gets a snapshot.
inline constexpr char kReplicaForm = 1;
inline constexpr std::uint64_t kMarkOfNoChange = 2;  // those of changes are odd

struct ReplicaState {
  Generation generation = kFirstGeneration;
  FeedPosition position{};
};
std::string state_value(const ReplicaState& state);
std::optional<ReplicaState> parse_state(std::string_view value);

std::string member_value(const MemberPut& member);
// A fact's operation from its key and value; nothing when they are not of the grammar.
std::optional<ControlOp> parse_fact(std::string_view key, std::string_view value);

}  // namespace parley::storage

#endif
