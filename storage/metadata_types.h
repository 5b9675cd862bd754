// Metadata: what its interfaces share. Times are milliseconds since 1970 (`_ms`) or seconds (`_s`) where
// tokens and facts count in seconds; zero means "none" or "no end".
#ifndef PARLEY_STORAGE_METADATA_TYPES_H_
#define PARLEY_STORAGE_METADATA_TYPES_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/control.h"
#include "schemas/room_policy.h"

namespace parley::storage {

enum class MetadataError : std::uint8_t {
  not_found,         // `field` says what: "user", "room", "member", "session", "token", "invite", ...
  conflict,          // a name that is taken, a member who already is one, the last owner leaving
  version_mismatch,  // If-Match did not match; nothing was changed
  unauthorized,      // a refresh token that is unknown, expired or revoked
  reused,            // a refresh token that two have: its whole session has been revoked
  forbidden,         // the actor's role, read inside the transaction, does not allow it
  not_member,        // the actor is not in that room
  banned,            // from that room
  blocked,           // one of the two users blocked the other
  invalid,           // `field` says what and `message` what to send instead
  limit,             // group size, rooms an hour; `retry_after_ms` when waiting helps
  key_reused,        // the idempotency key was used for a different request
  too_old,           // changes_after: trimmed away; take a snapshot
  unavailable,       // Postgres is away or too slow; nothing is known to have changed; try again
  internal,          // a statement Postgres refused that it should not have; the log has it
};
std::string_view to_string(MetadataError error);

struct MetadataFault {
  MetadataError code = MetadataError::internal;
  std::string message;  // for people; never holds secrets or SQL
  std::string field;    // the request's field or the kind of thing it is about; may be empty
  std::int64_t retry_after_ms = 0;
};
template <class T>
using MetadataResult = boost::system::result<T, MetadataFault>;
[[noreturn]] void throw_exception_from_error(const MetadataFault& fault, const boost::source_location&);

// The same request sent again is done once: the key is recorded in the transaction of the change, for the
// actor and the operation, and the second call gets the first one's outcome (as it stands now) with
// `replayed` set.
struct IdempotencyKey {
  std::string key;          // the client's; empty: none
  std::string fingerprint;  // hash of the request; a different one under the same key is `key_reused`
};

// On whose behalf something is done. `user` is who is asked for permission and who is named in events and
// audit.
struct Actor {
  std::string user;
  bool admin = false;      // of the server
  std::string request_id;  // to the audit log
  std::string address;     // to the audit log
  IdempotencyKey once{};
};

// One page in the order of a cursor. `next` is opaque to clients: hand it in as `after`; empty at the end.
template <class T>
struct Page {
  std::vector<T> items;
  std::string next;
};
struct PageRequest {
  std::string after;          // empty: from the beginning. A cursor that is none is `invalid`
  std::uint32_t limit = 100;  // 1 to kPageLimit; more is cut
};
inline constexpr std::uint32_t kPageLimit = 1000;

// What a create gives back.
template <class T>
struct Created {
  T value;
  bool replayed = false;  // by idempotency key
  bool existed = false;   // a direct room of the pair, a member who was one, ...: nothing was changed
};

}  // namespace parley::storage

#endif
