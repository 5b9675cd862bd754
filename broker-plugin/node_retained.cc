// What outlives the broker's process beside chat: retained messages, and the sessions that Mosquitto keeps in
// a file of its own when it ends in order.
#include <sys/stat.h>

#include <string>
#include <utility>

#include "broker-plugin/log_line.h"
#include "broker-plugin/node.h"
#include "schemas/topic.h"
#include "storage/broker_snapshot.h"

namespace parley::plugin {
namespace {

bool is_there(const std::filesystem::path& file) {
  std::error_code ignored;
  return !file.empty() && std::filesystem::exists(file, ignored);
}

std::int64_t written_s(const std::filesystem::path& file) {
  struct stat info {};
  return stat(file.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_mtime) : 0;
}

}  // namespace

// Whom it counts for: limits are a person's, bots and devices among them.
std::string_view Node::person_behind(const Identity& who) const {
  return who.user == kNoUser ? std::string_view() : directory_->user_name(facts_->owner_of(who.user));
}

// Ordinary MQTT, which the broker serves by itself; but what it retains is kept before it is acknowledged.
PublishVerdict Node::publish_beside_chat(const Session& session, const Publish& publish) {
  if (!publish.retain) return PublishVerdict::pass();
  const auto kept = retained_.keep({.topic = publish.topic,
                                    .payload = publish.payload,
                                    .properties = publish.properties,
                                    .owner = person_behind(session.who),
                                    .qos = static_cast<std::uint8_t>(publish.qos)},
                                   session.who.role != TokenRole::service);
  if (kept) return PublishVerdict::pass();
  refuse(session.who.user, {}, {}, kept.error());
  return PublishVerdict::deny();
}

// The broker asks for a will when it sends it, and shows it to us nowhere else; without its properties.
bool Node::retain_will(const AccessCheck& check, const Session& absent) {
  if (!check.retain) return true;
  const auto kept = retained_.keep({.topic = check.topic,
                                    .payload = check.payload,
                                    .properties = {},
                                    .owner = person_behind(absent.who),
                                    .qos = static_cast<std::uint8_t>(check.qos)},
                                   absent.who.role != TokenRole::service);
  if (!kept) refuse(absent.who.user, {}, {}, kept.error());
  return kept.has_value();
}

void Node::restore() {
  std::optional<storage::BrokerSnapshot> had;
  if (is_there(config_.node.broker_snapshot)) {
    auto snapshot = storage::read_broker_snapshot(config_.node.broker_snapshot);
    if (snapshot) {
      had = std::move(*snapshot);
      restore_sessions(*had);
    } else {
      event_log_.write(LogLine(LogLevel::error, "sessions_not_read").prose("reason", snapshot.error()));
    }
  }
  const auto restored = retained_.restore(broker_, had ? &*had : nullptr, clock_.unix_s());
  if (!restored)
    event_log_.write(LogLine(LogLevel::error, "retained_not_restored").prose("reason", restored.error()));
  event_log_.write(LogLine(LogLevel::notice, "restored")
                       .number("sessions", restored_.size())
                       .number("retained", retained_.size()));
}

// Who listens to what: frames and JSON are made only for whom we know of. Whose a client id is, the broker is
// asked when somebody comes with it (Node::owner_of).
void Node::restore_sessions(const storage::BrokerSnapshot& snapshot) {
  boost::unordered_flat_map<std::string_view, Session> absent;
  for (const auto& client : snapshot.clients) {
    restored_.push_back(client.id);
    if (auto who = from_broker_name(client.username, *directory_)) absent[client.id].who = std::move(*who);
  }
  for (const auto& subscription : snapshot.subscriptions) {
    if (const auto session = absent.find(subscription.client_id); session != absent.end())
      subscribed(session->second, parse_filter(subscription.filter));
  }
}

// Mosquitto forgets to let the sessions of its file expire; one that is closed like a connection, it does.
// And the file has served: after a crash it would bring back what has ended since.
void Node::adopt_restored_sessions() {
  for (const std::string& client_id : std::exchange(restored_, {}))
    if (sessions_.by_client_id(client_id) == nullptr) broker_.kick(client_id);
  if (!config_.node.broker_snapshot.empty()) storage::remove_broker_snapshot(config_.node.broker_snapshot);
}

// After the broker's loop has ended and it has written its file.
void Node::keep_for_next_start() {
  const auto& file = config_.node.broker_snapshot;
  // An older one was asked for by a signal while the broker ran.
  if (is_there(file) && written_s(file) + 1 >= last_expire_s_) {
    auto snapshot = storage::read_broker_snapshot(file);
    if (snapshot) {
      for (auto& message : snapshot->retained) {
        const auto who = from_broker_name(message.username, *directory_);
        message.username = who ? person_behind(*who) : std::string_view();
      }
    }
    const auto followed = snapshot ? retained_.follow(*snapshot) : snapshot.error();
    const auto sealed = followed ? storage::seal_broker_snapshot(file) : followed;
    if (!sealed)
      event_log_.write(LogLine(LogLevel::error, "sessions_not_kept")
                           .prose("reason", sealed.error())
                           .prose("effect", "clients begin new sessions"));
  }
  if (const auto synced = retained_.sync(); !synced)
    event_log_.write(LogLine(LogLevel::error, "stop_sync_failed").prose("reason", synced.error()));
}

}  // namespace parley::plugin
