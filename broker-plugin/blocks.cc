#include "broker-plugin/blocks.h"

#include <algorithm>

namespace parley::plugin {

void Blocks::put(UserIndex user, UserIndex blocked) {
  if (user == blocked || !pairs_.insert(key(user, blocked)).second) return;
  blocked_by_[raw(user)].push_back(blocked);
  blockers_of_[raw(blocked)].push_back(user);
  hold(user, blocked);
}

void Blocks::remove(UserIndex user, UserIndex blocked) {
  if (pairs_.erase(key(user, blocked)) == 0) return;
  erase(blocked_by_, user, blocked);
  erase(blockers_of_, blocked, user);
  let_go(user, blocked);
}

bool Blocks::drop(UserIndex user) {
  const bool any = blocked_by_.contains(raw(user)) || blockers_of_.contains(raw(user));
  // From the back, where erase() looks first: somebody may be blocked by very many.
  for (auto rest = list(blocked_by_, user); !rest.empty(); rest = list(blocked_by_, user))
    remove(user, rest.back());
  for (auto rest = list(blockers_of_, user); !rest.empty(); rest = list(blockers_of_, user))
    remove(rest.back(), user);
  return any;
}

void Blocks::set_owner(UserIndex account, UserIndex owner) {
  if (owner_of(account) == owner) return;
  for_each_pair_of(account, [this](UserIndex user, UserIndex blocked) { let_go(user, blocked); });
  if (owner == account) {
    owners_.erase(raw(account));
  } else {
    owners_[raw(account)] = owner;
  }
  for_each_pair_of(account, [this](UserIndex user, UserIndex blocked) { hold(user, blocked); });
}

template <class Each>
void Blocks::for_each_pair_of(UserIndex account, Each&& each) const {
  for (const UserIndex blocked : list(blocked_by_, account)) each(account, blocked);
  for (const UserIndex user : list(blockers_of_, account)) each(user, account);
}

UserIndex Blocks::owner_of(UserIndex account) const {
  const auto it = owners_.find(raw(account));
  return it == owners_.end() ? account : it->second;
}

void Blocks::hold(UserIndex user, UserIndex blocked) {
  const UserIndex person = owner_of(user);
  const UserIndex other = owner_of(blocked);
  if (++people_[key(person, other)] != 1) return;
  const std::size_t size = std::max(raw(person), raw(other)) + std::size_t{1};
  if (involved_.size() < size) involved_.resize(size);
  ++involved_[raw(person)];
  ++involved_[raw(other)];
}

void Blocks::let_go(UserIndex user, UserIndex blocked) {
  const UserIndex person = owner_of(user);
  const UserIndex other = owner_of(blocked);
  const auto it = people_.find(key(person, other));
  if (it == people_.end() || --it->second != 0) return;
  people_.erase(it);
  --involved_[raw(person)];
  --involved_[raw(other)];
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

std::size_t Blocks::memory_bytes() const {
  const auto table = [](const auto& map) {
    return map.bucket_count() * (sizeof(typename std::decay_t<decltype(map)>::value_type) + 1);
  };
  return table(pairs_) + table(people_) + table(owners_) + table(blocked_by_) + table(blockers_of_) +
         involved_.capacity() * sizeof(std::uint32_t) + pairs_.size() * 2 * sizeof(UserIndex);
}

}  // namespace parley::plugin
