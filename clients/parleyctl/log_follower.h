// Reads a node's log without holes: pages of log.read for the past, live pages of $parley/log for the
// present, and log.read again wherever the live pages skip something.
#ifndef PARLEY_CLIENTS_PARLEYCTL_LOG_FOLLOWER_H_
#define PARLEY_CLIENTS_PARLEYCTL_LOG_FOLLOWER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "clients/parleyctl/control_client.h"

namespace parley::ctl {

class LogFollower {
 public:
  // Called with each record in order, once: one line of JSON, the event with its "offset" in front. False
  // ends the reading.
  using Sink = std::function<bool(std::string_view line)>;

  // `room` empty: all rooms. `after`: start behind this offset; nothing: with the next record that is
  // written.
  LogFollower(std::string room, std::optional<std::uint64_t> after, Sink sink);

  // Prints what is there after the present offset, at most `limit` records (0: all). False if the sink had
  // enough.
  bool read(ControlClient& control, std::uint64_t limit);
  // Follows until the sink has had enough. Throws Failure when the connection is lost; call it again with a
  // new one to go on without a hole.
  void follow(ControlClient& control);

  std::optional<std::uint64_t> offset() const { return offset_; }

 private:
  // Reads (offset_, upto], upto 0: everything.
  bool fill(ControlClient& control, std::uint64_t upto, std::uint64_t limit);
  bool take_page(ControlClient& control, std::string_view payload);
  bool print(std::uint64_t offset, std::string_view event_json);

  const std::string room_;
  std::optional<std::uint64_t> offset_;  // everything up to it has been seen
  Sink sink_;
};

}  // namespace parley::ctl

#endif
