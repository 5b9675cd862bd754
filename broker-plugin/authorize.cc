#include "broker-plugin/authorize.h"

#include <algorithm>

#include "broker-plugin/doorbell.h"

namespace parley::plugin {
namespace {

bool is_service(const Session& s) { return s.who.role == TokenRole::service && s.who.user != kNoUser; }

bool pattern_allows(const Session& session, std::string_view topic, bool OpenedPattern::*access) {
  for (const OpenedPattern& p : session.patterns)
    if (p.*access && matches(p.filter, topic)) return true;
  return false;
}

// A filter is covered when the pattern matches it taken as a topic, its own wildcards read as plain levels; a
// '#' must not hide where the pattern has only a '+'.
bool pattern_covers(const Session& session, std::string_view filter) {
  for (const OpenedPattern& p : session.patterns) {
    if (!p.read || !matches(p.filter, filter)) continue;
    if (filter.ends_with('#') && !p.filter.ends_with('#')) continue;
    return true;
  }
  return false;
}

// `users/{me}/#` and below: the only wildcards a user may use.
bool own_user_filter(const Session& session, std::string_view filter) {
  constexpr std::string_view kPrefix = "users/";
  if (!filter.starts_with(kPrefix)) return false;
  filter.remove_prefix(kPrefix.size());
  return filter.starts_with(session.who.name) && filter.substr(session.who.name.size()).starts_with('/');
}

bool is_member(const Session& session, std::string_view room, const Facts& facts) {
  const RoomIndex index = facts.directory().find_room(room);
  return index != kNoRoom && facts.room(index).exists &&
         facts.member(index, session.who.user).role != MemberRole::none;
}

bool may_see_presence(const Session& session, std::string_view whose, const Facts& facts) {
  const UserIndex other = facts.directory().find_user(whose);
  if (other == kNoUser) return false;
  if (other == session.who.user) return true;
  return facts.share_a_room(session.who.user, other) && !facts.blocked_between(other, session.who.user);
}

Refusal refuse(Code code, std::string message) { return {code, std::move(message)}; }

// Whoever is in the room, and may reach those who are.
Result<MemberRole> place_in(UserIndex user, RoomIndex room, const Facts& facts) {
  if (room == kNoRoom || !facts.room(room).exists)
    return refuse(Code::room_not_found, "there is no such room");
  const MemberRole role = facts.member(room, user).role;
  if (role == MemberRole::none)
    return refuse(Code::not_member, "you are not a member of this room; join it first");
  if (facts.blocked_in_direct(room, user)) return refuse(Code::blocked, "one of you has blocked the other");
  return role;
}

}  // namespace

bool may_read(const Session& session, const Topic& topic, std::string_view name, const Facts& facts) {
  if (session.who.internal) return false;
  if (topic.kind == TopicKind::room_send || topic.kind == TopicKind::user_token ||
      topic.kind == TopicKind::malformed)
    return false;
  if (is_service(session)) return true;
  if (session.who.anonymous)
    return topic.kind == TopicKind::other && pattern_allows(session, name, &OpenedPattern::read);
  switch (topic.kind) {
    case TopicKind::room_messages:
    case TopicKind::room_messages_json:
    case TopicKind::room_messages_ndjson:
    case TopicKind::room_typing:
    case TopicKind::room_receipts:
      return is_member(session, topic.room, facts);
    case TopicKind::user_events:
    case TopicKind::user_replies:
      return topic.user == session.who.name;
    case TopicKind::user_presence:
      return may_see_presence(session, topic.user, facts);
    case TopicKind::other:
      return pattern_allows(session, name, &OpenedPattern::read);
    default:
      return false;
  }
}

bool may_subscribe(const Session& session, std::string_view text, const Facts& facts) {
  const Filter filter = parse_filter(text);
  if (session.who.internal)
    return std::ranges::find(kDoorbellFilters, filter.filter) != std::ranges::end(kDoorbellFilters);
  if (filter.topic.kind == TopicKind::room_send) return false;
  if (is_service(session)) return true;
  // A shared subscription takes messages away from the others in its group, so it is not for users.
  if (filter.shared) return false;
  if (!session.who.anonymous && own_user_filter(session, filter.filter)) {
    if (filter.wildcard) return true;
    return may_read(session, filter.topic, filter.filter, facts);
  }
  if (filter.wildcard) return pattern_covers(session, filter.filter);
  return may_read(session, filter.topic, filter.filter, facts);
}

bool may_write(const Session& session, const Topic& topic, std::string_view name) {
  if (session.who.internal) return false;
  if (session.who.anonymous)
    return topic.kind == TopicKind::other && pattern_allows(session, name, &OpenedPattern::write);
  switch (topic.kind) {
    case TopicKind::room_send:
    case TopicKind::room_typing:
    case TopicKind::room_receipt:
      return true;  // decided with a reason in the publish callback
    case TopicKind::room_will:
    case TopicKind::user_token:
    case TopicKind::user_status:
    case TopicKind::user_request:
      return topic.user == session.who.name;
    case TopicKind::other:
      return is_service(session) || pattern_allows(session, name, &OpenedPattern::write);
    case TopicKind::malformed:
      return false;
    case TopicKind::room_messages:
    case TopicKind::room_messages_json:
    case TopicKind::room_messages_ndjson:
      return false;  // only what is in the log is ever seen there, so not even services publish
    case TopicKind::internal:
      return is_service(session) && name != kLogTopic && name != kSessionsTopic && name != kDoorbellTopic;
    case TopicKind::control_response:
      return false;
    default:
      return is_service(session);
  }
}

Result<MemberRole> may_type(UserIndex user, RoomIndex room, const Facts& facts) {
  return may_post(user, room, Kind::text, facts);
}

Result<MemberRole> may_send_receipt(UserIndex user, RoomIndex room, const Facts& facts) {
  return place_in(user, room, facts);
}

Result<MemberRole> may_post(UserIndex user, RoomIndex room, Kind kind, const Facts& facts) {
  auto role = place_in(user, room, facts);
  if (!role) return role;
  const RoomFacts& r = facts.room(room);
  if (r.status == RoomStatus::archived) return refuse(Code::read_only, "the room is archived");
  if (r.status == RoomStatus::read_only && *role < MemberRole::admin)
    return refuse(Code::read_only, "only owners and admins post in this room");
  if (*role == MemberRole::guest && !r.guests_post)
    return refuse(Code::read_only, "guests only read in this room");
  if ((kind == Kind::pin || kind == Kind::unpin) && *role < r.pin_role)
    return refuse(Code::forbidden, "your role may not pin in this room");
  return role;
}

std::vector<OpenedPattern> open_patterns(const std::vector<PassThroughPattern>& patterns,
                                         const Identity& who) {
  std::vector<OpenedPattern> opened;
  for (const PassThroughPattern& p : patterns) {
    if (who.anonymous && !p.anonymous) continue;
    std::string filter;
    bool usable = true;
    for (std::size_t i = 0; i < p.pattern.size(); ++i) {
      const bool variable = p.pattern[i] == '%' && i + 1 < p.pattern.size();
      const char which = variable ? p.pattern[i + 1] : '\0';
      if (which != 'u' && which != 'd') {
        filter += p.pattern[i];
        continue;
      }
      const std::string_view value = which == 'u' ? who.name : std::string_view(who.device);
      usable = usable && !value.empty();
      filter += value;
      ++i;
    }
    if (!usable) continue;
    opened.push_back(
        {std::move(filter), p.access != PassThroughAccess::write, p.access != PassThroughAccess::read});
  }
  return opened;
}

}  // namespace parley::plugin
