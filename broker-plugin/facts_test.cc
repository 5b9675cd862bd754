#include "broker-plugin/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using What = Effect::What;

Sha256 digest_of(std::uint8_t n) {
  Sha256 digest{};
  digest[0] = n;
  return digest;
}

class FactsTest : public ::testing::Test {
 protected:
  std::vector<What> apply(const ControlOp& op) {
    effects_.clear();
    facts_.apply(op, &effects_);
    std::vector<What> what;
    for (const Effect& e : effects_) what.push_back(e.what);
    return what;
  }
  UserIndex user(std::string_view name) { return directory_->intern_user(name); }
  RoomIndex room(std::string_view name) { return directory_->intern_room(name); }
  MemberRole role(std::string_view r, std::string_view u) { return facts_.member(room(r), user(u)).role; }
  std::vector<std::string> rooms_of(std::string_view u) {
    std::vector<std::string> names;
    for (const RoomIndex r : facts_.rooms_of(user(u))) names.emplace_back(directory_->room_name(r));
    return names;
  }
  void direct(const std::string& name, const std::string& a, const std::string& b) {
    apply(RoomPut{.room = name, .kind = RoomKind::direct});
    apply(MemberPut{.room = name, .user = a});
    apply(MemberPut{.room = name, .user = b});
  }

  std::shared_ptr<Directory> directory_ = std::make_shared<Directory>();
  Facts facts_{directory_, Limits{.messages_per_s = 7}};
  std::vector<Effect> effects_;
};

TEST_F(FactsTest, NobodyIsKnownAtFirst) {
  EXPECT_FALSE(facts_.user(kNoUser).exists);
  EXPECT_FALSE(facts_.user(UserIndex{5}).exists);
  EXPECT_FALSE(facts_.room(kNoRoom).exists);
  EXPECT_EQ(facts_.member(kNoRoom, kNoUser).role, MemberRole::none);
  EXPECT_EQ(facts_.member(RoomIndex{9}, UserIndex{9}).role, MemberRole::none);
  EXPECT_THAT(facts_.rooms_of(kNoUser), IsEmpty());
  EXPECT_FALSE(facts_.blocked_in_direct(kNoRoom, kNoUser));
  EXPECT_FALSE(facts_.share_a_room(kNoUser, kNoUser));
  EXPECT_EQ(directory_->find_user("alice"), kNoUser);
  EXPECT_THAT(facts_.list_members(kNoRoom, "", 10), IsEmpty());
}

TEST_F(FactsTest, UserPutTellsOnlyRealChanges) {
  UserPut put{.user = "alice", .role = TokenRole::service, .tokens_after_s = 12};
  EXPECT_THAT(apply(put), ElementsAre(What::user_changed));
  EXPECT_EQ(effects_[0].user, user("alice"));
  EXPECT_TRUE(facts_.user(user("alice")).exists);
  EXPECT_EQ(facts_.user(user("alice")).role, TokenRole::service);
  EXPECT_EQ(facts_.user(user("alice")).tokens_after_s, 12);
  EXPECT_THAT(apply(put), IsEmpty());
  put.status = UserStatus::blocked;
  EXPECT_THAT(apply(put), ElementsAre(What::user_changed));
  EXPECT_EQ(facts_.user(user("alice")).status, UserStatus::blocked);
}

TEST_F(FactsTest, RoomPutTellsOnlyRealChanges) {
  RoomPut put{
      .room = "general", .kind = RoomKind::group, .history = RoomHistory::joined, .guests_post = true};
  EXPECT_THAT(apply(put), ElementsAre(What::room_changed));
  EXPECT_EQ(effects_[0].room, room("general"));
  const RoomFacts& facts = facts_.room(room("general"));
  EXPECT_TRUE(facts.exists && facts.guests_post);
  EXPECT_EQ(facts.kind, RoomKind::group);
  EXPECT_EQ(facts.history, RoomHistory::joined);
  EXPECT_THAT(apply(put), IsEmpty());
  put.pin_role = MemberRole::owner;
  EXPECT_THAT(apply(put), ElementsAre(What::room_changed));
}

TEST_F(FactsTest, MembershipGoesBothWays) {
  apply(RoomPut{.room = "general"});
  const Seq since{(std::uint64_t{1} << 53) - 1};
  EXPECT_THAT(apply(MemberPut{.room = "general", .user = "bob", .role = MemberRole::owner, .since = since}),
              ElementsAre(What::member_changed));
  EXPECT_EQ(effects_[0].user, user("bob"));
  EXPECT_EQ(effects_[0].room, room("general"));
  EXPECT_EQ(facts_.member(room("general"), user("bob")), (Member{MemberRole::owner, since}));
  EXPECT_THAT(rooms_of("bob"), ElementsAre("general"));
  EXPECT_THAT(apply(MemberPut{.room = "general", .user = "bob", .role = MemberRole::owner, .since = since}),
              IsEmpty());
  EXPECT_THAT(apply(MemberPut{.room = "general", .user = "bob", .role = MemberRole::guest}),
              ElementsAre(What::member_changed));
  EXPECT_EQ(role("general", "bob"), MemberRole::guest);
  EXPECT_EQ(facts_.counts().memberships, 1u);

  EXPECT_THAT(apply(MemberRemove{.room = "general", .user = "bob"}), ElementsAre(What::member_removed));
  EXPECT_EQ(effects_[0].user, user("bob"));
  EXPECT_EQ(role("general", "bob"), MemberRole::none);
  EXPECT_THAT(rooms_of("bob"), IsEmpty());
  EXPECT_THAT(apply(MemberRemove{.room = "general", .user = "bob"}), IsEmpty());
  EXPECT_THAT(apply(MemberRemove{.room = "nowhere", .user = "nobody"}), IsEmpty());
  EXPECT_EQ(facts_.counts().memberships, 0u);
}

TEST_F(FactsTest, MemberOfAnUnknownRoomCountsOnceTheRoomIsPut) {
  apply(MemberPut{.room = "later", .user = "bob"});
  EXPECT_EQ(role("later", "bob"), MemberRole::none);
  EXPECT_FALSE(facts_.share_a_room(user("bob"), user("bob")));
  apply(RoomPut{.room = "later"});
  EXPECT_EQ(role("later", "bob"), MemberRole::member);
}

TEST_F(FactsTest, RoomRemoveDropsItsMembers) {
  for (const char* r : {"general", "random"}) {
    apply(RoomPut{.room = r});
    for (int i = 0; i < 20; ++i) apply(MemberPut{.room = r, .user = "user" + std::to_string(i)});
  }
  EXPECT_THAT(apply(RoomRemove{.room = "general"}), ElementsAre(What::room_removed));
  EXPECT_FALSE(facts_.room(room("general")).exists);
  EXPECT_EQ(facts_.member_count(room("general")), 0u);
  EXPECT_THAT(rooms_of("user7"), ElementsAre("random"));
  EXPECT_EQ(facts_.counts().memberships, 20u);
  EXPECT_EQ(facts_.counts().rooms, 1u);
  EXPECT_THAT(apply(RoomRemove{.room = "general"}), IsEmpty());
  const RoomIndex before = room("general");
  apply(RoomPut{.room = "general"});
  EXPECT_EQ(room("general"), before);
  EXPECT_EQ(role("general", "user7"), MemberRole::none) << "a room made anew has no members";
}

TEST_F(FactsTest, UserRemoveDropsMembershipsBlocksAndTokens) {
  apply(UserPut{.user = "bob", .limits = "fast"});
  apply(UserPut{.user = "carol"});
  direct("dm", "bob", "carol");
  apply(BlockPut{.user = "bob", .blocked = "carol"});
  apply(BlockPut{.user = "carol", .blocked = "bob"});
  apply(BlockPut{.user = "carol", .blocked = "mallory"});
  apply(TokenPut{.sha256 = digest_of(1), .user = "bob", .device = "roof"});
  apply(TokenPut{.sha256 = digest_of(2), .user = "carol", .device = "cellar"});

  EXPECT_THAT(apply(UserRemove{.user = "bob"}), ElementsAre(What::user_removed));
  EXPECT_EQ(effects_[0].user, user("bob"));
  EXPECT_FALSE(facts_.user(user("bob")).exists);
  EXPECT_EQ(role("dm", "bob"), MemberRole::none);
  EXPECT_EQ(role("dm", "carol"), MemberRole::member);
  EXPECT_FALSE(facts_.blocks(user("bob"), user("carol")));
  EXPECT_FALSE(facts_.blocks(user("carol"), user("bob")));
  EXPECT_TRUE(facts_.blocks(user("carol"), user("mallory")));
  EXPECT_EQ(facts_.api_token(digest_of(1)), nullptr);
  EXPECT_NE(facts_.api_token(digest_of(2)), nullptr);
  const Facts::Counts counts = facts_.counts();
  EXPECT_EQ(counts.users, 1u);
  EXPECT_EQ(counts.memberships, 1u);
  EXPECT_EQ(counts.blocks, 1u);
  EXPECT_EQ(counts.tokens, 1u);
  EXPECT_THAT(apply(UserRemove{.user = "bob"}), IsEmpty());
  apply(UserPut{.user = "bob"});
  EXPECT_THAT(rooms_of("bob"), IsEmpty());
}

TEST_F(FactsTest, BlocksCountInDirectRoomsOnly) {
  direct("dm", "alice", "bob");
  apply(RoomPut{.room = "general"});
  apply(MemberPut{.room = "general", .user = "alice"});
  apply(MemberPut{.room = "general", .user = "bob"});
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("alice")));
  apply(BlockPut{.user = "alice", .blocked = "bob"});
  EXPECT_TRUE(facts_.blocks(user("alice"), user("bob")));
  EXPECT_FALSE(facts_.blocks(user("bob"), user("alice")));
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("alice"))) << "who blocks cannot write either";
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("bob")));
  EXPECT_FALSE(facts_.blocked_in_direct(room("general"), user("bob")));
  apply(BlockRemove{.user = "bob", .blocked = "alice"});
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("bob")));
  apply(BlockRemove{.user = "alice", .blocked = "bob"});
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("bob")));
  apply(BlockPut{.user = "alice", .blocked = "alice"});
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("alice"))) << "nobody blocks himself";
}

TEST_F(FactsTest, BlocksInADirectRoomOfMany) {
  apply(RoomPut{.room = "dm", .kind = RoomKind::direct});
  for (int i = 0; i < 50; ++i) apply(MemberPut{.room = "dm", .user = "user" + std::to_string(i)});
  apply(BlockPut{.user = "user3", .blocked = "outsider"});
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("user3")));
  apply(BlockPut{.user = "user3", .blocked = "user4"});
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("user3")));
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("user4")));
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("user5")));
}

TEST_F(FactsTest, ManyBlocksOfOneUser) {
  direct("dm", "mallory", "alice");
  direct("dm2", "mallory", "bob");
  for (int i = 0; i < 3000; ++i) {
    apply(BlockPut{.user = "user" + std::to_string(i), .blocked = "mallory"});
    apply(BlockPut{.user = "mallory", .blocked = "user" + std::to_string(i)});
  }
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("mallory")));
  apply(BlockPut{.user = "alice", .blocked = "mallory"});
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("mallory")));
  EXPECT_TRUE(facts_.blocked_in_direct(room("dm"), user("alice")));
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm2"), user("mallory")));
  apply(UserRemove{.user = "mallory"});
  EXPECT_EQ(facts_.counts().blocks, 0u);
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("alice")));
  direct("dm", "mallory", "alice");
  EXPECT_FALSE(facts_.blocked_in_direct(room("dm"), user("mallory")))
      << "whoever takes the name starts clean";
}

TEST_F(FactsTest, ShareARoom) {
  apply(RoomPut{.room = "general"});
  apply(MemberPut{.room = "general", .user = "alice"});
  apply(MemberPut{.room = "general", .user = "bob"});
  apply(MemberPut{.room = "ghost", .user = "alice"});
  apply(MemberPut{.room = "ghost", .user = "carol"});
  EXPECT_TRUE(facts_.share_a_room(user("alice"), user("bob")));
  EXPECT_FALSE(facts_.share_a_room(user("alice"), user("carol"))) << "the room they share does not exist";
  EXPECT_FALSE(facts_.share_a_room(user("bob"), user("carol")));
}

TEST_F(FactsTest, TokensAreFoundReplacedAndRemoved) {
  const Sha256 d = digest_of(1);
  EXPECT_THAT(apply(TokenPut{
                  .sha256 = d, .user = "meteo", .device = "roof", .role = TokenRole::device, .until_s = 50}),
              IsEmpty());
  ASSERT_NE(facts_.api_token(d), nullptr);
  EXPECT_EQ(*facts_.api_token(d),
            (ApiToken{.user = user("meteo"), .device = "roof", .role = TokenRole::device, .until_s = 50}));
  EXPECT_THAT(apply(TokenPut{.sha256 = d, .user = "bot", .device = "roof"}),
              ElementsAre(What::token_removed));
  EXPECT_EQ(effects_[0].token, d);
  EXPECT_EQ(effects_[0].user, user("meteo"));
  apply(UserRemove{.user = "meteo"});
  ASSERT_NE(facts_.api_token(d), nullptr) << "the token was another user's by then";
  EXPECT_THAT(apply(TokenRemove{.sha256 = d}), ElementsAre(What::token_removed));
  EXPECT_EQ(effects_[0].token, d);
  EXPECT_EQ(facts_.api_token(d), nullptr);
  EXPECT_THAT(apply(TokenRemove{.sha256 = d}), IsEmpty());
}

TEST_F(FactsTest, RevokedSessionsAndTokensExpire) {
  EXPECT_THAT(apply(SessionRevoke{.sid = "s1", .until_s = 100}), ElementsAre(What::session_revoked));
  EXPECT_EQ(effects_[0].sid, "s1");
  apply(SessionRevoke{.sid = "s2", .until_s = 200});
  apply(SessionRevoke{.sid = "s1", .until_s = 50});
  apply(SessionRevoke{.sid = "ever", .until_s = 0});
  apply(TokenPut{.sha256 = digest_of(1), .user = "bot", .device = "a", .until_s = 100});
  apply(TokenPut{.sha256 = digest_of(2), .user = "bot", .device = "a", .until_s = 0});
  facts_.expire(99);
  EXPECT_TRUE(facts_.session_revoked("s1")) << "the later of two ends counts";
  EXPECT_NE(facts_.api_token(digest_of(1)), nullptr);
  facts_.expire(100);
  EXPECT_FALSE(facts_.session_revoked("s1"));
  EXPECT_TRUE(facts_.session_revoked("s2"));
  EXPECT_EQ(facts_.api_token(digest_of(1)), nullptr);
  facts_.expire(1'000'000);
  EXPECT_FALSE(facts_.session_revoked("s2"));
  EXPECT_TRUE(facts_.session_revoked("ever"));
  EXPECT_NE(facts_.api_token(digest_of(2)), nullptr);
  EXPECT_EQ(facts_.counts().revoked_sessions, 1u);
}

TEST_F(FactsTest, ClassesOfLimits) {
  apply(UserPut{.user = "alice", .limits = "default"});
  apply(UserPut{.user = "loader", .limits = "unlimited"});
  apply(UserPut{.user = "bob", .limits = "fast"});
  const auto limits = [&](std::string_view name) { return facts_.limits(facts_.user(user(name)).limits); };
  EXPECT_EQ(limits("alice").messages_per_s, 7) << "from the constructor";
  EXPECT_FALSE(limits("alice").unlimited);
  EXPECT_TRUE(limits("loader").unlimited);
  EXPECT_EQ(limits("bob").messages_per_s, 7) << "unknown: as default";
  apply(LimitsPut{.name = "default", .messages_per_s = 8});
  EXPECT_EQ(limits("alice").messages_per_s, 8);
  EXPECT_EQ(limits("bob").messages_per_s, 8);
  apply(LimitsPut{.name = "fast",
                  .messages_per_s = 900,
                  .burst = 901,
                  .connections = 3,
                  .requests_per_s = 4,
                  .typing_per_s = 5,
                  .room_messages_per_s = 6,
                  .room_bot_messages_per_s = 77});
  EXPECT_EQ(limits("bob"), (Limits{.messages_per_s = 900,
                                   .burst = 901,
                                   .connections = 3,
                                   .requests_per_s = 4,
                                   .typing_per_s = 5,
                                   .room_messages_per_s = 6,
                                   .room_bot_messages_per_s = 77}));
  apply(LimitsPut{.name = "unlimited", .messages_per_s = 1});
  EXPECT_TRUE(limits("loader").unlimited);
  EXPECT_EQ(facts_.limits(65535).messages_per_s, 8);
}

TEST_F(FactsTest, MoreClassesThanFitAreAsDefault) {
  for (int i = 0; i < 300; ++i)
    apply(UserPut{.user = "u" + std::to_string(i), .limits = "c" + std::to_string(i)});
  apply(LimitsPut{.name = "c250", .messages_per_s = 250});
  EXPECT_EQ(facts_.limits(facts_.user(user("u250")).limits).messages_per_s, 250);
  EXPECT_EQ(facts_.limits(facts_.user(user("u251")).limits).messages_per_s, 7);
}

TEST_F(FactsTest, NamesTooLongForTheDirectoryAreNoChange) {
  const std::string name(300, 'a');
  EXPECT_THAT(apply(UserPut{.user = name}), IsEmpty());
  EXPECT_THAT(apply(RoomPut{.room = name}), IsEmpty());
  EXPECT_THAT(apply(MemberPut{.room = name, .user = name}), IsEmpty());
  EXPECT_EQ(directory_->find_user(name), kNoUser);
}

template <class Op>
std::vector<std::string> names(const std::vector<ControlOp>& ops, std::string Op::*field) {
  std::vector<std::string> out;
  for (const ControlOp& op : ops) out.push_back(std::get<Op>(op).*field);
  return out;
}

TEST_F(FactsTest, ListsAreInOrderAndPaged) {
  for (const char* name : {"dave", "alice", "carol", "bob", "erin"})
    apply(UserPut{.user = name, .limits = "slow"});
  apply(UserRemove{.user = "carol"});
  user("mallory");  // a name seen, not a user
  EXPECT_THAT(names(facts_.list_users("", 10), &UserPut::user), ElementsAre("alice", "bob", "dave", "erin"));
  EXPECT_THAT(names(facts_.list_users("", 2), &UserPut::user), ElementsAre("alice", "bob"));
  EXPECT_THAT(names(facts_.list_users("bob", 2), &UserPut::user), ElementsAre("dave", "erin"));
  EXPECT_THAT(names(facts_.list_users("c", 1), &UserPut::user), ElementsAre("dave"));
  EXPECT_THAT(facts_.list_users("erin", 2), IsEmpty());
  EXPECT_THAT(facts_.list_users("", 0), IsEmpty());
  EXPECT_EQ(std::get<UserPut>(facts_.list_users("", 1)[0]).limits, "slow");

  apply(RoomPut{.room = "zoo", .kind = RoomKind::group, .guests_post = true, .pin_role = MemberRole::owner});
  apply(RoomPut{.room = "attic"});
  EXPECT_THAT(names(facts_.list_rooms("", 10), &RoomPut::room), ElementsAre("attic", "zoo"));
  const RoomPut zoo = std::get<RoomPut>(facts_.list_rooms("attic", 10).at(0));
  EXPECT_TRUE(zoo.kind == RoomKind::group && zoo.guests_post && zoo.pin_role == MemberRole::owner);

  apply(MemberPut{.room = "zoo", .user = "erin", .role = MemberRole::admin, .since = Seq{9}});
  apply(MemberPut{.room = "zoo", .user = "bob"});
  const auto members = facts_.list_members(room("zoo"), "", 10);
  EXPECT_THAT(names(members, &MemberPut::user), ElementsAre("bob", "erin"));
  EXPECT_EQ(std::get<MemberPut>(members[1]).room, "zoo");
  EXPECT_EQ(std::get<MemberPut>(members[1]).role, MemberRole::admin);
  EXPECT_EQ(std::get<MemberPut>(members[1]).since, Seq{9});
  EXPECT_THAT(names(facts_.list_members(room("zoo"), "bob", 10), &MemberPut::user), ElementsAre("erin"));
}

TEST_F(FactsTest, WhatIsListedMakesTheSameFacts) {
  for (int i = 0; i < 40; ++i) apply(UserPut{.user = "user" + std::to_string(i), .tokens_after_s = i});
  for (int r = 0; r < 5; ++r) {
    const std::string name = "room" + std::to_string(r);
    apply(RoomPut{.room = name, .status = r % 2 ? RoomStatus::read_only : RoomStatus::active});
    for (int i = r; i < 40; i += 2)
      apply(MemberPut{
          .room = name, .user = "user" + std::to_string(i), .since = Seq{static_cast<std::uint64_t>(i)}});
  }
  auto other_directory = std::make_shared<Directory>();
  Facts other(other_directory);
  for (const ControlOp& op : facts_.list_users("", 1000)) other.apply(op, nullptr);
  for (const ControlOp& op : facts_.list_rooms("", 1000)) {
    other.apply(op, nullptr);
    for (const ControlOp& m : facts_.list_members(room(std::get<RoomPut>(op).room), "", 1000))
      other.apply(m, nullptr);
  }
  EXPECT_EQ(other.counts().users, 40u);
  EXPECT_EQ(other.counts().memberships, facts_.counts().memberships);
  for (int r = 0; r < 5; ++r)
    for (int i = 0; i < 40; ++i) {
      const std::string rn = "room" + std::to_string(r), un = "user" + std::to_string(i);
      EXPECT_EQ(other.member(other_directory->find_room(rn), other_directory->find_user(un)),
                facts_.member(room(rn), user(un)));
    }
}

TEST_F(FactsTest, PagesOfALargeRoomAreComplete) {
  // Members at the end of the alphabet among many names: both ways of making a page get their turn.
  for (int i = 0; i < 3000; ++i) user("a" + std::to_string(i));
  apply(RoomPut{.room = "big"});
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string name = (i % 2 ? "z" : "a") + std::to_string(i * 7);
    expected.insert(name);
    apply(MemberPut{.room = "big", .user = name});
  }
  std::vector<std::string> listed;
  for (std::string after;;) {
    const auto page = names(facts_.list_members(room("big"), after, 17), &MemberPut::user);
    listed.insert(listed.end(), page.begin(), page.end());
    if (page.size() < 17) break;
    after = page.back();
  }
  EXPECT_EQ(listed, std::vector<std::string>(expected.begin(), expected.end()));
}

TEST_F(FactsTest, WhoLeftASmallRoomIsListedNoMore) {
  for (int i = 0; i < 100; ++i) user("a" + std::to_string(i));  // names enough that members are gathered
  apply(RoomPut{.room = "few"});
  for (const char* name : {"bob", "carol", "alice"}) apply(MemberPut{.room = "few", .user = name});
  apply(MemberRemove{.room = "few", .user = "alice"});  // who came last
  EXPECT_THAT(names(facts_.list_members(room("few"), "", 10), &MemberPut::user), ElementsAre("bob", "carol"));
}

TEST(Directory, NamesKeepTheirIndexAndOrder) {
  Directory directory;
  std::map<std::string, UserIndex> expected;
  std::mt19937 random(42);
  std::string_view first;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "user" + std::to_string(random() % 15'000);
    const UserIndex index = directory.intern_user(name);
    const auto [it, added] = expected.try_emplace(name, index);
    ASSERT_EQ(it->second, index);
    if (i == 0) first = directory.user_name(index);
  }
  EXPECT_EQ(directory.user_count(), expected.size());
  EXPECT_EQ(first.data(), directory.user_name(UserIndex{0}).data()) << "names stay where they are";
  std::vector<std::string> in_order;
  directory.users().for_each_after("", [&](std::uint32_t i) {
    in_order.emplace_back(directory.users().name(i));
    return true;
  });
  ASSERT_EQ(in_order.size(), expected.size());
  std::size_t n = 0;
  for (const auto& [name, index] : expected) {
    EXPECT_EQ(in_order[n++], name);
    EXPECT_EQ(directory.find_user(name), index);
    EXPECT_EQ(directory.user_name(index), name);
  }
  EXPECT_EQ(directory.find_user("nobody"), kNoUser);
  EXPECT_EQ(directory.user_name(kNoUser), "");
}

TEST(MemberTable, AgreesWithAMapUnderRandomChanges) {
  std::mt19937 random(7);
  for (const std::uint32_t range : {3u, 12u, 40u, 3000u}) {
    MemberTable table;
    std::map<std::uint32_t, Member> expected;
    for (int i = 0; i < 30'000; ++i) {
      const UserIndex user{static_cast<std::uint32_t>(random()) % range};
      // Long stretches of growing and of shrinking, so that the table is rebuilt both ways.
      const bool growing = (i / (range * 4)) % 2 == 0;
      if (random() % 4 == 0 ? !growing : growing) {
        const Member member{static_cast<MemberRole>(1 + random() % 4),
                            Seq{(std::uint64_t{random()} << 21 ^ random()) & (kSeqLimit - 1)}};
        EXPECT_EQ(table.put(user, member), expected.insert_or_assign(raw(user), member).second);
      } else {
        EXPECT_EQ(table.remove(user), expected.erase(raw(user)) == 1);
      }
      ASSERT_EQ(table.size(), expected.size());
      const std::uint32_t probe = static_cast<std::uint32_t>(random()) % range;
      const auto it = expected.find(probe);
      ASSERT_EQ(table.find(UserIndex{probe}), it == expected.end() ? Member{} : it->second);
      if (range > 40 && i % 1000 != 0) continue;
      std::map<std::uint32_t, Member> seen;
      table.for_each([&](UserIndex u, Member member) { ASSERT_TRUE(seen.emplace(raw(u), member).second); });
      ASSERT_EQ(seen, expected);
    }
    for (const auto& [user, member] : expected) table.remove(UserIndex{user});
    EXPECT_EQ(table.memory_bytes() <= 8 * 12 + 16, true) << "an emptied table keeps no memory to speak of";
  }
}

// The promise of facts.h: rooms of 2, of 100 and of 100,000 members together (facts_bench.cc has a million).
TEST(FactsMemory, AMembershipCostsUnder48Bytes) {
  auto directory = std::make_shared<Directory>();
  Facts facts(directory);
  const auto user_name = [](std::size_t i) { return "user" + std::to_string(i); };
  constexpr std::size_t kUsers = 100'000;
  for (std::size_t i = 0; i < kUsers; ++i) facts.apply(UserPut{.user = user_name(i)}, nullptr);
  const std::size_t before = facts.memory_bytes();
  std::size_t rooms = 0, next = 0;
  const auto make_rooms = [&](std::size_t count, std::size_t members) {
    for (std::size_t r = 0; r < count; ++r) {
      const std::string name = "room" + std::to_string(rooms++);
      facts.apply(RoomPut{.room = name}, nullptr);
      for (std::size_t m = 0; m < members; ++m)
        facts.apply(MemberPut{.room = name, .user = user_name(next++ * 7919 % kUsers)}, nullptr);
    }
  };
  make_rooms(25'000, 2);
  make_rooms(500, 100);
  make_rooms(1, 100'000);
  ASSERT_EQ(facts.counts().memberships, 200'000u);
  const double each = static_cast<double>(facts.memory_bytes() - before) / 200'000;
  std::cout << "bytes a membership, rooms included: " << each << "\n";
  EXPECT_LT(each, 48);
  EXPECT_GT(each, 16) << "less than its two entries take: the measure is wrong";

  for (std::size_t r = 0; r < rooms; ++r)
    facts.apply(RoomRemove{.room = "room" + std::to_string(r)}, nullptr);
  EXPECT_EQ(facts.counts().memberships, 0u);
}

}  // namespace
}  // namespace parley::plugin
