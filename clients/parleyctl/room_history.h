// What was said in a room, read from the node's log as the administrator: for a chat that begins, and for
// what a chat has missed. (Clients without the server's key will ask the bridge instead.)
#ifndef PARLEY_CLIENTS_PARLEYCTL_ROOM_HISTORY_H_
#define PARLEY_CLIENTS_PARLEYCTL_ROOM_HISTORY_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "clients/cpp/client.h"
#include "clients/parleyctl/control_client.h"

namespace parley::ctl {

// Events of `room` behind `offset`, oldest first, up to the end of the log. `complete` is false when that was
// too much for `most` events or the time: then these are the first ones.
struct HistoryPage {
  std::vector<client::EventBytes> events;
  bool complete = false;
};
HistoryPage read_history(ControlClient& control, const std::string& room, MessageId offset, std::size_t most,
                         std::chrono::milliseconds patience);

// The last `count` events of the last day that `user` may see; none if there is more in a day than can be
// read quickly. Throws Failure.
std::vector<client::EventBytes> recent_history(ControlClient& control, const std::string& room,
                                               const std::string& user, std::size_t count);

// An SDK hook that fetches gaps, on a thread of its own, over a connection made when needed. It lives as long
// as a copy of it.
client::Refetch refetch_from_log(const Context& context);

}  // namespace parley::ctl

#endif
