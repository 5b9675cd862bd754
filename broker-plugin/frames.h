// From durable events to the payloads that leave: frames in three formats, followers' pages, acknowledgments.
// One object belongs to one thread (the committer's) and keeps its buffers.
#ifndef PARLEY_BROKER_PLUGIN_FRAMES_H_
#define PARLEY_BROKER_PLUGIN_FRAMES_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker-plugin/commit_queue.h"
#include "broker-plugin/delivery_queue.h"
#include "schemas/message.h"

namespace parley::plugin {

struct FrameLimits {
  std::size_t bytes = 256 * 1024;  // of event bytes; a single larger event still goes alone
  std::size_t events = 512;
};

// Events of one room, copied, in order. Each starts at a multiple of 8, so that it can be read in place.
struct LaneEvents {
  RoomIndex room = kNoRoom;
  std::string_view room_name;
  std::string bytes;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> spans;  // offset, size

  void add(Bytes event);
  Bytes at(std::size_t i) const {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()) + spans[i].first, spans[i].second};
  }
  void clear();
};

class FramePacker {
 public:
  explicit FramePacker(FrameLimits limits) : limits_(limits) {}
  // Appends the frames of all events in every format that has listeners.
  void pack(const LaneEvents& lane, const std::array<std::uint32_t, kFormats>& listeners,
            std::uint64_t now_ns, std::vector<Outgoing>& out);

 private:
  std::size_t end_of_frame(const LaneEvents& lane, std::size_t begin) const;
  void pack_binary(const LaneEvents& lane, std::uint64_t now_ns, std::vector<Outgoing>& out);
  void pack_lines(const LaneEvents& lane, Format format, std::uint64_t now_ns, std::vector<Outgoing>& out);

  FrameLimits limits_;
  FrameBuilder builder_;
  std::vector<Bytes> events_;
  std::string text_;
};

// Pages of the log for its followers, on $parley/log.
class TailPacker {
 public:
  TailPacker(std::uint16_t node, MessageId last, FrameLimits limits)
      : node_(node), last_offset_(raw(last)), limits_(limits) {}
  void pack(const CommitBatch& batch, std::uint64_t now_ns, std::vector<Outgoing>& out);

 private:
  std::uint16_t node_;
  std::uint64_t last_offset_;
  FrameLimits limits_;
  LogPageBuilder builder_;
  std::vector<LogEntry> entries_;
};

// The `ack` of protocol.md as JSON.
std::string ack_json(std::string_view room, std::string_view cid, Seq seq, MessageId id, std::uint64_t ts_ms,
                     bool duplicate);
// The `error` event.
std::string error_json(std::string_view room, std::string_view cid, const Refusal& refusal);

}  // namespace parley::plugin

#endif
