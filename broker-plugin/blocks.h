// Who has blocked whom. Part of Facts; the broker's thread.
#ifndef PARLEY_BROKER_PLUGIN_BLOCKS_H_
#define PARLEY_BROKER_PLUGIN_BLOCKS_H_

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "broker-plugin/directory.h"

namespace parley::plugin {

class Blocks {
 public:
  void put(UserIndex user, UserIndex blocked);  // nobody blocks himself: no change
  void remove(UserIndex user, UserIndex blocked);
  bool drop(UserIndex user);  // in both directions; true when there was any
  bool contains(UserIndex user, UserIndex blocked) const { return pairs_.contains(key(user, blocked)); }
  // Whether `user` has blocked anybody or been blocked by anybody: nearly nobody has, and this is one bit.
  bool involves(UserIndex user) const { return raw(user) < involved_.size() && involved_[raw(user)]; }
  std::span<const UserIndex> blocked_by(UserIndex user) const { return list(blocked_by_, user); }
  std::span<const UserIndex> blockers_of(UserIndex user) const { return list(blockers_of_, user); }
  std::size_t size() const { return pairs_.size(); }
  std::size_t memory_bytes() const;

 private:
  using Lists = boost::unordered_flat_map<std::uint32_t, std::vector<UserIndex>>;
  static std::uint64_t key(UserIndex a, UserIndex b) { return std::uint64_t{raw(a)} << 32 | raw(b); }
  static std::span<const UserIndex> list(const Lists& lists, UserIndex user);
  static void erase(Lists& lists, UserIndex user, UserIndex other);
  void note_involved(UserIndex user);

  boost::unordered_flat_set<std::uint64_t> pairs_;
  Lists blocked_by_;
  Lists blockers_of_;
  std::vector<bool> involved_;
};

}  // namespace parley::plugin

#endif
