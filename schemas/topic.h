// The topic grammar of protocol.md, as one parser. Pure; views point into the caller's text.
#ifndef PARLEY_SCHEMAS_TOPIC_H_
#define PARLEY_SCHEMAS_TOPIC_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace parley {

enum class TopicKind : std::uint8_t {
  other,          // none of ours: an operator's pass-through pattern, or nothing
  malformed,      // below one of our prefixes but not of the grammar (rooms/UPPER/send, users/x/nonsense)
  room_send,      // rooms/{room}/send
  room_messages,  // rooms/{room}/messages
  room_messages_json,    // rooms/{room}/messages/json
  room_messages_ndjson,  // rooms/{room}/messages/ndjson
  room_typing,           // rooms/{room}/typing
  room_receipt,          // rooms/{room}/receipt
  room_receipts,         // rooms/{room}/receipts
  room_will,             // rooms/{room}/wills/{user}
  user_events,           // users/{user}/events
  user_presence,         // users/{user}/presence
  user_status,           // users/{user}/status
  user_token,            // users/{user}/token
  user_request,          // users/{user}/request/{method}; rest = method
  user_replies,          // users/{user}/replies/{...}; rest = what follows replies/
  control,               // $CONTROL/parley/v1
  control_response,      // $CONTROL/parley/v1/response
  internal,              // $parley/...
};

struct Topic {
  TopicKind kind = TopicKind::other;
  std::string_view room;  // set for room_*
  std::string_view user;  // set for user_* and room_will
  std::string_view rest;  // see TopicKind
};

// A topic name as in PUBLISH. One with a wildcard is malformed below our prefixes.
Topic parse_topic(std::string_view topic);

// A topic filter as in SUBSCRIBE.
struct Filter {
  bool shared = false;      // $share/{group}/{filter}
  bool wildcard = false;    // holds + or #
  std::string_view filter;  // without the $share/{group}/ part
  Topic topic;              // when there is no wildcard, parse_topic(filter)
};
Filter parse_filter(std::string_view filter);

// MQTT matching (MQTT 5.0, 4.7): + and #, and no wildcard first level matches a topic starting with '$'.
bool matches(std::string_view filter, std::string_view topic);

// Topic names the server publishes to.
std::string messages_topic(std::string_view room);         // rooms/{room}/messages
std::string messages_json_topic(std::string_view room);    // rooms/{room}/messages/json
std::string messages_ndjson_topic(std::string_view room);  // rooms/{room}/messages/ndjson
std::string send_topic(std::string_view room);
std::string typing_topic(std::string_view room);
std::string events_topic(std::string_view user);  // users/{user}/events

inline constexpr std::string_view kControlTopic = "$CONTROL/parley/v1";
inline constexpr std::string_view kControlResponseTopic = "$CONTROL/parley/v1/response";
inline constexpr std::string_view kLogTopic = "$parley/log";            // LogPage, live
inline constexpr std::string_view kSessionsTopic = "$parley/sessions";  // JSON, session up and down
inline constexpr std::string_view kDoorbellTopic = "$parley/doorbell";  // plugin to itself

}  // namespace parley

#endif
