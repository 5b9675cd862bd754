// Each room's last sequence number, kept so that opening need not read the whole log. Internal to storage/.
#ifndef PARLEY_STORAGE_ROCKS_ROOM_TAILS_H_
#define PARLEY_STORAGE_ROCKS_ROOM_TAILS_H_

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "storage/log.h"
#include "storage/rocks_engine.h"

namespace parley::storage {

// An event carries its room and seq, so a room's tail is there as soon as its event is. What append() would
// have to write beside each event is gathered instead, by whoever syncs: the column family `rooms` holds the
// tails up to the offset in the mark, and the few thousand events after the mark are read at opening.
//
// Any thread but the log's writer, whom save() holds up for one small batch at a time.
class RocksRoomTails {
 public:
  struct Families {
    std::size_t meta, events, rooms;
  };
  RocksRoomTails(RocksEngine& engine, const Families& families) : engine_(engine), families_(families) {}

  // After each (re)opening of the engine.
  rocksdb::Status load();

  // Makes the tails hold up to `upto` (inclusive), in the engine's order of writes but not synced. A stall
  // leaves the rest to the next call.
  rocksdb::Status save(MessageId upto);
  MessageId saved() const { return MessageId{mark_.load(std::memory_order_acquire)}; }

  rocksdb::Status all(std::vector<RoomTail>& tails);

 private:
  rocksdb::Status put_all(const RocksEngine::Hold& db, const std::vector<RoomTail>& tails, MessageId upto);

  RocksEngine& engine_;
  const Families families_;
  std::mutex saving_;  // one save() at a time; no lock is taken below it
  std::atomic<std::uint64_t> mark_{0};
};

}  // namespace parley::storage

#endif
