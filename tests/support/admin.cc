#include "tests/support/admin.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <stdexcept>

#include "schemas/topic.h"

namespace parley::test {

namespace json = boost::json;

Admin::Admin(const Broker& broker, std::string_view device)
    : client_(RawClient::connected(broker.port(), {.client_id = "probe:" + std::string(device),
                                                   .password = broker.service_token(device)})) {
  const std::uint8_t reason = client_.subscribe(kControlResponseTopic);
  if (reason >= 0x80) throw std::runtime_error("a service may not read the control answers");
}

json::object Admin::answer_to(std::string_view req) {
  const auto message = client_.expect_message(
      [&](const Received& m) {
        if (m.topic != kControlResponseTopic) return false;
        if (req.empty()) return true;
        const auto answer = json::parse(m.payload);
        const auto* name = answer.as_object().if_contains("req");
        return name != nullptr && name->is_string() && name->as_string() == req;
      },
      "the answer to control request " + std::string(req));
  return json::parse(message.payload).as_object();
}

json::object Admin::command(ControlRequest request) {
  request.req = "t" + std::to_string(++next_req_);
  client_.publish(kControlTopic, to_json(request));
  return answer_to(request.req);
}

json::object Admin::raw_command(std::string_view text) {
  client_.publish(kControlTopic, text);
  return answer_to({});
}

std::uint64_t Admin::version() {
  ControlRequest request;
  request.cmd = "version";
  return command(request).at("version").to_number<std::uint64_t>();
}

void Admin::apply(std::vector<ControlOp> ops) {
  ControlRequest request;
  request.cmd = "apply";
  request.from = version();
  request.to = request.from + 1;
  request.ops = std::move(ops);
  const auto answer = command(request);
  if (answer.contains("error")) throw std::runtime_error("apply was refused: " + json::serialize(answer));
}

void Admin::put_user(std::string_view user, std::string_view limits) {
  apply({UserPut{.user = std::string(user), .limits = std::string(limits)}});
}

void Admin::put_room(std::string_view room, std::string_view limits) {
  apply({RoomPut{.room = std::string(room), .limits = std::string(limits)}});
}

void Admin::put_member(std::string_view room, std::string_view user, MemberRole role) {
  apply({MemberPut{.room = std::string(room), .user = std::string(user), .role = role}});
}

void Admin::remove_member(std::string_view room, std::string_view user) {
  apply({MemberRemove{.room = std::string(room), .user = std::string(user)}});
}

std::vector<json::object> Admin::read_log(std::string_view room) {
  std::vector<json::object> events;
  ControlRequest request;
  request.cmd = "log.read";
  request.room = room;
  request.limit = 5000;
  while (true) {
    const auto answer = command(request);
    if (answer.contains("error"))
      throw std::runtime_error("log.read was refused: " + json::serialize(answer));
    for (const auto& record : answer.at("events").as_array()) {
      events.push_back(record.at("event").as_object());
      events.back()["offset"] = record.at("offset");
    }
    if (answer.at("end").as_bool()) return events;
    request.offset = std::stoull(std::string(answer.at("next").as_string()));
  }
}

}  // namespace parley::test
