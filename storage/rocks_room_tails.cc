#include "storage/rocks_room_tails.h"

#include <rocksdb/write_batch.h>

#include <limits>
#include <string>
#include <unordered_map>

#include "storage/log_bytes.h"

namespace parley::storage {
namespace {

using rocksdb::Slice;
using rocksdb::Status;
using Hold = RocksEngine::Hold;

constexpr std::size_t kRoomsPerBatch = 64;  // the log's writer waits for one batch: tens of microseconds
constexpr std::string_view kTailsKey = "tails";

Slice slice(std::string_view text) { return {text.data(), text.size()}; }

// Adds what the events with `after` < offset <= `upto` say.
Status read_events(const Hold& db, std::size_t events, std::uint64_t after, std::uint64_t upto,
                   std::unordered_map<std::string, Seq>& tails) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, db.family(events)));
  const Fixed64 start(after + 1);
  std::string room;
  for (it->Seek(slice(start.view())); it->Valid(); it->Next()) {
    const auto id = parse_fixed64(it->key().ToStringView());
    const auto value = parse_event_value(it->value().ToStringView());
    if (!id || !value) return Status::Corruption("an event that is none");
    if (*id > upto) break;
    room.assign(value->room);
    tails[room] = value->seq;
  }
  return it->status();
}

}  // namespace

Status RocksRoomTails::load() {
  const Hold db = engine_.hold();
  if (!db) return Status::IOError("closed");
  std::string value;
  Status status = db->Get(rocksdb::ReadOptions(), db.family(families_.meta), slice(kTailsKey), &value);
  if (!status.ok() && !status.IsNotFound()) return status;
  const auto mark = status.ok() ? parse_fixed64(value) : std::optional<std::uint64_t>(0);
  if (!mark) return Status::Corruption("bad value of tails");
  mark_.store(*mark, std::memory_order_release);
  return Status::OK();
}

Status RocksRoomTails::save(MessageId upto) {
  const std::lock_guard lock(saving_);
  if (upto <= saved()) return Status::OK();
  const Hold db = engine_.hold();
  if (!db) return Status::IOError("closed");
  std::unordered_map<std::string, Seq> found;
  Status status = read_events(db, families_.events, raw(saved()), raw(upto), found);
  if (!status.ok()) return status;
  std::vector<RoomTail> tails;
  tails.reserve(found.size());
  for (auto& [room, seq] : found) tails.push_back({room, seq});
  status = put_all(db, tails, upto);
  if (status.ok()) mark_.store(raw(upto), std::memory_order_release);
  return status;
}

// The mark goes with the last batch: after a crash in between, some tails are known that will be read again.
Status RocksRoomTails::put_all(const Hold& db, const std::vector<RoomTail>& tails, MessageId upto) {
  rocksdb::WriteOptions options;
  options.no_slowdown = true;
  rocksdb::WriteBatch batch;
  for (std::size_t i = 0; i < tails.size(); ++i) {
    const Fixed64 seq(tails[i].last);
    Status status = batch.Put(db.family(families_.rooms), slice(tails[i].room), slice(seq.view()));
    if (status.ok() && batch.Count() >= static_cast<int>(kRoomsPerBatch) && i + 1 < tails.size()) {
      status = db->Write(options, &batch);
      batch.Clear();
    }
    if (!status.ok()) return status;
  }
  const Fixed64 mark(upto);
  Status status = batch.Put(db.family(families_.meta), slice(kTailsKey), slice(mark.view()));
  return status.ok() ? db->Write(options, &batch) : status;
}

Status RocksRoomTails::all(std::vector<RoomTail>& tails) {
  const Hold db = engine_.hold();
  if (!db) return Status::IOError("closed");
  std::unordered_map<std::string, Seq> found;
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(options, db.family(families_.rooms)));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    const auto seq = parse_fixed64(it->value().ToStringView());
    if (!seq) return Status::Corruption("bad tail of " + it->key().ToString());
    found[it->key().ToString()] = Seq{*seq};
  }
  if (!it->status().ok()) return it->status();
  Status status =
      read_events(db, families_.events, raw(saved()), std::numeric_limits<std::uint64_t>::max(), found);
  for (auto& [room, seq] : found) tails.push_back({room, seq});
  return status;
}

}  // namespace parley::storage
