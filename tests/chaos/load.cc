#include "tests/chaos/load.h"

#include <poll.h>

#include <deque>
#include <functional>
#include <map>
#include <stdexcept>

#include "schemas/topic.h"

namespace parley::test {
namespace {

// How long a client without a broker waits before it tries again, and how often waiting threads look up.
constexpr int kRetryMs = 3;
constexpr auto kLookUp = 20ms;

ConnectOptions login(const Broker& broker, const std::string& user) {
  return {.client_id = user + ":load", .password = broker.token(user, {.device = "load"})};
}

// Messages of one publisher on their way: what was sent and is not acknowledged, oldest first.
struct Outbox {
  std::deque<std::string> unacked;            // cids
  std::deque<std::string> to_send;            // of those, not yet sent on this connection
  std::map<std::uint16_t, std::string> sent;  // packet id -> cid, of this connection

  void connected() {
    sent.clear();
    to_send = unacked;
  }
  void acknowledged(std::uint16_t packet_id) {
    std::erase(unacked, sent.at(packet_id));
    sent.erase(packet_id);
  }
  void refused(std::uint16_t packet_id) {
    to_send.push_front(sent.at(packet_id));
    sent.erase(packet_id);
  }
};

}  // namespace

std::string text_for(std::string_view cid) {
  const std::size_t length = 10 + std::hash<std::string_view>()(cid) % 300;
  std::string text(cid);
  while (text.size() < length) text += '.';
  return text;
}

Seen seen_of(const json::object& event) {
  return {text(event, "room"),
          number(event, "seq"),
          number(event, "prev"),
          std::stoull(text(event, "id")),
          text(event, "from"),
          event.contains("cid") ? text(event, "cid") : "",
          event.contains("body") ? text(event, "body") : ""};
}

std::vector<ControlOp> Load::facts(const LoadOptions& options) {
  std::vector<ControlOp> ops;
  const auto person = [&](const std::string& user) {
    ops.push_back(UserPut{.user = user, .limits = "unlimited"});
    for (const auto& room : options.rooms) ops.push_back(MemberPut{.room = room, .user = user});
  };
  for (const auto& room : options.rooms) ops.push_back(RoomPut{.room = room, .limits = "unlimited"});
  for (int i = 0; i < options.publishers; ++i) person("p-" + std::to_string(i));
  for (int i = 0; i < options.readers; ++i) person("r-" + std::to_string(i));
  return ops;
}

Load::Load(const Broker& broker, LoadOptions options)
    : broker_(broker),
      options_(std::move(options)),
      publisher_records_(static_cast<std::size_t>(options_.publishers)),
      reader_records_(static_cast<std::size_t>(options_.readers)) {
  std::size_t i = 0;
  for (auto& record : reader_records_) {
    record.room = options_.rooms[i % options_.rooms.size()];
    reader_threads_.emplace_back(
        [this, &record, i] { read_forever(record, "r-" + std::to_string(i), i % 2 == 0 ? 0 : 1); });
    ++i;
  }
  i = 0;
  publishing_ = options_.publishers;
  for (auto& record : publisher_records_) {
    record.user = "p-" + std::to_string(i);
    record.room = options_.rooms[i % options_.rooms.size()];
    publisher_threads_.emplace_back([this, &record] {
      publish_forever(record);
      --publishing_;
    });
    ++i;
  }
}

Load::~Load() { finish(0ms); }

bool Load::finish(Deadline deadline) {
  stopping_ = true;
  while (publishing_ > 0 && !deadline.passed()) poll(nullptr, 0, kRetryMs);
  abandoned_ = true;
  for (auto& thread : publisher_threads_) thread.join();
  publisher_threads_.clear();
  readers_end_ = true;
  for (auto& thread : reader_threads_) thread.join();
  reader_threads_.clear();
  for (const auto& record : publisher_records_) {
    if (record.acked.size() != record.sent.size()) return false;
  }
  return true;
}

bool Load::wait_acked(std::uint64_t count, Deadline deadline) const {
  while (acked_ < count && !deadline.passed()) poll(nullptr, 0, 1);
  return acked_ >= count;
}

bool Load::wait_seen(std::uint64_t count, Deadline deadline) const {
  while (seen_ < count && !deadline.passed()) poll(nullptr, 0, 1);
  return seen_ >= count;
}

void Load::publish_forever(PublisherRecord& record) {
  const ConnectOptions options = login(broker_, record.user);
  const std::string topic = send_topic(record.room);
  Outbox outbox;
  std::unique_ptr<RawClient> client;
  while (!abandoned_ && !(stopping_ && outbox.unacked.empty())) try {
      if (!client) {
        client = std::make_unique<RawClient>(RawClient::connected(broker_.port(), options));
        outbox.connected();
      }
      while (outbox.sent.size() < static_cast<std::size_t>(options_.window)) {
        if (outbox.to_send.empty()) {
          if (stopping_) break;
          record.sent.push_back(record.user + "-" + std::to_string(record.sent.size()));
          outbox.unacked.push_back(record.sent.back());
          outbox.to_send.push_back(record.sent.back());
        }
        const std::string cid = outbox.to_send.front();
        // Packet ids are never shared by two messages on their way: the window is far smaller than their
        // range.
        const auto id = client->send_publish(topic, message(text_for(cid), cid));
        outbox.to_send.pop_front();
        outbox.sent[id] = cid;
      }
      const auto answer = client->next_control(kLookUp);
      if (!answer) {
        if (!client->open()) client.reset();
      } else if (answer->type == PacketType::puback && answer->reason < 0x80) {
        record.acked.push_back(outbox.sent.at(answer->packet_id));
        outbox.acknowledged(answer->packet_id);
        ++acked_;
      } else if (answer->type == PacketType::puback) {
        outbox.refused(answer->packet_id);
        record.refused = true;
        poll(nullptr, 0, kRetryMs);
      }
    } catch (const std::runtime_error&) {  // the connection broke, or there is no broker
      client.reset();
      poll(nullptr, 0, kRetryMs);
    }
}

void Load::read_forever(ReaderRecord& record, const std::string& user, std::uint8_t qos) {
  const ConnectOptions options = login(broker_, user);
  const std::string topic = messages_topic(record.room);
  std::unique_ptr<RawClient> client;
  while (true) try {
      if (!client) {
        if (readers_end_) return;
        client = std::make_unique<RawClient>(RawClient::connected(broker_.port(), options));
        if (client->subscribe(topic, qos) >= 0x80) throw std::runtime_error("may not read " + topic);
        record.connections.emplace_back();
      }
      const bool last_look = readers_end_;
      auto publish = client->next(kLookUp);
      if (!publish) {
        if (last_look) return;
        if (!client->open()) client.reset();
        continue;
      }
      for (const auto& event : events_in(*publish)) {
        record.connections.back().push_back(seen_of(event));
        ++seen_;
      }
    } catch (const std::runtime_error&) {
      client.reset();
      poll(nullptr, 0, kRetryMs);
    }
}

}  // namespace parley::test
