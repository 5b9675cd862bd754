#include "broker-plugin/facts.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>
#include <limits>
#include <utility>
#include <variant>

#include "broker-plugin/blocks.h"

namespace parley::plugin {
namespace {

constexpr std::uint16_t kDefaultClass = 0;
constexpr std::uint16_t kUnlimitedClass = 1;

// Records by index. Grows a chunk at a time and moves nothing, so that no single operation pays for a million
// records.
template <class Record>
class Records {
 public:
  Record* find(std::uint32_t i) const {
    const std::size_t chunk = i / kChunk;
    return chunk < chunks_.size() && chunks_[chunk] ? &chunks_[chunk][i % kChunk] : nullptr;
  }
  Record& make(std::uint32_t i) {
    const std::size_t chunk = i / kChunk;
    if (chunk >= chunks_.size()) chunks_.resize(chunk + 1);
    if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<Record[]>(kChunk);
    return chunks_[chunk][i % kChunk];
  }
  std::size_t memory_bytes() const {
    std::size_t bytes = chunks_.capacity() * sizeof(chunks_[0]);
    for (const auto& c : chunks_) bytes += c ? kChunk * sizeof(Record) : 0;
    return bytes;
  }

 private:
  static constexpr std::uint32_t kChunk = 1024;
  std::vector<std::unique_ptr<Record[]>> chunks_;
};

struct UserRecord {
  UserFacts facts;
  std::vector<RoomIndex> rooms;
};
struct RoomRecord {
  RoomFacts facts;
  MemberTable members;
};

struct DigestHash {
  std::size_t operator()(const Sha256& d) const {
    std::size_t h;
    std::memcpy(&h, d.data(), sizeof h);
    return h;
  }
};
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
struct TextEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

// As glibc's allocator rounds it.
std::size_t allocated(std::size_t bytes) {
  return bytes == 0 ? 0 : std::max<std::size_t>(32, (bytes + 8 + 15) / 16 * 16);
}

template <class T>
void erase_value(std::vector<T>& list, const T& value) {
  const auto it = std::find(list.begin(), list.end(), value);
  if (it == list.end()) return;
  *it = list.back();
  list.pop_back();
}

template <class Map>
void erase_from_list(Map& lists, std::uint32_t key, const typename Map::mapped_type::value_type& value) {
  const auto it = lists.find(key);
  if (it == lists.end()) return;
  erase_value(it->second, value);
  if (it->second.empty()) lists.erase(it);
}

Limits limits_of(const LimitsPut& op) {
  return {.messages_per_s = op.messages_per_s,
          .burst = op.burst,
          .connections = op.connections,
          .requests_per_s = op.requests_per_s,
          .typing_per_s = op.typing_per_s,
          .room_messages_per_s = op.room_messages_per_s,
          .room_bot_messages_per_s = op.room_bot_messages_per_s};
}

}  // namespace

struct Facts::Impl {
  struct LimitClass {
    std::string name;
    Limits limits;
    bool known = false;
  };

  Directory& directory;
  std::vector<Effect>* effects = nullptr;  // of the operation being applied; may be null
  Records<UserRecord> users;
  Records<RoomRecord> rooms;
  std::vector<LimitClass> classes;  // few; found by a walk, which only control operations do
  Blocks blocks;
  boost::unordered_flat_map<Sha256, ApiToken, DigestHash> tokens;
  boost::unordered_flat_map<std::uint32_t, std::vector<Sha256>> tokens_of;
  boost::unordered_flat_map<std::uint32_t, std::vector<UserIndex>> bots_of;
  boost::unordered_flat_map<std::string, std::int64_t, TextHash, TextEqual>
      revoked;  // sid -> until; 0: for ever
  std::int64_t next_expiry_s = std::numeric_limits<std::int64_t>::max();
  std::int64_t expired_at_s = -60;
  Counts counts;
  std::size_t list_bytes = 0;  // of all users' room lists and rooms' member tables

  Impl(Directory& d, const Limits& default_limits) : directory(d) {
    classes.push_back({"default", default_limits, true});
    Limits unlimited;
    unlimited.unlimited = true;
    unlimited.connections = std::numeric_limits<std::uint32_t>::max();
    classes.push_back({"unlimited", unlimited, true});
  }

  // Wraps a change of one user's and one room's lists, keeping the sum right without ever walking them all.
  static std::size_t bytes_of(const UserRecord& u) {
    return allocated(u.rooms.capacity() * sizeof(RoomIndex));
  }
  static std::size_t bytes_of(const RoomRecord& r) { return r.members.memory_bytes(); }
  template <class Record, class Change>
  auto change(Record& record, Change&& what) {
    list_bytes -= bytes_of(record);
    const auto result = what(record);
    list_bytes += bytes_of(record);
    return result;
  }

  void emit(Effect::What what, UserIndex user = kNoUser, RoomIndex room = kNoRoom) {
    if (effects != nullptr)
      effects->push_back({.what = what, .user = user, .room = room, .sid = {}, .token = {}});
  }
  void emit_token_removed(const Sha256& digest, UserIndex user) {
    if (effects != nullptr)
      effects->push_back(
          {.what = Effect::What::token_removed, .user = user, .room = kNoRoom, .sid = {}, .token = digest});
  }

  // The class of that name, made on first mention: it counts as "default" until it is put.
  std::uint16_t limit_class(std::string_view name) {
    for (std::size_t i = 0; i < classes.size(); ++i)
      if (classes[i].name == name) return static_cast<std::uint16_t>(i);
    if (classes.size() > std::numeric_limits<std::uint16_t>::max()) return kDefaultClass;
    classes.push_back({std::string(name), {}, false});
    return static_cast<std::uint16_t>(classes.size() - 1);
  }

  void apply(const UserPut& op) {
    const UserIndex user = directory.intern_user(op.user);
    if (user == kNoUser) return;
    UserFacts& facts = users.make(raw(user)).facts;
    const UserFacts now{.exists = true,
                        .role = op.role,
                        .status = op.status,
                        .tokens_after_s = op.tokens_after_s,
                        .limits = limit_class(op.limits),
                        .owner = op.owner.empty() ? kNoUser : directory.intern_user(op.owner)};
    if (facts == now) return;
    counts.users += facts.exists ? 0 : 1;
    set_owner(user, facts.owner, now.owner);
    facts = now;
    emit(Effect::What::user_changed, user);
  }

  void set_owner(UserIndex bot, UserIndex before, UserIndex owner) {
    if (before == owner) return;
    if (before != kNoUser) erase_from_list(bots_of, raw(before), bot);
    if (owner != kNoUser) bots_of[raw(owner)].push_back(bot);
    blocks.set_owner(bot, owner == kNoUser ? bot : owner);
  }

  void apply(const UserRemove& op) {
    const UserIndex user = directory.find_user(op.user);
    UserRecord* record = users.find(raw(user));
    bool changed = blocks.drop(user);
    changed |= drop_tokens(user);
    if (record != nullptr) {
      changed |= record->facts.exists || !record->rooms.empty();
      counts.memberships -= record->rooms.size();
      counts.users -= record->facts.exists ? 1 : 0;
      set_owner(user, record->facts.owner, kNoUser);
      for (const RoomIndex room : record->rooms)
        change(*rooms.find(raw(room)), [&](RoomRecord& r) { return r.members.remove(user); });
      list_bytes -= bytes_of(*record);
      *record = {};
    }
    if (changed) emit(Effect::What::user_removed, user);
  }

  void apply(const RoomPut& op) {
    const RoomIndex room = directory.intern_room(op.room);
    if (room == kNoRoom) return;
    RoomFacts& facts = rooms.make(raw(room)).facts;
    const RoomFacts now{.exists = true,
                        .kind = op.kind,
                        .status = op.status,
                        .history = op.history,
                        .guests_post = op.guests_post,
                        .pin_role = op.pin_role,
                        .limits = limit_class(op.limits)};
    if (facts == now) return;
    counts.rooms += facts.exists ? 0 : 1;
    facts = now;
    emit(Effect::What::room_changed, kNoUser, room);
  }

  void apply(const RoomRemove& op) {
    const RoomIndex room = directory.find_room(op.room);
    RoomRecord* record = rooms.find(raw(room));
    if (record == nullptr || (!record->facts.exists && record->members.size() == 0)) return;
    record->members.for_each(
        [&](UserIndex user, Member) { erase_value(users.find(raw(user))->rooms, room); });
    counts.memberships -= record->members.size();
    counts.rooms -= record->facts.exists ? 1 : 0;
    list_bytes -= bytes_of(*record);
    *record = {};
    emit(Effect::What::room_removed, kNoUser, room);
  }

  void apply(const MemberPut& op) {
    if (op.role == MemberRole::none) return apply(MemberRemove{op.room, op.user});
    const RoomIndex room = directory.intern_room(op.room);
    const UserIndex user = directory.intern_user(op.user);
    if (room == kNoRoom || user == kNoUser) return;
    RoomRecord& record = rooms.make(raw(room));
    const Member member{op.role, op.since};
    if (record.members.find(user) == member) return;
    if (change(record, [&](RoomRecord& r) { return r.members.put(user, member); })) {
      change(users.make(raw(user)), [&](UserRecord& u) { return u.rooms.push_back(room), true; });
      ++counts.memberships;
    }
    emit(Effect::What::member_changed, user, room);
  }

  void apply(const MemberRemove& op) {
    const RoomIndex room = directory.find_room(op.room);
    const UserIndex user = directory.find_user(op.user);
    RoomRecord* record = rooms.find(raw(room));
    if (record == nullptr || !change(*record, [&](RoomRecord& r) { return r.members.remove(user); })) return;
    erase_value(users.find(raw(user))->rooms, room);
    --counts.memberships;
    emit(Effect::What::member_removed, user, room);
  }

  void apply(const BlockPut& op) {
    const UserIndex user = directory.intern_user(op.user);
    const UserIndex other = directory.intern_user(op.blocked);
    if (user != kNoUser && other != kNoUser) blocks.put(user, other);
  }

  void apply(const BlockRemove& op) {
    blocks.remove(directory.find_user(op.user), directory.find_user(op.blocked));
  }

  void apply(const SessionRevoke& op) {
    const auto [it, added] = revoked.try_emplace(op.sid, op.until_s);
    if (!added && it->second != 0) it->second = op.until_s == 0 ? 0 : std::max(it->second, op.until_s);
    if (it->second != 0) next_expiry_s = std::min(next_expiry_s, it->second);
    if (effects != nullptr)
      effects->push_back({.what = Effect::What::session_revoked,
                          .user = kNoUser,
                          .room = kNoRoom,
                          .sid = op.sid,
                          .token = {}});
  }

  void apply(const TokenPut& op) {
    const UserIndex user = directory.intern_user(op.user);
    if (user == kNoUser) return;
    const ApiToken now{.user = user, .device = op.device, .role = op.role, .until_s = op.until_s};
    if (now.until_s != 0) next_expiry_s = std::min(next_expiry_s, now.until_s);
    const auto [it, added] = tokens.try_emplace(op.sha256, now);
    if (added) {
      tokens_of[raw(user)].push_back(op.sha256);
      return;
    }
    const ApiToken before = std::exchange(it->second, now);
    if (before == now) return;
    if (before.user != user) {
      erase_from_list(tokens_of, raw(before.user), op.sha256);
      tokens_of[raw(user)].push_back(op.sha256);
    }
    // Sessions that came in by what the token was have to come in again.
    emit_token_removed(op.sha256, before.user);
  }

  void apply(const TokenRemove& op) {
    const auto it = tokens.find(op.sha256);
    if (it == tokens.end()) return;
    const UserIndex user = it->second.user;
    tokens.erase(it);
    erase_from_list(tokens_of, raw(user), op.sha256);
    emit_token_removed(op.sha256, user);
  }

  bool drop_tokens(UserIndex user) {
    const auto it = tokens_of.find(raw(user));
    if (it == tokens_of.end()) return false;
    for (const Sha256& digest : it->second) tokens.erase(digest);
    tokens_of.erase(it);
    return true;
  }

  void apply(const LimitsPut& op) {
    const std::uint16_t i = limit_class(op.name);
    if (i == kUnlimitedClass || classes[i].name != op.name) return;
    classes[i].limits = limits_of(op);
    classes[i].known = true;
  }

  void apply(const EventPost&) {}  // happen, and are not remembered
  void apply(const UserEvent&) {}

  const UserFacts& user(UserIndex i) const {
    static constexpr UserFacts kNobody{};
    const UserRecord* record = users.find(raw(i));
    return record == nullptr ? kNobody : record->facts;
  }
  const RoomFacts& room(RoomIndex i) const {
    static constexpr RoomFacts kNowhere{};
    const RoomRecord* record = rooms.find(raw(i));
    return record == nullptr ? kNowhere : record->facts;
  }
  const MemberTable& members(RoomIndex i) const {
    static const MemberTable kNone;
    const RoomRecord* record = rooms.find(raw(i));
    return record == nullptr ? kNone : record->members;
  }
};

Facts::Facts(std::shared_ptr<Directory> directory, Limits default_limits)
    : directory_(std::move(directory)), impl_(std::make_shared<Impl>(*directory_, default_limits)) {}

void Facts::apply(const ControlOp& op, std::vector<Effect>* effects) {
  impl_->effects = effects;
  std::visit([this](const auto& o) { impl_->apply(o); }, op);
  impl_->effects = nullptr;
}

const UserFacts& Facts::user(UserIndex i) const { return impl_->user(i); }
const RoomFacts& Facts::room(RoomIndex i) const { return impl_->room(i); }

Member Facts::member(RoomIndex room, UserIndex user) const {
  const RoomRecord* record = impl_->rooms.find(raw(room));
  return record == nullptr || !record->facts.exists ? Member{} : record->members.find(user);
}

std::uint32_t Facts::member_count(RoomIndex room) const { return impl_->members(room).size(); }
const MemberTable& Facts::members(RoomIndex room) const { return impl_->members(room); }

std::span<const RoomIndex> Facts::rooms_of(UserIndex user) const {
  const UserRecord* record = impl_->users.find(raw(user));
  if (record == nullptr) return {};
  return record->rooms;
}

std::span<const UserIndex> Facts::bots_of(UserIndex person) const {
  const auto it = impl_->bots_of.find(raw(person));
  if (it == impl_->bots_of.end()) return {};
  return it->second;
}

bool Facts::blocks(UserIndex user, UserIndex other) const {
  return impl_->blocks.contains(owner_of(user), owner_of(other));
}

bool Facts::blocked_between(UserIndex a, UserIndex b) const {
  const UserIndex person = owner_of(a);
  const UserIndex other = owner_of(b);
  // What a bot and its owner have between them is their own affair.
  return person != other && (impl_->blocks.contains(person, other) || impl_->blocks.contains(other, person));
}

bool Facts::has_blocks(UserIndex user) const { return impl_->blocks.involves(owner_of(user)); }

UserIndex Facts::limited_as(UserIndex account) const {
  const UserFacts& facts = user(account);
  return facts.owner != kNoUser && facts.limits == kDefaultClass ? facts.owner : account;
}

bool Facts::share_a_room(UserIndex a, UserIndex b) const {
  const auto rooms_a = rooms_of(a);
  const auto rooms_b = rooms_of(b);
  const bool a_less = rooms_a.size() < rooms_b.size();
  const UserIndex other = a_less ? b : a;
  const auto fewer = a_less ? rooms_a : rooms_b;
  return std::any_of(fewer.begin(), fewer.end(),
                     [&](RoomIndex room) { return member(room, other).role != MemberRole::none; });
}

bool Facts::blocked_in_direct(RoomIndex room, UserIndex user) const {
  if (!has_blocks(user)) return false;
  const RoomRecord* record = impl_->rooms.find(raw(room));
  if (record == nullptr || !record->facts.exists || record->facts.kind != RoomKind::direct) return false;
  bool blocked = false;  // of two members, so there is nothing to search
  record->members.for_each(
      [&](UserIndex other, Member) { blocked = blocked || blocked_between(user, other); });
  return blocked;
}

const ApiToken* Facts::api_token(const Sha256& digest) const {
  const auto it = impl_->tokens.find(digest);
  return it == impl_->tokens.end() ? nullptr : &it->second;
}

bool Facts::session_revoked(std::string_view sid) const { return impl_->revoked.contains(sid); }

std::string_view Facts::limits_name(std::uint16_t index) const {
  return impl_->classes[index < impl_->classes.size() ? index : kDefaultClass].name;
}

const Limits& Facts::limits(std::uint16_t index) const {
  const auto& classes = impl_->classes;
  return classes[index < classes.size() && classes[index].known ? index : kDefaultClass].limits;
}

void Facts::expire(std::int64_t now_s) {
  if (now_s < impl_->next_expiry_s) return;
  // Nobody waits for this, and it walks everything: once a minute is often enough.
  if (now_s >= impl_->expired_at_s && now_s - impl_->expired_at_s < 60) return;
  impl_->expired_at_s = now_s;
  std::int64_t next = std::numeric_limits<std::int64_t>::max();
  const auto passed = [&](std::int64_t until_s) {
    if (until_s == 0) return false;
    if (until_s <= now_s) return true;
    next = std::min(next, until_s);
    return false;
  };
  erase_if(impl_->revoked, [&](const auto& entry) { return passed(entry.second); });
  erase_if(impl_->tokens, [&](const auto& entry) {
    if (!passed(entry.second.until_s)) return false;
    erase_from_list(impl_->tokens_of, raw(entry.second.user), entry.first);
    return true;
  });
  impl_->next_expiry_s = next;
}

Facts::Counts Facts::counts() const {
  Counts counts = impl_->counts;
  counts.blocks = impl_->blocks.size();
  counts.tokens = impl_->tokens.size();
  counts.revoked_sessions = impl_->revoked.size();
  return counts;
}

std::size_t Facts::memory_bytes() const {
  std::size_t bytes = impl_->users.memory_bytes() + impl_->rooms.memory_bytes() + impl_->list_bytes;
  const auto table = [](const auto& map) {
    return map.bucket_count() * (sizeof(typename std::decay_t<decltype(map)>::value_type) + 1);
  };
  bytes += impl_->blocks.memory_bytes();
  bytes += table(impl_->tokens) + table(impl_->tokens_of) + table(impl_->revoked) + table(impl_->bots_of);
  bytes += impl_->tokens.size() * sizeof(Sha256);
  return bytes;
}

}  // namespace parley::plugin
