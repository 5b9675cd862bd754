#include "broker-plugin/blocks.h"

#include <algorithm>

namespace parley::plugin {

void Blocks::put(UserIndex user, UserIndex blocked) {
  if (user == blocked || !pairs_.insert(key(user, blocked)).second) return;
  blocked_by_[raw(user)].push_back(blocked);
  blockers_of_[raw(blocked)].push_back(user);
  note_involved(user);
  note_involved(blocked);
}

void Blocks::remove(UserIndex user, UserIndex blocked) {
  if (pairs_.erase(key(user, blocked)) == 0) return;
  erase(blocked_by_, user, blocked);
  erase(blockers_of_, blocked, user);
  note_involved(user);
  note_involved(blocked);
}

bool Blocks::drop(UserIndex user) {
  if (!involves(user)) return false;
  // From the back, where erase() looks first: somebody may be blocked by very many.
  for (auto list = blocked_by(user); !list.empty(); list = blocked_by(user)) remove(user, list.back());
  for (auto list = blockers_of(user); !list.empty(); list = blockers_of(user)) remove(list.back(), user);
  return true;
}

std::span<const UserIndex> Blocks::list(const Lists& lists, UserIndex user) {
  const auto it = lists.find(raw(user));
  if (it == lists.end()) return {};
  return it->second;
}

void Blocks::erase(Lists& lists, UserIndex user, UserIndex other) {
  const auto it = lists.find(raw(user));
  auto& users = it->second;
  *std::find(users.rbegin(), users.rend(), other) = users.back();
  users.pop_back();
  if (users.empty()) lists.erase(it);
}

void Blocks::note_involved(UserIndex user) {
  if (involved_.size() <= raw(user)) involved_.resize(raw(user) + 1);
  involved_[raw(user)] = blocked_by_.contains(raw(user)) || blockers_of_.contains(raw(user));
}

std::size_t Blocks::memory_bytes() const {
  return pairs_.bucket_count() * (sizeof(std::uint64_t) + 1) + involved_.capacity() / 8 +
         (blocked_by_.bucket_count() + blockers_of_.bucket_count()) * (sizeof(Lists::value_type) + 1) +
         pairs_.size() * 2 * sizeof(UserIndex);
}

}  // namespace parley::plugin
