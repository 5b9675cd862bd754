// One room as this client reads it: duplicates dropped by seq, gaps noticed by prev, and, while a gap is
// being refetched, later events held back so that the app sees the room's order.
//
// Pure; one thread.
#ifndef PARLEY_CLIENTS_CPP_ROOM_FEED_H_
#define PARLEY_CLIENTS_CPP_ROOM_FEED_H_

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "clients/cpp/environment.h"
#include "clients/cpp/types.h"

namespace parley::client {

class RoomFeed {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void deliver(const Event& event) = 0;  // in order, each once
    // Something is missing. True: it will be fetched and given to fill(); the rest is held back meanwhile.
    virtual bool fetch(const Gap& gap) = 0;
    // Something is missing and will not come: fetch() said no, or what it brought did not reach far enough.
    virtual void skipped(const Gap& gap) = 0;
  };
  struct Limits {
    std::size_t held_events = 10'000;
    Millis fill_timeout{15'000};
  };

  // Events up to `have` are known already; Seq{0}: the first one that arrives is taken as the beginning.
  RoomFeed(std::string room, Seq have, MessageId have_id, Sink& sink, Limits limits);

  // Subscribed again after a loss: what happened meanwhile is missing, up to the newest (Gap::prev is 0).
  void resume(TimePoint now);
  // One event as it came, live. Bytes that are no event of this room are ignored; false then.
  bool receive(Bytes bytes, TimePoint now);
  // The events of a gap, in order; none if they could not be fetched. Then what was held goes on. Ignored
  // unless `request` is the present fill_request().
  void fill(std::uint64_t request, const std::vector<EventBytes>& events, TimePoint now);
  // Gives up on a fill that takes too long.
  void on_time(TimePoint now);

  Seq have() const { return have_; }
  bool filling() const { return deadline_.has_value(); }
  std::uint64_t fill_request() const { return request_; }  // of the gap told last
  std::optional<TimePoint> next_deadline() const { return deadline_; }

 private:
  bool fetch(const Gap& gap, TimePoint now);
  void hold(Bytes bytes);
  Gap gap_up_to(Seq prev) const;
  bool shows_gap(const Event& event) const;
  void deliver(const Event& event);
  void release(TimePoint now);

  std::string room_;
  Seq have_;
  MessageId have_id_;
  Sink& sink_;
  Limits limits_;
  EventReader reader_;
  std::deque<EventBytes> held_;        // live events after the gap
  std::optional<TimePoint> deadline_;  // while a gap is being filled
  std::uint64_t request_ = 0;
  bool resume_after_ = false;  // subscribed again while a gap was being filled
};

}  // namespace parley::client

#endif
