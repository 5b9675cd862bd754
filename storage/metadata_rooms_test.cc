// Rooms, members and invites, as a caller sees them and as brokers are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "storage/testing/metadata_test.h"

namespace parley::storage {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class RoomsTest : public MetadataTest {
 protected:
  void SetUp() override {
    MetadataTest::SetUp();
    make_users({"alice", "bob", "carol", "dave"});
  }
  MemberRole role(const std::string& room, const std::string& user) {
    const auto role = members().role_of(room, user);
    EXPECT_OK(role);
    return role ? *role : MemberRole::none;
  }
  std::uint32_t count(const std::string& room) {
    const auto view = rooms().get(room, "alice");
    EXPECT_OK(view);
    return view ? view->room.members : 0;
  }
  NewMember newcomer(const std::string& user, MemberRole role = MemberRole::member) {
    NewMember member;
    member.user = user;
    member.role = role;
    return member;
  }
  NewRoom group(std::vector<std::string> members) {
    NewRoom room;
    room.kind = RoomKind::group;
    room.name = "A group";
    room.members = std::move(members);
    return room;
  }
  NewRoom direct(const std::string& other) {
    NewRoom room;
    room.kind = RoomKind::direct;
    room.members = {other};
    return room;
  }
};

TEST_F(RoomsTest, AChannelIsMadeAndSeen) {
  NewRoom wanted;
  wanted.room = "general";
  wanted.name = "General";
  wanted.topic = "All of it";
  wanted.history = RoomHistory::joined;
  const auto made = rooms().create(as("alice"), wanted);
  ASSERT_OK(made);
  EXPECT_FALSE(made->existed);
  EXPECT_EQ(made->value.own.role, MemberRole::owner);
  const auto seen = rooms().get("general", "alice");
  ASSERT_OK(seen);
  EXPECT_EQ(seen->room.name, "General");
  EXPECT_EQ(seen->room.topic, "All of it");
  EXPECT_EQ(seen->room.history, RoomHistory::joined);
  EXPECT_EQ(seen->room.access, RoomAccess::open);
  EXPECT_EQ(seen->room.members, 1u);
  EXPECT_EQ(seen->room.version, 1u);
  EXPECT_EQ(seen->room.creator, "alice");
  EXPECT_EQ(seen->room.created_ms, now_ms_);
  const auto other = rooms().get("general", "bob");
  ASSERT_OK(other);
  EXPECT_EQ(other->own.role, MemberRole::none);
  EXPECT_EQ(outcome(rooms().get("nothing", "alice")), "not_found");
}

TEST_F(RoomsTest, ARoomIsToldToBrokersWithItsMembersAndEvents) {
  const std::uint64_t before = head();
  make_channel("general", "alice", {"bob"});
  const auto ops = ops_after(before);
  ASSERT_THAT(ops, SizeIs(1));
  EXPECT_EQ(head(), before + 1);
  const std::string version = std::to_string(before + 1);
  EXPECT_THAT(
      ops[0],
      AllOf(HasSubstr(R"({"op":"room.put","room":"general","kind":"channel")"),
            HasSubstr(R"({"op":"member.put","room":"general","user":"alice","role":"owner","since":0})"),
            HasSubstr(R"({"op":"member.put","room":"general","user":"bob","role":"member","since":0})"),
            HasSubstr(R"("kind":"room","from":"alice","cid":"pg-)" + version + "-1\""),
            HasSubstr(R"("kind":"join","from":"bob","cid":"pg-)" + version + "-3\""),
            HasSubstr(R"({"op":"user.event","user":"bob","event":{)"),
            HasSubstr(R"("type":"room.added","version":)" + version)));
  // Facts first, then what follows from them.
  EXPECT_LT(ops[0].find("member.put"), ops[0].find("event.post"));
}

TEST_F(RoomsTest, EveryOperationToldIsOneThatBrokersTake) {
  make_channel("general", "alice", {"bob"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  RoomPatch patch;
  patch.topic = "with \"quotes\" and \n and ü";
  ASSERT_OK(rooms().update(as("alice"), "general", patch));
  ASSERT_OK(members().mute(as("bob"), "general", {kMutedForever, Notify::mentions}));
  ASSERT_OK(members().remove(as("alice"), "general", "bob"));
  ASSERT_OK(people().block(as("alice"), "bob"));
  ASSERT_OK(rooms().remove(as("alice"), "general"));
  for (const std::string& ops : ops_after(0)) {
    const auto request =
        parse_control_request(R"({"req":"1","cmd":"apply","from":0,"to":1,"ops":)" + ops + "}");
    EXPECT_TRUE(request.has_value()) << request.error().message << "\n" << ops;
  }
}

TEST_F(RoomsTest, NamesAreTakenForGood) {
  make_channel("general", "alice");
  NewRoom again;
  again.room = "general";
  EXPECT_EQ(outcome(rooms().create(as("bob"), again)), "conflict");
  ASSERT_OK(rooms().remove(as("alice"), "general"));
  EXPECT_EQ(outcome(rooms().create(as("bob"), again)), "conflict");
  EXPECT_EQ(outcome(rooms().get("general", "alice")), "not_found");
}

TEST_F(RoomsTest, WhatCannotBeMadeIsNamed) {
  const auto fault = [&](NewRoom room, const Actor& actor) {
    const auto made = rooms().create(actor, room);
    return made ? "ok" : outcome(made) + " " + made.error().field;
  };
  NewRoom room;
  room.room = "No Spaces";
  EXPECT_EQ(fault(room, as("alice")), "invalid room");
  room.room = "g-mine";
  EXPECT_EQ(fault(room, as("alice")), "invalid room");
  room.room = "fine";
  room.members = {"nobody-knows"};
  EXPECT_EQ(fault(room, as("alice")), "not_found members");
  room.members = {};
  room.limits = "unlimited";
  EXPECT_EQ(fault(room, as("alice")), "forbidden limits");
  NewRoom open_group = group({"bob"});
  open_group.access = RoomAccess::open;
  EXPECT_EQ(fault(open_group, as("alice")), "invalid access");
  EXPECT_EQ(fault(direct("alice"), as("alice")), "invalid members");
  EXPECT_EQ(fault(direct("nobody"), as("alice")), "not_found user");
  NewRoom named = group({});
  named.room = "chosen";
  EXPECT_EQ(fault(named, as("alice")), "invalid room");
  room = {};
  room.room = "fine";
  room.topic = std::string("a\0b", 3);
  EXPECT_EQ(fault(room, as("alice")), "invalid ");
  room.topic = "\xff\xfe";
  EXPECT_EQ(fault(room, as("alice")), "invalid ");
  EXPECT_EQ(outcome(rooms().get("fine", "alice")), "not_found");
}

TEST_F(RoomsTest, SqlInNamesIsOnlyText) {
  NewRoom room;
  room.room = "general";
  room.name = "'; DROP TABLE rooms; --";
  ASSERT_OK(rooms().create(as("alice"), room));
  EXPECT_EQ(rooms().get("general", "alice")->room.name, room.name);
  EXPECT_EQ(outcome(rooms().get("' OR '1'='1", "alice")), "not_found");
  EXPECT_EQ(role("general", "x' OR 'x'='x"), MemberRole::none);
}

TEST_F(RoomsTest, APairHasOneDirectRoom) {
  const auto first = rooms().create(as("bob"), direct("alice"));
  ASSERT_OK(first);
  EXPECT_TRUE(first->value.room.room.starts_with("d-"));
  EXPECT_EQ(first->value.room.other, "alice");
  EXPECT_EQ(first->value.own.role, MemberRole::member);
  const auto second = rooms().create(as("alice"), direct("bob"));
  ASSERT_OK(second);
  EXPECT_TRUE(second->existed);
  EXPECT_EQ(second->value.room.room, first->value.room.room);
  EXPECT_EQ(second->value.room.other, "bob");
  EXPECT_EQ(outcome(members().leave(as("alice"), first->value.room.room)), "forbidden");
  EXPECT_EQ(outcome(members().add(as("alice"), first->value.room.room, newcomer("carol"))), "forbidden");
}

TEST_F(RoomsTest, ABlockedPairGetsNoDirectRoomAndNoSharedGroup) {
  ASSERT_OK(people().block(as("bob"), "alice"));
  EXPECT_EQ(outcome(rooms().create(as("alice"), direct("bob"))), "blocked");
  EXPECT_EQ(outcome(rooms().create(as("bob"), direct("alice"))), "blocked");
  EXPECT_EQ(outcome(rooms().create(as("alice"), group({"bob"}))), "blocked");
  make_channel("general", "alice");
  EXPECT_EQ(outcome(members().add(as("alice"), "general", newcomer("bob"))), "blocked");
  EXPECT_EQ(outcome(members().join(as("bob"), "general", {})), "ok") << "a public channel is open to both";
}

TEST_F(RoomsTest, JoiningTellsWhatIsVisible) {
  NewRoom room;
  room.room = "late";
  room.history = RoomHistory::joined;
  ASSERT_OK(rooms().create(as("alice"), room));
  NewMember joining;
  joining.tail = Seq{41};
  const std::uint64_t before = head();
  const auto joined = members().join(as("bob"), "late", joining);
  ASSERT_OK(joined);
  EXPECT_EQ(joined->value.display_name, "The bob");
  EXPECT_EQ(rooms().get("late", "bob")->own.since, Seq{41});
  EXPECT_THAT(ops_after(before)[0],
              HasSubstr(R"({"op":"member.put","room":"late","user":"bob","role":"member","since":41})"));
  EXPECT_TRUE(members().join(as("bob"), "late", joining)->existed);
  EXPECT_EQ(count("late"), 2u);
  EXPECT_EQ(head(), before + 1);
}

TEST_F(RoomsTest, PrivateRoomsNeedSomebodyWhoBringsOneIn) {
  const auto made = rooms().create(as("alice"), group({"bob"}));
  ASSERT_OK(made);
  const std::string& room = made->value.room.room;
  EXPECT_EQ(outcome(members().join(as("carol"), room, {})), "forbidden");
  EXPECT_EQ(outcome(members().add(as("carol"), room, newcomer("carol"))), "not_member");
  EXPECT_EQ(outcome(members().add(as("bob"), room, newcomer("carol"))), "forbidden");
  EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer("carol"))), "ok");
  EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer("nobody"))), "not_found");
  EXPECT_EQ(role(room, "carol"), MemberRole::member);
  EXPECT_EQ(count(room), 3u);
}

TEST_F(RoomsTest, RolesDecide) {
  make_channel("general", "alice", {"bob", "carol", "dave"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  EXPECT_EQ(outcome(members().set_role(as("carol"), "general", "dave", MemberRole::guest)), "forbidden");
  EXPECT_EQ(outcome(members().set_role(as("bob"), "general", "dave", MemberRole::guest)), "ok");
  EXPECT_EQ(outcome(members().set_role(as("bob"), "general", "dave", MemberRole::admin)), "forbidden");
  EXPECT_EQ(outcome(members().set_role(as("bob"), "general", "alice", MemberRole::member)), "forbidden");
  EXPECT_EQ(outcome(members().remove(as("bob"), "general", "alice")), "forbidden");
  EXPECT_EQ(outcome(members().remove(as("bob"), "general", "carol")), "ok");
  EXPECT_EQ(outcome(members().remove(as("bob"), "general", "carol")), "not_found");
  EXPECT_EQ(outcome(members().set_role(as("bob"), "general", "bob", MemberRole::member)), "ok")
      << "stepping down";
  EXPECT_EQ(outcome(members().set_role(admin(), "general", "dave", MemberRole::owner)), "ok");
  EXPECT_EQ(role("general", "dave"), MemberRole::owner);
}

TEST_F(RoomsTest, ARoomKeepsAnOwner) {
  make_channel("general", "alice", {"bob"});
  EXPECT_EQ(outcome(members().leave(as("alice"), "general")), "conflict");
  EXPECT_EQ(outcome(members().set_role(as("alice"), "general", "alice", MemberRole::member)), "conflict");
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::owner));
  EXPECT_EQ(outcome(members().leave(as("alice"), "general")), "ok");
  EXPECT_EQ(count("general"), 1u);
  EXPECT_EQ(outcome(members().leave(as("alice"), "general")), "not_member");
}

TEST_F(RoomsTest, LeavingAndRemovingAreTold) {
  make_channel("general", "alice", {"bob", "carol"});
  const std::uint64_t before = head();
  ASSERT_OK(members().leave(as("bob"), "general"));
  ASSERT_OK(members().remove(as("alice"), "general", "carol"));
  const auto ops = ops_after(before);
  ASSERT_THAT(ops, SizeIs(2));
  EXPECT_THAT(ops[0], AllOf(HasSubstr(R"({"op":"member.remove","room":"general","user":"bob"})"),
                            HasSubstr(R"("kind":"leave","from":"bob")"), HasSubstr(R"("reason":"left")")));
  EXPECT_THAT(ops[1], AllOf(HasSubstr(R"("reason":"removed")"), HasSubstr(R"("by":"alice")"),
                            HasSubstr(R"("type":"room.removed")")));
}

TEST_F(RoomsTest, ABanKeepsOut) {
  make_channel("general", "alice", {"bob"});
  ASSERT_OK(members().ban(as("alice"), "general", "bob", "spam"));
  EXPECT_EQ(role("general", "bob"), MemberRole::none);
  EXPECT_EQ(outcome(members().join(as("bob"), "general", {})), "banned");
  EXPECT_EQ(outcome(members().add(as("alice"), "general", newcomer("bob"))), "banned");
  ASSERT_OK(members().ban(as("alice"), "general", "carol", "before she comes"));
  ASSERT_OK(members().ban(as("alice"), "general", "carol", "again"));
  const auto bans = members().bans(as("alice"), "general", {});
  ASSERT_OK(bans);
  ASSERT_THAT(bans->items, SizeIs(2));
  EXPECT_EQ(bans->items[0].user, "bob");
  EXPECT_EQ(bans->items[0].reason, "spam");
  EXPECT_EQ(outcome(members().bans(as("bob"), "general", {})), "not_member");
  ASSERT_OK(members().unban(as("alice"), "general", "bob"));
  EXPECT_EQ(outcome(members().unban(as("alice"), "general", "bob")), "not_found");
  EXPECT_EQ(outcome(members().join(as("bob"), "general", {})), "ok");
}

TEST_F(RoomsTest, SettingsChangeWithTheirVersion) {
  make_channel("general", "alice", {"bob"});
  const std::uint64_t before = head();
  RoomPatch patch;
  patch.topic = "new";
  patch.status = RoomStatus::read_only;
  patch.if_version = 1;
  const auto updated = rooms().update(as("alice"), "general", patch);
  ASSERT_OK(updated);
  EXPECT_EQ(updated->room.version, 2u);
  EXPECT_EQ(updated->room.status, RoomStatus::read_only);
  EXPECT_EQ(updated->room.name, "Room general");
  EXPECT_EQ(outcome(rooms().update(as("alice"), "general", patch)), "version_mismatch");
  patch.if_version.reset();
  EXPECT_EQ(rooms().update(as("alice"), "general", patch)->room.version, 2u) << "nothing is different";
  EXPECT_EQ(outcome(rooms().update(as("bob"), "general", patch)), "forbidden");
  EXPECT_EQ(outcome(rooms().update(as("carol"), "general", patch)), "not_member");
  const auto ops = ops_after(before);
  ASSERT_THAT(ops, SizeIs(1));
  EXPECT_THAT(ops[0], AllOf(HasSubstr(R"("status":"read_only")"), HasSubstr(R"("kind":"room")"),
                            HasSubstr(R"("topic":"new")"), HasSubstr(R"("type":"room.updated")"),
                            Not(HasSubstr(R"("name":)"))));
}

// The feed's packets have a size.
TEST_F(RoomsTest, WhatWouldBeTooMuchForAllMembersTogetherOnlyTheRoomIsTold) {
  make_channel("general", "alice");
  sql("INSERT INTO users (name, created_ms) SELECT 'member' || i, 1 FROM generate_series(1, 349) i;"
      "INSERT INTO members (room, user_name, role, joined_ms) SELECT 'general', 'member' || i, 2, 1 FROM "
      "generate_series(1, 349) i; UPDATE rooms SET members = 350");
  RoomPatch patch;
  for (const std::size_t size : {10, 1000}) {
    const std::uint64_t before = head();
    patch.topic = std::string(size, 't');
    ASSERT_OK(rooms().update(as("alice"), "general", patch));
    const auto ops = ops_after(before);
    ASSERT_THAT(ops, SizeIs(1));
    EXPECT_LT(ops[0].size(), 200u << 10);
    EXPECT_THAT(ops[0], HasSubstr(R"("kind":"room")"));
    EXPECT_EQ(ops[0].find(R"("user":"member349")") != std::string::npos, size == 10) << size;
  }
}

TEST_F(RoomsTest, DeletingARoomEndsIt) {
  make_channel("general", "alice", {"bob"});
  const auto invite = invites().create(as("alice"), "general", {});
  ASSERT_OK(invite);
  EXPECT_EQ(outcome(rooms().remove(as("bob"), "general")), "forbidden");
  EXPECT_EQ(outcome(rooms().remove(as("alice"), "general", 7)), "version_mismatch");
  const std::uint64_t before = head();
  ASSERT_OK(rooms().remove(as("alice"), "general", 1));
  EXPECT_THAT(ops_after(before)[0], HasSubstr(R"({"op":"room.remove","room":"general"})"));
  EXPECT_EQ(role("general", "bob"), MemberRole::none);
  EXPECT_THAT(rooms().list_mine("bob", {})->items, IsEmpty());
  EXPECT_EQ(outcome(members().list("general", "bob", {})), "not_found");
  EXPECT_EQ(outcome(members().join(as("bob"), "general", {})), "not_found");
  EXPECT_EQ(outcome(invites().accept(as("carol"), invite->value.code, {})), "not_found");
  EXPECT_EQ(outcome(rooms().remove(as("alice"), "general")), "not_found");
  ASSERT_OK(feed().sweep());
  EXPECT_EQ(sql("SELECT count(*) FROM members"), "0\n");
}

TEST_F(RoomsTest, ASweepThatFailsKeepsNoOtherFromItsWork) {
  make_channel("general", "alice", {"bob"});
  ASSERT_OK(rooms().remove(as("alice"), "general"));
  sql("ALTER TABLE sessions RENAME TO elsewhere");
  EXPECT_EQ(outcome(feed().sweep()), "internal");
  sql("ALTER TABLE elsewhere RENAME TO sessions");
  EXPECT_EQ(sql("SELECT count(*) FROM members"), "0\n");
}

// Those who leave at the same moment, as somebody does whose account is removed.
TEST_F(RoomsTest, ASweepOfADeletedRoomGoesOnThoughOthersTakeMembersOut) {
  make_channel("general", "alice");
  ASSERT_OK(rooms().remove(as("alice"), "general"));
  sql("INSERT INTO users (name, created_ms) SELECT 'member' || i, 1 FROM generate_series(1, 6000) i;"
      "INSERT INTO members (room, user_name, role, joined_ms) SELECT 'general', 'member' || i, 2, 1 FROM "
      "generate_series(1, 6000) i; UPDATE rooms SET members = 6001");
  // They are gone once the sweep waits for them.
  std::thread leaving([&] {
    sql("DO $$ BEGIN DELETE FROM members WHERE user_name LIKE 'member_5%'; PERFORM pg_advisory_lock(77); "
        "FOR i IN 1..1000 LOOP EXIT WHEN EXISTS (SELECT FROM pg_locks WHERE NOT granted); "
        "PERFORM pg_sleep(0.01); END LOOP; END $$");
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77") != "1\n" &&
         std::chrono::steady_clock::now() < deadline)
    continue;
  EXPECT_OK(feed().sweep());
  leaving.join();
  EXPECT_EQ(sql("SELECT count(*) FROM members"), "0\n");
}

TEST_F(RoomsTest, MutingIsOnesOwn) {
  make_channel("general", "alice", {"bob"});
  const std::uint64_t before = head();
  const auto muted = members().mute(as("bob"), "general", {kMutedForever, std::nullopt});
  ASSERT_OK(muted);
  EXPECT_EQ(muted->notify, Notify::all);
  ASSERT_OK(members().mute(as("bob"), "general", {std::nullopt, Notify::none}));
  const auto own = rooms().get("general", "bob")->own;
  EXPECT_EQ(own.muted_until_ms, kMutedForever);
  EXPECT_EQ(own.notify, Notify::none);
  EXPECT_EQ(rooms().get("general", "alice")->own.muted_until_ms, 0);
  EXPECT_EQ(outcome(members().mute(as("carol"), "general", {0, std::nullopt})), "not_member");
  EXPECT_THAT(ops_after(before)[0],
              AllOf(HasSubstr(R"({"op":"user.event","user":"bob")"), Not(HasSubstr("post"))));
}

TEST_F(RoomsTest, PagesOfMembersAndRooms) {
  make_channel("general", "alice", {"bob", "carol", "dave"});
  const auto first = members().list("general", "bob", {"", 2});
  ASSERT_OK(first);
  ASSERT_THAT(first->page.items, SizeIs(2));
  EXPECT_EQ(first->page.items[0].user, "alice");
  EXPECT_EQ(first->page.items[0].role, MemberRole::owner);
  EXPECT_EQ(first->page.next, "bob");
  EXPECT_EQ(first->caller.own.role, MemberRole::member);
  const auto second = members().list("general", "bob", {first->page.next, 2});
  ASSERT_THAT(second->page.items, SizeIs(2));
  EXPECT_EQ(second->page.items[1].user, "dave");
  EXPECT_EQ(second->page.next, "");
  EXPECT_EQ(members().list("general", "nobody", {"zzz", 2})->caller.own.role, MemberRole::none);

  make_channel("apples", "alice");
  make_channel("zebras", "alice");
  const auto mine = rooms().list_mine("alice", {"", 2});
  ASSERT_OK(mine);
  ASSERT_THAT(mine->items, SizeIs(2));
  EXPECT_EQ(mine->items[0].room.room, "apples");
  EXPECT_EQ(mine->next, "general");
  EXPECT_EQ(rooms().list_mine("alice", {mine->next, 2})->items[0].room.room, "zebras");
}

TEST_F(RoomsTest, TheDirectoryHoldsPublicChannelsByRoomAndByName) {
  make_channel("alpha", "alice");
  make_channel("alpine", "alice");
  NewRoom named;
  named.room = "beta";
  named.name = "Alphabet";
  ASSERT_OK(rooms().create(as("alice"), named));
  NewRoom hidden;
  hidden.room = "alps";
  hidden.access = RoomAccess::invite;
  ASSERT_OK(rooms().create(as("alice"), hidden));
  const auto names = [&](const RoomFilter& filter, std::uint32_t limit) {
    std::vector<std::string> found;
    PageRequest request{"", limit};
    do {
      const auto page = rooms().list(filter, "bob", request);
      EXPECT_OK(page);
      if (!page) break;
      for (const RoomView& view : page->items) found.push_back(view.room.room);
      request.after = page->next;
    } while (!request.after.empty());
    return found;
  };
  RoomFilter filter{"alp", std::nullopt, true};
  for (const std::uint32_t limit : {1u, 2u, 3u, 100u})
    EXPECT_THAT(names(filter, limit), ElementsAre("alpha", "alpine", "beta")) << limit;
  filter.public_only = false;
  EXPECT_THAT(names(filter, 2), ElementsAre("alpha", "alpine", "alps", "beta"));
  EXPECT_THAT(names({"", RoomKind::group, false}, 2), IsEmpty());
  EXPECT_EQ(outcome(rooms().list(filter, "bob", {"~nothing", 2})), "invalid");
}

TEST_F(RoomsTest, RoomsAnHourAreCounted) {
  NewRoom room;
  room.max_per_hour = 2;
  for (const char* name : {"one", "two"}) {
    room.room = name;
    ASSERT_OK(rooms().create(as("alice"), room));
  }
  room.room = "three";
  const auto refused = rooms().create(as("alice"), room);
  EXPECT_EQ(outcome(refused), "limit");
  EXPECT_GT(refused.error().retry_after_ms, 0);
  pass_ms(3'600'001);
  EXPECT_OK(rooms().create(as("alice"), room));
}

TEST_F(RoomsTest, RoomsAnHourAreCountedWhenManyAreMadeAtOnce) {
  std::atomic<int> made = 0, refused = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      NewRoom room;
      room.room = "room" + std::to_string(i);
      room.max_per_hour = 2;
      const std::string how = outcome(rooms().create(as("alice"), room));
      if (how == "ok") ++made;
      if (how == "limit") ++refused;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, 2);
  EXPECT_EQ(refused, 6);
}

TEST_F(RoomsTest, AGroupHasASize) {
  NewRoom room = group({"bob"});
  room.max_members = 2;
  const auto made = rooms().create(as("alice"), room);
  ASSERT_OK(made);
  NewMember third = newcomer("carol");
  third.max_members = 2;
  EXPECT_EQ(outcome(members().add(as("alice"), made->value.room.room, third)), "limit");
  room.members = {"bob", "carol"};
  EXPECT_EQ(outcome(rooms().create(as("alice"), room)), "limit");
}

TEST_F(RoomsTest, InvitesLeadInUntilTheyAreUsedUp) {
  NewRoom hidden;
  hidden.room = "secret";
  hidden.access = RoomAccess::invite;
  ASSERT_OK(rooms().create(as("alice"), hidden));
  const auto made = invites().create(as("alice"), "secret", {MemberRole::member, now_ms_ + 60'000, 1});
  ASSERT_OK(made);
  const std::string code = made->value.code;
  EXPECT_EQ(code.size(), 24u);
  EXPECT_EQ(invites().look_up(code, "bob")->room.room, "secret");
  const auto joined = invites().accept(as("bob"), code, {});
  ASSERT_OK(joined);
  EXPECT_EQ(joined->value.own.role, MemberRole::member);
  EXPECT_TRUE(invites().accept(as("bob"), code, {})->existed) << "who is in already needs no use";
  EXPECT_EQ(outcome(invites().accept(as("carol"), code, {})), "not_found");
  EXPECT_EQ(outcome(invites().look_up(code, "carol")), "not_found");

  const auto timed = invites().create(as("alice"), "secret", {MemberRole::guest, now_ms_ + 60'000, 0});
  ASSERT_OK(timed);
  EXPECT_THAT(invites().list(as("alice"), "secret", {})->items, SizeIs(1));
  ASSERT_OK(invites().accept(as("carol"), timed->value.code, {}));
  EXPECT_EQ(role("secret", "carol"), MemberRole::guest);
  pass_ms(60'000);
  EXPECT_EQ(outcome(invites().accept(as("dave"), timed->value.code, {})), "not_found");
  EXPECT_THAT(invites().list(as("alice"), "secret", {})->items, IsEmpty());
}

TEST_F(RoomsTest, InvitesAreForStaffToMake) {
  make_channel("general", "alice", {"bob", "carol"});
  ASSERT_OK(members().set_role(as("alice"), "general", "carol", MemberRole::admin));
  EXPECT_EQ(outcome(invites().create(as("bob"), "general", {})), "forbidden");
  EXPECT_EQ(outcome(invites().create(as("dave"), "general", {})), "not_member");
  EXPECT_EQ(outcome(invites().create(as("carol"), "general", {MemberRole::admin, 0, 0})), "forbidden");
  EXPECT_EQ(outcome(invites().create(as("alice"), "general", {MemberRole::owner, 0, 0})), "invalid");
  EXPECT_EQ(outcome(invites().create(as("alice"), "general", {MemberRole::member, now_ms_ - 1, 0})),
            "invalid");
  const auto made = invites().create(as("carol"), "general", {});
  ASSERT_OK(made);
  EXPECT_EQ(outcome(invites().remove(as("bob"), "general", made->value.code)), "forbidden");
  EXPECT_OK(invites().remove(as("alice"), "general", made->value.code));
  EXPECT_EQ(outcome(invites().remove(as("alice"), "general", made->value.code)), "not_found");
  ASSERT_OK(members().ban(as("alice"), "general", "dave", ""));
  const auto other = invites().create(as("alice"), "general", {});
  EXPECT_EQ(outcome(invites().accept(as("dave"), other->value.code, {})), "banned");
}

TEST_F(RoomsTest, NobodyComesBackByAnInviteOfTheirOwn) {
  make_channel("general", "alice", {"bob", "carol"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::owner));
  ASSERT_OK(members().set_role(as("alice"), "general", "carol", MemberRole::admin));
  const std::string to_admin = invites().create(as("bob"), "general", {MemberRole::admin, 0, 0})->value.code;
  const std::string to_member = invites().create(as("bob"), "general", {})->value.code;
  const std::string other = invites().create(as("carol"), "general", {})->value.code;

  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  EXPECT_EQ(outcome(invites().look_up(to_admin, "dave")), "not_found") << "an admin makes no admins";
  EXPECT_OK(invites().look_up(to_member, "dave"));
  ASSERT_OK(members().remove(as("alice"), "general", "bob"));
  EXPECT_EQ(outcome(invites().accept(as("bob"), to_member, {})), "not_found");
  EXPECT_OK(invites().look_up(other, "dave")) << "of somebody else";
  ASSERT_OK(members().set_role(as("carol"), "general", "carol", MemberRole::member));
  EXPECT_EQ(outcome(invites().look_up(other, "dave")), "not_found");
}

TEST_F(RoomsTest, TheSameRequestTwiceIsDoneOnce) {
  const NewRoom room = group({"bob"});
  const auto first = rooms().create(once(as("alice"), "k1"), room);
  ASSERT_OK(first);
  EXPECT_FALSE(first->replayed);
  const std::uint64_t after = head();
  const auto second = rooms().create(once(as("alice"), "k1"), room);
  ASSERT_OK(second);
  EXPECT_TRUE(second->replayed);
  EXPECT_EQ(second->value.room.room, first->value.room.room);
  EXPECT_EQ(head(), after);
  EXPECT_EQ(outcome(rooms().create(once(as("alice"), "k1", "other"), room)), "key_reused");
  EXPECT_FALSE(rooms().create(once(as("bob"), "k1"), group({"carol"}))->replayed)
      << "keys are each user's own";
  const auto invite = invites().create(once(as("alice"), "k1"), first->value.room.room, {});
  ASSERT_OK(invite);
  EXPECT_FALSE(invite->replayed) << "and each operation's";
  EXPECT_EQ(invites().create(once(as("alice"), "k1"), first->value.room.room, {})->value.code,
            invite->value.code);
}

TEST_F(RoomsTest, ARequestThatFailedMayBeSentAgain) {
  NewRoom room;
  room.room = "general";
  room.members = {"erin"};
  EXPECT_EQ(outcome(rooms().create(once(as("alice"), "k"), room)), "not_found");
  make_users({"erin"});
  const auto made = rooms().create(once(as("alice"), "k"), room);
  ASSERT_OK(made);
  EXPECT_FALSE(made->replayed);
}

}  // namespace
}  // namespace parley::storage
