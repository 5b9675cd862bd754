#include "bridge/api/testing/fake_broker_link.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <utility>

#include "schemas/json_text.h"
#include "schemas/raw_json.h"

namespace parley::bridge {
namespace {

namespace json = boost::json;

BrokerError refusal(const std::string& code, const std::string& message) {
  BrokerError error(code, message);
  error.answered = code != "unavailable";
  if (code == "rate_limited") error.retry_after = std::chrono::milliseconds(140);
  return error;
}

std::string text(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

void FakeBrokerLink::refuse_with(std::string code, std::string message) {
  const std::lock_guard lock(mutex_);
  refusal_ = std::move(code);
  refusal_message_ = std::move(message);
}

void FakeBrokerLink::refuse_next(int times, std::string code) {
  const std::lock_guard lock(mutex_);
  next_refusals_ = times;
  next_refusal_ = std::move(code);
}

void FakeBrokerLink::hang() {
  const std::lock_guard lock(mutex_);
  hangs_ = true;
}

void FakeBrokerLink::release() {
  std::vector<OnAnswer> hanging;
  {
    const std::lock_guard lock(mutex_);
    hangs_ = false;
    hanging.swap(hanging_);
  }
  for (const OnAnswer& done : hanging) done(refusal("unavailable", "the broker did not answer in time"));
}

void FakeBrokerLink::set_tail(std::string room, std::uint64_t seq) {
  const std::lock_guard lock(mutex_);
  tails_[std::move(room)] = seq;
}

void FakeBrokerLink::connect_client(std::string client) {
  const std::lock_guard lock(mutex_);
  clients_.insert(std::move(client));
}

std::vector<FakeBrokerLink::Message> FakeBrokerLink::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}

bool FakeBrokerLink::connected(std::size_t) const {
  const std::lock_guard lock(mutex_);
  return refusal_ != "unavailable";
}

void FakeBrokerLink::request(std::size_t, std::string_view cmd, std::string_view fields, Deadline,
                             OnAnswer done) {
  BrokerAnswer result = [&] {
    const std::lock_guard lock(mutex_);
    if (hangs_ && cmd == "send") {
      hanging_.push_back(std::exchange(done, nullptr));
      return BrokerAnswer(std::string());
    }
    return answer(cmd, fields);
  }();
  if (!done) return;
  done(std::move(result));
}

BrokerAnswer FakeBrokerLink::answer(std::string_view cmd, std::string_view fields) {
  if (!refusal_.empty()) return refusal(refusal_, refusal_message_);
  const json::object request =
      json::parse("{" + std::string(fields) + "}", {}, {.max_depth = 64}).as_object();
  if (cmd == "send") return answer_send(fields);
  if (cmd == "room.tail")
    return R"({"req":"1","ok":true,"last":)" + std::to_string(tails_[text(request, "room")]) + "}";
  if (cmd == "stats") return std::string(R"({"req":"1","ok":true,"messages":7})");
  if (cmd == "kick" && clients_.erase(text(request, "client")) > 0)
    return std::string(R"({"req":"1","ok":true})");
  return refusal(cmd == "kick" ? "not_found" : "bad_payload", "there is no such client");
}

BrokerAnswer FakeBrokerLink::answer_send(std::string_view fields) {
  if (next_refusals_ > 0) {
    --next_refusals_;
    return refusal(next_refusal_, "not yet");
  }
  const std::string whole = "{" + std::string(fields) + "}";
  const json::object request = json::parse(whole, {}, {.max_depth = 64}).as_object();
  const json::object& payload = request.at("payload").as_object();
  const std::string room = text(request, "room");
  const std::string user = text(request, "user");
  const std::string cid = text(payload, "cid");
  const auto [place, fresh] = places_.try_emplace({room, user, cid}, tails_[room] + 1);
  if (fresh) {
    tails_[room] = place->second;
    sent_.push_back(
        {{user, text(request, "device"), parse_token_role(text(request, "role")).value_or(TokenRole::user)},
         room,
         std::string(raw_member(whole, "payload").value_or(""))});
  }
  std::string out;
  JsonObjectWriter answer(out);
  answer.text("req", "1");
  answer.json_if("ok", "true");
  answer.text("cid", cid);
  answer.number("seq", place->second);
  answer.text("id", std::to_string(1000 + place->second));
  answer.number("ts", 1763683200123);
  answer.json_if("duplicate", fresh ? "false" : "true");
  answer.close();
  return out;
}

}  // namespace parley::bridge
