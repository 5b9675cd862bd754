// What the node does to connections when facts change or time passes, and what it tells of them.
#include <utility>

#include "broker-plugin/authenticate.h"
#include "broker-plugin/frames.h"
#include "broker-plugin/node.h"
#include "schemas/topic.h"

namespace parley::plugin {

// A removed member needs nothing here: reads are asked for every delivery, so the next one is denied already.
void Node::feel(const std::vector<Effect>& effects) {
  for (const Effect& effect : effects) {
    switch (effect.what) {
      case Effect::What::user_changed:
      case Effect::What::user_removed:
        for (Session* session : sessions_.of_user(effect.user)) recheck(*session);
        break;
      case Effect::What::session_revoked:
      case Effect::What::token_removed:
        sessions_.for_each([&](Session& session) {
          if (session.who.sid == effect.sid || session.who.api_token == effect.token) recheck(session);
        });
        break;
      case Effect::What::room_changed:
      case Effect::What::room_removed:
      case Effect::What::member_removed:
      case Effect::What::member_changed:
        break;
    }
  }
}

void Node::recheck(Session& session) {
  const auto allowed = still_allowed(session.who, *facts_, clock_.unix_s());
  if (!allowed) kick(session, to_string(allowed.error().error));
}

void Node::kick(Session& session, std::string_view why) {
  if (std::exchange(session.kicked, true) || session.replaced) return;
  if (session.who.user != kNoUser && users_.at(session.who.user).events.known > 0) {
    std::string event = R"({"type":"session.revoked","sid":)";
    append_json_string(event, session.who.sid);
    event += R"(,"reason":)";
    append_json_string(event, why);
    broker_.publish(events_topic(session.who.name), Payload(event + "}"), 1, false);
  }
  broker_.log(LogLevel::notice,
              "event=kick client=" + session.client_id + " reason=\"" + std::string(why) + "\"");
  to_kick_.push_back(session.client_id);
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
  std::string event = std::string(R"({"type":"session.)") + (up ? "up" : "down") + R"(","client":)";
  append_json_string(event, session.client_id);
  const auto field = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    event += ",\"";
    event += name;
    event += "\":";
    append_json_string(event, value);
  };
  field("user", session.who.name);
  field("device", session.who.device);
  field("sid", session.who.sid);
  if (!session.who.anonymous) field("role", to_string(session.who.role));
  event += R"(,"replaced":)";
  event += session.replaced ? "true" : "false";
  event += R"(,"connections":)" + std::to_string(sessions_.connections(session.who.user, {}));
  event += R"(,"ts":)" + std::to_string(clock_.unix_ms()) + "}";
  broker_.publish(kSessionsTopic, Payload(event), 1, false);
}

std::string Node::stats_json() const {
  const auto counts = facts_->counts();
  const storage::LogStats log = log_->stats();
  std::uint64_t refused = 0;
  for (const Counter& c : metrics_.refused) refused += c.get();
  std::string out = "{";
  const auto number = [&](std::string_view name, std::uint64_t value) {
    if (out.size() > 1) out += ',';
    out += '"';
    out += name;
    out += "\":" + std::to_string(value);
  };
  number("node", config_.node.id);
  number("version", replica_->version());
  number("sessions", sessions_.size());
  number("users", counts.users);
  number("rooms", counts.rooms);
  number("memberships", counts.memberships);
  number("facts_bytes", facts_->memory_bytes());
  number("messages_admitted", metrics_.messages_admitted.get());
  number("messages_duplicate", metrics_.messages_duplicate.get());
  number("messages_refused", refused);
  number("commits", metrics_.commits.get());
  number("frames", metrics_.frames.get());
  number("deliveries", metrics_.deliveries.get());
  number("event_deliveries", metrics_.event_deliveries.get());
  number("typing_shed", metrics_.typing_shed.get());
  number("uncommitted_bytes", commit_queue_.bytes());
  number("undelivered_bytes", delivery_queue_.bytes());
  number("log_disk_bytes", log.disk_bytes);
  number("log_memory_bytes", log.memory_bytes);
  number("log_records", log.records_estimate);
  number("degraded", load_.degraded.load() ? 1 : 0);
  out += R"(,"log_low":")" + std::to_string(raw(log.low)) + R"(","log_high":")" +
         std::to_string(raw(log.high)) + "\"}";
  return out;
}

}  // namespace parley::plugin
