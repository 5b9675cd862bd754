#include "clients/cpp/room_feed.h"

#include <utility>

namespace parley::client {

RoomFeed::RoomFeed(std::string room, Seq have, MessageId have_id, Sink& sink, Limits limits)
    : room_(std::move(room)), have_(have), have_id_(have_id), sink_(sink), limits_(limits) {}

void RoomFeed::resume(TimePoint now) {
  // What is being fetched may have been read before the loss.
  resume_after_ = filling();
  if (have_ != Seq{0} && !filling()) fetch(gap_up_to(Seq{0}), now);
}

bool RoomFeed::receive(Bytes bytes, TimePoint now) {
  const auto event = reader_.read(bytes);
  if (!event || event->stamp.room != room_) return false;
  if (event->stamp.seq <= have_) return true;
  if (filling()) {
    hold(bytes);
    return true;
  }
  if (shows_gap(*event) && fetch(gap_up_to(event->stamp.prev), now)) {
    hold(bytes);
  } else {
    deliver(*event);
  }
  return true;
}

void RoomFeed::fill(std::uint64_t request, const std::vector<EventBytes>& events, TimePoint now) {
  if (!filling() || request != request_) return;
  for (const EventBytes& bytes : events) {
    const auto event = reader_.read(bytes);
    if (event && event->stamp.room == room_ && event->stamp.seq > have_) deliver(*event);
  }
  release(now);
}

void RoomFeed::on_time(TimePoint now) {
  if (deadline_ && now >= *deadline_) release(now);
}

bool RoomFeed::fetch(const Gap& gap, TimePoint now) {
  ++request_;
  if (!sink_.fetch(gap)) return false;
  deadline_ = now + limits_.fill_timeout;
  return true;
}

void RoomFeed::hold(Bytes bytes) {
  // Beyond the bound the newest are dropped: the event after them will show the gap by its `prev`.
  if (held_.size() < limits_.held_events) held_.emplace_back(bytes.begin(), bytes.end());
}

bool RoomFeed::shows_gap(const Event& event) const { return have_ != Seq{0} && event.stamp.prev > have_; }

Gap RoomFeed::gap_up_to(Seq prev) const { return Gap{room_, have_, prev, have_id_}; }

void RoomFeed::deliver(const Event& event) {
  if (shows_gap(event)) sink_.skipped(gap_up_to(event.stamp.prev));
  have_ = event.stamp.seq;
  have_id_ = event.stamp.id;
  sink_.deliver(event);
}

void RoomFeed::release(TimePoint now) {
  deadline_.reset();
  std::deque<EventBytes> held = std::exchange(held_, {});
  // The first one is what showed the gap. Whether the gap could be filled or not, it is not asked for again.
  bool first = true;
  while (!held.empty() && !filling()) {
    const EventBytes bytes = std::move(held.front());
    held.pop_front();
    const auto event = reader_.read(bytes);
    if (!event || event->stamp.seq <= have_) continue;
    if (std::exchange(first, false)) {
      deliver(*event);
    } else {
      receive(bytes, now);
    }
  }
  for (EventBytes& bytes : held) held_.push_back(std::move(bytes));
  if (resume_after_ && !filling()) resume(now);
}

}  // namespace parley::client
