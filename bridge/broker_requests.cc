// What requests to the broker look like, and what their answers mean.
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/throw_exception.hpp>
#include <future>
#include <stdexcept>
#include <utility>

#include "bridge/broker_link.h"
#include "schemas/json_text.h"

namespace parley::bridge {
namespace {

namespace json = boost::json;

BrokerError strange(std::string_view answer) {
  BrokerError error("unavailable",
                    "the broker answered what the bridge does not understand; do their versions match?");
  error.answered = true;
  error.json = answer;
  return error;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

// Numbers of JSON, or decimal text where they may be above what JavaScript holds.
std::uint64_t number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return 0;
  if (value->is_string()) return raw(parse_message_id(value->get_string()).value_or(MessageId{0}));
  json::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

SendAnswer read_sent(const BrokerAnswer& answer) {
  if (!answer) return answer.error();
  json::error_code error;
  const json::value value = json::parse(*answer, error);
  if (error || !value.is_object()) return strange(*answer);
  const json::object& object = value.get_object();
  Sent sent;
  sent.cid = text_of(object, "cid");
  sent.seq = Seq{number_of(object, "seq")};
  sent.id = MessageId{number_of(object, "id")};
  sent.ts_ms = static_cast<std::int64_t>(number_of(object, "ts"));
  const json::value* duplicate = object.if_contains("duplicate");
  sent.duplicate = duplicate != nullptr && duplicate->is_bool() && duplicate->get_bool();
  if (raw(sent.seq) == 0) return strange(*answer);
  return sent;
}

// Runs what answers by callback, and waits for it here.
template <class Answer, class Start>
Answer wait_for(Start&& start) {
  auto promise = std::make_shared<std::promise<Answer>>();
  auto future = promise->get_future();
  start([promise](Answer answer) { promise->set_value(std::move(answer)); });
  return future.get();
}

}  // namespace

void throw_exception_from_error(const BrokerError& error, const boost::source_location& where) {
  boost::throw_exception(std::runtime_error(error.code + ": " + error.message), where);
}

BrokerError broker_error(std::string_view answer) {
  json::error_code error;
  const json::value value = json::parse(answer, error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* what = object == nullptr ? nullptr : object->if_contains("error");
  if (what == nullptr || !what->is_object()) return strange(answer);
  BrokerError out(text_of(what->get_object(), "code"), text_of(what->get_object(), "message"));
  if (const std::uint64_t ms = number_of(what->get_object(), "retry_after_ms"); ms != 0)
    out.retry_after = std::chrono::milliseconds(ms);
  out.answered = true;
  out.json = std::string(answer);
  return out;
}

std::uint64_t answered_number(std::string_view answer, std::string_view name) {
  json::error_code error;
  const json::value value = json::parse(answer, error);
  return error || !value.is_object() ? 0 : number_of(value.get_object(), name);
}

BrokerAnswer BrokerLink::call(std::size_t node, std::string_view cmd, std::string_view fields,
                              Deadline deadline) {
  return wait_for<BrokerAnswer>([&](auto done) { request(node, cmd, fields, deadline, done); });
}

void BrokerLink::send_as(const SendAs& who, std::string_view room, std::string_view payload,
                         Deadline deadline, OnSent done) {
  std::string fields;
  JsonObjectWriter json(fields);
  json.text("user", who.user);
  json.text_if("device", who.device);
  json.text("role", to_string(who.role));
  json.text("room", room);
  json.json_if("payload", payload);
  request(0, "send", std::string_view(fields).substr(1), deadline,
          [done = std::move(done)](const BrokerAnswer& answer) { done(read_sent(answer)); });
}

SendAnswer BrokerLink::send_as(const SendAs& who, std::string_view room, std::string_view payload,
                               Deadline deadline) {
  return wait_for<SendAnswer>([&](auto done) { send_as(who, room, payload, deadline, done); });
}

boost::system::result<Seq, BrokerError> BrokerLink::room_tail(std::string_view room, Deadline deadline) {
  std::string fields = R"("room":)";
  append_json_string(room, fields);
  const BrokerAnswer answer = call(0, "room.tail", fields, deadline);
  if (!answer) return answer.error();
  return Seq{answered_number(*answer, "last")};
}

}  // namespace parley::bridge
