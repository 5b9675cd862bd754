#include "tests/support/chat.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "schemas/message.h"
#include "schemas/topic.h"

namespace parley::test {
namespace {

const json::value& field_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr)
    throw std::runtime_error("no " + std::string(field) + " in " + json::serialize(object));
  return *value;
}

std::string topic_of(std::string_view room, std::string_view form) {
  return messages_topic(room) + (form.empty() ? "" : "/" + std::string(form));
}

json::object expect_account_event(RawClient& client, std::string_view user, std::string_view type,
                                  std::string_view field, std::string_view value) {
  const std::string topic = events_topic(user);
  const auto found = client.expect_message(
      [&](const Received& m) {
        if (m.topic != topic) return false;
        const auto event = parse_object(m.payload);
        return text(event, "type") == type &&
               (value.empty() || (event.contains(field) && text(event, field) == value));
      },
      std::string(type) + " with " + std::string(field) + " " + std::string(value) + " on " + topic);
  return parse_object(found.payload);
}

}  // namespace

std::string text(const json::object& object, std::string_view field) {
  const json::value& value = field_of(object, field);
  if (!value.is_string())
    throw std::runtime_error(std::string(field) + " is no text in " + json::serialize(object));
  return std::string(value.as_string());
}

std::uint64_t number(const json::object& object, std::string_view field) {
  const json::value& value = field_of(object, field);
  boost::system::error_code bad;
  const auto result = value.to_number<std::uint64_t>(bad);
  if (bad) throw std::runtime_error(std::string(field) + " is no number in " + json::serialize(object));
  return result;
}

json::object parse_object(std::string_view source) {
  boost::system::error_code bad;
  const auto value = json::parse(source, bad);
  if (bad || !value.is_object())
    throw std::runtime_error("no JSON object: " + std::string(source.substr(0, 500)));
  return value.as_object();
}

std::string message(std::string_view body, std::string_view cid) {
  json::object object;
  if (!cid.empty()) object["cid"] = cid;
  object["body"] = body;
  return json::serialize(object);
}

std::vector<json::object> events_in(const Received& publish) {
  std::vector<json::object> events;
  const auto topic = parse_topic(publish.topic);
  std::string_view rest = publish.payload;
  if (topic.kind == TopicKind::room_messages_json) {
    events.push_back(parse_object(rest));
  } else if (topic.kind == TopicKind::room_messages_ndjson) {
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      events.push_back(parse_object(rest.substr(0, end)));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  } else if (topic.kind == TopicKind::room_messages) {
    const auto frame = read_frame({reinterpret_cast<const std::uint8_t*>(rest.data()), rest.size()});
    if (!frame) throw std::runtime_error("no valid frame on " + publish.topic);
    for (const Bytes event : frame->events) {
      std::string line;
      append_event_json(event, line);
      events.push_back(parse_object(line));
    }
  } else {
    throw std::runtime_error("no events on topic " + publish.topic);
  }
  return events;
}

json::object expect_event(RawClient& reader, std::string_view room, std::string_view form) {
  auto publish = reader.expect_on(topic_of(room, form));
  auto events = events_in(publish);
  if (events.empty()) throw std::runtime_error("an empty frame on " + publish.topic);
  if (events.size() > 1) {
    // Give the others back as PUBLISHes of the JSON form would hold them: callers take one at a time.
    throw std::runtime_error("a frame of several events; this test should use events_in()");
  }
  return events.front();
}

json::object expect_ack(RawClient& client, std::string_view user, std::string_view cid) {
  return expect_account_event(client, user, "ack", "cid", cid);
}

json::object expect_error(RawClient& client, std::string_view user, std::string_view code) {
  return expect_account_event(client, user, "error", "code", code);
}

World::World(BrokerOptions options) : broker(std::move(options)), admin(broker) {
  std::vector<ControlOp> ops;
  ops.push_back(LimitsPut{.name = "slow", .messages_per_s = 2, .burst = 3});
  for (const char* user : {"olga", "adam", "alice", "bob", "gus", "mallory"}) {
    ops.push_back(UserPut{.user = user, .limits = "unlimited"});
  }
  ops.push_back(UserPut{.user = "lena", .limits = "slow"});
  for (const char* room : {"general", "attic"}) ops.push_back(RoomPut{.room = room, .limits = "unlimited"});
  for (const char* user : {"alice", "bob", "lena"}) ops.push_back(MemberPut{.room = "general", .user = user});
  ops.push_back(MemberPut{.room = "general", .user = "olga", .role = MemberRole::owner});
  ops.push_back(MemberPut{.room = "general", .user = "adam", .role = MemberRole::admin});
  ops.push_back(MemberPut{.room = "general", .user = "gus", .role = MemberRole::guest});
  ops.push_back(MemberPut{.room = "attic", .user = "olga", .role = MemberRole::owner});
  admin.apply(std::move(ops));
}

ConnectOptions World::as(std::string_view user, std::string_view device, Version version) const {
  return {.client_id = std::string(user) + ":" + std::string(device),
          .password = broker.token(user, {.device = std::string(device)}),
          .version = version};
}

RawClient World::connect(std::string_view user, std::string_view device, Version version) const {
  return RawClient::connected(broker.port(), as(user, device, version));
}

RawClient World::listener(std::string_view user, std::string_view device, Version version) const {
  auto client = connect(user, device, version);
  const auto reason = client.subscribe(events_topic(user));
  if (reason >= 0x80) throw std::runtime_error(std::string(user) + " may not read their own events");
  return client;
}

RawClient World::reader(std::string_view user, std::string_view room, std::string_view device,
                        std::string_view form) const {
  auto client = connect(user, device);
  const auto reason = client.subscribe(topic_of(room, form));
  if (reason >= 0x80) {
    throw std::runtime_error(std::string(user) + " may not read " + topic_of(room, form) + ": reason " +
                             std::to_string(reason));
  }
  return client;
}

}  // namespace parley::test
