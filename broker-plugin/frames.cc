#include "broker-plugin/frames.h"

#include "schemas/json_text.h"
#include "schemas/snowflake.h"
#include "schemas/topic.h"

namespace parley::plugin {
namespace {

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace

void LaneEvents::add(Bytes event) {
  bytes.resize((bytes.size() + 7) & ~std::size_t{7});
  spans.emplace_back(static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(event.size()));
  bytes.append(as_text(event));
}

void LaneEvents::clear() {
  constexpr std::size_t kKeepBytes = 64u << 10;  // there may be very many lanes
  if (bytes.capacity() > kKeepBytes) {
    bytes = std::string();
    spans = {};
  }
  bytes.clear();
  spans.clear();
}

void FramePacker::pack(const LaneEvents& lane, const std::array<std::uint32_t, kFormats>& listeners,
                       std::uint64_t now_ns, std::vector<Outgoing>& out) {
  if (listeners[static_cast<std::size_t>(Format::binary)] > 0) pack_binary(lane, now_ns, out);
  if (listeners[static_cast<std::size_t>(Format::json)] > 0) pack_lines(lane, Format::json, now_ns, out);
  if (listeners[static_cast<std::size_t>(Format::ndjson)] > 0) pack_lines(lane, Format::ndjson, now_ns, out);
}

std::size_t FramePacker::end_of_frame(const LaneEvents& lane, std::size_t begin) const {
  std::size_t end = begin, bytes = 0;
  while (end < lane.spans.size() && end - begin < limits_.events) {
    bytes += lane.spans[end].second;
    if (end > begin && bytes > limits_.bytes) break;
    ++end;
  }
  return end;
}

void FramePacker::pack_binary(const LaneEvents& lane, std::uint64_t now_ns, std::vector<Outgoing>& out) {
  for (std::size_t begin = 0; begin < lane.spans.size();) {
    const std::size_t end = end_of_frame(lane, begin);
    events_.clear();
    for (std::size_t i = begin; i < end; ++i) events_.push_back(lane.at(i));
    const Bytes frame = builder_.build(lane.room_name, events_);
    out.push_back({RoomFrame{lane.room, Format::binary, static_cast<std::uint32_t>(end - begin)},
                   Payload(frame.data(), frame.size()), now_ns});
    begin = end;
  }
}

void FramePacker::pack_lines(const LaneEvents& lane, Format format, std::uint64_t now_ns,
                             std::vector<Outgoing>& out) {
  for (std::size_t begin = 0; begin < lane.spans.size();) {
    const std::size_t end = format == Format::json ? begin + 1 : end_of_frame(lane, begin);
    text_.clear();
    for (std::size_t i = begin; i < end; ++i) {
      append_event_json(lane.at(i), text_);
      if (format == Format::ndjson) text_ += '\n';
    }
    out.push_back(
        {RoomFrame{lane.room, format, static_cast<std::uint32_t>(end - begin)}, Payload(text_), now_ns});
    begin = end;
  }
}

void TailPacker::pack(const CommitBatch& batch, std::uint64_t now_ns, std::vector<Outgoing>& out) {
  std::size_t bytes = 0;
  std::uint64_t prev = last_offset_;
  const auto flush = [&] {
    if (entries_.empty()) return;
    const Bytes page = builder_.build(node_, prev, entries_);
    out.push_back({PlainTopic{std::string(kLogTopic)}, Payload(page.data(), page.size()), now_ns});
    prev = entries_.back().offset;
    entries_.clear();
    bytes = 0;
  };
  for (const Pending& item : batch.items) {
    if (item.duplicate) continue;
    if (item.tail) {
      if (bytes > 0 && (bytes + item.event_size > limits_.bytes || entries_.size() >= limits_.events))
        flush();
      if (entries_.empty()) prev = last_offset_;
      entries_.push_back({raw(item.id), batch.event(item)});
      bytes += item.event_size;
    } else {
      flush();  // a page's `prev` must not stand for what lies between its records
    }
    last_offset_ = raw(item.id);
  }
  flush();
}

std::string ack_json(std::string_view room, std::string_view cid, Seq seq, MessageId id, std::uint64_t ts_ms,
                     bool duplicate) {
  std::string out;
  JsonObjectWriter json(out);
  json.text("type", "ack");
  json.text("room", room);
  json.text_if("cid", cid);
  json.number("seq", raw(seq));
  json.id_if("id", raw(id));
  json.number("ts", ts_ms);
  json.key("duplicate");
  out += duplicate ? "true" : "false";
  json.close();
  return out;
}

std::string error_json(std::string_view room, std::string_view cid, const Refusal& refusal) {
  std::string out;
  JsonObjectWriter json(out);
  json.text("type", "error");
  json.text_if("room", room);
  json.text_if("cid", cid);
  json.text("code", to_string(refusal.code));
  json.text("message", refusal.message);
  json.number_if("retry_after_ms", static_cast<std::uint64_t>(refusal.retry_after.count()));
  json.close();
  return out;
}

}  // namespace parley::plugin
