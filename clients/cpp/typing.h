// Typing notices, both ways: what others do ends by itself after a while, what we say is not said too often.
// Pure; one thread.
#ifndef PARLEY_CLIENTS_CPP_TYPING_H_
#define PARLEY_CLIENTS_CPP_TYPING_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clients/cpp/environment.h"

namespace parley::client {

inline constexpr Millis kTypingExpiry{5'000};    // protocol.md: clients drop it after 5 s
inline constexpr Millis kTypingInterval{1'000};  // the server lets one a second pass

// Who is typing where.
class TypingWatch {
 public:
  using Who = std::pair<std::string, std::string>;  // room, user
  // True if this changes anything.
  bool set(const std::string& room, const std::string& user, bool typing, TimePoint now);
  // Those whose notice has run out; they are forgotten.
  std::vector<Who> expire(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  std::map<Who, TimePoint> until_;
};

// What we say about ourselves.
class TypingPacer {
 public:
  // Notes what is true now. Returned: what to publish at once, if anything.
  std::optional<bool> set(const std::string& room, bool typing, TimePoint now);
  // A message was sent: others take that as the end of typing, so nothing needs to be published.
  void sent(const std::string& room);
  // Notices that had to wait for the interval.
  std::vector<std::pair<std::string, bool>> due(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

 private:
  struct Room {
    bool told = false;  // the last published
    TimePoint told_at{};
    bool ever = false;
    std::optional<bool> waiting;
  };
  std::map<std::string, Room> rooms_;
};

}  // namespace parley::client

#endif
