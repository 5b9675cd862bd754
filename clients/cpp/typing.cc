#include "clients/cpp/typing.h"

namespace parley::client {

bool TypingWatch::set(const std::string& room, const std::string& user, bool typing, TimePoint now) {
  const Who who{room, user};
  if (!typing) return until_.erase(who) > 0;
  return until_.insert_or_assign(who, now + kTypingExpiry).second;
}

std::vector<TypingWatch::Who> TypingWatch::expire(TimePoint now) {
  std::vector<Who> gone;
  for (auto it = until_.begin(); it != until_.end();) {
    if (it->second <= now) {
      gone.push_back(it->first);
      it = until_.erase(it);
    } else {
      ++it;
    }
  }
  return gone;
}

std::optional<TimePoint> TypingWatch::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [who, until] : until_) next = earlier(next, until);
  return next;
}

std::optional<bool> TypingPacer::set(const std::string& room, bool typing, TimePoint now) {
  Room& state = rooms_[room];
  if (!typing && !state.told) {
    state.waiting.reset();
    return std::nullopt;
  }
  // "Still typing" is worth repeating only before others let it expire.
  const Millis quiet = typing && state.told ? kTypingExpiry / 2 : kTypingInterval;
  if (state.ever && now - state.told_at < quiet) {
    if (typing) {
      state.waiting.reset();  // the last word said is still true
    } else {
      state.waiting = false;
    }
    return std::nullopt;
  }
  state = Room{typing, now, true, std::nullopt};
  return typing;
}

void TypingPacer::sent(const std::string& room) {
  if (const auto it = rooms_.find(room); it != rooms_.end()) {
    it->second.told = false;
    it->second.waiting.reset();
  }
}

std::vector<std::pair<std::string, bool>> TypingPacer::due(TimePoint now) {
  std::vector<std::pair<std::string, bool>> out;
  for (auto& [room, state] : rooms_) {
    if (!state.waiting || now < state.told_at + kTypingInterval) continue;
    out.emplace_back(room, *state.waiting);
    state = Room{*state.waiting, now, true, std::nullopt};
  }
  return out;
}

std::optional<TimePoint> TypingPacer::next_deadline() const {
  std::optional<TimePoint> next;
  for (const auto& [room, state] : rooms_) {
    if (state.waiting) next = earlier(next, state.told_at + kTypingInterval);
  }
  return next;
}

}  // namespace parley::client
