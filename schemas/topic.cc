#include "schemas/topic.h"

#include <array>

#include "schemas/ids.h"

namespace parley {
namespace {

constexpr std::string_view kRooms = "rooms/";
constexpr std::string_view kUsers = "users/";
constexpr std::string_view kInternal = "$parley/";
constexpr std::string_view kControlPrefix = "$CONTROL/parley/";
constexpr std::string_view kShare = "$share/";
constexpr std::size_t kMaxMethod = 64;

constexpr Topic kMalformed{TopicKind::malformed, {}, {}, {}};

struct Word {
  std::string_view text;
  TopicKind kind;
};
constexpr std::array<Word, 7> kRoomWords = {{{"messages", TopicKind::room_messages},
                                             {"send", TopicKind::room_send},
                                             {"messages/json", TopicKind::room_messages_json},
                                             {"messages/ndjson", TopicKind::room_messages_ndjson},
                                             {"typing", TopicKind::room_typing},
                                             {"receipt", TopicKind::room_receipt},
                                             {"receipts", TopicKind::room_receipts}}};
constexpr std::array<Word, 4> kUserWords = {{{"events", TopicKind::user_events},
                                             {"presence", TopicKind::user_presence},
                                             {"status", TopicKind::user_status},
                                             {"token", TopicKind::user_token}}};

bool has_wildcard(std::string_view text) { return text.find_first_of("+#") != std::string_view::npos; }

bool is_method(std::string_view text) {
  if (text.empty() || text.size() > kMaxMethod) return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-')) return false;
  }
  return true;
}

// One level or more, none of them empty, no wildcard.
bool is_plain_path(std::string_view text) {
  return !text.empty() && text.front() != '/' && text.back() != '/' &&
         text.find("//") == std::string_view::npos && !has_wildcard(text);
}

Topic parse_room_topic(std::string_view tail) {
  const std::size_t slash = tail.find('/');
  if (slash == std::string_view::npos) return kMalformed;
  const std::string_view room = tail.substr(0, slash);
  const std::string_view what = tail.substr(slash + 1);
  if (!is_room_name(room)) return kMalformed;
  for (const Word& word : kRoomWords) {
    if (what == word.text) return {word.kind, room, {}, {}};
  }
  constexpr std::string_view kWills = "wills/";
  if (what.starts_with(kWills) && is_user_name(what.substr(kWills.size()))) {
    return {TopicKind::room_will, room, what.substr(kWills.size()), {}};
  }
  return kMalformed;
}

Topic parse_user_topic(std::string_view tail) {
  const std::size_t slash = tail.find('/');
  if (slash == std::string_view::npos) return kMalformed;
  const std::string_view user = tail.substr(0, slash);
  const std::string_view what = tail.substr(slash + 1);
  if (!is_user_name(user)) return kMalformed;
  for (const Word& word : kUserWords) {
    if (what == word.text) return {word.kind, {}, user, {}};
  }
  constexpr std::string_view kRequest = "request/";
  constexpr std::string_view kReplies = "replies/";
  if (what.starts_with(kRequest) && is_method(what.substr(kRequest.size()))) {
    return {TopicKind::user_request, {}, user, what.substr(kRequest.size())};
  }
  if (what.starts_with(kReplies) && is_plain_path(what.substr(kReplies.size()))) {
    return {TopicKind::user_replies, {}, user, what.substr(kReplies.size())};
  }
  return kMalformed;
}

// Takes the first level off `rest`; `more` tells whether a '/' followed it.
std::string_view take_level(std::string_view& rest, bool& more) {
  const std::size_t slash = rest.find('/');
  more = slash != std::string_view::npos;
  const std::string_view level = rest.substr(0, slash);
  rest = more ? rest.substr(slash + 1) : std::string_view();
  return level;
}

std::string room_topic(std::string_view room, std::string_view what) {
  std::string topic;
  topic.reserve(kRooms.size() + room.size() + what.size());
  topic.append(kRooms).append(room).append(what);
  return topic;
}

}  // namespace

Topic parse_topic(std::string_view topic) {
  if (topic.starts_with(kRooms)) return parse_room_topic(topic.substr(kRooms.size()));
  if (topic.starts_with(kUsers)) return parse_user_topic(topic.substr(kUsers.size()));
  if (topic.empty() || topic.front() != '$') return {};
  if (topic.starts_with(kInternal)) {
    const std::string_view rest = topic.substr(kInternal.size());
    return is_plain_path(rest) ? Topic{TopicKind::internal, {}, {}, rest} : kMalformed;
  }
  if (topic == kControlTopic) return {TopicKind::control, {}, {}, {}};
  if (topic == kControlResponseTopic) return {TopicKind::control_response, {}, {}, {}};
  return topic.starts_with(kControlPrefix) ? kMalformed : Topic{};
}

Filter parse_filter(std::string_view filter) {
  Filter parsed;
  parsed.filter = filter;
  if (filter.starts_with(kShare)) {
    parsed.shared = true;
    const std::string_view tail = filter.substr(kShare.size());
    const std::size_t slash = tail.find('/');
    // MQTT 5.0, 4.8.2: a group of at least one character without wildcards, then a filter.
    if (slash == std::string_view::npos || slash == 0 || slash + 1 == tail.size() ||
        has_wildcard(tail.substr(0, slash))) {
      parsed.filter = {};
      parsed.topic = kMalformed;
      return parsed;
    }
    parsed.filter = tail.substr(slash + 1);
  }
  parsed.wildcard = has_wildcard(parsed.filter);
  parsed.topic = parse_topic(parsed.filter);
  return parsed;
}

bool matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic.front() == '$' && (filter.front() == '+' || filter.front() == '#')) return false;
  bool filter_more = true;
  bool topic_more = true;
  while (filter_more) {
    const std::string_view want = take_level(filter, filter_more);
    if (want == "#") return !filter_more;  // also the parent itself: sport/# matches sport
    if (!topic_more) return false;
    const std::string_view have = take_level(topic, topic_more);
    if (want != "+" && (has_wildcard(want) || want != have)) return false;
  }
  return !topic_more;
}

std::string messages_topic(std::string_view room) { return room_topic(room, "/messages"); }
std::string messages_json_topic(std::string_view room) { return room_topic(room, "/messages/json"); }
std::string messages_ndjson_topic(std::string_view room) { return room_topic(room, "/messages/ndjson"); }
std::string send_topic(std::string_view room) { return room_topic(room, "/send"); }
std::string typing_topic(std::string_view room) { return room_topic(room, "/typing"); }

std::string events_topic(std::string_view user) {
  std::string topic;
  topic.append(kUsers).append(user).append("/events");
  return topic;
}

}  // namespace parley
