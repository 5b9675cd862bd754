// The topic grammar and MQTT matching. Input: a filter, and after the first zero byte a topic.
#include <cstdlib>

#include "schemas/ids.h"
#include "schemas/topic.h"

namespace {
void require(bool holds) {
  if (!holds) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = text.find('\0');
  const std::string_view filter = text.substr(0, zero);
  const std::string_view name = zero == std::string_view::npos ? filter : text.substr(zero + 1);
  const Topic topic = parse_topic(name);
  require(topic.room.empty() || is_room_name(topic.room));
  require(topic.user.empty() || is_user_name(topic.user));
  const bool ours = topic.kind != TopicKind::other && topic.kind != TopicKind::malformed;
  if (ours) require(name.find_first_of("+#") == std::string_view::npos);
  if (ours) require(matches(name, name));
  if (topic.kind == TopicKind::room_send) require(send_topic(topic.room) == name);
  const Filter parsed = parse_filter(filter);
  require(parsed.wildcard == (parsed.filter.find_first_of("+#") != std::string_view::npos));
  const bool matched = matches(parsed.filter, name);
  if (matched && !parsed.wildcard) require(parsed.filter == name);
  (void)parse_client_id(name);
  (void)parse_message_id(name);
  (void)is_cid(name);
  return 0;
}
