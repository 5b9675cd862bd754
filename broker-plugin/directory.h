// Names of users and rooms <-> small numbers, for the life of the process.
//
// One thread at a time (the broker's). Nothing is ever forgotten: a user or room that was removed and comes
// back gets the index it had, so arrays by index beside the facts stay valid.
#ifndef PARLEY_BROKER_PLUGIN_DIRECTORY_H_
#define PARLEY_BROKER_PLUGIN_DIRECTORY_H_

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace parley::plugin {

enum class UserIndex : std::uint32_t {};
enum class RoomIndex : std::uint32_t {};
inline constexpr UserIndex kNoUser{0xffffffff};
inline constexpr RoomIndex kNoRoom{0xffffffff};
constexpr std::uint32_t raw(UserIndex i) { return static_cast<std::uint32_t>(i); }
constexpr std::uint32_t raw(RoomIndex i) { return static_cast<std::uint32_t>(i); }

// One table of names. Looking up costs tens of nanoseconds, adding about a microsecond with a million names;
// there is no moment at which everything is rebuilt, because that would stop the broker for as long.
class NameTable {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr std::size_t kMaxName = 255;

  NameTable();
  NameTable(const NameTable&) = delete;
  NameTable& operator=(const NameTable&) = delete;

  // kNone when the name is longer than kMaxName bytes (those of protocol.md are at most 64).
  std::uint32_t intern(std::string_view name);
  std::uint32_t find(std::string_view name) const;   // kNone
  std::string_view name(std::uint32_t index) const;  // stable for the table's life
  std::size_t size() const { return starts_.size(); }
  std::size_t memory_bytes() const;

  // Calls visit(index) in the order of the names, beginning after `after`, until it returns false.
  template <class Visit>
  void for_each_after(std::string_view after, Visit&& visit) const {
    for (Place p = upper_bound(after); p.block < order_.size(); p = {p.block + 1, 0})
      for (std::size_t i = p.at; i < order_[p.block].size(); ++i)
        if (!visit(order_[p.block][i])) return;
  }

 private:
  struct Slot {
    std::uint32_t hash;  // kept, so that a growing shard need not read the names again
    std::uint32_t index;
  };
  struct Query {
    std::uint32_t hash;
    std::string_view name;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Slot& s) const { return s.hash; }
    std::size_t operator()(const Query& q) const { return q.hash; }
  };
  struct Equal {
    using is_transparent = void;
    const NameTable* table;
    bool operator()(const Slot& a, const Slot& b) const { return a.index == b.index; }
    bool operator()(const Query& q, const Slot& s) const {
      return q.hash == s.hash && q.name == table->name(s.index);
    }
    bool operator()(const Slot& s, const Query& q) const { return (*this)(q, s); }
  };
  struct Place {
    std::size_t block;
    std::size_t at;
  };
  static constexpr std::size_t kShards = 64;
  static constexpr std::size_t kArenaBytes = 64 * 1024;
  static constexpr std::size_t kBlock = 512;

  static std::uint32_t hash_of(std::string_view name);
  const char* store(std::string_view name);
  Place upper_bound(std::string_view after) const;
  void insert_in_order(std::uint32_t index);

  std::vector<const char*> starts_;  // by index: a byte of length, then the name
  std::vector<std::unique_ptr<char[]>> arena_;
  std::size_t arena_used_ = kArenaBytes;
  std::vector<boost::unordered_flat_set<Slot, Hash, Equal>> shards_;  // by the hash's high bits
  std::vector<std::vector<std::uint32_t>>
      order_;  // indexes in the order of names, in blocks of at most kBlock
};

// Shared by successive Facts.
class Directory {
 public:
  UserIndex intern_user(std::string_view name) { return UserIndex{users_.intern(name)}; }
  RoomIndex intern_room(std::string_view name) { return RoomIndex{rooms_.intern(name)}; }
  UserIndex find_user(std::string_view name) const { return UserIndex{users_.find(name)}; }  // kNoUser
  RoomIndex find_room(std::string_view name) const { return RoomIndex{rooms_.find(name)}; }  // kNoRoom
  std::string_view user_name(UserIndex i) const {
    return users_.name(raw(i));
  }  // stable for the process's life
  std::string_view room_name(RoomIndex i) const { return rooms_.name(raw(i)); }
  std::size_t user_count() const { return users_.size(); }
  std::size_t room_count() const { return rooms_.size(); }
  std::size_t memory_bytes() const { return users_.memory_bytes() + rooms_.memory_bytes(); }
  const NameTable& users() const { return users_; }
  const NameTable& rooms() const { return rooms_; }

 private:
  NameTable users_;
  NameTable rooms_;
};

}  // namespace parley::plugin

#endif
