// How long a room waits between two frames. Pure but for what it remembers; the committer's thread.
//
// A frame costs the broker's thread one delivery a subscriber, however many events it holds. So a busy room's
// events are gathered: the pace is the time in which the room's own fan-outs take no more than a share of
// that thread, and it is stretched while the thread as a whole is short of time. A room whose last frame is
// older than its pace sends at once: at low rates nobody waits. Never past the ceiling.
#ifndef PARLEY_BROKER_PLUGIN_PACER_H_
#define PARLEY_BROKER_PLUGIN_PACER_H_

#include <chrono>
#include <cstdint>

namespace parley::plugin {

class Pacer {
 public:
  explicit Pacer(std::chrono::nanoseconds ceiling) : ceiling_(ceiling) {}

  // What the broker's thread reports: how long one delivery takes it (measured over a fan-out).
  void observe_delivery(std::chrono::nanoseconds one);
  // Called every few milliseconds with the share of time the thread was on a processor since the last call (0
  // to 1) and how late it is in taking frames.
  void observe_load(double busy, std::chrono::nanoseconds lag);

  std::chrono::nanoseconds pace(std::uint32_t subscribers) const;
  double pressure() const { return pressure_; }
  // How long the first event of a frame waits for others although its room has been quiet: nothing, unless
  // the thread has been short of time for a while. Then a frame sent at once would only wait in the broker.
  std::chrono::nanoseconds hold() const;
  // How long a commit may gather before its sync: nothing while the broker has time to spare.
  std::chrono::nanoseconds commit_gather() const;

 private:
  std::chrono::nanoseconds ceiling_;
  double delivery_ns_ = 4000;
  double pressure_ = 1;
};

}  // namespace parley::plugin

#endif
