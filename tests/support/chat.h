// Chat in the terms of the protocol: what tests say about rooms, events, acknowledgments and refusals.
#ifndef PARLEY_TESTS_SUPPORT_CHAT_H_
#define PARLEY_TESTS_SUPPORT_CHAT_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/admin.h"
#include "tests/support/broker.h"
#include "tests/support/raw_client.h"

namespace parley::test {

namespace json = boost::json;

// A field as text or number; throws std::runtime_error that shows the whole object when it is missing.
std::string text(const json::object& object, std::string_view field);
std::uint64_t number(const json::object& object, std::string_view field);

json::object parse_object(std::string_view text);
// The payload of `{"cid":cid,"body":body}`; an empty cid is left out.
std::string message(std::string_view body, std::string_view cid = {});

// The events in a PUBLISH on rooms/{room}/messages, .../json or .../ndjson, told apart by topic.
std::vector<json::object> events_in(const Received& publish);

// The next message event of the room in the given form ("", "json", "ndjson"), in the order of delivery.
json::object expect_event(RawClient& reader, std::string_view room, std::string_view form = "json");
// The next event of `user`'s account (`type` is "ack" or "error") about the message with this cid; "": any.
json::object expect_ack(RawClient& client, std::string_view user, std::string_view cid);
json::object expect_error(RawClient& client, std::string_view user, std::string_view code);

// A broker with people in it. Room `general`: olga (owner), adam (admin), alice, bob (members), gus (guest).
// Room `attic`: olga alone. mallory is in no room. Nobody is rate-limited but lena (class "slow": 2/s, burst
// 3).
class World {
 public:
  explicit World(BrokerOptions options = {});

  ConnectOptions as(std::string_view user, std::string_view device = "phone",
                    Version version = Version::v5) const;
  RawClient connect(std::string_view user, std::string_view device = "phone",
                    Version version = Version::v5) const;
  // Connected, and subscribed to users/{me}/events.
  RawClient listener(std::string_view user, std::string_view device = "phone",
                     Version version = Version::v5) const;
  // Connected, and subscribed to rooms/{room}/messages/{form}.
  RawClient reader(std::string_view user, std::string_view room, std::string_view device = "reader",
                   std::string_view form = "json") const;

  Broker broker;
  Admin admin;
};

}  // namespace parley::test

#endif
