#include "clients/parleyctl/log_follower.h"

#include <algorithm>

#include "schemas/message.h"
#include "schemas/topic.h"

namespace parley::ctl {
namespace {

constexpr std::uint64_t kPage = 500;
constexpr std::chrono::seconds kPatience{1};

}  // namespace

LogFollower::LogFollower(std::string room, std::optional<std::uint64_t> after, Sink sink)
    : room_(std::move(room)), offset_(after), sink_(std::move(sink)) {}

bool LogFollower::read(ControlClient& control, std::uint64_t limit) {
  if (!offset_) offset_ = 0;
  return fill(control, 0, limit);
}

void LogFollower::follow(ControlClient& control) {
  control.subscribe(std::string(kLogTopic));
  // What was written before the subscription took effect; live pages overlap with it and are trimmed by
  // offset.
  if (offset_ && !fill(control, 0, 0)) return;
  while (true) {
    const auto message = control.next(kPatience);
    if (message && !take_page(control, message->payload)) return;
  }
}

bool LogFollower::fill(ControlClient& control, std::uint64_t upto, std::uint64_t limit) {
  std::uint64_t printed = 0;
  while (true) {
    const std::uint64_t page = limit == 0 ? kPage : std::min(kPage, limit - printed);
    const ControlClient::LogRecords read = control.read_log(*offset_, page, room_);
    for (const ControlClient::LogRecord& record : read.records) {
      if (!print(record.offset, record.event)) return false;
      if (++printed == limit && limit != 0) return true;
    }
    const bool stuck = read.next <= *offset_ && read.records.empty();
    offset_ = std::max(*offset_, read.next);
    if (read.end || stuck || (upto != 0 && *offset_ >= upto)) return true;
  }
}

bool LogFollower::take_page(ControlClient& control, std::string_view payload) {
  const auto page = read_log_page({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
  if (!page || page->records.empty()) return true;
  if (offset_ && page->prev_offset > *offset_ && !fill(control, page->prev_offset, 0)) return false;
  EventReader reader;
  std::string text;
  for (const LogEntry& record : page->records) {
    const auto event = reader.read(record.event);
    if (!event || (offset_ && record.offset <= *offset_)) continue;
    if (!room_.empty() && event->stamp.room != room_) {
      offset_ = record.offset;
      continue;
    }
    text.clear();
    append_event_json(record.event, text);
    if (!print(record.offset, text)) return false;
  }
  return true;
}

bool LogFollower::print(std::uint64_t offset, std::string_view event_json) {
  if (offset_ && offset <= *offset_) return true;
  offset_ = offset;
  // {"room":...} becomes {"offset":"7","room":...}.
  std::string line = "{\"offset\":\"" + std::to_string(offset) + "\"";
  if (event_json.size() > 2) {
    line += ',';
    line += event_json.substr(1);
  } else {
    line += '}';
  }
  return sink_(line);
}

}  // namespace parley::ctl
