#include "broker-plugin/directory.h"

#include <algorithm>
#include <cstring>
#include <functional>

namespace parley::plugin {

NameTable::NameTable() {
  shards_.reserve(kShards);
  for (std::size_t i = 0; i < kShards; ++i) shards_.emplace_back(0, Hash{}, Equal{this});
}

std::uint32_t NameTable::hash_of(std::string_view name) {
  const std::uint64_t h = std::hash<std::string_view>{}(name);
  return static_cast<std::uint32_t>(h ^ (h >> 32));
}

std::string_view NameTable::name(std::uint32_t index) const {
  if (index >= starts_.size()) return {};
  const char* start = starts_[index];
  return {start + 1, static_cast<unsigned char>(*start)};
}

std::uint32_t NameTable::find(std::string_view name) const {
  const Query query{hash_of(name), name};
  const auto& shard = shards_[query.hash % kShards];
  const auto it = shard.find(query);
  return it == shard.end() ? kNone : it->index;
}

std::uint32_t NameTable::intern(std::string_view name) {
  if (name.size() > kMaxName) return kNone;
  const Query query{hash_of(name), name};
  auto& shard = shards_[query.hash % kShards];
  if (const auto it = shard.find(query); it != shard.end()) return it->index;
  const auto index = static_cast<std::uint32_t>(starts_.size());
  starts_.push_back(store(name));
  shard.insert(Slot{query.hash, index});
  insert_in_order(index);
  return index;
}

const char* NameTable::store(std::string_view name) {
  if (arena_used_ + 1 + name.size() > kArenaBytes) {
    arena_.push_back(std::make_unique<char[]>(kArenaBytes));
    arena_used_ = 0;
  }
  char* start = arena_.back().get() + arena_used_;
  *start = static_cast<char>(static_cast<unsigned char>(name.size()));
  std::memcpy(start + 1, name.data(), name.size());
  arena_used_ += 1 + name.size();
  return start;
}

NameTable::Place NameTable::upper_bound(std::string_view after) const {
  // The last block whose first name is not above `after`, then the place inside it.
  const auto block = std::partition_point(order_.begin(), order_.end(),
                                          [&](const auto& b) { return name(b.front()) <= after; });
  if (block == order_.begin()) return {0, 0};
  const auto& inside = *(block - 1);
  const auto at =
      std::partition_point(inside.begin(), inside.end(), [&](std::uint32_t i) { return name(i) <= after; });
  return {static_cast<std::size_t>(block - order_.begin()) - 1,
          static_cast<std::size_t>(at - inside.begin())};
}

void NameTable::insert_in_order(std::uint32_t index) {
  if (order_.empty()) {
    order_.push_back({index});
    return;
  }
  const Place place = upper_bound(name(index));
  auto& block = order_[place.block];
  if (block.size() < kBlock) {
    block.insert(block.begin() + static_cast<std::ptrdiff_t>(place.at), index);
    return;
  }
  const auto next = order_.begin() + static_cast<std::ptrdiff_t>(place.block) + 1;
  // Names that arrive in order, as from the store at start, fill the blocks instead of leaving halves.
  if (place.at == kBlock) {
    order_.insert(next, {index});
    return;
  }
  std::vector<std::uint32_t> upper(block.begin() + kBlock / 2, block.end());
  block.resize(kBlock / 2);
  const auto half = static_cast<std::ptrdiff_t>(kBlock / 2);
  const auto at = static_cast<std::ptrdiff_t>(place.at);
  if (at <= half)
    block.insert(block.begin() + at, index);
  else
    upper.insert(upper.begin() + (at - half), index);
  order_.insert(next, std::move(upper));
}

std::size_t NameTable::memory_bytes() const {
  std::size_t bytes = arena_.size() * kArenaBytes + starts_.capacity() * sizeof(starts_[0]);
  for (const auto& shard : shards_) bytes += shard.bucket_count() * (sizeof(Slot) + 1);
  bytes += order_.size() * sizeof(decltype(order_)::value_type);
  for (const auto& block : order_) bytes += block.capacity() * sizeof(block[0]);
  return bytes;
}

}  // namespace parley::plugin
