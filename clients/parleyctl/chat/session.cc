#include "clients/parleyctl/chat/session.h"

#include <poll.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

Session::Session(client::Options options, std::string room, Face& face)
    : room_(std::move(room)), me_(options.user.str()), face_(face), transcript_(me_) {
  client::Listener& listener = *this;
  client_ = std::make_unique<client::Client>(std::move(options), listener);
}

Session::~Session() { client_.reset(); }

void Session::start(const std::vector<client::EventBytes>& backlog) {
  Seq have{0};
  MessageId have_id{0};
  for (const client::EventBytes& bytes : backlog) {
    const auto event = reader_.read(bytes);
    if (!event || event->stamp.room != room_ || event->stamp.seq <= have) continue;
    transcript_.apply(*event);
    have = event->stamp.seq;
    have_id = event->stamp.id;
  }
  client_->join(room_, have, have_id);
  client_->connect();
}

void Session::submit(const std::string& line) {
  Command command = parse_command(line);
  switch (command.kind) {
    case Command::Kind::nothing:
      return;
    case Command::Kind::say: {
      client::Outgoing message{.room = room_, .body = command.text};
      message.mentions = mentions_in(message.body);
      return send(std::move(message));
    }
    case Command::Kind::reply: {
      const Item* target = target_of(command, false);
      if (target == nullptr) return;
      client::Outgoing message{.room = room_, .body = command.text};
      message.mentions = mentions_in(message.body);
      message.reply_to = target->id;
      return send(std::move(message));
    }
    case Command::Kind::edit:
      return send_operation(Kind::edit, command);
    case Command::Kind::remove:
      return send_operation(Kind::del, command);
    case Command::Kind::react:
      return send_operation(Kind::react, command);
    case Command::Kind::unreact:
      return send_operation(Kind::unreact, command);
    case Command::Kind::numbers:
      numbers_ = !numbers_;
      return;
    case Command::Kind::help:
      for (const auto& [usage, meaning] : command_help()) transcript_.explain(usage, meaning, now_ms());
      return;
    case Command::Kind::quit:
      quitting_ = true;
      return;
    case Command::Kind::wrong:
      return warn(command.text);
  }
}

void Session::send(client::Outgoing message) {
  message.cid = client::make_uuid();
  if (!is_operation(message.kind)) transcript_.add_pending(message, now_ms());
  ++unsettled_;
  client_->send(message, [this, message](const client::SendResult& result) {
    mailbox_.post([this, message, result] { settled(message, result); });
  });
}

void Session::send_operation(Kind kind, const Command& command) {
  const bool own = kind == Kind::edit || kind == Kind::del;
  const Item* target = target_of(command, own);
  if (target == nullptr) return;
  if (kind == Kind::edit && command.text.empty()) {
    return face_.on_prefill("/edit #" + std::to_string(raw(target->seq)) + " " + target->body);
  }
  client::Outgoing operation{.room = room_};
  operation.kind = kind;
  operation.target = target->id;
  if (kind == Kind::edit) operation.body = command.text;
  if (kind == Kind::react || kind == Kind::unreact) operation.emoji = command.text;
  send(std::move(operation));
}

const Item* Session::target_of(const Command& command, bool own) {
  const Item* item = command.target ? transcript_.find(*command.target) : transcript_.latest(own);
  if (item == nullptr && !command.target && !own) item = transcript_.latest(true);
  if (item == nullptr) {
    warn(command.target
             ? "there is no message #" + std::to_string(raw(*command.target)) + " here; /numbers shows them"
             : "there is no message to do that to yet");
  } else if (item->id == MessageId{0}) {
    warn("that message is still on its way");
    return nullptr;
  }
  return item;
}

void Session::settled(const client::Outgoing& message, const client::SendResult& result) {
  --unsettled_;
  if (result) return transcript_.stored(message.cid, *result);
  ++failures_;
  const Refusal& refusal = result.error();
  std::string why(to_string(refusal.code));
  std::replace(why.begin(), why.end(), '_', ' ');
  if (!refusal.message.empty()) why += ": " + clean_line(refusal.message);
  if (is_operation(message.kind)) warn("could not " + std::string(to_string(message.kind)) + ": " + why);
  transcript_.failed(message.cid, why);
  face_.on_refused(message.body, why);
}

bool Session::settle(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (unsettled_ > 0) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd wait{mailbox_.fd(), POLLIN, 0};
    ::poll(&wait, 1, static_cast<int>(std::min<long long>(left, 1000)));
    mailbox_.run();
  }
  return true;
}

// ---- on the SDK's thread

void Session::on_status(const client::Status& status) {
  mailbox_.post([this, status] {
    // The reason for the last failure stays readable while the next attempt runs.
    const std::string reason = status.reason.empty() ? status_.reason : clean_line(status.reason);
    status_ = status;
    status_.reason = status.state == client::State::online ? std::string() : reason;
    retry_at_ = std::chrono::steady_clock::now() + status.retry_in;
    if (status.state != client::State::online) typing_people_.clear();
    if (status.state == client::State::replaced)
      warn("disconnected: " + status.reason + ". Leave with /quit and start again to come back");
    if (status.state == client::State::waiting && status.refused && !std::exchange(told_refused_, true)) {
      warn("the server does not let " + me_ + " in. Is " + me_ + " a user there ('parleyctl user put " + me_ +
           "' makes one), with fewer connections open than are allowed (5, unless configured)?");
    }
  });
}

void Session::on_event(const Event& event) {
  const Bytes bytes = builder_.build(event.stamp, event.send);
  mailbox_.post([this, copy = client::EventBytes(bytes.begin(), bytes.end())] { take_event(copy); });
}

void Session::on_gap(const client::Gap&) {
  mailbox_.post(
      [this] { warn("some messages were missed here; 'parleyctl log read --room " + room_ + "' has them"); });
}

void Session::on_typing(const std::string&, const std::string& name, bool typing) {
  mailbox_.post([this, user = clean_line(name), typing] {
    std::erase(typing_people_, user);
    if (typing) typing_people_.push_back(user);
  });
}

void Session::on_joined(const std::string&, const Refusal* refusal) {
  mailbox_.post([this, copy = refusal == nullptr ? std::nullopt : std::optional(*refusal)] { joined(copy); });
}

void Session::on_delayed(const std::string&, const std::string& cid, const Refusal& refusal) {
  mailbox_.post([this, cid, refusal] {
    const auto seconds = std::max<long long>(1, (refusal.retry_after.count() + 500) / 1000);
    const bool limited = refusal.code == Code::rate_limited;
    transcript_.delayed(cid, (limited ? "too fast; sent again in " : "the server is busy; sent again in ") +
                                 std::to_string(seconds) + " s");
  });
}

void Session::on_notice(const std::string& type, const std::string& json) {
  if (type != "room.removed" && type != "room.added") return;
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(json, error);
  const auto member = [&](std::string_view name) {
    const boost::json::value* value = parsed.is_object() ? parsed.get_object().if_contains(name) : nullptr;
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  if (error || member("room") != room_) return;
  const std::string by = clean_line(member("by"));
  const std::string reason = member("reason");
  mailbox_.post([this, type, by, reason] {
    const bool by_other = !by.empty() && by != me_;
    if (type == "room.added") {
      notice(by_other ? by + " added you to #" + room_ : "you are a member of #" + room_ + " now");
    } else if (reason == "deleted") {
      warn("#" + room_ + " has been deleted" + (by_other ? " by " + by : ""));
    } else if (by_other && (reason == "removed" || reason == "banned")) {
      warn(by + " " + reason + " you from #" + room_);
    } else {
      warn("you are no longer a member of #" + room_);
    }
  });
}

// ---- back on the main thread

void Session::take_event(const client::EventBytes& bytes) {
  const auto event = reader_.read(bytes);
  if (!event) return;
  face_.on_event(bytes);
  transcript_.apply(*event);
  const Item* item = transcript_.find(event->stamp.id);
  if (item == nullptr) return;
  face_.on_item(*item);
  if (item->mentions_me) face_.on_mention();
}

void Session::joined(const std::optional<Refusal>& refusal) {
  const bool first = !joined_.has_value();
  const bool changed = joined_ != !refusal.has_value();
  joined_ = !refusal.has_value();
  if (refusal) {
    if (changed) {
      warn("you may not read #" + room_ + ": " + me_ + " is no member. 'parleyctl member put " + room_ + " " +
           me_ + "' makes " + me_ + " one");
    }
  } else if (first) {
    notice("this is #" + room_ + (transcript_.items().empty() ? "; what is said appears here" : ""));
  }
}

void Session::notice(const std::string& text) {
  transcript_.notice(text, now_ms());
  face_.on_item(transcript_.items().back());
}

void Session::warn(const std::string& text) {
  transcript_.warn(text, now_ms());
  face_.on_item(transcript_.items().back());
}

}  // namespace parley::chat
