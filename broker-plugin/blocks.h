// Who has blocked whom. Part of Facts; the broker's thread.
//
// Blocks are put and removed between accounts, and hold between the people behind them: whoever blocks a bot
// has blocked who made it, and all bots that person has or will have.
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
  // From now on `account` counts as `owner`; as itself when the two are the same.
  void set_owner(UserIndex account, UserIndex owner);

  // Of people, not of bots: ask with who is behind the account.
  bool contains(UserIndex person, UserIndex blocked) const { return people_.contains(key(person, blocked)); }
  // Whether this person has blocked anybody or been blocked by anybody: nearly nobody has, and this is one
  // look into an array.
  bool involves(UserIndex person) const {
    return raw(person) < involved_.size() && involved_[raw(person)] != 0;
  }
  std::size_t size() const { return pairs_.size(); }
  std::size_t memory_bytes() const;

 private:
  using Lists = boost::unordered_flat_map<std::uint32_t, std::vector<UserIndex>>;
  static std::uint64_t key(UserIndex a, UserIndex b) { return std::uint64_t{raw(a)} << 32 | raw(b); }
  static std::span<const UserIndex> list(const Lists& lists, UserIndex user);
  static void erase(Lists& lists, UserIndex user, UserIndex other);
  UserIndex owner_of(UserIndex account) const;
  void hold(UserIndex user, UserIndex blocked);    // one more pair of accounts of these two people
  void let_go(UserIndex user, UserIndex blocked);  // one less
  template <class Each>
  void for_each_pair_of(UserIndex account, Each&& each) const;

  // As they were put: between accounts.
  boost::unordered_flat_set<std::uint64_t> pairs_;
  Lists blocked_by_;
  Lists blockers_of_;
  // As they hold: between people, and how many pairs of their accounts say so.
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> people_;
  std::vector<std::uint32_t> involved_;                         // by person: in how many of these
  boost::unordered_flat_map<std::uint32_t, UserIndex> owners_;  // of bots
};

}  // namespace parley::plugin

#endif
