#include "broker-plugin/retained_messages.h"

#include <boost/unordered/unordered_flat_set.hpp>
#include <utility>
#include <vector>

#include "schemas/topic.h"

namespace parley::plugin {
namespace {

using storage::RetainedMessage;
using Outcome = boost::system::result<void, std::string>;

std::uint64_t size_of(const RetainedMessage& m) {
  return m.topic.size() + m.payload.size() + m.properties.size();
}

// Ours to keep of what the broker retains: not its own, nor wills for rooms, which are events once they are
// posted.
bool is_kept(std::string_view topic) {
  return !topic.starts_with("$SYS") && parse_topic(topic).kind != TopicKind::room_will;
}

bool same(const RetainedMessage& a, const storage::BrokerSnapshot::Retained& b) {
  return a.payload == b.payload && a.qos == b.qos && a.properties == b.properties &&
         a.expires_s == b.expires_s;
}

RetainedMessage view(const storage::BrokerSnapshot::Retained& m) {
  return {.topic = m.topic,
          .payload = m.payload,
          .properties = m.properties,
          .owner = m.username,
          .qos = m.qos,
          .expires_s = m.expires_s};
}

}  // namespace

RetainedMessages::RetainedMessages(std::unique_ptr<storage::RetainedStore> store, RetainedConfig limits,
                                   std::chrono::milliseconds retry_after)
    : store_(std::move(store)), limits_(limits), retry_after_(retry_after) {}

Outcome RetainedMessages::load() {
  return store_->load([this](const RetainedMessage& message) { count(message, size_of(message)); });
}

Result<void> RetainedMessages::keep(const RetainedMessage& message, bool bounded) {
  const bool removes = message.payload.empty();
  if (removes && !entries_.contains(std::string(message.topic))) return {};
  if (!removes && bounded) {
    if (const auto within = within_limits(message, size_of(message)); !within) return within.error();
  }
  if (const auto written = write(message); !written) {
    return Refusal{Code::unavailable,
                   "the node cannot keep retained messages at the moment (" + written.error() +
                       "); send again after retry_after_ms",
                   retry_after_};
  }
  return {};
}

Result<void> RetainedMessages::within_limits(const RetainedMessage& message, std::uint64_t bytes) {
  const auto used = usage_.find(std::string(message.owner));
  Usage after = used == usage_.end() ? Usage{} : used->second;
  if (const auto old = entries_.find(std::string(message.topic));
      old != entries_.end() && old->second.owner == message.owner) {
    --after.messages;
    after.bytes -= old->second.bytes;
  }
  ++after.messages;
  after.bytes += bytes;
  const std::string how =
      "; clear one that is of no more use by publishing an empty retained message to its topic";
  if (after.messages > limits_.messages) {
    return Refusal{Code::too_large,
                   "you have " + std::to_string(limits_.messages) +
                       " retained messages, as many as a user may have; this one, for " +
                       std::string(message.topic) + ", was not accepted" + how,
                   {}};
  }
  if (after.bytes > limits_.bytes) {
    return Refusal{Code::too_large,
                   "your retained messages may have " + std::to_string(limits_.bytes) +
                       " bytes together; this one, for " + std::string(message.topic) + ", was not accepted" +
                       how,
                   {}};
  }
  return {};
}

Outcome RetainedMessages::write(const RetainedMessage& message) {
  const bool removes = message.payload.empty();
  if (const auto written = removes ? store_->remove(message.topic) : store_->put(message); !written)
    return written.error();
  if (removes) {
    forget(message.topic);
  } else {
    count(message, size_of(message));
  }
  changed_.store(true, std::memory_order_release);
  return {};
}

void RetainedMessages::count(const RetainedMessage& message, std::uint64_t bytes) {
  forget(message.topic);
  entries_.emplace(message.topic, Entry{std::string(message.owner), bytes});
  Usage& usage = usage_[std::string(message.owner)];
  ++usage.messages;
  usage.bytes += bytes;
}

void RetainedMessages::forget(std::string_view topic) {
  const auto it = entries_.find(std::string(topic));
  if (it == entries_.end()) return;
  const auto usage = usage_.find(it->second.owner);
  usage->second.bytes -= it->second.bytes;
  if (--usage->second.messages == 0) usage_.erase(usage);
  entries_.erase(it);
}

Outcome RetainedMessages::restore(BrokerPort& broker, const storage::BrokerSnapshot* had,
                                  std::int64_t now_s) {
  boost::unordered_flat_map<std::string_view, const storage::BrokerSnapshot::Retained*> of_broker;
  if (had != nullptr)
    for (const auto& message : had->retained) of_broker.emplace(message.topic, &message);
  std::vector<std::string> expired;
  const auto loaded = store_->load([&](const RetainedMessage& message) {
    if (message.expires_s != 0 && message.expires_s <= now_s) {
      expired.emplace_back(message.topic);
      return;
    }
    const auto there = of_broker.find(message.topic);
    const bool equal = there != of_broker.end() && same(message, *there->second);
    if (there != of_broker.end()) of_broker.erase(there);
    if (equal) return;
    broker.retain(message.topic, Payload(message.payload), message.qos, message.properties,
                  message.expires_s == 0 ? 0 : static_cast<std::uint32_t>(message.expires_s - now_s));
  });
  if (!loaded) return loaded.error();
  for (const auto& [topic, message] : of_broker)
    if (!topic.starts_with("$SYS")) broker.retain(topic, Payload(std::string_view()), 0, {}, 0);
  for (const std::string& topic : expired)
    if (const auto removed = write({.topic = topic, .payload = {}, .properties = {}, .owner = {}}); !removed)
      return removed.error();
  return {};
}

Outcome RetainedMessages::follow(const storage::BrokerSnapshot& snapshot) {
  boost::unordered_flat_map<std::string_view, const storage::BrokerSnapshot::Retained*> of_broker;
  for (const auto& message : snapshot.retained)
    if (is_kept(message.topic) && !message.payload.empty()) of_broker.emplace(message.topic, &message);
  std::vector<std::string> gone;
  const auto loaded = store_->load([&](const RetainedMessage& message) {
    const auto there = of_broker.find(message.topic);
    if (there == of_broker.end()) {
      gone.emplace_back(message.topic);
    } else if (same(message, *there->second)) {
      of_broker.erase(there);
    }
  });
  if (!loaded) return loaded.error();
  for (const std::string& topic : gone)
    if (const auto removed = write({.topic = topic, .payload = {}, .properties = {}, .owner = {}}); !removed)
      return removed.error();
  for (const auto& [topic, message] : of_broker)
    if (const auto written = write(view(*message)); !written) return written.error();
  return {};
}

Outcome RetainedMessages::sync() {
  if (!changed_.exchange(false, std::memory_order_acq_rel)) return {};
  const auto synced = store_->sync();
  if (!synced) changed_.store(true, std::memory_order_release);
  return synced;
}

}  // namespace parley::plugin
