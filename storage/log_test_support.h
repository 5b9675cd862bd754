// What tests of the log share.
#ifndef PARLEY_STORAGE_LOG_TEST_SUPPORT_H_
#define PARLEY_STORAGE_LOG_TEST_SUPPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "schemas/snowflake.h"
#include "storage/log.h"

namespace parley::storage {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The id that node 1 gives out `ms` milliseconds after 2025-01-01 or so, with this counter.
inline MessageId id_at(std::uint64_t ms, std::uint64_t counter = 0) {
  return MessageId{((31'622'400'000 + ms) << 22) | (std::uint64_t{1} << 12) | counter};
}
inline std::uint64_t unix_ms_at(std::uint64_t ms) { return kSnowflakeEpochMs + 31'622'400'000 + ms; }

struct Message {
  std::string room = "general";
  std::uint64_t seq = 1;
  MessageId id = id_at(0);
  std::string sender = "alice";
  std::string cid = {};
  std::string event = "an event";
};

inline LogResult<void> append(Log& log, const Message& m) {
  return log.append({.room = m.room,
                     .seq = Seq{m.seq},
                     .id = m.id,
                     .sender = m.sender,
                     .cid = m.cid,
                     .event = bytes_of(m.event)});
}

struct Read {
  MessageId offset{0};
  std::string room;
  std::uint64_t seq = 0;
  std::string event;
  bool operator==(const Read&) const = default;
};
inline std::vector<Read> read_all(Log& log, MessageId after = MessageId{0},
                                  std::size_t max_records = 1'000'000'000) {
  std::vector<Read> records;
  const auto last = log.read(after, max_records, [&](const LogRecordView& record) {
    records.push_back({.offset = record.offset,
                       .room = std::string(record.room),
                       .seq = raw(record.seq),
                       .event = text_of(record.event)});
    return true;
  });
  if (!last) records.clear();
  return records;
}

}  // namespace parley::storage

#endif
