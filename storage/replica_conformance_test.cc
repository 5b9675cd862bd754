// What every ReplicaStore must do, whatever holds the bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/replica_store.h"
#include "storage/test_folder.h"

namespace parley::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

struct Backend {
  std::string name;
  bool persistent = false;
  std::unique_ptr<ReplicaStore> (*open)(const std::filesystem::path&) = nullptr;
};

std::unique_ptr<ReplicaStore> open_rocks(const std::filesystem::path& path) {
  auto replica = open_rocks_replica({.path = path});
  if (!replica) throw std::runtime_error(replica.error());
  return std::move(*replica);
}
std::unique_ptr<ReplicaStore> open_memory(const std::filesystem::path&) { return make_memory_replica(); }

Sha256 sha(std::uint8_t fill) {
  Sha256 digest;
  digest.fill(fill);
  return digest;
}
std::vector<std::string> as_json(const std::vector<ControlOp>& ops) {
  std::vector<std::string> result;
  for (const auto& op : ops) result.push_back(to_json(op));
  return result;
}

// One fact of every kind that can be put.
std::vector<ControlOp> one_of_each() {
  return {
      LimitsPut{.name = "fast", .messages_per_s = 99.5, .burst = 7, .connections = 9},
      UserPut{.user = "alice",
              .role = TokenRole::bot,
              .limits = "fast",
              .tokens_after_s = 17,
              .status = UserStatus::blocked},
      UserPut{.user = "bob", .role = TokenRole::device, .owner = "alice"},
      TokenPut{
          .sha256 = sha(0), .user = "meteo", .device = "roof", .role = TokenRole::device, .until_s = 1234},
      SessionRevoke{.sid = "s-1", .until_s = 4321},
      BlockPut{.user = "alice", .blocked = "mallory"},
      RoomPut{.room = "general",
              .kind = RoomKind::group,
              .limits = "fast",
              .history = RoomHistory::joined,
              .status = RoomStatus::read_only,
              .guests_post = true,
              .pin_role = MemberRole::owner},
      MemberPut{.room = "general", .user = "alice", .role = MemberRole::owner, .since = Seq{kSeqLimit - 1}},
      MemberPut{.room = "general", .user = "bob", .role = MemberRole::guest},
  };
}

class ReplicaConformance : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override { replica_ = GetParam().open(folder_.path()); }
  void reopen_if_persistent() {
    if (!GetParam().persistent) return;
    replica_.reset();
    replica_ = GetParam().open(folder_.path());
  }
  void apply(const std::vector<ControlOp>& ops) { ASSERT_TRUE(replica_->apply(++version_, ops)); }
  std::vector<std::string> facts() {
    std::vector<std::string> result;
    EXPECT_TRUE(replica_->load([&](ControlOp&& op) { result.push_back(to_json(op)); }));
    return result;
  }

  TestFolder folder_;
  std::unique_ptr<ReplicaStore> replica_;
  std::uint64_t version_ = 0;
};

TEST_P(ReplicaConformance, IsEmptyAtVersionZeroAtFirst) {
  EXPECT_EQ(replica_->version(), 0u);
  EXPECT_THAT(facts(), IsEmpty());
  EXPECT_TRUE(replica_->sync());
}

TEST_P(ReplicaConformance, KeepsEveryFieldOfEveryKindOfFact) {
  ASSERT_TRUE(replica_->apply(~std::uint64_t{0}, one_of_each()));
  reopen_if_persistent();
  EXPECT_EQ(replica_->version(), ~std::uint64_t{0});
  EXPECT_THAT(facts(), UnorderedElementsAreArray(as_json(one_of_each())));
}

TEST_P(ReplicaConformance, LoadsInAnOrderThatCanBeApplied) {
  auto ops = one_of_each();
  std::ranges::reverse(ops);
  apply(ops);
  bool rooms = false;
  bool members = false;
  ASSERT_TRUE(replica_->load([&](ControlOp&& op) {
    if (std::holds_alternative<RoomPut>(op)) rooms = true;
    if (std::holds_alternative<MemberPut>(op)) members = true;
    if (std::holds_alternative<LimitsPut>(op) || std::holds_alternative<UserPut>(op)) {
      EXPECT_FALSE(rooms);
    }
    if (std::holds_alternative<RoomPut>(op)) {
      EXPECT_FALSE(members);
    }
  }));
  EXPECT_TRUE(members);
}

TEST_P(ReplicaConformance, TheLastOperationOnAThingWins) {
  apply({UserPut{.user = "alice"}, UserPut{.user = "alice", .limits = "a"}});
  apply({UserPut{.user = "alice", .limits = "b"}, UserPut{.user = "alice", .limits = "c"}});
  EXPECT_THAT(facts(), ElementsAre(to_json(UserPut{.user = "alice", .limits = "c"})));
}

TEST_P(ReplicaConformance, RemovesExactlyWhatIsNamed) {
  apply(one_of_each());
  apply({MemberRemove{.room = "general", .user = "bob"}, BlockRemove{.user = "alice", .blocked = "mallory"},
         TokenRemove{.sha256 = sha(0)}});
  const auto all = one_of_each();
  EXPECT_THAT(facts(), UnorderedElementsAreArray(as_json({all[0], all[1], all[2], all[4], all[6], all[7]})));
  apply({MemberRemove{.room = "general", .user = "nobody"}, TokenRemove{.sha256 = sha(9)},
         BlockRemove{.user = "bob", .blocked = "alice"}, RoomRemove{.room = "nowhere"},
         UserRemove{.user = "nobody"}});
  EXPECT_THAT(facts(), SizeIs(6)) << "removing what is not there is no error";
}

TEST_P(ReplicaConformance, ARoomsRemovalTakesItsMembersAndNoOthers) {
  apply({RoomPut{.room = "gen"}, RoomPut{.room = "general"}, RoomPut{.room = "general-2"},
         MemberPut{.room = "gen", .user = "alice"}, MemberPut{.room = "general", .user = "alice"},
         MemberPut{.room = "general", .user = "bob"}, MemberPut{.room = "general-2", .user = "alice"}});
  apply({RoomRemove{.room = "general"}});
  reopen_if_persistent();
  EXPECT_THAT(facts(),
              UnorderedElementsAreArray(as_json({RoomPut{.room = "gen"}, RoomPut{.room = "general-2"},
                                                 MemberPut{.room = "gen", .user = "alice"},
                                                 MemberPut{.room = "general-2", .user = "alice"}})));
  apply({RoomPut{.room = "general"}});
  EXPECT_THAT(facts(), SizeIs(5)) << "made anew, it has no members";
}

TEST_P(ReplicaConformance, AUsersRemovalTakesMembershipsBlocksAndTokens) {
  apply({UserPut{.user = "al"}, UserPut{.user = "al.b"}, MemberPut{.room = "general", .user = "al"},
         MemberPut{.room = "general", .user = "al.b"}, MemberPut{.room = "games", .user = "al"},
         BlockPut{.user = "al", .blocked = "mallory"}, BlockPut{.user = "al.b", .blocked = "al"},
         TokenPut{.sha256 = sha(1), .user = "al", .device = "d"},
         TokenPut{.sha256 = sha(2), .user = "al.b", .device = "d"}});
  apply({UserRemove{.user = "al"}});
  reopen_if_persistent();
  EXPECT_THAT(facts(), UnorderedElementsAreArray(
                           as_json({UserPut{.user = "al.b"}, MemberPut{.room = "general", .user = "al.b"},
                                    BlockPut{.user = "al.b", .blocked = "al"},
                                    TokenPut{.sha256 = sha(2), .user = "al.b", .device = "d"}})));
}

TEST_P(ReplicaConformance, AUsersRemovalSeesTheSameBatch) {
  apply({MemberPut{.room = "old", .user = "alice"},
         TokenPut{.sha256 = sha(1), .user = "alice", .device = "d"}});
  apply({UserPut{.user = "alice"}, MemberPut{.room = "general", .user = "alice"},
         TokenPut{.sha256 = sha(1), .user = "bob", .device = "d"},
         TokenPut{.sha256 = sha(2), .user = "alice", .device = "d"},
         BlockPut{.user = "alice", .blocked = "bob"}, UserRemove{.user = "alice"},
         UserPut{.user = "alice", .limits = "new"}, MemberPut{.room = "after", .user = "alice"}});
  EXPECT_THAT(facts(),
              UnorderedElementsAreArray(as_json({UserPut{.user = "alice", .limits = "new"},
                                                 TokenPut{.sha256 = sha(1), .user = "bob", .device = "d"},
                                                 MemberPut{.room = "after", .user = "alice"}})))
      << "what came before goes, a token that changed hands and what came after stay";
}

TEST_P(ReplicaConformance, ATokenThatChangedHandsStaysWithItsNewOwner) {
  apply({TokenPut{.sha256 = sha(1), .user = "alice", .device = "d"}});
  apply({TokenPut{.sha256 = sha(1), .user = "bob", .device = "d"}});
  apply({UserRemove{.user = "alice"}});
  EXPECT_THAT(facts(), ElementsAre(to_json(TokenPut{.sha256 = sha(1), .user = "bob", .device = "d"})));
  apply({UserRemove{.user = "bob"}});
  EXPECT_THAT(facts(), IsEmpty());
}

TEST_P(ReplicaConformance, AMemberWhoCameBackIsStillFoundByARemovalOfTheUser) {
  apply({MemberPut{.room = "general", .user = "alice"}});
  apply({RoomRemove{.room = "general"}});
  apply({RoomPut{.room = "general"}, MemberPut{.room = "general", .user = "alice"}});
  apply({UserRemove{.user = "alice"}});
  EXPECT_THAT(facts(), ElementsAre(to_json(RoomPut{.room = "general"})));
}

TEST_P(ReplicaConformance, RefusesWhatCouldNotBeReadBackAndChangesNothing) {
  apply({UserPut{.user = "alice"}});
  const auto refused =
      replica_->apply(9, std::vector<ControlOp>{UserPut{.user = "bob"}, UserPut{.user = "NOT A NAME"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error(), testing::HasSubstr("valid"));
  EXPECT_FALSE(
      replica_->apply(9, std::vector<ControlOp>{MemberPut{.room = std::string("a\0b", 3), .user = "bob"}}));
  EXPECT_EQ(replica_->version(), 1u);
  EXPECT_THAT(facts(), ElementsAre(to_json(UserPut{.user = "alice"})));
}

TEST_P(ReplicaConformance, ASnapshotReplacesEverythingAtOnce) {
  apply(one_of_each());
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(
      replica_->snapshot_add(std::vector<ControlOp>{UserPut{.user = "carol"}, UserPut{.user = "dave"}}));
  EXPECT_THAT(facts(), SizeIs(one_of_each().size())) << "the old facts serve until the commit";
  ASSERT_TRUE(replica_->apply(50, std::vector<ControlOp>{UserPut{.user = "erin"}}));
  ASSERT_TRUE(
      replica_->snapshot_add(std::vector<ControlOp>{UserRemove{.user = "dave"}, RoomPut{.room = "r2"}}));
  EXPECT_EQ(replica_->version(), 50u);
  ASSERT_TRUE(replica_->snapshot_commit(77));
  EXPECT_EQ(replica_->version(), 77u);
  const auto expected = as_json({UserPut{.user = "carol"}, RoomPut{.room = "r2"}});
  EXPECT_EQ(facts(), expected);
  reopen_if_persistent();
  EXPECT_EQ(replica_->version(), 77u);
  EXPECT_EQ(facts(), expected);
  ASSERT_TRUE(replica_->apply(78, std::vector<ControlOp>{UserRemove{.user = "carol"}}));
  EXPECT_THAT(facts(), SizeIs(1));
}

TEST_P(ReplicaConformance, AMarkIsKeptWithItsVersion) {
  EXPECT_EQ(replica_->position(), FeedPosition(0));
  const std::uint64_t largest = (std::uint64_t{1} << 53) - 1;
  ASSERT_TRUE(replica_->apply({7, largest}, std::vector<ControlOp>{UserPut{.user = "alice"}}));
  reopen_if_persistent();
  EXPECT_EQ(replica_->position(), FeedPosition(7, largest));
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(replica_->snapshot_commit({9, 99}));
  EXPECT_EQ(replica_->position(), FeedPosition(9, 99));
  reopen_if_persistent();
  EXPECT_EQ(replica_->position(), FeedPosition(9, 99));
  ASSERT_TRUE(replica_->apply(10, {}));
  EXPECT_EQ(replica_->position(), FeedPosition(10)) << "the old mark is not this version's";
}

TEST_P(ReplicaConformance, BeginDropsAnUnfinishedSnapshot) {
  apply({UserPut{.user = "alice"}});
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(replica_->snapshot_add(std::vector<ControlOp>{UserPut{.user = "stale"}}));
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(replica_->snapshot_add(std::vector<ControlOp>{UserPut{.user = "fresh"}}));
  ASSERT_TRUE(replica_->snapshot_commit(5));
  EXPECT_THAT(facts(), ElementsAre(to_json(UserPut{.user = "fresh"})));
}

TEST_P(ReplicaConformance, ManySnapshotsInARow) {
  for (std::uint64_t round = 1; round <= 300; ++round) {
    ASSERT_TRUE(replica_->snapshot_begin());
    const UserPut user{.user = "u" + std::to_string(round)};
    ASSERT_TRUE(replica_->snapshot_add(std::vector<ControlOp>{user}));
    ASSERT_TRUE(replica_->snapshot_commit(round));
    ASSERT_THAT(facts(), ElementsAre(to_json(user)));
  }
  reopen_if_persistent();
  EXPECT_EQ(replica_->version(), 300u);
  EXPECT_THAT(facts(), ElementsAre(to_json(UserPut{.user = "u300"})));
}

TEST_P(ReplicaConformance, AnEmptySnapshotForgetsEverything) {
  apply(one_of_each());
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(replica_->snapshot_commit(5));
  reopen_if_persistent();
  EXPECT_THAT(facts(), IsEmpty());
  EXPECT_EQ(replica_->version(), 5u);
}

TEST_P(ReplicaConformance, RefusesASnapshotThatWasNotBegun) {
  EXPECT_FALSE(replica_->snapshot_add(std::vector<ControlOp>{UserPut{.user = "alice"}}));
  EXPECT_FALSE(replica_->snapshot_commit(5));
  ASSERT_TRUE(replica_->snapshot_begin());
  ASSERT_TRUE(replica_->snapshot_commit(5));
  EXPECT_FALSE(replica_->snapshot_commit(6)) << "committed once";
  EXPECT_EQ(replica_->version(), 5u);
}

INSTANTIATE_TEST_SUITE_P(Replicas, ReplicaConformance,
                         testing::Values(Backend{.name = "memory", .persistent = false, .open = open_memory},
                                         Backend{.name = "rocks", .persistent = true, .open = open_rocks}),
                         [](const auto& backend) { return backend.param.name; });

}  // namespace
}  // namespace parley::storage
