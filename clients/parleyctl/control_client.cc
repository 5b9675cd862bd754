#include "clients/parleyctl/control_client.h"

#include "clients/parleyctl/key_store.h"
#include "schemas/raw_json.h"
#include "schemas/whole_number.h"

namespace parley::ctl {
namespace {

namespace json = boost::json;
using client::Outcome;
using client::Ticket;

constexpr std::size_t kMaxDepth = 64;  // an event of 32 levels, inside of a list of them
constexpr std::size_t kMaxWaitingBytes = 64 << 20;
// Somebody else may be applying facts too (the bridge); more rounds than this means something is wrong.
constexpr int kVersionRounds = 20;

std::string text_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::uint64_t number_of(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  boost::system::error_code error;
  const auto number = value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

// An offset: decimal text, or a number; 0 for anything else.
std::uint64_t decimal_of(std::optional<std::string_view> json) {
  if (!json) return 0;
  if (json->size() > 2 && json->starts_with('"')) json = json->substr(1, json->size() - 2);
  const auto number = parse_whole_number(*json);
  return number ? number->as<std::uint64_t>().value_or(0) : 0;
}

}  // namespace

ControlClient::ControlClient(Options options) : options_(std::move(options)) { connect(); }

ControlClient::~ControlClient() {
  if (transport_) transport_->close(std::chrono::milliseconds(500));
}

std::string ControlClient::where() const {
  return options_.connect.host + ":" + std::to_string(options_.connect.port);
}

void ControlClient::connect() {
  transport_ = options_.transport(*this);
  transport_->open(options_.connect);
  {
    std::unique_lock lock(mutex_);
    if (!wait(lock, options_.timeout, [&] { return connected_.has_value(); })) {
      throw Failure("no answer from " + where() + " within " +
                    std::to_string(options_.timeout.count() / 1000) + " s: is it a Parley broker?");
    }
    if (!connected_->ok()) {
      if (connected_->reason == client::kNoReason) {
        throw NoBroker("no broker at " + where() + ": start it with ./parley up");
      }
      throw Failure("the broker at " + where() + " refused us (" + connected_->message +
                    "): is --var the folder of this server?");
    }
  }
  subscribe(options_.response_topic);
}

void ControlClient::subscribe(const std::string& filter) {
  const Ticket ticket = next_ticket_++;
  transport_->subscribe(ticket, filter, 1);
  std::unique_lock lock(mutex_);
  if (!wait(lock, options_.timeout, [&] { return finished_.first == ticket; })) {
    throw Failure("the broker at " + where() + " does not answer a SUBSCRIBE; see ./parley logs");
  }
  if (!finished_.second.ok()) {
    throw Failure("may not read " + filter + " at " + where() + " (" + finished_.second.message +
                  "): is the Parley plugin loaded there?");
  }
}

ControlClient::Answer ControlClient::ask(std::string_view cmd, json::object fields, std::string_view more) {
  const std::string req = random_hex_id();
  json::object request = std::move(fields);
  request["req"] = req;
  request["cmd"] = cmd;
  const Ticket ticket = next_ticket_++;
  {
    std::lock_guard lock(mutex_);
    awaited_req_ = req;
    response_.reset();
  }
  std::string text = json::serialize(request);
  if (!more.empty()) text.insert(text.size() - 1, "," + std::string(more));
  transport_->publish(ticket, options_.request_topic, text, 1);

  std::unique_lock lock(mutex_);
  const bool in_time = wait(lock, options_.timeout, [&] {
    return response_.has_value() || (finished_.first == ticket && !finished_.second.ok());
  });
  awaited_req_.clear();
  if (!in_time) {
    throw Failure("the broker at " + where() + " did not answer '" + std::string(cmd) + "' within " +
                  std::to_string(options_.timeout.count() / 1000) +
                  " s: is the Parley plugin loaded? See ./parley logs");
  }
  if (!response_) throw Failure("the broker refused '" + std::string(cmd) + "': " + finished_.second.message);

  Answer answer = std::move(*response_);
  response_.reset();
  if (const json::value* error = answer.body.if_contains("error"); error != nullptr && error->is_object()) {
    answer.code = text_of(error->as_object(), "code");
    answer.message = text_of(error->as_object(), "message");
    if (answer.code.empty()) answer.code = "unavailable";
    if (const json::value* version = error->as_object().if_contains("version")) {
      answer.body.emplace("version", *version);
    }
  }
  return answer;
}

json::object ControlClient::call(std::string_view cmd, json::object fields) {
  Answer answer = ask(cmd, std::move(fields));
  if (!answer.ok()) {
    throw Failure(std::string(cmd) + ": " + answer.code +
                  (answer.message.empty() ? "" : ": " + answer.message));
  }
  return std::move(answer.body);
}

ControlClient::LogRecords ControlClient::read_log(std::uint64_t offset, std::uint64_t limit,
                                                  const std::string& room) {
  json::object fields{{"offset", offset}, {"limit", limit}, {"encoding", "json"}};
  if (!room.empty()) fields["room"] = room;
  const Answer answer = ask("log.read", std::move(fields));
  if (!answer.ok()) throw Failure("log.read: " + answer.code + ": " + answer.message);
  const auto events = raw_member(answer.text, "events");
  if (!events || !events->starts_with('[')) throw Failure("log.read: the answer has no events");
  LogRecords out;
  RawElements elements(*events);
  while (const auto element = elements.next()) {
    const auto event = raw_member(*element, "event");
    if (event) out.records.push_back({decimal_of(raw_member(*element, "offset")), std::string(*event)});
  }
  out.next = decimal_of(raw_member(answer.text, "next"));
  const json::value* end = answer.body.if_contains("end");
  out.end = end == nullptr || !end->is_bool() || end->as_bool();
  return out;
}

std::uint64_t ControlClient::version() { return number_of(call("version"), "version"); }

std::uint64_t ControlClient::apply(std::span<const ControlOp> ops) {
  std::string list = R"("ops":[)";
  for (const ControlOp& op : ops) {
    if (list.back() != '[') list += ',';
    list += to_json(op);
  }
  list += ']';

  std::uint64_t at = version();
  for (int round = 0; round < kVersionRounds; ++round) {
    const Answer answer = ask("apply", {{"from", at}, {"to", at + 1}}, list);
    if (answer.ok()) {
      const std::uint64_t version = number_of(answer.body, "version");
      return version != 0 ? version : at + 1;
    }
    if (answer.code != "version_mismatch") throw Failure(answer.code + ": " + answer.message);
    const std::uint64_t told = number_of(answer.body, "version");
    at = told != 0 ? told : version();
  }
  throw Failure("the replica's version keeps changing under us; nothing was applied, try again");
}

std::optional<ControlClient::Message> ControlClient::next(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  if (!wait(lock, patience, [&] { return !messages_.empty(); })) return std::nullopt;
  Message message = std::move(messages_.front());
  messages_.pop_front();
  message_bytes_ -= message.payload.size();
  return message;
}

template <class Ready>
bool ControlClient::wait(std::unique_lock<std::mutex>& lock, std::chrono::milliseconds patience,
                         Ready&& ready) {
  changed_.wait_for(lock, patience, [&] { return ready() || lost_.has_value(); });
  if (ready()) return true;
  if (lost_) fail_lost();
  return false;
}

void ControlClient::fail_lost() const {
  throw Failure("the broker at " + where() + " closed the connection (" + lost_->message +
                "); see ./parley logs");
}

void ControlClient::on_connect(const Outcome& outcome) {
  std::lock_guard lock(mutex_);
  connected_ = outcome;
  changed_.notify_all();
}

void ControlClient::on_lost(const Outcome& why) {
  std::lock_guard lock(mutex_);
  lost_ = why;
  changed_.notify_all();
}

void ControlClient::on_publish(Ticket ticket, const Outcome& outcome) {
  std::lock_guard lock(mutex_);
  finished_ = {ticket, outcome};
  changed_.notify_all();
}

void ControlClient::on_subscribe(Ticket ticket, const Outcome& outcome) { on_publish(ticket, outcome); }

void ControlClient::on_message(std::string_view topic, std::string_view payload) {
  std::lock_guard lock(mutex_);
  if (topic == options_.response_topic) {
    if (awaited_req_.empty()) return;
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::value value = json::parse(payload, error, {}, options);
    // Answers to other services' requests pass here too.
    if (error || !value.is_object() || text_of(value.as_object(), "req") != awaited_req_) return;
    response_ = Answer{std::move(value.as_object()), std::string(payload), {}, {}};
  } else if (message_bytes_ + payload.size() <= kMaxWaitingBytes) {
    messages_.push_back({std::string(topic), std::string(payload)});
    message_bytes_ += payload.size();
  }
  changed_.notify_all();
}

std::unique_ptr<ControlClient> connect_control(const Context& context) {
  return connect_control(context, KeyStore(context.var).load());
}

std::unique_ptr<ControlClient> connect_control(const Context& context, const SigningKey& key) {
  // A device of its own for each run, so that two never take over each other's connection.
  const std::string device = "ctl-" + random_hex_id().substr(0, 12);
  ControlClient::Options options;
  options.connect.host = context.host;
  options.connect.port = context.port;
  options.connect.client_id = "parleyctl:" + device;
  options.connect.username = "parleyctl";
  options.connect.password = sign_token(key, "parleyctl", device, TokenRole::service, std::chrono::hours(24));
  return std::make_unique<ControlClient>(std::move(options));
}

}  // namespace parley::ctl
