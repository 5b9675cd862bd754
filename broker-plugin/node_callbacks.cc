// What the node does when the broker calls: connect, access checks, publishes, control, disconnect.
#include <algorithm>
#include <ctime>
#include <utility>

#include "broker-plugin/authorize.h"
#include "broker-plugin/frames.h"
#include "broker-plugin/limiter.h"
#include "broker-plugin/node.h"
#include "broker-plugin/signal.h"
#include "schemas/topic.h"

namespace parley::plugin {
namespace {

Author author_of(const Session& session) {
  return {session.who.user, session.who.name, session.who.device, session.who.role};
}

std::uint64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

std::string_view text_of(TopicKind kind) {
  switch (kind) {
    case TopicKind::room_typing:
      return "typing";
    case TopicKind::room_receipt:
      return "receipt";
    case TopicKind::user_token:
      return "tokens";
    case TopicKind::user_status:
      return "status";
    default:
      return "requests";
  }
}

// A keep-alive that lets a dead connection stay for longer than half as much again: such connections give way
// when the user's number of connections is used up.
constexpr int kLongKeepAliveS = 1200;

// Typing, receipts, tokens, status, requests. Retained, the broker would keep one for each topic, and users
// make the topics up. With QoS 2, it cuts a client off that repeats one twice.
Result<void> check_flags(TopicKind kind, const Publish& publish) {
  const std::string what(text_of(kind));
  if (publish.retain) return Refusal{Code::bad_payload, what + " cannot be retained", {}};
  if (publish.qos == 2)
    return Refusal{Code::bad_payload, "QoS 2 is not for " + what + "; publish with QoS 0 or 1", {}};
  return {};
}

}  // namespace

AuthResult<std::string> Node::on_connect(const ConnectAttempt& attempt) {
  if (attempt.password == doorbell_secret_) {
    Identity self;
    self.internal = true;
    sessions_.open(attempt.client, std::string(attempt.client_id), std::move(self));
    return std::string();
  }
  auto who = authenticate(attempt, {.keys = *keys_,
                                    .facts = *facts_,
                                    .sessions = sessions_,
                                    .owner_of = owner_of_,
                                    .displaced = displaced_,
                                    .now_s = clock_.unix_s(),
                                    .allow_anonymous = config_.auth.anonymous});
  if (!who) {
    metrics_.connects_refused[static_cast<std::size_t>(who.error().error)].add();
    event_log_.write(LogLine(LogLevel::notice, "connect_refused")
                         .text("client", attempt.client_id)
                         .text("address", attempt.address)
                         .reason(to_string(who.error().error))
                         .prose("detail", who.error().detail));
    return who.error();
  }
  metrics_.connects_accepted.add();
  if (const Session* old = sessions_.by_client_id(attempt.client_id)) notify_replaced(*old);
  Session& session = sessions_.open(attempt.client, std::string(attempt.client_id), std::move(*who));
  session.patterns = open_patterns(config_.pass_through, session.who);
  session.gives_way = attempt.keep_alive_s <= 0 || attempt.keep_alive_s > kLongKeepAliveS;
  if (session.gives_way) session.heard_ns = clock_.steady_ns();
  make_room(session);
  if (session.who.expires_s != 0)
    expiries_.push(
        {session.who.expires_s + config_.auth.connections_grace.count(), session.client, session.generation});
  metrics_.sessions.set(static_cast<std::int64_t>(sessions_.size()));
  announce(session, true);
  return to_broker_name(session.who);
}

void Node::on_disconnect(ClientHandle client, bool keeps_session) {
  const std::unique_ptr<Session> session = sessions_.close(client);
  if (!session || session->who.internal) return;
  keep_owner(*session);
  metrics_.sessions.set(static_cast<std::int64_t>(sessions_.size()));
  if (std::ranges::find(session->everywhere, true) != session->everywhere.end() && !keeps_session) {
    everywhere_ = {};
    sessions_.for_each([this](const Session& s) {
      for (std::size_t f = 0; f < kFormats; ++f) everywhere_[f] = everywhere_[f] || s.everywhere[f];
    });
  }
  announce(*session, false);
}

bool Node::on_access(const AccessCheck& check) {
  Session* session = sessions_.find(check.client);
  // Before it closes the connection of a session that it keeps, the broker asks for the subscriptions it has,
  // and drops the denied for good. Who may read is asked for at every delivery, so nothing needs to be
  // dropped: the user may be let in again.
  if (check.access == Access::subscribe && (session == nullptr || check.client_id == kicking_)) {
    if (session == nullptr) asked_name_.assign(check.username);
    return true;
  }
  if (session != nullptr && session->gives_way && check.access != Access::read)
    session->heard_ns = clock_.steady_ns();
  // Who writes without a connection sends a last will: the broker asks after it has told us that the
  // connection is gone, or just before when another one has taken the client id over.
  if (check.access == Access::write && (session == nullptr || session->replaced))
    return take_will(check, session);
  if (session == nullptr) return check.access == Access::read && check_read_of_absent(check);
  switch (check.access) {
    case Access::read:
      // It subscribes for the PUBACK's sake (kDoorbellFilters) and is asked for with each message: quickly,
      // no.
      if (session->who.internal) return false;
      return check_read(*session, check);
    case Access::write:
      return may_write(*session, parse_topic(check.topic), check.topic);
    case Access::subscribe: {
      if (!may_subscribe(*session, check.topic, *facts_)) {
        metrics_.subscribe_denied.add();
        return false;
      }
      subscribed(*session, parse_filter(check.topic));
      return true;
    }
    case Access::unsubscribe:
      return true;
  }
  return false;
}

// Whoever is denied has a subscription all the same, and would have it should they be allowed again: so this
// counts them, before anything is decided.
void Node::count_read(std::string_view name) {
  if (name != read_topic_name_) {
    read_topic_name_.assign(name);
    read_topic_ = parse_topic(read_topic_name_);
    read_listeners_ = listeners_of(read_topic_);
  }
  if (read_listeners_ != nullptr) delivery_.was_read(*read_listeners_);
}

bool Node::check_read(const Session& session, const AccessCheck& check) {
  count_read(check.topic);
  // Nobody is told of one's own typing, on whichever device. By the payload, because a delivery may come
  // later than its publish: to a client that is away, or at QoS 2.
  if (read_topic_.kind == TopicKind::room_typing && is_stamped_by(check.payload, session.who.name))
    return false;
  if (!may_read(session, read_topic_, read_topic_name_, *facts_)) {
    metrics_.acl_read_denied.add();
    return false;
  }
  metrics_.deliveries.add();
  return true;
}

// The broker shows the publishing of a will to no plugin, but asks for this moment's permission with the will
// in hand. So a will for a room is judged and posted here, like a message that is sent now, and the broker
// itself publishes none; those of pass-through topics leave. A delayed will speaks for who was disconnected
// long ago: what has been decided of that login since holds for it too. That its token has ended meanwhile
// does not.
bool Node::take_will(const AccessCheck& check, const Session* replaced) {
  const Topic topic = parse_topic(check.topic);
  if (topic.kind != TopicKind::room_will && topic.kind != TopicKind::other) return false;
  const auto absent = replaced == nullptr ? absent_session(check) : std::nullopt;
  const Session* session = absent ? &*absent : replaced;
  if (session == nullptr) return false;
  const auto allowed = may_leave_will(session->who, *facts_, clock_.unix_s());
  if (!allowed || ended_.contains(session->who)) {
    event_log_.write(LogLine(LogLevel::notice, "will_dropped")
                         .text("client", check.client_id)
                         .reason(to_string(allowed ? AuthError::session_revoked : allowed.error().error)));
    return false;
  }
  if (topic.kind == TopicKind::other)
    return may_write(*session, topic, check.topic) && retain_will(check, *session);
  if (topic.user == session->who.name) post_will(session->who, topic.room, check.payload);
  return false;
}

// The client is away but the broker holds its session, and asks for it as for the others: what we allow is
// queued until it is back.
bool Node::check_read_of_absent(const AccessCheck& check) {
  if (const auto absent = absent_session(check)) return check_read(*absent, check);
  count_read(check.topic);
  metrics_.acl_read_denied.add();
  return false;
}

// Who it is that has no connection (any more), by the name that we gave the client when it connected; nothing
// for whom we would not let in.
std::optional<Session> Node::absent_session(const AccessCheck& check) const {
  Session absent;
  Identity& who = absent.who;
  if (check.username.empty()) {
    if (!config_.auth.anonymous) return {};
    who.anonymous = true;
  } else {
    auto known = from_broker_name(check.username, *directory_);
    if (!known) return {};
    who = std::move(*known);
    const UserFacts& facts = facts_->user(who.user);
    const bool active = facts.exists && facts.status == UserStatus::active;
    if (!active && who.role != TokenRole::service) return {};
  }
  if (parse_topic(check.topic).kind == TopicKind::other)
    absent.patterns = open_patterns(config_.pass_through, who);
  return absent;
}

ListenerCount* Node::listeners_of(const Topic& topic) {
  const auto of_room = [&](Format format) -> ListenerCount* {
    const RoomIndex room = directory_->find_room(topic.room);
    return room == kNoRoom ? nullptr : &rooms_.at(room).listeners[static_cast<std::size_t>(format)];
  };
  switch (topic.kind) {
    case TopicKind::room_messages:
      return of_room(Format::binary);
    case TopicKind::room_messages_json:
      return of_room(Format::json);
    case TopicKind::room_messages_ndjson:
      return of_room(Format::ndjson);
    case TopicKind::user_events: {
      const UserIndex user = directory_->find_user(topic.user);
      return user == kNoUser ? nullptr : &users_.at(user).events;
    }
    case TopicKind::internal:
      return topic.rest == "log" ? &tail_listeners_ : nullptr;
    default:
      return nullptr;
  }
}

void Node::subscribed(Session& session, const Filter& filter) {
  if (!filter.wildcard) {
    if (ListenerCount* count = listeners_of(filter.topic)) count->add();
    return;
  }
  if (session.who.user != kNoUser && matches(filter.filter, events_topic(session.who.name)))
    users_.at(session.who.user).events.add();
  if (session.who.role != TokenRole::service) return;
  if (matches(filter.filter, kLogTopic)) tail_listeners_.add();
  constexpr std::string_view kRooms = "rooms/";
  std::string_view room = filter.filter.starts_with(kRooms) ? filter.filter.substr(kRooms.size()) : "+";
  room = room.substr(0, room.find('/'));
  const RoomIndex one = directory_->find_room(room);
  const std::string name(is_room_name(room) ? room : "any");
  const std::string topics[kFormats] = {messages_topic(name), messages_json_topic(name),
                                        messages_ndjson_topic(name)};
  for (std::size_t f = 0; f < kFormats; ++f) {
    if (!matches(filter.filter, topics[f])) continue;
    if (one != kNoRoom) {
      rooms_.at(one).listeners[f].add();
    } else {
      session.everywhere[f] = everywhere_[f] = true;
    }
  }
}

PublishVerdict Node::on_publish(const Publish& publish) {
  Session* session = sessions_.find(publish.client);
  if (session == nullptr) return PublishVerdict::deny();
  const Topic topic = parse_topic(publish.topic);
  switch (topic.kind) {
    case TopicKind::room_send:
      return publish_to_room(*session, topic, publish);
    case TopicKind::room_typing:
    case TopicKind::room_receipt:
      return publish_signal(*session, topic, publish);
    case TopicKind::user_token:
      return renew_token(*session, publish);
    case TopicKind::user_status:
    case TopicKind::user_request: {
      Result<void> within = check_flags(topic.kind, publish);
      if (within) within = admission_.admit_request(author_of(*session));
      if (within) return PublishVerdict::pass();
      refuse(session->who.user, {}, {}, within.error());
      return PublishVerdict::deny();
    }
    case TopicKind::room_will:
      // The broker does not show us the publishing of a will, so this is somebody publishing by hand.
      refuse(session->who.user, topic.room, {},
             {Code::forbidden, "this topic is for last wills only; publish to rooms/{room}/send", {}});
      return PublishVerdict::deny();
    default:
      return publish_beside_chat(*session, publish);
  }
}

// The straight line of a message. What follows it to its readers: Committer, Delivery.
PublishVerdict Node::publish_to_room(Session& session, const Topic& topic, const Publish& publish) {
  const std::uint64_t begin_ns = clock_.steady_ns();
  const Result<Placed> outcome =
      publish.retain
          ? Refusal{Code::bad_payload, "messages cannot be retained; publish without the retain flag", {}}
          : admission_.admit(author_of(session), topic.room, publish.payload,
                             publish.qos == 2 ? CidRule::required : CidRule::optional);
  metrics_.admit_ns.observe(clock_.steady_ns() - begin_ns);
  if (outcome) return publish.qos == 2 && outcome->duplicate ? pass_again() : PublishVerdict::pass();
  // What was not decoded has no cid; the last one that was is another payload's, and that is gone.
  const std::string_view cid = publish.retain ? std::string_view() : admission_.last_cid();
  refuse(session.who.user, topic.room, cid, outcome.error());
  return PublishVerdict::deny();
}

// A QoS 2 message repeated before its PUBREL. The broker cuts a client off that sends the third copy of a
// payload; what differs from the copy before it answers, as another message with the packet id of one that
// was given up. What it holds there goes to nobody.
PublishVerdict Node::pass_again() { return PublishVerdict::pass_as(std::to_string(++repeated_)); }

PublishVerdict Node::publish_signal(Session& session, const Topic& topic, const Publish& publish) {
  const bool typing = topic.kind == TopicKind::room_typing;
  const Author author = author_of(session);
  Result<void> outcome = check_flags(topic.kind, publish);
  if (outcome)
    outcome =
        typing ? admission_.admit_typing(author, topic.room) : admission_.admit_receipt(author, topic.room);
  Result<std::string> stamped = Refusal{Code::bad_payload, {}, {}};
  if (outcome) {
    stamped = typing ? stamp_typing(publish.payload, session.who.name)
                     : stamp_receipt(publish.payload, session.who.name);
    if (!stamped) outcome = stamped.error();
  }
  if (!outcome) {
    refuse(session.who.user, topic.room, {}, outcome.error());
    return PublishVerdict::deny();
  }
  if (typing) {
    // Ephemeral: what is too much is left out without a word.
    if (admission_.sheds_typing() || typing_too_soon(session, directory_->find_room(topic.room))) {
      metrics_.typing_shed.add();
      return PublishVerdict::deny();
    }
    metrics_.typing_delivered.add();
  }
  return PublishVerdict::pass_as(*stamped);
}

bool Node::typing_too_soon(Session& session, RoomIndex room) {
  constexpr std::size_t kRoomsRemembered = 8;
  const Limits& limits = facts_->limits(facts_->user(facts_->limited_as(session.who.user)).limits);
  if (limits.unlimited || limits.typing_per_s <= 0) return !limits.unlimited;
  const std::uint64_t now_ns = clock_.steady_ns();
  const auto gap_ns = static_cast<std::uint64_t>(1e9 / limits.typing_per_s);
  auto last = std::ranges::find(session.typed, room, &Session::Typed::room);
  if (last != session.typed.end() && now_ns - last->at_ns < gap_ns) return true;
  if (last == session.typed.end()) {
    if (session.typed.size() < kRoomsRemembered) session.typed.emplace_back();
    last = std::ranges::min_element(session.typed, {}, &Session::Typed::at_ns);
    // Forgetting it so soon would let through whoever goes from room to room.
    if (last->room != kNoRoom && now_ns - last->at_ns < gap_ns) return true;
  }
  *last = {room, now_ns};
  return false;
}

PublishVerdict Node::renew_token(Session& session, const Publish& publish) {
  if (const auto fits = check_flags(TopicKind::user_token, publish); !fits) {
    refuse(session.who.user, {}, {}, fits.error());
    return PublishVerdict::deny();
  }
  // Every token costs this thread the check of a signature.
  if (const auto within = admission_.admit_request(author_of(session)); !within) {
    refuse(session.who.user, {}, {}, within.error());
    return PublishVerdict::deny();
  }
  auto who = authenticate_renewal(session, publish.payload,
                                  {.keys = *keys_,
                                   .facts = *facts_,
                                   .sessions = sessions_,
                                   .owner_of = owner_of_,
                                   .displaced = displaced_,
                                   .now_s = clock_.unix_s(),
                                   .allow_anonymous = false});
  if (!who) {
    refuse(session.who.user, {}, {}, {Code::forbidden, "the token was refused: " + who.error().detail, {}});
    return PublishVerdict::deny();
  }
  session.who = std::move(*who);
  broker_.name(session.client, to_broker_name(session.who));
  if (session.who.expires_s != 0)
    expiries_.push(
        {session.who.expires_s + config_.auth.connections_grace.count(), session.client, session.generation});
  return PublishVerdict::pass();
}

void Node::on_control(std::string_view payload) {
  const std::uint64_t begin_ns = clock_.steady_ns();
  const std::uint64_t begin_cpu_ns = thread_cpu_ns();
  control_.handle(payload);
  metrics_.control_ns.observe(clock_.steady_ns() - begin_ns);
  metrics_.control_cpu_ns.observe(thread_cpu_ns() - begin_cpu_ns);
}

void Node::post_will(const Identity& who, std::string_view room, std::string_view payload) {
  const auto outcome = admission_.admit_will({who.user, who.name, who.device, who.role}, room, payload);
  if (!outcome) return refuse(who.user, room, admission_.last_cid(), outcome.error());
  metrics_.wills_posted.add();
}

// Who does not listen now learns it from the bridge when asking; events are for those who are here.
void Node::tell(const UserEvent& event) {
  const UserIndex user = directory_->find_user(event.user);
  if (user == kNoUser || users_.at(user).events.known == 0) return;
  broker_.publish(events_topic(event.user), Payload(event.event), 1, false);
}

void Node::refuse(UserIndex user, std::string_view room, std::string_view cid, const Refusal& refusal) {
  metrics_.refused[static_cast<std::size_t>(refusal.code)].add();
  if (user == kNoUser || users_.at(user).events.known == 0) return;
  broker_.publish(events_topic(directory_->user_name(user)), Payload(error_json(room, cid, refusal)), 1,
                  false);
}

}  // namespace parley::plugin
