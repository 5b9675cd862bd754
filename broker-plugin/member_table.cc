#include "broker-plugin/member_table.h"

#include <algorithm>
#include <utility>

namespace parley::plugin {

MemberTable::Entry MemberTable::pack(std::uint32_t user, Member member) {
  const std::uint64_t since = std::min(parley::raw(member.since), kSeqLimit - 1);
  return {user, static_cast<std::uint32_t>(since),
          static_cast<std::uint32_t>(since >> 32) << 8 | static_cast<std::uint32_t>(member.role)};
}

void MemberTable::insert_new(const Entry& entry) {
  std::uint32_t i = size_;
  if (!is_list()) {
    i = home(entry.user);
    while (entries_[i].user != kEmpty) i = next(i);
  }
  entries_[i] = entry;
  ++size_;
}

void MemberTable::rebuild(std::uint32_t capacity) {
  const auto old = std::exchange(entries_, std::make_unique<Entry[]>(capacity));
  const std::uint32_t old_capacity = std::exchange(capacity_, capacity);
  size_ = 0;
  for (std::uint32_t i = 0; i < old_capacity; ++i)
    if (old[i].user != kEmpty) insert_new(old[i]);
}

bool MemberTable::put(UserIndex user, Member member) {
  const Entry entry = pack(raw(user), member);
  if (const Entry* found = find_entry(entry.user)) {
    entries_[found - entries_.get()] = entry;
    return false;
  }
  if (is_list()) {
    if (size_ == capacity_)
      rebuild(capacity_ == 0 ? 2 : capacity_ == kListMax ? kListMax * 2 : capacity_ * 2);
  } else if (std::uint64_t{size_ + 1} * 4 > std::uint64_t{capacity_} * 3) {
    // At most three quarters full keeps probes short; growing by half keeps at least half of it in use.
    rebuild(capacity_ + capacity_ / 2);
  }
  insert_new(entry);
  return true;
}

bool MemberTable::remove(UserIndex user) {
  const Entry* found = find_entry(raw(user));
  if (found == nullptr) return false;
  auto hole = static_cast<std::uint32_t>(found - entries_.get());
  --size_;
  if (is_list()) {
    entries_[hole] = entries_[size_];
    entries_[size_] = Entry{};  // after the line above: it may be the hole itself
    if (size_ == 0) clear();
    return true;
  }
  // Moves back what had been pushed past the hole, so that no mark of a deleted entry is needed.
  for (std::uint32_t i = next(hole); entries_[i].user != kEmpty; i = next(i)) {
    const std::uint32_t h = home(entries_[i].user);
    const std::uint32_t from_home = i >= h ? i - h : i + capacity_ - h;
    const std::uint32_t from_hole = i >= hole ? i - hole : i + capacity_ - hole;
    if (from_home >= from_hole) {
      entries_[hole] = entries_[i];
      hole = i;
    }
  }
  entries_[hole] = Entry{};
  if (size_ <= kListMax / 2)
    rebuild(kListMax);
  else if (size_ * 5 < capacity_)
    rebuild(std::max(size_ * 2, kListMax * 2));
  return true;
}

void MemberTable::clear() {
  entries_.reset();
  size_ = 0;
  capacity_ = 0;
}

std::size_t MemberTable::memory_bytes() const {
  return capacity_ == 0 ? 0 : (capacity_ * sizeof(Entry) + 8 + 15) / 16 * 16;
}

}  // namespace parley::plugin
