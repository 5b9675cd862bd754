// Readers of FlatBuffers that come from outside: verified first, and copied when they begin at an odd
// address.
#include "schemas/aligned.h"
#include "schemas/flatbuffer_fields.h"
#include "schemas/generated/event_generated.h"
#include "schemas/generated/frame_generated.h"
#include "schemas/generated/log_page_generated.h"
#include "schemas/message.h"
#include "schemas/message_json.h"

namespace parley {
namespace {

constexpr flatbuffers::uoffset_t kMaxDepth = 8;
constexpr std::size_t kHeaderBytes = 8;  // root offset and identifier
constexpr std::size_t kMaxBytes = FLATBUFFERS_MAX_BUFFER_SIZE;

// A table takes at least four bytes, so this many cannot be passed but by tables that share their bytes.
flatbuffers::uoffset_t max_tables(Bytes bytes) {
  return static_cast<flatbuffers::uoffset_t>(bytes.size() / 4 + 1);
}

flatbuffers::Verifier verifier_of(Bytes bytes) {
  return flatbuffers::Verifier(bytes.data(), bytes.size(), kMaxDepth, max_tables(bytes));
}

bool has_size(Bytes bytes) { return bytes.size() > kHeaderBytes && bytes.size() < kMaxBytes; }

// The bytes inside `copy` that `vector` holds, as a part of `original`.
Bytes in_original(const flatbuffers::Vector<std::uint8_t>* vector, Bytes copy, Bytes original) {
  return original.subspan(static_cast<std::size_t>(vector->data() - copy.data()), vector->size());
}

}  // namespace

struct EventReader::Impl {
  AlignedBytes aligned;
  ListStore lists;
  std::optional<MessageJsonReader> json;
  std::string json_text;
};
EventReader::EventReader() : impl_(std::make_unique<Impl>()) {}
EventReader::~EventReader() = default;

std::optional<Event> EventReader::read(Bytes bytes) {
  if (!has_size(bytes)) return std::nullopt;
  const Bytes aligned = impl_->aligned.of(bytes);
  flatbuffers::Verifier verifier = verifier_of(aligned);
  if (!fb::VerifyEventBuffer(verifier)) return std::nullopt;
  const fb::Event& table = *fb::GetEvent(aligned.data());
  Event event;
  event.stamp = {view(table.room()),
                 Seq{table.seq()},
                 Seq{table.prev()},
                 MessageId{table.id()},
                 view(table.from()),
                 view(table.device()),
                 static_cast<MemberRole>(table.role()),
                 table.ts()};
  read_send_fields(table, impl_->lists, event.send);
  return event;
}

std::optional<Event> EventReader::read_json(std::string_view json) {
  if (!impl_->json) {
    MessageLimits limits;  // an event has passed them once; a later server may have higher ones
    limits.mentions = limits.attachments = static_cast<std::size_t>(-2);
    impl_->json.emplace(MessageJsonReader::Fields::of_event, limits);
  }
  if (impl_->json->read(json) != MessageJsonReader::Outcome::ok) return std::nullopt;
  return impl_->json->event();
}

std::optional<FrameView> read_frame(Bytes bytes) {
  if (!has_size(bytes)) return std::nullopt;
  AlignedBytes copy;
  const Bytes aligned = copy.of(bytes);
  flatbuffers::Verifier verifier = verifier_of(aligned);
  if (!fb::VerifyFrameBuffer(verifier)) return std::nullopt;
  const fb::Frame& table = *fb::GetFrame(aligned.data());
  FrameView frame;
  if (const auto* room = table.room()) {
    const auto at = static_cast<std::size_t>(room->Data() - aligned.data());
    frame.room = {reinterpret_cast<const char*>(bytes.data()) + at, room->size()};
  }
  if (const auto* events = table.events()) {
    frame.events.reserve(events->size());
    for (const fb::EventBytes* event : *events) {
      if (event->data() == nullptr) return std::nullopt;
      frame.events.push_back(in_original(event->data(), aligned, bytes));
    }
  }
  return frame;
}

std::optional<LogPageView> read_log_page(Bytes bytes) {
  if (!has_size(bytes)) return std::nullopt;
  AlignedBytes copy;
  const Bytes aligned = copy.of(bytes);
  flatbuffers::Verifier verifier = verifier_of(aligned);
  if (!fb::VerifyLogPageBuffer(verifier)) return std::nullopt;
  const fb::LogPage& table = *fb::GetLogPage(aligned.data());
  LogPageView page;
  page.node = table.node();
  page.prev_offset = table.prev();
  if (const auto* records = table.records()) {
    page.records.reserve(records->size());
    for (const fb::LogRecord* record : *records) {
      if (record->event() == nullptr || record->event()->data() == nullptr) return std::nullopt;
      page.records.push_back({record->offset(), in_original(record->event()->data(), aligned, bytes)});
    }
  }
  return page;
}

}  // namespace parley
