// The person behind an account, in Postgres: blocks, bans, limits and rights in rooms hold for all accounts
// of a person, whichever of them was named; and what is left of invites when rights are lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/testing/metadata_test.h"

namespace parley::storage {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class OwnersTest : public MetadataTest {
 protected:
  void SetUp() override {
    MetadataTest::SetUp();
    make_users({"alice", "bob", "carol", "mallory"});
    make_bot("m-bot", "mallory");
    make_bot("a-bot", "alice");
  }
  void make_bot(const std::string& name, const std::string& owner) {
    NewUser bot;
    bot.name = name;
    bot.owner = owner;
    bot.role = TokenRole::bot;
    ASSERT_OK(users().create(as(owner), bot));
  }
  static NewRoom direct(const std::string& other) {
    NewRoom room;
    room.kind = RoomKind::direct;
    room.members = {other};
    return room;
  }
  static NewRoom group(std::vector<std::string> others) {
    NewRoom room;
    room.kind = RoomKind::group;
    room.members = std::move(others);
    return room;
  }
  static NewMember newcomer(const std::string& user, MemberRole role = MemberRole::member) {
    return {.user = user, .role = role};
  }
  void make_private(const std::string& name, const std::string& owner) {
    NewRoom room;
    room.room = name;
    room.access = RoomAccess::invite;
    ASSERT_OK(rooms().create(as(owner), room));
  }
  std::string invite(const std::string& by, const std::string& room, MemberRole role = MemberRole::member) {
    pass_ms(1);
    const auto made = invites().create(as(by), room, {role, 0, 0});
    EXPECT_OK(made);
    return made ? made->value.code : "";
  }
  std::string accept(const std::string& user, const std::string& code) {
    pass_ms(1);
    return outcome(invites().accept(as(user), code, {}));
  }
  std::vector<std::string> codes(const Actor& actor, const std::string& room) {
    std::vector<std::string> out;
    const auto page = invites().list(actor, room, {});
    EXPECT_OK(page);
    if (!page) return out;
    for (const Invite& each : page->items) out.push_back(each.code);
    return out;
  }
  MemberRole role(const std::string& room, const std::string& user) {
    return members().role_of(room, user).value();
  }
};

TEST_F(OwnersTest, EveryDoorIsClosedBetweenAllAccountsOfTwoPeople) {
  const std::vector<std::string> hers = {"alice", "a-bot", "a-late"};
  const std::vector<std::string> theirs = {"mallory", "m-bot", "m-late"};
  ASSERT_OK(people().block(as("alice"), "mallory"));
  make_bot("a-late", "alice");
  make_bot("m-late", "mallory");
  for (const auto& [from, to] : {std::pair(theirs, hers), std::pair(hers, theirs)}) {
    for (const std::string& a : from) {
      const std::string room = "of-" + a;
      make_private(room, a);
      const std::string code = invite(a, room);
      for (const std::string& b : to) {
        const std::string who = a + " to " + b;
        EXPECT_TRUE(people().blocked_between(a, b).value()) << who;
        EXPECT_EQ(outcome(rooms().create(as(a), direct(b))), "blocked") << who;
        EXPECT_EQ(outcome(rooms().create(as(a), group({b, "carol"}))), "blocked") << who;
        EXPECT_EQ(outcome(members().add(as(a), room, newcomer(b))), "blocked") << who;
        EXPECT_EQ(outcome(people().put_contact(as(a), b, "x")), "blocked") << who;
        EXPECT_EQ(accept(b, code), "blocked") << who;
        EXPECT_EQ(outcome(invites().look_up(code, b)), "not_found") << who;
      }
      EXPECT_EQ(outcome(members().add(as(a), room, newcomer("carol"))), "ok") << a;
    }
  }
  EXPECT_EQ(outcome(rooms().create(as("alice"), direct("a-bot"))), "ok");
  EXPECT_EQ(outcome(rooms().create(as("m-bot"), group({"mallory", "m-late"}))), "ok");
}

// From before the block, the bot is in a room with her: it lets nobody of its owner's in.
TEST_F(OwnersTest, NobodyIsLetInByTheirOwnBotToWhoBlockedThem) {
  const auto made = rooms().create(as("m-bot"), group({"alice", "bob"}));
  ASSERT_OK(made);
  const std::string room = made->value.room.room;
  const std::string code = invite("m-bot", room);
  make_bot("m-2", "mallory");
  ASSERT_OK(people().block(as("alice"), "mallory"));
  for (const char* user : {"mallory", "m-2"}) {
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer(user))), "blocked") << user;
    EXPECT_EQ(accept(user, code), "blocked") << user;
  }
  ASSERT_OK(members().set_role(as("m-bot"), room, "bob", MemberRole::owner));
  EXPECT_EQ(outcome(members().add(as("bob"), room, newcomer("mallory"))), "ok") << "bob brings whom he likes";
  ASSERT_OK(people().unblock(as("alice"), "mallory"));
  EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer("m-2"))), "ok");
}

TEST_F(OwnersTest, ABlockIsOneWhicheverAccountWasNamed) {
  const std::pair<const char*, const char*> ways[] = {
      {"alice", "mallory"}, {"alice", "m-bot"}, {"a-bot", "mallory"}, {"a-bot", "m-bot"}};
  for (const auto& [from, to] : ways) {
    const std::uint64_t before = head();
    ASSERT_OK(people().block(as(from), to));
    EXPECT_THAT(ops_after(before), ElementsAre(R"([{"op":"block.put","user":"alice","blocked":"mallory"}])"));
    for (const auto& [again, other] : ways) ASSERT_OK(people().block(as(again), other));
    EXPECT_EQ(head(), before + 1) << "known already";
    const auto blocks = people().blocks("alice", {});
    ASSERT_THAT(blocks->items, SizeIs(1));
    EXPECT_EQ(blocks->items[0].user, "mallory");
    EXPECT_THAT(people().blocks("mallory", {})->items, IsEmpty());
    ASSERT_OK(people().unblock(as("alice"), to));
    EXPECT_FALSE(people().blocked_between("alice", "m-bot").value());
    EXPECT_EQ(outcome(people().unblock(as("alice"), to)), "not_found");
  }
  EXPECT_EQ(outcome(people().block(as("alice"), "a-bot")), "invalid");
  EXPECT_EQ(outcome(people().block(as("a-bot"), "alice")), "invalid");
}

TEST_F(OwnersTest, ABotNeitherLiftsNorSeesItsOwnersBlocks) {
  ASSERT_OK(people().block(as("alice"), "mallory"));
  ASSERT_OK(people().block(as("a-bot"), "bob"));
  for (const Actor& actor : {as("a-bot"), admin("a-bot")})
    for (const char* other : {"mallory", "m-bot", "bob", "carol", "nobody"})
      EXPECT_EQ(outcome(people().unblock(actor, other)), "forbidden") << other;
  EXPECT_EQ(outcome(people().blocks("a-bot", {})), "forbidden");
  EXPECT_THAT(people().blocks("alice", {})->items, SizeIs(2));
  EXPECT_OK(people().unblock(as("alice"), "bob"));
}

// Whoever is in the room sees those who are in it already.
TEST_F(OwnersTest, WhoIsInARoomBringsInTheirOwnBotsInSpiteOfBlocks) {
  for (const bool alice_blocks : {true, false}) {
    const std::string room = alice_blocks ? "den-1" : "den-2";
    make_private(room, "alice");
    ASSERT_OK(members().add(as("alice"), room, newcomer("mallory", MemberRole::admin)));
    make_bot("late-" + room, "alice");
    ASSERT_OK(people().block(as(alice_blocks ? "alice" : "mallory"), alice_blocks ? "mallory" : "alice"));
    EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer("a-bot"))), "ok");
    EXPECT_EQ(outcome(members().add(as("mallory"), room, newcomer("m-bot"))), "ok");
    EXPECT_EQ(accept("late-" + room, invite("alice", room)), "ok");
    // But not one's person by the bot.
    ASSERT_OK(members().leave(as("mallory"), room));
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer("mallory"))), "forbidden");
    ASSERT_OK(members().set_role(as("alice"), room, "m-bot", MemberRole::admin));
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer("mallory"))), "blocked");
    EXPECT_EQ(accept("mallory", invite("m-bot", room)), "blocked");
    ASSERT_OK(people().unblock(as(alice_blocks ? "alice" : "mallory"), alice_blocks ? "mallory" : "alice"));
  }
}

TEST_F(OwnersTest, WhoWasRemovedIsNotBroughtBackByTheirOwnBot) {
  for (const bool open : {false, true}) {
    const std::string room = open ? "hall" : "den";
    if (open) {
      make_channel(room, "alice");
    } else {
      make_private(room, "alice");
    }
    make_bot("late-" + room, "mallory");
    const std::string late = "late-" + room;
    for (const char* user : {"bob", "m-bot"})
      ASSERT_OK(members().add(as("alice"), room, newcomer(user, MemberRole::admin)));
    ASSERT_OK(members().add(as("alice"), room, newcomer("mallory")));
    ASSERT_OK(members().remove(as("bob"), room, "mallory"));
    ASSERT_EQ(role(room, "m-bot"), MemberRole::admin) << "bob may not take that";
    const std::string newer = invite("m-bot", room);
    for (const std::string& user : {std::string("mallory"), late}) {
      EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer(user))), "forbidden") << user;
      EXPECT_EQ(accept(user, newer), "forbidden") << user;
    }
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer("carol"))), "ok") << "others are";
    EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer("mallory"))), "ok") << "by somebody else";
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer(late))), "ok") << "and then her bots";

    // What one took out oneself, one brings back; an owner any bot of theirs.
    ASSERT_OK(members().remove(as("m-bot"), room, late));
    ASSERT_OK(members().leave(as("mallory"), room));
    EXPECT_EQ(outcome(members().add(as("m-bot"), room, newcomer(late))), "ok");
    ASSERT_OK(members().add(as("alice"), room, newcomer("a-bot")));
    ASSERT_OK(members().remove(as("bob"), room, "a-bot"));
    EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer("a-bot"))), "ok");
  }
}

TEST_F(OwnersTest, AContactFromBeforeTheBlockKeepsItsNick) {
  ASSERT_OK(people().put_contact(as("mallory"), "alice", "A"));
  ASSERT_OK(people().block(as("alice"), "mallory"));
  EXPECT_EQ(outcome(people().put_contact(as("mallory"), "alice", "B")), "ok");
  EXPECT_EQ(outcome(people().put_contact(as("mallory"), "a-bot", "")), "blocked");
  EXPECT_EQ(outcome(people().put_contact(as("mallory"), "m-bot", "")), "ok");
}

TEST_F(OwnersTest, BrokersAreToldTheOwnerAndSoAreSnapshots) {
  const std::uint64_t before = head();
  make_bot("m-late", "mallory");
  EXPECT_THAT(ops_after(before),
              ElementsAre(HasSubstr(R"("user":"m-late","role":"bot","limits":"default",)"
                                    R"("tokens_after":0,"status":"active","owner":"mallory")")));
  std::vector<std::string> owners;
  ASSERT_OK(feed().snapshot([&](std::vector<ControlOp>&& facts) {
    for (const ControlOp& op : facts)
      if (const auto* user = std::get_if<UserPut>(&op)) owners.push_back(user->user + " of " + user->owner);
    return true;
  }));
  EXPECT_THAT(owners,
              testing::UnorderedElementsAre("alice of ", "bob of ", "carol of ", "mallory of ",
                                            "m-bot of mallory", "a-bot of alice", "m-late of mallory"));
}

TEST_F(OwnersTest, ABotIsAPersons) {
  NewUser bot;
  bot.name = "bots-bot";
  bot.owner = "m-bot";
  bot.role = TokenRole::bot;
  EXPECT_EQ(outcome(users().create(as("m-bot"), bot)), "invalid");
}

TEST_F(OwnersTest, ABanIsThePersonsWhicheverAccountWasNamed) {
  for (const char* named : {"mallory", "m-bot"}) {
    const std::string room = std::string("ban-") + named;
    make_channel(room, "alice", {"bob", "mallory", "m-bot"});
    const std::string code = invite("alice", room);
    ASSERT_OK(members().ban(as("alice"), room, named, "spam"));
    make_bot(std::string("late-") + named, "mallory");
    for (const std::string& user :
         {std::string("mallory"), std::string("m-bot"), std::string("late-") + named}) {
      EXPECT_EQ(role(room, user), MemberRole::none) << user;
      EXPECT_EQ(outcome(members().join(as(user), room, {})), "banned") << user;
      EXPECT_EQ(accept(user, code), "banned") << user;
      EXPECT_EQ(outcome(invites().look_up(code, user)), "not_found") << user;
      EXPECT_EQ(outcome(members().add(as("alice"), room, newcomer(user))), "banned") << user;
    }
    EXPECT_EQ(rooms().get(room, "alice")->room.members, 2u);
    const auto bans = members().bans(as("alice"), room, {});
    ASSERT_THAT(bans->items, SizeIs(1));
    EXPECT_EQ(bans->items[0].user, "mallory");
    ASSERT_OK(members().unban(as("alice"), room, "m-bot"));
    EXPECT_EQ(outcome(members().unban(as("alice"), room, "mallory")), "not_found");
    EXPECT_EQ(outcome(members().join(as("m-bot"), room, {})), "ok");
    EXPECT_EQ(accept("mallory", code), "ok") << "the lifted ban holds nobody back";
  }
}

TEST_F(OwnersTest, ABanOfABotFromBeforeStandsForTheBotAlone) {
  make_channel("general", "alice");
  sql("INSERT INTO bans VALUES ('general', 'm-bot', 'alice', 'old', 1)");
  EXPECT_EQ(outcome(members().join(as("m-bot"), "general", {})), "banned");
  EXPECT_EQ(outcome(members().join(as("mallory"), "general", {})), "ok");
  ASSERT_OK(members().unban(as("alice"), "general", "m-bot"));
  EXPECT_EQ(outcome(members().join(as("m-bot"), "general", {})), "ok");
}

TEST_F(OwnersTest, NobodyIsBannedByWhoRanksBelowOneOfTheirAccounts) {
  make_channel("general", "alice", {"bob", "carol", "mallory", "m-bot", "a-bot"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  ASSERT_OK(members().set_role(as("alice"), "general", "m-bot", MemberRole::admin));
  EXPECT_EQ(outcome(members().ban(as("bob"), "general", "a-bot", "")), "forbidden") << "the owner's";
  EXPECT_EQ(outcome(members().ban(as("bob"), "general", "mallory", "")), "forbidden");
  EXPECT_EQ(outcome(members().ban(as("alice"), "general", "a-bot", "")), "invalid") << "one's own";
  EXPECT_EQ(outcome(members().ban(as("alice"), "general", "alice", "")), "invalid");
  EXPECT_EQ(role("general", "a-bot"), MemberRole::member);
  EXPECT_EQ(outcome(members().ban(admin(), "general", "a-bot", "")), "conflict") << "the last owner";
  ASSERT_OK(members().set_role(as("alice"), "general", "carol", MemberRole::owner));
  EXPECT_EQ(outcome(members().ban(admin(), "general", "a-bot", "")), "ok");
  EXPECT_EQ(role("general", "alice"), MemberRole::none);
  EXPECT_EQ(role("general", "carol"), MemberRole::owner);
}

TEST_F(OwnersTest, RoomsOfAPersonsBotsCountTogether) {
  NewRoom room = group({});
  room.max_per_hour = 3;
  EXPECT_EQ(outcome(rooms().create(as("mallory"), room)), "ok");
  EXPECT_EQ(outcome(rooms().create(as("m-bot"), room)), "ok");
  make_bot("m-late", "mallory");
  EXPECT_EQ(outcome(rooms().create(as("m-late"), room)), "ok");
  for (const char* user : {"mallory", "m-bot", "m-late"})
    EXPECT_EQ(outcome(rooms().create(as(user), room)), "limit") << user;
  EXPECT_EQ(outcome(rooms().create(as("a-bot"), room)), "ok");
}

TEST_F(OwnersTest, AdminsSeeAndRevokeTheInvitesTheyCouldMake) {
  make_channel("general", "alice", {"bob", "mallory"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  const std::string to_admin = invite("alice", "general", MemberRole::admin);
  const std::string to_member = invite("alice", "general");
  const std::string to_guest = invite("bob", "general", MemberRole::guest);
  EXPECT_THAT(codes(as("bob"), "general"), testing::UnorderedElementsAre(to_member, to_guest));
  for (const Actor& actor : {as("alice"), admin(), admin("bob")})
    EXPECT_THAT(codes(actor, "general"), testing::UnorderedElementsAre(to_admin, to_member, to_guest));
  EXPECT_EQ(outcome(invites().remove(as("bob"), "general", to_admin)), "not_found")
      << "as if there were none";
  EXPECT_OK(invites().look_up(to_admin, "carol"));
  EXPECT_EQ(outcome(invites().remove(as("bob"), "general", to_member)), "ok");
  EXPECT_EQ(outcome(invites().remove(as("alice"), "general", to_admin)), "ok");
}

// Pages are full although some in between are not shown.
TEST_F(OwnersTest, PagesOfInvitesHoldWhatOneMaySee) {
  make_channel("general", "alice", {"bob"});
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  for (int i = 0; i < 12; ++i)
    invite("alice", "general", i % 3 == 0 ? MemberRole::member : MemberRole::admin);
  std::size_t seen = 0;
  PageRequest page{"", 2};
  do {
    const auto found = invites().list(as("bob"), "general", page);
    ASSERT_OK(found);
    ASSERT_THAT(found->items, SizeIs(2));
    for (const Invite& each : found->items) EXPECT_EQ(each.role, MemberRole::member);
    seen += found->items.size();
    page.after = found->next;
  } while (!page.after.empty());
  EXPECT_EQ(seen, 4u);
}

// Whoever kept a code when they were staff does not come back by it, nor make staff of others.
TEST_F(OwnersTest, LosingRightsTakesWhatCouldHaveBeenUsed) {
  const struct {
    const char* how;
    MemberRole was;
    bool admins_invite_stays;  // that of somebody else
    const char* comes_back;    // by somebody else's invite for members
  } cases[] = {{"removed", MemberRole::owner, false, "not_found"},
               {"removed", MemberRole::admin, true, "not_found"},
               {"removed", MemberRole::member, true, "not_found"},
               {"banned", MemberRole::owner, false, "banned"},
               {"banned", MemberRole::admin, true, "banned"},
               {"demoted, then removed", MemberRole::owner, false, "not_found"},
               {"demoted, then removed", MemberRole::admin, true, "not_found"},
               {"left", MemberRole::owner, false, "ok"},
               {"left", MemberRole::admin, true, "ok"},
               {"left", MemberRole::member, true, "ok"}};
  int number = 0;
  for (const auto& c : cases) {
    const std::string room = "room-" + std::to_string(++number);
    const std::string what = std::string(to_string(c.was)) + " " + c.how;
    make_channel(room, "alice", {"mallory", "bob"});
    if (c.was != MemberRole::member) {
      ASSERT_OK(members().set_role(as("alice"), room, "mallory", c.was));
    }
    const std::string to_admin = invite("alice", room, MemberRole::admin);
    const std::string to_member = invite("alice", room);
    const std::string own = c.was == MemberRole::member ? std::string() : invite("mallory", room);
    pass_ms(1);
    const std::string how = c.how;
    if (how.starts_with("demoted")) {
      ASSERT_OK(members().set_role(as("alice"), room, "mallory", MemberRole::member));
    }
    if (how.ends_with("removed")) {
      ASSERT_OK(members().remove(as("alice"), room, "mallory"));
    }
    if (how == "banned") {
      ASSERT_OK(members().ban(as("alice"), room, "mallory", ""));
    }
    if (how == "left") {
      ASSERT_OK(members().leave(as("mallory"), room));
    }
    EXPECT_EQ(outcome(invites().look_up(to_admin, "carol")), c.admins_invite_stays ? "ok" : "not_found")
        << what;
    EXPECT_EQ(outcome(invites().look_up(to_member, "carol")), "ok") << what << ": others may use it";
    if (!own.empty()) {
      EXPECT_EQ(outcome(invites().look_up(own, "carol")), "not_found") << what;
    }
    EXPECT_EQ(accept("mallory", to_member), c.comes_back) << what;
    if (std::string(c.comes_back) == "ok") continue;
    EXPECT_EQ(accept("m-bot", to_member), c.comes_back) << what << ": her bot";
    if (how == "banned") continue;
    EXPECT_EQ(accept("mallory", invite("alice", room)), "ok") << what << ": a newer one";
  }
}

TEST_F(OwnersTest, WhoWasLetInAgainMayUseOlderInvites) {
  make_private("den", "alice");
  const std::string code = invite("alice", "den");
  ASSERT_EQ(accept("mallory", code), "ok");
  ASSERT_OK(members().remove(as("alice"), "den", "mallory"));
  EXPECT_EQ(accept("mallory", code), "not_found");
  EXPECT_EQ(outcome(invites().look_up(code, "mallory")), "not_found");
  ASSERT_OK(members().add(as("alice"), "den", newcomer("mallory")));
  ASSERT_OK(members().leave(as("mallory"), "den"));
  EXPECT_EQ(accept("mallory", code), "ok");
}

TEST_F(OwnersTest, AnInviteCountsWhileItsMakerCouldMakeIt) {
  make_private("den", "alice");
  NewUser root;
  root.name = "root";
  root.admin = true;
  root.password_hash = "h";
  ASSERT_OK(users().create(admin("setup"), root));
  root.name = "root2";
  ASSERT_OK(users().create(admin("setup"), root));
  const auto made = invites().create(admin("root"), "den", {MemberRole::admin, 0, 0});
  ASSERT_OK(made);
  EXPECT_OK(invites().look_up(made->value.code, "bob"));
  AdminUserPatch plain;
  plain.admin = false;
  ASSERT_OK(users().administer(admin("root2"), "root", plain));
  EXPECT_EQ(outcome(invites().look_up(made->value.code, "bob")), "not_found");
  EXPECT_EQ(accept("bob", made->value.code), "not_found");

  const std::string code = invite("alice", "den");
  AdminUserPatch status;
  status.status = AccountStatus::blocked;
  ASSERT_OK(users().administer(admin("root2"), "alice", status));
  EXPECT_EQ(accept("bob", code), "not_found") << "the maker's account is blocked";
  status.status = AccountStatus::active;
  ASSERT_OK(users().administer(admin("root2"), "alice", status));
  EXPECT_EQ(accept("bob", code), "ok");
  const auto of_a_service = invites().create(admin("ops"), "den", {MemberRole::member, 0, 0});
  EXPECT_EQ(accept("carol", of_a_service->value.code), "ok") << "a service has no account";
}

TEST_F(OwnersTest, BotsFallWithTheirOwner) {
  make_channel("general", "alice", {"mallory", "m-bot", "bob", "carol"});
  ASSERT_OK(members().set_role(as("alice"), "general", "mallory", MemberRole::owner));
  ASSERT_OK(members().set_role(as("alice"), "general", "m-bot", MemberRole::owner));
  ASSERT_OK(members().set_role(as("alice"), "general", "bob", MemberRole::admin));
  const std::string bots = invite("m-bot", "general", MemberRole::admin);
  ASSERT_OK(members().set_role(as("alice"), "general", "mallory", MemberRole::admin));
  EXPECT_EQ(role("general", "m-bot"), MemberRole::admin);
  EXPECT_EQ(outcome(invites().look_up(bots, "dave")), "not_found");
  ASSERT_OK(members().remove(as("alice"), "general", "mallory"));
  EXPECT_EQ(role("general", "m-bot"), MemberRole::member);
  EXPECT_EQ(outcome(members().add(as("m-bot"), "general", newcomer("mallory"))), "forbidden");

  // Nobody takes from a bot what they may not take.
  ASSERT_OK(members().add(as("alice"), "general", newcomer("mallory")));
  ASSERT_OK(members().set_role(as("alice"), "general", "m-bot", MemberRole::admin));
  ASSERT_OK(members().remove(as("bob"), "general", "mallory"));
  EXPECT_EQ(role("general", "m-bot"), MemberRole::admin);

  // By her own will, the bot stays what it is.
  ASSERT_OK(members().add(as("alice"), "general", newcomer("mallory")));
  ASSERT_OK(members().set_role(as("alice"), "general", "m-bot", MemberRole::owner));
  ASSERT_OK(members().leave(as("mallory"), "general"));
  EXPECT_EQ(role("general", "m-bot"), MemberRole::owner);
}

TEST_F(OwnersTest, TakingRightsLeavesTheRoomAnOwner) {
  make_channel("general", "mallory", {"m-bot"});
  ASSERT_OK(members().set_role(as("mallory"), "general", "m-bot", MemberRole::owner));
  EXPECT_EQ(outcome(members().remove(admin(), "general", "mallory")), "conflict") << "the bot falls too";
  EXPECT_EQ(outcome(members().set_role(admin(), "general", "mallory", MemberRole::guest)), "conflict");
  EXPECT_EQ(outcome(members().ban(admin(), "general", "m-bot", "")), "conflict");
  ASSERT_OK(members().leave(as("mallory"), "general"));
  EXPECT_EQ(role("general", "m-bot"), MemberRole::owner);
}

// A database of the version before: brokers hear of the owners by a change, and blocks of bots are their
// owners'.
TEST_F(OwnersTest, ADatabaseFromBeforeIsBroughtUpToIt) {
  url_ = cluster().create_database();
  ASSERT_OK(migrate_postgres(options()));
  sql("DROP TABLE removals; DELETE FROM schema_migrations WHERE number IN (6, 7)");
  sql("INSERT INTO users (name, role, owner, status, limits, created_ms) VALUES ('alice', 0, NULL, 0, "
      "'default', 1), "
      "('mallory', 0, NULL, 0, 'default', 1), ('a-bot', 1, 'alice', 0, 'default', 1), "
      "('m-bot', 2, 'mallory', 1, 'slow', 1), ('m-gone', 1, 'mallory', 2, 'default', 1); "
      "INSERT INTO blocks VALUES ('alice', 'm-bot', 5), ('a-bot', 'mallory', 6), ('a-bot', 'alice', 7), "
      "('mallory', 'alice', 8)");
  ASSERT_OK(migrate_postgres(options()));
  store_ = open(options());
  EXPECT_EQ(sql("SELECT user_name, blocked FROM blocks ORDER BY 1"), "alice|mallory\nmallory|alice\n");
  const auto ops = ops_after(0);
  ASSERT_THAT(ops, SizeIs(2));
  EXPECT_EQ(ops[0], R"([{"op":"user.put","user":"a-bot","role":"bot","limits":"default","tokens_after":0,)"
                    R"("status":"active","owner":"alice"},{"op":"user.put","user":"m-bot","role":"device",)"
                    R"("limits":"slow","tokens_after":0,"status":"blocked","owner":"mallory"}])");
  EXPECT_THAT(ops[1], AllOf(HasSubstr(R"({"op":"block.remove","user":"alice","blocked":"m-bot"})"),
                            HasSubstr(R"({"op":"block.remove","user":"a-bot","blocked":"alice"})"),
                            HasSubstr(R"({"op":"block.put","user":"alice","blocked":"mallory"})"),
                            Not(HasSubstr(R"({"op":"block.put","user":"alice","blocked":"alice"})"))));
  for (const std::string& change : ops) {
    const auto request =
        parse_control_request(R"({"req":"1","cmd":"apply","from":0,"to":1,"ops":)" + change + "}");
    EXPECT_TRUE(request.has_value()) << (request ? "" : request.error().message);
  }
  make_users({"bob"});
  EXPECT_EQ(head(), 3u);
  EXPECT_THAT(ops_after(2), SizeIs(1));
}

TEST_F(OwnersTest, ADatabaseWithoutBotsHearsNothing) {
  url_ = cluster().create_database();
  ASSERT_OK(migrate_postgres(options()));
  store_ = open(options());
  EXPECT_EQ(head(), 0u);
}

}  // namespace
}  // namespace parley::storage
