// The metadata as brokers see it: numbered changes and snapshots of facts.
//
// Versions are given in the order of commit, without gaps, so what changes_after() gives is complete: no
// smaller version appears later.
#ifndef PARLEY_STORAGE_METADATA_FEED_H_
#define PARLEY_STORAGE_METADATA_FEED_H_

#include <chrono>
#include <functional>

#include "storage/feed_position.h"
#include "storage/metadata_types.h"

namespace parley::storage {

struct ChangeRow {
  std::uint64_t version = 0;
  // A JSON array of control operations as the broker takes them (schemas/control.h), events among the facts:
  // {"op":"event.post",...} and {"op":"user.event",...}. May be empty: "[]".
  std::string ops_json;
  std::uint64_t mark = 0;  // of FeedPosition
};

enum class Wake : std::uint8_t {
  changed,  // a change was committed since the last wait; the first wait after (re)connecting gives it too
  timeout,  //
  interrupted,  // by interrupt()
  lost,         // the connection; the next wait connects anew
};

// Gets facts in an order in which they can be applied. Returns false to stop (the snapshot is then
// `conflict`).
using FactVisitor = std::function<bool(std::vector<ControlOp>&& facts)>;

class Feed {
 public:
  virtual ~Feed() = default;

  // Any thread.
  virtual MetadataResult<std::uint64_t> head() = 0;
  // Rising, from after+1 on; empty when there are none. At most `limit` rows and about 1 MiB of ops, at least
  // one row. `too_old`: after+1 has been trimmed away, or `after` is of another history: ahead of the head,
  // or not the change that has its version here. Take a snapshot then.
  virtual MetadataResult<std::vector<ChangeRow>> changes_after(FeedPosition after, std::uint32_t limit) = 0;
  // All facts at one version, in portions of some thousand, read through a cursor in one REPEATABLE READ
  // transaction on a connection of its own. Gives where that is.
  virtual MetadataResult<FeedPosition> snapshot(const FactVisitor& visit) = 0;
  // Keeps the newest `keep` changes; gives how many went. A little at a time.
  virtual MetadataResult<std::uint64_t> trim_changes(std::uint64_t keep) = 0;
  // Drops what has expired: sessions, refresh and API tokens, invites, idempotency keys. Small transactions.
  virtual MetadataResult<std::uint64_t> sweep() = 0;

  // One thread: the feeder's. An advisory lock on a connection of its own: held by one process of all that
  // share the database, given up with the connection.
  virtual MetadataResult<bool> try_lead() = 0;  // true: leads now
  virtual bool leading() = 0;                   // asks the connection; false once it is lost
  virtual void resign() = 0;

  // One thread: the feeder's, and interrupt() from any.
  virtual Wake wait_for_change(std::chrono::milliseconds timeout) = 0;
  virtual void interrupt() = 0;
};

}  // namespace parley::storage

#endif
