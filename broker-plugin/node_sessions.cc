// What the node does to connections when facts change or time passes, and what it tells of them.
#include <boost/unordered/unordered_flat_set.hpp>
#include <set>
#include <utility>

#include "broker-plugin/authenticate.h"
#include "broker-plugin/node.h"
#include "schemas/json_text.h"
#include "schemas/topic.h"

namespace parley::plugin {

// A removed member needs nothing here: reads are asked for every delivery, so the next one is denied already.
void Node::feel(const std::vector<Effect>& effects) {
  boost::unordered_flat_set<std::string_view> revoked;
  std::set<Sha256> removed;
  for (const Effect& effect : effects) {
    switch (effect.what) {
      case Effect::What::user_changed:
      case Effect::What::user_removed:
        for (Session* session : sessions_.of_user(effect.user)) recheck(*session);
        break;
      case Effect::What::session_revoked:
        revoked.insert(effect.sid);
        ended_.add(effect.sid);
        break;
      case Effect::What::token_removed:
        removed.insert(effect.token);
        ended_.add(to_hex(effect.token));
        break;
      case Effect::What::room_changed:
      case Effect::What::room_removed:
      case Effect::What::member_removed:
      case Effect::What::member_changed:
        break;
    }
  }
  if (revoked.empty() && removed.empty()) return;
  // One walk over all connections, however many have ended.
  sessions_.for_each([&](Session& session) {
    if (revoked.contains(session.who.sid) ||
        (session.who.api_token && removed.contains(*session.who.api_token)))
      recheck(session);
  });
}

void Node::recheck(Session& session) {
  const auto allowed = still_allowed(session.who, *facts_, clock_.unix_s());
  if (!allowed) kick(session, to_string(allowed.error().error));
}

void Node::kick(Session& session, std::string_view why) {
  if (session.kicked || session.replaced) return;
  if (session.who.user != kNoUser && users_.at(session.who.user).events.known > 0) {
    std::string event;
    JsonObjectWriter json(event);
    json.text("type", "session.revoked");
    json.text_if("sid", session.who.sid);
    json.text("reason", why);
    json.close();
    broker_.publish(events_topic(session.who.name), Payload(event), 1, false);
  }
  close_later(session, why);
}

void Node::close_later(Session& session, std::string_view why) {
  if (std::exchange(session.kicked, true)) return;
  event_log_.write(LogLine(LogLevel::notice, "kick")
                       .text("client", session.client_id)
                       .text("user", session.who.name)
                       .prose("reason", why));
  to_kick_.push_back({session.client_id, session.generation});
}

// Once the new connection is let in, the broker closes the old one without a word: this is the last moment at
// which it can be told. Whoever hears it is alive, and not the same program coming back after its line broke.
void Node::notify_replaced(const Session& session) {
  if (session.who.user == kNoUser || session.kicked) return;
  std::string event;
  JsonObjectWriter json(event);
  json.text("type", "session.replaced");
  json.text("client", session.client_id);
  json.close();
  if (!broker_.publish_now(events_topic(session.who.name), event) && !std::exchange(warned_replaced_, true))
    event_log_.write(
        LogLine(LogLevel::warning, "replaced_not_told").prose("reason", "this broker is no Mosquitto 2.0"));
}

// Only those that give way were not counted when this one was let in. They hear that it has taken their
// place.
void Node::make_room(const Session& session) {
  if (session.who.user == kNoUser || session.who.role == TokenRole::service) return;
  const UserIndex payer = facts_->limited_as(session.who.user);
  const Limits& limits = facts_->limits(facts_->user(payer).limits);
  while (!limits.unlimited) {
    std::size_t connections = 0;
    Session* silent = nullptr;
    facts_->for_each_limited_as(payer, [&](UserIndex account) {
      connections += sessions_.connections(account, {});
      Session* here = sessions_.longest_silent(account, session);
      if (here != nullptr && (silent == nullptr || here->heard_ns < silent->heard_ns)) silent = here;
    });
    if (connections <= limits.connections || silent == nullptr) return;
    notify_replaced(*silent);
    displaced_.add(silent->client_id, clock_.unix_s());
    close_later(*silent, "too many connections");
  }
}

// Whose sessions that are kept under ids of other forms are. The broker knows which it keeps; it is asked
// once it has closed the connection, and again now and then, for the end of a session is told to nobody.
void Node::keep_owner(const Session& session) {
  if (session.who.user == kNoUser || session.replaced || parse_client_id(session.client_id)) return;
  sessions_.keep_owner(session.client_id, {session.who.user, 0});
  closed_.push_back(session.client_id);
}

void Node::forget_closed() {
  for (const std::string& id : std::exchange(closed_, {}))
    if (sessions_.by_client_id(id) == nullptr && !broker_.keeps_session(id)) sessions_.forget_owner(id);
  sessions_.sweep_owners([this](const std::string& id) {
    return sessions_.by_client_id(id) != nullptr || broker_.keeps_session(id);
  });
}

UserIndex Node::owner_of(std::string_view client_id) {
  if (const Session* session = sessions_.by_client_id(client_id)) return session->who.user;
  const Sessions::Owner* known = sessions_.owner_of_kept(client_id);
  const std::int64_t now_s = clock_.unix_s();
  // Asking costs the broker a little memory each time, so it is not asked at every attempt.
  constexpr std::int64_t kAskAgainS = 5;
  if (known != nullptr && now_s >= known->asked_s && now_s < known->asked_s + kAskAgainS) return known->user;
  asked_name_.clear();
  if (!broker_.keeps_session(std::string(client_id))) {
    sessions_.forget_owner(client_id);
    return kNoUser;
  }
  // A session from before a restart is known to the broker alone, which remembers the name.
  const auto named = from_broker_name(asked_name_, *directory_);
  const UserIndex owner = named ? named->user : known != nullptr ? known->user : kNoUser;
  if (owner != kNoUser) sessions_.keep_owner(client_id, {owner, now_s});
  return owner;
}

void Node::close_expired() {
  const std::int64_t now_s = clock_.unix_s();
  while (!expiries_.empty() && expiries_.top().at_s <= now_s) {
    const Expiry due = expiries_.top();
    expiries_.pop();
    Session* session = sessions_.find(due.client);
    if (session == nullptr || session->generation != due.generation) continue;
    const std::int64_t ends_s = session->who.expires_s + config_.auth.connections_grace.count();
    if (session->who.expires_s != 0 && ends_s <= now_s) kick(*session, "token expired");
  }
}

void Node::announce(const Session& session, bool up) {
  std::string event;
  JsonObjectWriter json(event);
  json.text("type", up ? "session.up" : "session.down");
  json.text("client", session.client_id);
  json.text_if("user", session.who.name);
  json.text_if("device", session.who.device);
  json.text_if("sid", session.who.sid);
  if (!session.who.anonymous) json.text("role", to_string(session.who.role));
  json.key("replaced");
  event += session.replaced ? "true" : "false";
  json.number("connections", sessions_.connections(session.who.user, {}));
  json.number("ts", clock_.unix_ms());
  json.close();
  broker_.publish(kSessionsTopic, Payload(event), 1, false);
}

std::string Node::stats_json() const {
  const auto counts = facts_->counts();
  const storage::LogStats log = log_->stats();
  std::uint64_t refused = 0;
  for (const Counter& c : metrics_.refused) refused += c.get();
  std::string out;
  JsonObjectWriter json(out);
  json.number("node", config_.node.id);
  json.number("version", replica_->version());
  json.number("sessions", sessions_.size());
  json.number("users", counts.users);
  json.number("rooms", counts.rooms);
  json.number("memberships", counts.memberships);
  json.number("facts_bytes", facts_->memory_bytes());
  json.number("messages_admitted", metrics_.messages_admitted.get());
  json.number("messages_duplicate", metrics_.messages_duplicate.get());
  json.number("messages_refused", refused);
  json.number("commits", metrics_.commits.get());
  json.number("frames", metrics_.frames.get());
  json.number("deliveries", metrics_.deliveries.get());
  json.number("event_deliveries", metrics_.event_deliveries.get());
  json.number("typing_shed", metrics_.typing_shed.get());
  json.number("uncommitted_bytes", commit_queue_.bytes());
  json.number("undelivered_bytes", delivery_queue_.bytes());
  json.number("log_disk_bytes", log.disk_bytes);
  json.number("log_memory_bytes", log.memory_bytes);
  json.number("log_records", log.records_estimate);
  json.number("degraded", load_.degraded.load() ? 1 : 0);
  json.text("log_low", std::to_string(raw(log.low)));
  json.text("log_high", std::to_string(raw(log.high)));
  json.close();
  return out;
}

}  // namespace parley::plugin
