// Messages that were given to the SDK and are not settled yet, in order. An entry goes
//
//   waiting -> sent (PUBLISH left) -> accepted (PUBACK: the server has it, in this order) -> settled and gone
//
// and back to waiting when the connection ends before it is settled, when a refusal says "later", or when no
// acknowledgment follows: the same cid makes the resend harmless. Within a room one message at a time is
// `sent` (or `window`, where order does not matter), so that a refusal of one never lets a later one overtake
// it.
//
// Pure; one thread; entries stay where they are in memory until erased.
#ifndef PARLEY_CLIENTS_CPP_OUTBOX_H_
#define PARLEY_CLIENTS_CPP_OUTBOX_H_

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/cpp/environment.h"
#include "clients/cpp/transport.h"
#include "clients/cpp/types.h"

namespace parley::client {

class Outbox {
 public:
  enum class Phase : std::uint8_t { waiting, sent, accepted };
  struct Entry {
    Outgoing message;
    SendDone done;
    Phase phase = Phase::waiting;
    Ticket ticket = 0;  // while sent
    int attempts = 0;   // times it left
    std::optional<TimePoint>
        deadline;  // sent and refused: until the reason comes; accepted: until the ack comes
    std::optional<Refusal> refusal;  // a PUBACK refused it; the `error` event will say more
  };

  Outbox(std::size_t capacity, std::size_t window) : capacity_(capacity), window_(window) {}

  // Nothing when the outbox is full or holds this (room, cid) already.
  Entry* add(Outgoing message, SendDone done);
  bool full() const { return entries_.size() >= capacity_; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  Entry* find(std::string_view room, std::string_view cid);
  Entry* find(Ticket ticket);  // among those sent
  void erase(Entry& entry);
  // All entries, oldest first.
  std::vector<Entry*> all();

  // What may leave now, oldest first: rooms that are not on hold, within the window.
  std::vector<Entry*> sendable(TimePoint now);
  // Nothing of the room leaves before `until`.
  void hold(const std::string& room, TimePoint until);

  // Everything not settled goes back to waiting, as after a lost connection.
  void rewind();

  // The earliest end of a hold or of an entry's deadline.
  std::optional<TimePoint> next_deadline() const;

 private:
  std::size_t capacity_;
  std::size_t window_;
  std::list<Entry> entries_;
  std::map<std::string, TimePoint, std::less<>> holds_;
};

}  // namespace parley::client

#endif
