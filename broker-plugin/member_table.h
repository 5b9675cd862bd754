// The members of one room: an unsorted list of up to eight, beyond that a hash table with linear probing. 16
// bytes and one block of memory of 12 to 24 bytes a member (rooms are many and mostly tiny).
#ifndef PARLEY_BROKER_PLUGIN_MEMBER_TABLE_H_
#define PARLEY_BROKER_PLUGIN_MEMBER_TABLE_H_

#include <cstdint>
#include <memory>

#include "broker-plugin/directory.h"
#include "schemas/ids.h"
#include "schemas/message.h"

namespace parley::plugin {

struct Member {
  MemberRole role = MemberRole::none;  // none: not a member
  Seq since{0};                        // sees events after this one
  bool operator==(const Member&) const = default;
};

class MemberTable {
 public:
  Member find(UserIndex user) const {
    const Entry* e = find_entry(raw(user));
    return e == nullptr ? Member{} : unpack(*e);
  }
  bool put(UserIndex user, Member member);  // true when the user was not a member before
  bool remove(UserIndex user);              // true when the user was a member
  void clear();
  std::uint32_t size() const { return size_; }
  // `visit(UserIndex, Member)` in no order; it must not change this table.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < capacity_; ++i)
      if (entries_[i].user != kEmpty) visit(UserIndex{entries_[i].user}, unpack(entries_[i]));
  }
  std::size_t memory_bytes() const;  // of the block, as the allocator rounds it

 private:
  static constexpr std::uint32_t kEmpty = raw(kNoUser);
  static constexpr std::uint32_t kListMax = 8;
  struct Entry {
    std::uint32_t user = kEmpty;
    std::uint32_t since_low = 0;
    std::uint32_t since_high_and_role = 0;  // 21 bits of the seq above 8 of the role
  };
  static Member unpack(const Entry& e) {
    return {static_cast<MemberRole>(e.since_high_and_role & 0xff),
            Seq{std::uint64_t{e.since_high_and_role >> 8} << 32 | e.since_low}};
  }
  static Entry pack(std::uint32_t user, Member member);
  bool is_list() const { return capacity_ <= kListMax; }
  std::uint32_t home(std::uint32_t user) const {
    // A multiplicative hash scaled to the capacity, which so need not be a power of two.
    return static_cast<std::uint32_t>((std::uint64_t{user * 2654435769u} * capacity_) >> 32);
  }
  std::uint32_t next(std::uint32_t i) const { return i + 1 == capacity_ ? 0 : i + 1; }
  const Entry* find_entry(std::uint32_t user) const {
    if (user == kEmpty) return nullptr;
    if (is_list()) {
      for (std::uint32_t i = 0; i < size_; ++i)
        if (entries_[i].user == user) return &entries_[i];
      return nullptr;
    }
    for (std::uint32_t i = home(user); entries_[i].user != kEmpty; i = next(i))
      if (entries_[i].user == user) return &entries_[i];
    return nullptr;
  }
  void insert_new(const Entry& entry);  // there is room, and the user is not in it
  void rebuild(std::uint32_t capacity);

  std::unique_ptr<Entry[]> entries_;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace parley::plugin

#endif
