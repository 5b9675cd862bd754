// Bytes of the log's keys and values. Pure; views point into the bytes they were read from.
//
//   fixed64    = 8 bytes, big endian (so that keys sort by number)
//
//   column family `events`: every event kept, in the order appended
//     key      = offset:fixed64                      the message id
//     value    = seq:fixed64 room-length:byte room event
//   column family `cids`: idempotency
//     key      = room 0x00 sender 0x00 cid           literal: equal keys are equal messages, no hash to
//     collide;
//                                                    neighbours in a room by one sender share blocks and
//                                                    filters
//     value    = offset:fixed64 seq:fixed64          counts only while offset is not below `low`
//   column family `rooms`
//     key      = room
//     value    = seq:fixed64                         of the room's last event not above `tails`; outlives it
//   column family `default`: about the log itself
//     "format"        = 0x01
//     "low"           = offset:fixed64               events below it are gone, whether or not their bytes are
//     "high"          = offset:fixed64               newest ever trimmed: ids go on rising in an emptied log
//     "tails"         = offset:fixed64               `rooms` holds what the events up to it say
//     "cursor/" name  = offset:fixed64
#ifndef PARLEY_STORAGE_LOG_BYTES_H_
#define PARLEY_STORAGE_LOG_BYTES_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "schemas/ids.h"
#include "schemas/message.h"

namespace parley::storage {

inline constexpr std::size_t kFixed64 = 8;
inline constexpr std::size_t kMaxRoomBytes = 255;
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kFormat = "\x01";
inline constexpr std::string_view kLowKey = "low";
inline constexpr std::string_view kHighKey = "high";
inline constexpr std::string_view kCursorPrefix = "cursor/";

inline void put_fixed64(std::uint64_t value, char* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<char>(value & 0xff);
}
inline std::uint64_t get_fixed64(const char* in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kFixed64; ++i) value = (value << 8) | static_cast<std::uint8_t>(in[i]);
  return value;
}

// A number as a key or value on the stack.
class Fixed64 {
 public:
  explicit Fixed64(std::uint64_t value) { put_fixed64(value, bytes_.data()); }
  explicit Fixed64(MessageId id) : Fixed64(raw(id)) {}
  explicit Fixed64(Seq seq) : Fixed64(raw(seq)) {}
  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }

 private:
  std::array<char, kFixed64> bytes_;
};
std::optional<std::uint64_t> parse_fixed64(std::string_view bytes);

// What stands before the event in a value of `events`.
class EventHeader {
 public:
  // `room` is at most kMaxRoomBytes long.
  EventHeader(Seq seq, std::string_view room);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kFixed64 + 1 + kMaxRoomBytes> bytes_;
  std::size_t size_;
};
struct EventValue {
  Seq seq{0};
  std::string_view room;
  Bytes event;
};
std::optional<EventValue> parse_event_value(std::string_view value);

// Writes the key over `out`, whose memory is reused.
void make_cid_key(std::string_view room, std::string_view sender, std::string_view cid, std::string& out);

struct CidValue {
  MessageId id{0};
  Seq seq{0};
};
std::optional<CidValue> parse_cid_value(std::string_view value);

}  // namespace parley::storage

#endif
