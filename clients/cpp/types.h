// What goes into and comes out of the C++ SDK. Plain values; copies are independent.
#ifndef PARLEY_CLIENTS_CPP_TYPES_H_
#define PARLEY_CLIENTS_CPP_TYPES_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/errors.h"
#include "schemas/ids.h"
#include "schemas/message.h"

namespace parley::client {

struct OutgoingAttachment {
  std::string id;
  std::string name;
  std::string type;        // a media type
  std::uint64_t size = 0;  // bytes
};

// A message or an operation to send. Fields are those of protocol.md, "Sending".
struct Outgoing {
  std::string room{};
  std::string cid{};  // empty: a UUID is made
  Kind kind = Kind::text;
  std::string body{};
  MessageId reply_to{0};
  std::vector<std::string> mentions{};
  std::vector<OutgoingAttachment> attachments{};
  std::string meta{};              // text of a JSON object; empty: none
  std::uint32_t expires_in_s = 0;  // 0: never
  MessageId target{0};             // for operations
  std::string emoji{};             // for react and unreact
};

// The server's word that a message is durable, and at which place.
struct Ack {
  std::string room;
  std::string cid;
  Seq seq{0};
  MessageId id{0};
  std::uint64_t ts_ms = 0;  // since the Unix epoch
  bool duplicate = false;   // it had been stored before, under this seq
};
using SendResult = Result<Ack>;
using SendDone = std::function<void(const SendResult&)>;

enum class State : std::uint8_t {
  offline,     // not started, or stopped
  connecting,  // fetching a token, or waiting for the broker's answer
  online,
  waiting,   // until the next attempt, `retry_in`
  replaced,  // another connection took this client id over, or seems to (the line was lost shortly after
             // connecting, several times running): the SDK stays away until connect() is called
};
std::string_view to_string(State state);

struct Status {
  State state = State::offline;
  std::string reason{};  // why the last connection ended or was refused, for people
  std::chrono::milliseconds retry_in{0};
  bool refused = false;  // while waiting: the server did not take our token, so trying again may not help
};

// Events after `have` up to and including `prev` have not arrived; a `prev` of 0 means up to the newest.
struct Gap {
  std::string room;
  Seq have{0};
  Seq prev{0};
  MessageId have_id{0};  // of the event at `have`; 0 when the app gave join() none
};

// Bytes of one event, as in a frame (schemas/event.fbs).
using EventBytes = std::vector<std::uint8_t>;

}  // namespace parley::client

#endif
