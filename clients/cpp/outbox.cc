#include "clients/cpp/outbox.h"

namespace parley::client {

Outbox::Entry* Outbox::add(Outgoing message, SendDone done) {
  if (full() || find(message.room, message.cid) != nullptr) return nullptr;
  Entry entry;
  entry.message = std::move(message);
  entry.done = std::move(done);
  return &entries_.emplace_back(std::move(entry));
}

Outbox::Entry* Outbox::find(std::string_view room, std::string_view cid) {
  for (Entry& entry : entries_) {
    if (entry.message.cid == cid && entry.message.room == room) return &entry;
  }
  return nullptr;
}

Outbox::Entry* Outbox::find(Ticket ticket) {
  for (Entry& entry : entries_) {
    if (entry.phase == Phase::sent && entry.ticket == ticket) return &entry;
  }
  return nullptr;
}

void Outbox::erase(Entry& entry) {
  entries_.remove_if([&](const Entry& other) { return &other == &entry; });
}

std::vector<Outbox::Entry*> Outbox::all() {
  std::vector<Entry*> out;
  for (Entry& entry : entries_) out.push_back(&entry);
  return out;
}

std::vector<Outbox::Entry*> Outbox::sendable(TimePoint now) {
  std::erase_if(holds_, [&](const auto& hold) { return hold.second <= now; });
  std::map<std::string_view, std::size_t> in_flight;
  for (const Entry& entry : entries_) {
    if (entry.phase == Phase::sent) ++in_flight[entry.message.room];
  }
  std::vector<Entry*> out;
  for (Entry& entry : entries_) {
    if (entry.phase != Phase::waiting || holds_.contains(entry.message.room)) continue;
    if (std::size_t& count = in_flight[entry.message.room]; count < window_) {
      ++count;
      out.push_back(&entry);
    }
  }
  return out;
}

void Outbox::hold(const std::string& room, TimePoint until) {
  TimePoint& end = holds_[room];
  end = std::max(end, until);
}

void Outbox::rewind() {
  for (Entry& entry : entries_) {
    entry.phase = Phase::waiting;
    entry.deadline.reset();
    entry.refusal.reset();
  }
}

std::optional<TimePoint> Outbox::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [room, until] : holds_) next = earlier(next, until);
  for (const Entry& entry : entries_) next = earlier(next, entry.deadline);
  return next;
}

}  // namespace parley::client
