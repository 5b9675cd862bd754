#include "clients/cpp/engine.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "schemas/topic.h"

namespace parley::client {
namespace {

namespace json = boost::json;

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string text_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t number_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

bool flag_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_bool() && value->as_bool();
}

// Whatever a server says, a message waits no longer than this before it is tried again: also so that times
// can be added to it.
constexpr Millis kLongestRetry = std::chrono::hours(1);

Millis retry_after_of(const json::object& notice) {
  const std::uint64_t longest = kLongestRetry.count();
  return Millis(std::min(number_of(notice, "retry_after_ms"), longest));
}

Code parse_code(std::string_view text) {
  for (std::size_t i = 0; i < kCodeCount; ++i) {
    const auto code = static_cast<Code>(i);
    if (to_string(code) == text) return code;
  }
  return Code::unavailable;  // a later server's; trying again later is the careful reading
}

Sender::Options sender_options(const Options& options) {
  Sender::Options out;
  out.capacity = options.outbox_capacity;
  out.window = options.window;
  out.retry_refused = options.retry_refused;
  return out;
}

}  // namespace

Engine::Engine(const Options& options, Listener& listener, Hooks hooks)
    : options_(options),
      client_id_(options.client_id.empty() ? options.user.str() + ":" + options.device.str()
                                           : options.client_id),
      listener_(listener),
      hooks_(std::move(hooks)),
      connector_(*this, environment_, {options_.backoff_first, options_.backoff_ceiling}),
      sender_(*this, environment_, sender_options(options_), options_.outbox_store) {}

void Engine::connect() {
  if (transport_) connector_.start();
}

void Engine::disconnect() {
  connector_.stop();
  went_down();
}

void Engine::send(Outgoing message, SendDone done) {
  if (!transport_) {
    if (done) done(Refusal{Code::unavailable, "closed before it was sent"});
    return;
  }
  typing_pacer_.sent(message.room);
  sender_.submit(std::move(message), std::move(done));
}

void Engine::join(const std::string& room, Seq have, MessageId have_id) {
  if (!is_room_name(room)) {
    const Refusal refusal{Code::bad_payload, "'" + room + "' is no valid room name"};
    return listener_.on_joined(room, &refusal);
  }
  RoomFeed::Sink& sink = *this;
  if (!rooms_.try_emplace(room, room, have, have_id, sink).second) return;
  if (connector_.state() == State::online) subscribe_room(room);
}

void Engine::leave(const std::string& room) {
  if (rooms_.erase(room) == 0 || connector_.state() != State::online) return;
  transport_->unsubscribe(messages_topic(room));
  transport_->unsubscribe(typing_topic(room));
}

void Engine::typing(const std::string& room, bool typing) {
  if (connector_.state() != State::online || !is_room_name(room)) return;
  if (const auto say = typing_pacer_.set(room, typing, environment_.now())) publish_typing(room, *say);
}

void Engine::token(std::uint64_t request, const std::string& token, const std::string& error) {
  connector_.token(request, token, error);
}

void Engine::refetched(const std::string& room, std::uint64_t request,
                       const std::vector<EventBytes>& events) {
  if (const auto it = rooms_.find(room); it != rooms_.end()) {
    it->second.feed.fill(request, events, environment_.now());
  }
}

void Engine::shut_down() {
  connector_.stop();
  went_down();
  sender_.abandon();
  transport_.reset();
}

// ---- news of the connection

void Engine::connected(const Outcome& outcome) {
  connector_.connected(outcome);
  if (connector_.state() != State::online) return;
  const Ticket ticket = next_ticket_++;
  subscribing_.emplace(ticket, "");
  transport_->subscribe(ticket, events_topic(options_.user.view()), 1);
  for (const auto& [room, state] : rooms_) subscribe_room(room);
}

void Engine::lost(const Outcome& why) {
  went_down();
  connector_.lost(why);
}

void Engine::published(Ticket ticket, const Outcome& outcome) {
  if (ticket == renewal_) {
    connector_.renewed(outcome);
  } else {
    sender_.published(ticket, outcome);
  }
}

void Engine::subscribed(Ticket ticket, const Outcome& outcome) {
  const auto node = subscribing_.extract(ticket);
  // The line broke under it; the connector will say so, and we subscribe again on the next connection.
  if (node.empty() || outcome.reason == kNoReason) return;
  // Acks and errors have a way to us now, so sending may begin. Refused, our own copies in the rooms still
  // settle what we send.
  if (node.mapped().empty()) return sender_.online();
  const auto it = rooms_.find(node.mapped());
  if (it == rooms_.end()) return;
  if (!outcome.ok()) {
    const Refusal refusal{Code::forbidden, outcome.message};
    return listener_.on_joined(it->first, &refusal);
  }
  listener_.on_joined(it->first, nullptr);
  it->second.feed.resume(environment_.now());
}

void Engine::received(std::string_view topic, std::string_view payload) {
  const Topic parsed = parse_topic(topic);
  switch (parsed.kind) {
    case TopicKind::room_messages:
      return receive_frame(std::string(parsed.room), payload);
    case TopicKind::room_typing:
      return receive_typing(std::string(parsed.room), payload);
    case TopicKind::user_events:
      return receive_notice(payload);
    default:
      return;  // nothing we subscribed to
  }
}

// ---- time

void Engine::on_time() {
  const TimePoint now = environment_.now();
  connector_.on_time(now);
  sender_.on_time(now);
  for (auto& [room, state] : rooms_) state.feed.on_time(now);
  for (const auto& [room, user] : typing_watch_.expire(now)) listener_.on_typing(room, user, false);
  for (const auto& [room, typing] : typing_pacer_.due(now)) publish_typing(room, typing);
}

std::optional<TimePoint> Engine::next_deadline() const {
  std::optional<TimePoint> next = earlier(connector_.next_deadline(), sender_.next_deadline());
  next = earlier(next, typing_watch_.next_deadline());
  next = earlier(next, typing_pacer_.next_deadline());
  for (const auto& [room, state] : rooms_) next = earlier(next, state.feed.next_deadline());
  return next;
}

// ---- what connector, sender and feeds want done

void Engine::fetch_token(std::uint64_t request) { hooks_.fetch_token(request); }

void Engine::open(const std::string& token) {
  transport_->close(Millis(0));
  ++connection_;  // after the old connection fell silent, before the new one can speak
  ConnectRequest request;
  request.host = options_.host;
  request.port = options_.port;
  request.client_id = client_id_;
  request.username = options_.user.str();
  request.password = token;
  request.keep_alive = options_.keep_alive;
  transport_->open(request);
}

void Engine::renew(const std::string& token) {
  renewal_ = next_ticket_++;
  transport_->publish(renewal_, "users/" + options_.user.str() + "/token", token, 1);
}

void Engine::abandon() {
  transport_->close(Millis(200));
  ++connection_;
}

void Engine::status(const Status& status) { listener_.on_status(status); }

Ticket Engine::publish(const std::string& topic, std::string_view payload) {
  const Ticket ticket = next_ticket_++;
  transport_->publish(ticket, topic, payload, 1);
  return ticket;
}

void Engine::delayed(const Outgoing& message, const Refusal& refusal) {
  listener_.on_delayed(message.room, message.cid, refusal);
}

void Engine::deliver(const Event& event) {
  const Stamp& stamp = event.stamp;
  const std::string room(stamp.room);
  // A message ends its author's typing, and our own copy is as good as an ack.
  set_typing(room, std::string(stamp.from), false);
  if (stamp.from == options_.user.view() && !event.send.cid.empty()) {
    sender_.acked(Ack{room, std::string(event.send.cid), stamp.seq, stamp.id, stamp.ts_ms, false});
  }
  listener_.on_event(event);
}

bool Engine::fetch(const Gap& gap) {
  if (!hooks_.refetch) return false;
  hooks_.refetch(gap, rooms_.at(gap.room).feed.fill_request());
  return true;
}

void Engine::skipped(const Gap& gap) { listener_.on_gap(gap); }

// ---- helpers

void Engine::went_down() {
  sender_.offline();
  subscribing_.clear();
}

void Engine::subscribe_room(const std::string& room) {
  const Ticket ticket = next_ticket_++;
  subscribing_.emplace(ticket, room);
  // QoS 0 is the cheap way, and misses nothing that `prev` does not show.
  transport_->subscribe(ticket, messages_topic(room), 0);
  transport_->subscribe(next_ticket_++, typing_topic(room), 0);
}

void Engine::publish_typing(const std::string& room, bool typing) {
  if (connector_.state() != State::online) return;
  transport_->publish(next_ticket_++, typing_topic(room),
                      typing ? R"({"typing":true})" : R"({"typing":false})", 0);
}

void Engine::receive_frame(const std::string& room, std::string_view payload) {
  const auto it = rooms_.find(room);
  const auto frame = read_frame(bytes_of(payload));
  if (it == rooms_.end() || !frame) return;
  for (const Bytes event : frame->events) it->second.feed.receive(event, environment_.now());
}

void Engine::receive_typing(const std::string& room, std::string_view payload) {
  boost::system::error_code error;
  const json::value value = json::parse(payload, error);
  if (error || !value.is_object()) return;
  const std::string user = text_of(value.as_object(), "user");
  if (user.empty() || user == options_.user.view()) return;
  set_typing(room, user, flag_of(value.as_object(), "typing"));
}

void Engine::set_typing(const std::string& room, const std::string& user, bool typing) {
  if (typing_watch_.set(room, user, typing, environment_.now())) listener_.on_typing(room, user, typing);
}

void Engine::receive_notice(std::string_view payload) {
  boost::system::error_code error;
  const json::value value = json::parse(payload, error);
  if (error || !value.is_object()) return;
  const json::object& notice = value.as_object();
  const std::string type = text_of(notice, "type");
  const std::string room = text_of(notice, "room");
  const std::string cid = text_of(notice, "cid");
  if (type == "ack") {
    const auto id = parse_message_id(text_of(notice, "id"));
    sender_.acked(Ack{room, cid, Seq{number_of(notice, "seq")}, id.value_or(MessageId{0}),
                      number_of(notice, "ts"), flag_of(notice, "duplicate")});
  } else if (const Refusal refusal{parse_code(text_of(notice, "code")), text_of(notice, "message"),
                                   retry_after_of(notice)};
             type == "error" && sender_.refused(room, cid, refusal)) {
    return;
  } else if (type == "session.replaced") {
    // Told of every client id of the user's. That it arrives on this connection says that it was alive.
    if (text_of(notice, "client") != client_id_) return;
    went_down();
    connector_.replaced();
  } else {
    if (type == "room.added" && rooms_.contains(room) && connector_.state() == State::online)
      subscribe_room(room);
    listener_.on_notice(type, std::string(payload));
  }
}

}  // namespace parley::client
