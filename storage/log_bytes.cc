#include "storage/log_bytes.h"

namespace parley::storage {

std::optional<std::uint64_t> parse_fixed64(std::string_view bytes) {
  if (bytes.size() != kFixed64) return std::nullopt;
  return get_fixed64(bytes.data());
}

EventHeader::EventHeader(Seq seq, std::string_view room) : size_(kFixed64 + 1 + room.size()) {
  put_fixed64(raw(seq), bytes_.data());
  bytes_[kFixed64] = static_cast<char>(room.size());
  std::memcpy(bytes_.data() + kFixed64 + 1, room.data(), room.size());
}

std::optional<EventValue> parse_event_value(std::string_view value) {
  if (value.size() < kFixed64 + 1) return std::nullopt;
  const std::size_t room_size = static_cast<std::uint8_t>(value[kFixed64]);
  const std::size_t event_at = kFixed64 + 1 + room_size;
  if (value.size() < event_at) return std::nullopt;
  return EventValue{.seq = Seq{get_fixed64(value.data())},
                    .room = value.substr(kFixed64 + 1, room_size),
                    .event = Bytes(reinterpret_cast<const std::uint8_t*>(value.data()) + event_at,
                                   value.size() - event_at)};
}

void make_cid_key(std::string_view room, std::string_view sender, std::string_view cid, std::string& out) {
  out.clear();
  out.append(room).push_back('\0');
  out.append(sender).push_back('\0');
  out.append(cid);
}

std::optional<CidValue> parse_cid_value(std::string_view value) {
  if (value.size() != 2 * kFixed64) return std::nullopt;
  return CidValue{.id = MessageId{get_fixed64(value.data())},
                  .seq = Seq{get_fixed64(value.data() + kFixed64)}};
}

}  // namespace parley::storage
