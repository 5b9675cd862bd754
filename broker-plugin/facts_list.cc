// The lists of Facts: pages in the order of names, for `list` and snapshots. A page costs what it holds, not
// what there is: the broker's thread makes it.
#include <algorithm>

#include "broker-plugin/facts.h"

namespace parley::plugin {

std::vector<ControlOp> Facts::list_users(std::string_view after, std::size_t limit) const {
  std::vector<ControlOp> ops;
  directory_->users().for_each_after(after, [&](std::uint32_t i) {
    if (ops.size() >= limit) return false;
    const UserFacts& facts = user(UserIndex{i});
    if (facts.exists)
      ops.push_back(UserPut{
          .user = std::string(directory_->users().name(i)),
          .role = facts.role,
          .limits = std::string(limits_name(facts.limits)),
          .tokens_after_s = facts.tokens_after_s,
          .status = facts.status,
          .owner = facts.owner == kNoUser ? std::string() : std::string(directory_->user_name(facts.owner))});
    return true;
  });
  return ops;
}

std::vector<ControlOp> Facts::list_rooms(std::string_view after, std::size_t limit) const {
  std::vector<ControlOp> ops;
  directory_->rooms().for_each_after(after, [&](std::uint32_t i) {
    if (ops.size() >= limit) return false;
    const RoomFacts& facts = room(RoomIndex{i});
    if (facts.exists)
      ops.push_back(RoomPut{.room = std::string(directory_->rooms().name(i)),
                            .kind = facts.kind,
                            .limits = std::string(limits_name(facts.limits)),
                            .history = facts.history,
                            .status = facts.status,
                            .guests_post = facts.guests_post,
                            .pin_role = facts.pin_role});
    return true;
  });
  return ops;
}

std::vector<ControlOp> Facts::list_members(RoomIndex room, std::string_view after, std::size_t limit) const {
  const MemberTable& table = members(room);
  limit = std::min<std::size_t>(limit, table.size());
  std::vector<UserIndex> found;
  if (limit == 0) return {};

  // A page of a large room: walk all names in order and keep the members, for as long as that is the cheaper
  // way.
  std::size_t budget = table.size();
  directory_->users().for_each_after(after, [&](std::uint32_t i) {
    if (found.size() == limit || budget == 0) return false;
    --budget;
    if (table.find(UserIndex{i}).role != MemberRole::none) found.push_back(UserIndex{i});
    return true;
  });
  if (found.size() < limit && budget == 0) {
    // Few of the many names are members: gather those after `after` and sort what the page needs.
    found.clear();
    table.for_each([&](UserIndex user, Member) {
      if (directory_->user_name(user) > after) found.push_back(user);
    });
    const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(limit, found.size()));
    std::partial_sort(found.begin(), end, found.end(), [&](UserIndex a, UserIndex b) {
      return directory_->user_name(a) < directory_->user_name(b);
    });
    found.erase(end, found.end());
  }

  std::vector<ControlOp> ops;
  ops.reserve(found.size());
  const std::string room_name(directory_->room_name(room));
  for (const UserIndex user : found) {
    const Member member = table.find(user);
    ops.push_back(MemberPut{.room = room_name,
                            .user = std::string(directory_->user_name(user)),
                            .role = member.role,
                            .since = member.since});
  }
  return ops;
}

}  // namespace parley::plugin
