#include "clients/cpp/sender.h"

#include <algorithm>
#include <utility>

#include "schemas/topic.h"

namespace parley::client {
namespace {

// How long after a refusing PUBACK the `error` event with the reason may take. It was queued first by the
// server, so this passes only when there is none.
constexpr Millis kReasonPatience{1'000};
// A refusal that says "later" without saying when.
constexpr Millis kDefaultRetry{1'000};

// Protocol, "Limits": of a message as it is sent. A broker cuts the line of whoever sends much more.
constexpr std::size_t kMostPayloadBytes = 256 << 10;

// What a refusing PUBACK says by itself.
Code code_of(int reason) {
  switch (reason) {
    case kReasonNotAuthorized:
      return Code::forbidden;
    case kReasonQuotaExceeded:
      return Code::rate_limited;
    case kReasonPayloadInvalid:
      return Code::bad_payload;
    case kReasonPacketTooLarge:
      return Code::too_large;
    default:
      return Code::unavailable;
  }
}

std::vector<std::uint8_t> payload_of(const Outgoing& message) {
  std::vector<std::string_view> mentions(message.mentions.begin(), message.mentions.end());
  std::vector<Attachment> attachments;
  for (const OutgoingAttachment& a : message.attachments)
    attachments.push_back({a.id, a.name, a.type, a.size});
  Send send;
  send.cid = message.cid;
  send.kind = message.kind;
  send.body = message.body;
  send.reply_to = message.reply_to;
  send.mentions = mentions;
  send.attachments = attachments;
  send.meta = message.meta;
  send.expires_in_s = message.expires_in_s;
  send.target = message.target;
  send.emoji = message.emoji;
  return send_to_flatbuffer(send);
}

// Why it cannot even be put on the wire; the server checks the rest.
std::optional<Refusal> unsendable(const Outgoing& message) {
  if (!is_room_name(message.room)) return Refusal{Code::bad_payload, "room: no valid room name"};
  if (!is_cid(message.cid))
    return Refusal{Code::bad_payload, "cid: 1 to 64 characters without control characters"};
  if (is_server_made(message.kind)) return Refusal{Code::bad_payload, "kind: only the server makes these"};
  if (payload_of(message).size() > kMostPayloadBytes)
    return Refusal{Code::too_large, "a message has at most 256 KiB: send it in parts, or as an attachment"};
  return std::nullopt;
}

}  // namespace

Sender::Sender(Actions& actions, const Environment& environment, Options options,
               std::shared_ptr<OutboxStore> store)
    : actions_(actions),
      environment_(environment),
      options_(options),
      outbox_(options.capacity, std::max<std::size_t>(options.window, 1)),
      store_(std::move(store)) {
  if (!store_) return;
  for (Outgoing& message : store_->load()) {
    if (!unsendable(message)) outbox_.add(std::move(message), {});
  }
}

void Sender::submit(Outgoing message, SendDone done) {
  if (!done) done = [](const SendResult&) {};
  if (auto refusal = unsendable(message)) return done(*refusal);
  if (outbox_.full()) {
    return done(Refusal{Code::unavailable,
                        "too many messages are waiting to be sent: try again when some have left"});
  }
  const Outbox::Entry* entry = outbox_.add(std::move(message), done);
  if (entry == nullptr) return done(Refusal{Code::bad_payload, "cid: this message is being sent already"});
  if (store_) store_->put(entry->message);
  pump();
}

bool Sender::cancel(std::string_view room, std::string_view cid) {
  Outbox::Entry* entry = outbox_.find(room, cid);
  if (entry == nullptr) return false;
  settle(*entry, Refusal{Code::unavailable, "taken back"});
  pump();
  return true;
}

void Sender::online() {
  online_ = true;
  pump();
}

void Sender::offline() {
  online_ = false;
  outbox_.rewind();
}

void Sender::published(Ticket ticket, const Outcome& outcome) {
  Outbox::Entry* entry = outbox_.find(ticket);
  if (entry == nullptr) return;
  if (outcome.ok()) {
    entry->phase = Outbox::Phase::accepted;
    entry->deadline = environment_.now() + options_.ack_timeout;
    pump();
  } else if (outcome.reason == kNoReason) {
    // The line broke under it; the connector will say so, and it leaves again on the next connection.
  } else {
    entry->refusal = Refusal{code_of(outcome.reason), outcome.message};
    entry->deadline = environment_.now() + kReasonPatience;
  }
}

void Sender::acked(const Ack& ack) {
  if (Outbox::Entry* entry = outbox_.find(ack.room, ack.cid)) {
    settle(*entry, ack);
    pump();
  }
}

bool Sender::refused(std::string_view room, std::string_view cid, const Refusal& refusal) {
  Outbox::Entry* entry = outbox_.find(room, cid);
  if (entry == nullptr) return false;
  settle_refused(*entry, refusal);
  pump();
  return true;
}

void Sender::on_time(TimePoint now) {
  for (Outbox::Entry* entry : outbox_.all()) {
    if (!entry->deadline || *entry->deadline > now) continue;
    if (entry->refusal) {
      settle_refused(*entry, Refusal(*entry->refusal));
    } else {
      entry->phase = Outbox::Phase::waiting;
      entry->deadline.reset();
    }
  }
  pump();
}

void Sender::abandon() {
  store_.reset();
  for (Outbox::Entry* entry : outbox_.all()) {
    settle(*entry, Refusal{Code::unavailable, "closed before the server acknowledged it"});
  }
}

std::optional<TimePoint> Sender::next_deadline() const {
  return online_ ? outbox_.next_deadline() : std::nullopt;
}

void Sender::pump() {
  if (!online_) return;
  for (Outbox::Entry* entry : outbox_.sendable(environment_.now())) {
    const std::vector<std::uint8_t> payload = payload_of(entry->message);
    entry->phase = Outbox::Phase::sent;
    ++entry->attempts;
    entry->ticket = actions_.publish(send_topic(entry->message.room),
                                     {reinterpret_cast<const char*>(payload.data()), payload.size()});
  }
}

void Sender::settle(Outbox::Entry& entry, const SendResult& result) {
  if (store_) store_->remove(entry.message.room, entry.message.cid);
  const SendDone done = std::move(entry.done);
  outbox_.erase(entry);
  if (done) done(result);
}

void Sender::settle_refused(Outbox::Entry& entry, const Refusal& refusal) {
  const bool later = refusal.code == Code::rate_limited || refusal.code == Code::unavailable;
  if (!later || !options_.retry_refused) return settle(entry, refusal);
  Refusal told = refusal;
  if (told.retry_after <= Millis(0)) told.retry_after = kDefaultRetry;
  // A little jitter, so that the clients that were refused together do not all return together.
  const auto jitter =
      static_cast<std::int64_t>(static_cast<double>(told.retry_after.count()) / 4 * environment_.random());
  entry.phase = Outbox::Phase::waiting;
  entry.deadline.reset();
  entry.refusal.reset();
  outbox_.hold(entry.message.room, environment_.now() + told.retry_after + Millis(jitter));
  actions_.delayed(entry.message, told);
}

}  // namespace parley::client
