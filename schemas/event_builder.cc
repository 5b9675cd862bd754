// Builders of the bytes that are stored and delivered. Absent fields cost nothing: FlatBuffers leaves out
// what has its default value.
#include <vector>

#include "schemas/aligned.h"
#include "schemas/generated/event_generated.h"
#include "schemas/generated/frame_generated.h"
#include "schemas/generated/log_page_generated.h"
#include "schemas/generated/send_generated.h"
#include "schemas/message.h"

namespace parley {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using StringOffset = Offset<flatbuffers::String>;

constexpr std::size_t kInitialBytes = 4096;

StringOffset put(FlatBufferBuilder& fbb, std::string_view text) {
  return text.empty() ? StringOffset() : fbb.CreateString(text.data(), text.size());
}

// The parts Send and Event have in common and that take more than a string.
struct Lists {
  std::vector<StringOffset> strings;
  std::vector<Offset<fb::Attachment>> attachments;

  Offset<flatbuffers::Vector<StringOffset>> put_mentions(FlatBufferBuilder& fbb, const Send& send) {
    if (send.mentions.empty()) return 0;
    strings.clear();
    for (const std::string_view name : send.mentions)
      strings.push_back(fbb.CreateString(name.data(), name.size()));
    return fbb.CreateVector(strings);
  }
  Offset<flatbuffers::Vector<Offset<fb::Attachment>>> put_attachments(FlatBufferBuilder& fbb,
                                                                      const Send& send) {
    if (send.attachments.empty()) return 0;
    attachments.clear();
    for (const Attachment& a : send.attachments) {
      const StringOffset id = put(fbb, a.id);
      const StringOffset name = put(fbb, a.name);
      const StringOffset type = put(fbb, a.type);
      attachments.push_back(fb::CreateAttachment(fbb, id, name, type, a.size));
    }
    return fbb.CreateVector(attachments);
  }
};

Bytes bytes_of(const FlatBufferBuilder& fbb) { return {fbb.GetBufferPointer(), fbb.GetSize()}; }

Offset<fb::EventBytes> put_event(FlatBufferBuilder& fbb, Bytes event) {
  fbb.ForceVectorAlignment(event.size(), 1, kFlatbufferAlignment);
  return fb::CreateEventBytes(fbb, fbb.CreateVector(event.data(), event.size()));
}

}  // namespace

struct EventBuilder::Impl {
  FlatBufferBuilder fbb{kInitialBytes};
  Lists lists;
};
EventBuilder::EventBuilder() : impl_(std::make_unique<Impl>()) {}
EventBuilder::~EventBuilder() = default;

Bytes EventBuilder::build(const Stamp& stamp, const Send& send) {
  FlatBufferBuilder& fbb = impl_->fbb;
  fbb.Clear();
  const auto attachments = impl_->lists.put_attachments(fbb, send);
  const auto mentions = impl_->lists.put_mentions(fbb, send);
  const auto emoji = put(fbb, send.emoji);
  const auto meta = put(fbb, send.meta);
  const auto body = put(fbb, send.body);
  const auto device = put(fbb, stamp.device);
  const auto from = put(fbb, stamp.from);
  const auto cid = put(fbb, send.cid);
  const auto room = put(fbb, stamp.room);
  fb::FinishEventBuffer(
      fbb, fb::CreateEvent(fbb, room, raw(stamp.seq), raw(stamp.prev), raw(stamp.id), cid, from, device,
                           static_cast<fb::MemberRole>(stamp.role), stamp.ts_ms,
                           static_cast<fb::Kind>(send.kind), body, raw(send.reply_to), mentions, attachments,
                           meta, send.expires_in_s, raw(send.target), emoji));
  return bytes_of(fbb);
}

struct FrameBuilder::Impl {
  FlatBufferBuilder fbb{kInitialBytes};
  std::vector<Offset<fb::EventBytes>> events;
};
FrameBuilder::FrameBuilder() : impl_(std::make_unique<Impl>()) {}
FrameBuilder::~FrameBuilder() = default;

Bytes FrameBuilder::build(std::string_view room, std::span<const Bytes> events) {
  FlatBufferBuilder& fbb = impl_->fbb;
  fbb.Clear();
  impl_->events.clear();
  for (const Bytes event : events) impl_->events.push_back(put_event(fbb, event));
  const auto list = fbb.CreateVector(impl_->events);
  fb::FinishFrameBuffer(fbb, fb::CreateFrame(fbb, put(fbb, room), list));
  return bytes_of(fbb);
}

struct LogPageBuilder::Impl {
  FlatBufferBuilder fbb{kInitialBytes};
  std::vector<Offset<fb::LogRecord>> records;
};
LogPageBuilder::LogPageBuilder() : impl_(std::make_unique<Impl>()) {}
LogPageBuilder::~LogPageBuilder() = default;

Bytes LogPageBuilder::build(std::uint16_t node, std::uint64_t prev_offset,
                            std::span<const LogEntry> records) {
  FlatBufferBuilder& fbb = impl_->fbb;
  fbb.Clear();
  impl_->records.clear();
  for (const LogEntry& record : records) {
    const auto event = put_event(fbb, record.event);
    impl_->records.push_back(fb::CreateLogRecord(fbb, record.offset, event));
  }
  const auto list = fbb.CreateVector(impl_->records);
  fb::FinishLogPageBuffer(fbb, fb::CreateLogPage(fbb, node, prev_offset, list));
  return bytes_of(fbb);
}

std::vector<std::uint8_t> send_to_flatbuffer(const Send& send) {
  FlatBufferBuilder fbb(kInitialBytes);
  Lists lists;
  const auto attachments = lists.put_attachments(fbb, send);
  const auto mentions = lists.put_mentions(fbb, send);
  const auto emoji = put(fbb, send.emoji);
  const auto meta = put(fbb, send.meta);
  const auto body = put(fbb, send.body);
  const auto cid = put(fbb, send.cid);
  fb::FinishSendBuffer(
      fbb, fb::CreateSend(fbb, cid, static_cast<fb::Kind>(send.kind), body, raw(send.reply_to), mentions,
                          attachments, meta, send.expires_in_s, raw(send.target), emoji));
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

}  // namespace parley
