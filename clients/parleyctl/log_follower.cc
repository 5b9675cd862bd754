#include "clients/parleyctl/log_follower.h"

#include <charconv>

#include "schemas/message.h"
#include "schemas/topic.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kPage = 500;
constexpr std::chrono::seconds kPatience{1};

// Offsets are 64 bits, so JSON carries them as strings; a number is taken too.
std::uint64_t offset_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr) return 0;
  if (value->is_string()) {
    const std::string_view text = value->as_string();
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  boost::system::error_code error;
  const auto number = value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

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
    json::object fields{{"offset", *offset_}, {"limit", page}, {"encoding", "json"}};
    if (!room_.empty()) fields["room"] = room_;
    const json::object answer = control.call("log.read", std::move(fields));
    const json::value* events = answer.if_contains("events");
    if (events == nullptr || !events->is_array()) throw Failure("log.read: the answer has no events");
    for (const json::value& value : events->as_array()) {
      const json::object* record = value.if_object();
      const json::value* event = record != nullptr ? record->if_contains("event") : nullptr;
      if (event == nullptr) continue;
      if (!print(offset_of(*record, "offset"), json::serialize(*event))) return false;
      if (++printed == limit && limit != 0) return true;
    }
    const std::uint64_t next = offset_of(answer, "next");
    const bool stuck = next <= *offset_ && events->as_array().empty();
    offset_ = std::max(*offset_, next);
    const json::value* end = answer.if_contains("end");
    const bool ended = end == nullptr || !end->is_bool() || end->as_bool();
    if (ended || stuck || (upto != 0 && *offset_ >= upto)) return true;
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
