// Users, sessions, tokens and what belongs to people.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <barrier>
#include <future>
#include <sstream>
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
using testing::UnorderedElementsAre;

class AccountsTest : public MetadataTest {
 protected:
  NewUser named(const std::string& name) {
    NewUser user;
    user.name = name;
    return user;
  }
  NewApiToken token_for(const std::string& user, std::uint32_t hash) {
    NewApiToken token;
    token.sha256 = hash_of(hash);
    token.user = user;
    token.device = "roof";
    return token;
  }
  std::vector<std::string> found(std::string_view prefix, std::uint32_t limit) {
    std::vector<std::string> names;
    PageRequest request{"", limit};
    do {
      const auto page = users().search(prefix, request);
      EXPECT_OK(page);
      if (!page) break;
      for (const User& user : page->items) names.push_back(user.name);
      request.after = page->next;
    } while (!request.after.empty());
    return names;
  }
};

TEST_F(AccountsTest, AUserRegisters) {
  NewUser user = named("alice");
  user.display_name = "Alice";
  user.password_hash = "$argon2id$...";
  const auto made = users().create(as(""), user);
  ASSERT_OK(made);
  EXPECT_EQ(made->value.version, 1u);
  EXPECT_EQ(made->value.created_ms, now_ms_);
  const auto credential = users().credential("alice");
  ASSERT_OK(credential);
  EXPECT_EQ(credential->password_hash, "$argon2id$...");
  EXPECT_EQ(credential->user.display_name, "Alice");
  EXPECT_THAT(ops_after(0)[0],
              HasSubstr(R"({"op":"user.put","user":"alice","role":"user","limits":"default")"));
  EXPECT_EQ(outcome(users().credential("nobody")), "not_found");
}

TEST_F(AccountsTest, NamesHaveAFormAndAreTakenForGood) {
  for (const char* name : {"a", "Alice", "a b", "-a", "", "x'; DROP TABLE users; --"})
    EXPECT_EQ(outcome(users().create(as(""), named(name))), "invalid") << name;
  ASSERT_OK(users().create(as(""), named("alice")));
  EXPECT_EQ(outcome(users().create(as(""), named("alice"))), "conflict");
  ASSERT_OK(users().remove(as("alice"), "alice"));
  EXPECT_EQ(outcome(users().create(as(""), named("alice"))), "conflict");
}

TEST_F(AccountsTest, OnlyAdminsMakeAdmins) {
  NewUser user = named("eve");
  user.admin = true;
  EXPECT_EQ(outcome(users().create(as(""), user)), "forbidden");
  EXPECT_OK(users().create(admin(), user));
  user = named("mallory");
  user.limits = "unlimited";
  EXPECT_EQ(outcome(users().create(as(""), user)), "forbidden");
  user = named("bot");
  user.owner = "eve";
  EXPECT_EQ(outcome(users().create(as("mallory"), user)), "forbidden");
  user.role = TokenRole::bot;
  EXPECT_OK(users().create(as("eve"), user));
  EXPECT_THAT(users().bots_of("eve").value(), SizeIs(1));
}

TEST_F(AccountsTest, ProfilesChangeWithTheirVersion) {
  make_users({"alice", "bob"});
  UserPatch patch;
  patch.about = "likes cats";
  patch.if_version = 1;
  const auto updated = users().update(as("alice"), "alice", patch);
  ASSERT_OK(updated);
  EXPECT_EQ(updated->version, 2u);
  EXPECT_EQ(updated->display_name, "The alice");
  EXPECT_EQ(outcome(users().update(as("alice"), "alice", patch)), "version_mismatch");
  EXPECT_EQ(outcome(users().update(as("bob"), "alice", {})), "forbidden");
  UserPatch long_one;
  long_one.about = std::string(3000, 'x');
  EXPECT_EQ(outcome(users().update(as("alice"), "alice", long_one)), "invalid");
}

TEST_F(AccountsTest, SearchFindsNamesThenDisplayNames) {
  make_users({"anna", "annika", "zoe"});
  NewUser other = named("bernd");
  other.display_name = "Annabelle";
  ASSERT_OK(users().create(as(""), other));
  other = named("carl");
  other.display_name = "ÄNN";
  ASSERT_OK(users().create(as(""), other));
  for (const std::uint32_t limit : {1u, 2u, 3u, 10u})
    EXPECT_THAT(found("ann", limit), ElementsAre("anna", "annika", "bernd")) << limit;
  EXPECT_THAT(found("än", 10), ElementsAre("carl"));
  EXPECT_THAT(found("the z", 10), ElementsAre("zoe"));
  EXPECT_THAT(found("%", 10), IsEmpty());
  AdminUserPatch block;
  block.status = AccountStatus::blocked;
  ASSERT_OK(users().administer(admin(), "annika", block));
  EXPECT_THAT(found("ann", 10), ElementsAre("anna", "bernd"));
  EXPECT_THAT(users().list({"ann", std::nullopt, false}, {})->items, SizeIs(2));
  EXPECT_THAT(users().list({"", AccountStatus::blocked, false}, {})->items, SizeIs(1));
}

TEST_F(AccountsTest, BlockingAUserEndsItsSessions) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  const std::uint64_t before = head();
  AdminUserPatch block;
  block.status = AccountStatus::blocked;
  EXPECT_EQ(outcome(users().administer(as("alice"), "alice", block)), "forbidden");
  ASSERT_OK(users().administer(admin(), "alice", block));
  EXPECT_THAT(ops_after(before)[0],
              AllOf(HasSubstr(R"("status":"blocked")"), HasSubstr(R"("op":"session.revoke","sid":"s1")"),
                    HasSubstr(R"("tokens_after":)" + std::to_string(now_ms_ / 1000))));
  EXPECT_EQ(outcome(refresh(1, 2)), "unauthorized");
  EXPECT_EQ(outcome(log_in("alice", "phone", "s2", 3)), "forbidden");
  EXPECT_EQ(users().credential("alice")->user.status, AccountStatus::blocked);
  block.status = AccountStatus::active;
  ASSERT_OK(users().administer(admin(), "alice", block));
  EXPECT_OK(log_in("alice", "phone", "s2", 3));
}

TEST_F(AccountsTest, WhoIsBlockedDoesNotGoOnByABot) {
  make_users({"alice"});
  NewUser bot = named("helper");
  bot.owner = "alice";
  bot.role = TokenRole::bot;
  ASSERT_OK(users().create(as("alice"), bot));
  AdminUserPatch patch;
  patch.status = AccountStatus::blocked;
  const std::uint64_t before = head();
  ASSERT_OK(users().administer(admin(), "alice", patch));
  EXPECT_EQ(users().get("helper")->status, AccountStatus::blocked);
  EXPECT_THAT(ops_after(before),
              ElementsAre(AllOf(HasSubstr(R"("user":"alice")"), HasSubstr(R"("user":"helper")"))));
  // Requests that were on their way.
  bot.name = "late-helper";
  EXPECT_EQ(outcome(users().create(as("alice"), bot)), "forbidden");
  EXPECT_EQ(outcome(api_tokens().create(as("alice"), token_for("alice", 1))), "forbidden");
  EXPECT_EQ(outcome(api_tokens().create(as("alice"), token_for("helper", 2))), "forbidden");
  patch.status = AccountStatus::active;
  ASSERT_OK(users().administer(admin(), "alice", patch));
  EXPECT_EQ(users().get("helper")->status, AccountStatus::blocked) << "it may have been the reason";
  EXPECT_OK(users().administer(admin(), "helper", patch));
}

TEST_F(AccountsTest, TheLastAdminStays) {
  NewUser chief = named("chief");
  chief.admin = true;
  ASSERT_OK(users().create(admin(), chief));
  AdminUserPatch patch;
  patch.admin = false;
  EXPECT_EQ(outcome(users().administer(admin("chief"), "chief", patch)), "conflict");
  EXPECT_EQ(outcome(users().remove(as("chief"), "chief")), "conflict");
  chief.name = "second";
  ASSERT_OK(users().create(admin(), chief));
  EXPECT_OK(users().administer(admin("chief"), "chief", patch));
}

TEST_F(AccountsTest, AdminsWhoDismissEachOtherAtOnceLeaveOne) {
  for (int round = 0; round < 10; ++round) {
    const std::string names[] = {"one" + std::to_string(round), "two" + std::to_string(round)};
    for (const std::string& name : names) {
      NewUser user = named(name);
      user.admin = true;
      ASSERT_OK(users().create(admin(), user));
    }
    sql("UPDATE users SET admin = false WHERE name NOT IN ('" + names[0] + "', '" + names[1] + "')");
    std::barrier start(2);
    const auto dismiss = [&](const std::string& by, const std::string& whom, bool by_removal) {
      start.arrive_and_wait();
      AdminUserPatch patch;
      patch.admin = false;
      return by_removal ? outcome(users().remove(admin(by), whom))
                        : outcome(users().administer(admin(by), whom, patch));
    };
    auto other = std::async(std::launch::async, dismiss, names[1], names[0], round % 2 == 0);
    const std::string mine = dismiss(names[0], names[1], false);
    EXPECT_THAT((std::vector{mine, other.get()}), UnorderedElementsAre("ok", "conflict"));
    EXPECT_EQ(sql("SELECT count(*) FROM users WHERE admin AND status = 0"), "1\n");
  }
}

// A device that is always on would otherwise leave one behind every quarter of an hour, for years.
TEST_F(AccountsTest, ASessionThatGoesOnForEverKeepsTheUsedTokensOfOneLifetime) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 0));
  for (std::uint32_t i = 0; i < 30; ++i) {
    pass_ms(250'000);  // a quarter of what refresh() gives
    ASSERT_OK(refresh(i, i + 1));
  }
  EXPECT_LE(std::stoi(sql("SELECT count(*) FROM refresh_tokens")), 6);
  EXPECT_EQ(outcome(refresh(3, 100)), "unauthorized") << "long forgotten";
  EXPECT_EQ(outcome(refresh(28, 100)), "reused");
}

TEST_F(AccountsTest, ARemovedUserIsGoneFromEverywhere) {
  make_users({"alice", "bob", "carol"});
  make_channel("shared", "alice", {"bob", "carol"});
  make_channel("alone", "alice");
  make_channel("guesthouse", "bob", {"alice"});
  ASSERT_OK(members().set_role(as("alice"), "shared", "carol", MemberRole::admin));
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  ASSERT_OK(people().put_contact(as("bob"), "alice", "ally"));
  ASSERT_OK(people().block(as("carol"), "alice"));
  ASSERT_OK(api_tokens().create(as("alice"), token_for("alice", 9)));
  NewUser bot = named("alices-bot");
  bot.owner = "alice";
  bot.role = TokenRole::bot;
  ASSERT_OK(users().create(as("alice"), bot));
  EXPECT_EQ(outcome(users().remove(as("bob"), "alice")), "forbidden");
  const std::uint64_t before = head();
  ASSERT_OK(users().remove(as("alice"), "alice", 1));
  EXPECT_EQ(users().get("alice")->status, AccountStatus::deleted);
  EXPECT_EQ(users().get("alices-bot")->status, AccountStatus::deleted);
  EXPECT_EQ(users().get("alice")->display_name, "");
  EXPECT_EQ(outcome(users().credential("alice")), "not_found");
  EXPECT_EQ(members().role_of("shared", "alice").value(), MemberRole::none);
  EXPECT_EQ(members().role_of("shared", "carol").value(), MemberRole::owner) << "the admin inherits";
  EXPECT_EQ(outcome(rooms().get("alone", "bob")), "not_found") << "nobody is left";
  EXPECT_EQ(rooms().get("guesthouse", "bob")->room.members, 1u);
  EXPECT_EQ(outcome(refresh(1, 2)), "unauthorized");
  EXPECT_EQ(outcome(api_tokens().by_hash(hash_of(9))), "unauthorized");
  EXPECT_THAT(people().contacts("bob", {})->items, IsEmpty());
  EXPECT_THAT(people().blocks("carol", {})->items, IsEmpty());
  EXPECT_EQ(outcome(users().remove(as("alice"), "alice")), "not_found");
  const auto ops = ops_after(before);
  ASSERT_FALSE(ops.empty());
  EXPECT_THAT(ops[0],
              AllOf(HasSubstr(R"({"op":"user.remove","user":"alice"})"), HasSubstr("session.revoke")));
  EXPECT_EQ(sql("SELECT count(*) FROM users WHERE leaving"), "0\n");
}

TEST_F(AccountsTest, ARoomIsInheritedByPeopleWhoAreThere) {
  make_users({"alice", "bob", "carol", "dave"});
  NewUser bot = named("meteo");
  bot.owner = "bob";
  bot.role = TokenRole::bot;
  ASSERT_OK(users().create(as("bob"), bot));
  make_channel("lively", "alice", {"bob", "meteo", "carol", "dave"});
  make_channel("quiet", "alice", {"bob"});
  for (const char* name : {"bob", "meteo"})
    ASSERT_OK(members().set_role(as("alice"), "lively", name, MemberRole::admin));
  sql("UPDATE users SET status = 1 WHERE name = 'bob'");
  ASSERT_OK(users().remove(as("alice"), "alice"));
  EXPECT_EQ(members().role_of("lively", "carol").value(), MemberRole::owner)
      << "not the blocked one, nor the bot";
  EXPECT_EQ(members().role_of("lively", "meteo").value(), MemberRole::admin);
  EXPECT_EQ(members().role_of("quiet", "bob").value(), MemberRole::owner) << "there is nobody else";
}

TEST_F(AccountsTest, ARemovalThatWasCutShortIsFinishedBySweep) {
  make_users({"alice", "bob"});
  make_channel("shared", "bob", {"alice"});
  sql("UPDATE users SET status = 2, leaving = true WHERE name = 'alice'");
  EXPECT_OK(feed().sweep());
  EXPECT_EQ(members().role_of("shared", "alice").value(), MemberRole::none);
  EXPECT_EQ(rooms().get("shared", "bob")->room.members, 1u);
  EXPECT_EQ(feed().sweep().value(), 0u);
}

TEST_F(AccountsTest, IdentitiesLeadToUsers) {
  NewUser user = named("alice");
  user.issuer = "https://id.example";
  user.subject = "4711";
  ASSERT_OK(users().create(as(""), user));
  EXPECT_EQ(users().by_identity("https://id.example", "4711")->name, "alice");
  EXPECT_EQ(outcome(users().by_identity("https://id.example", "4712")), "not_found");
  user.name = "bob";
  const auto refused = users().create(as(""), user);
  EXPECT_EQ(outcome(refused), "conflict");
  EXPECT_EQ(refused.error().field, "identity");
  EXPECT_EQ(outcome(users().get("bob")), "not_found") << "nothing of it was kept";
  make_users({"carol"});
  EXPECT_OK(users().link_identity(as("carol"), "carol", "https://id.example", "99"));
  EXPECT_EQ(outcome(users().link_identity(as("carol"), "carol", "https://id.example", "4711")), "conflict");
  EXPECT_EQ(outcome(users().link_identity(as("alice"), "carol", "https://id.example", "5")), "forbidden");
}

TEST_F(AccountsTest, ANewPasswordEndsOtherSessions) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  ASSERT_OK(log_in("alice", "desk", "s2", 2));
  ASSERT_OK(users().set_password(as("alice"), "alice", "new hash", "s2"));
  EXPECT_EQ(users().credential("alice")->password_hash, "new hash");
  EXPECT_EQ(outcome(sessions().get("s1")), "not_found");
  EXPECT_OK(sessions().get("s2"));
  ASSERT_OK(users().rehash_password("alice", "stale", "wrong"));
  EXPECT_EQ(users().credential("alice")->password_hash, "new hash");
  ASSERT_OK(users().rehash_password("alice", "new hash", "stronger"));
  EXPECT_EQ(users().credential("alice")->password_hash, "stronger");
}

TEST_F(AccountsTest, ARefreshTokenIsUsedOnce) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  const auto second = refresh(1, 2);
  ASSERT_OK(second);
  EXPECT_EQ(second->session.sid, "s1");
  EXPECT_EQ(second->user.name, "alice");
  ASSERT_OK(refresh(2, 3));
  EXPECT_EQ(outcome(refresh(77, 78)), "unauthorized");
  const std::uint64_t before = head();
  EXPECT_EQ(outcome(refresh(1, 4)), "reused");
  EXPECT_EQ(outcome(refresh(3, 5)), "unauthorized") << "the whole family is gone";
  EXPECT_EQ(outcome(refresh(1, 6)), "unauthorized");
  EXPECT_THAT(ops_after(before), ElementsAre(AllOf(HasSubstr(R"({"op":"session.revoke","sid":"s1","until":)"),
                                                   HasSubstr(R"("type":"session.revoked")"))));
  EXPECT_THAT(administration().audit_log({"", "session.reuse", "", ""}, {})->items, SizeIs(1));
}

// What a client does whose answer never came, and what must not be taken for that. `refresh A B` presents
// token A and would get B; the grace is 10 s.
struct RefreshStory {
  const char* what;
  std::vector<std::string> steps;  // "A B outcome", or "wait ms"
};
const RefreshStory kRefreshStories[] = {
    {"a lost answer", {"1 2 ok", "wait 11000", "1 3 ok", "3 4 ok"}},
    {"a lost answer, asked again at once", {"1 2 ok", "1 3 ok", "3 4 ok"}},
    {"many lost answers",
     {"1 2 ok", "wait 11000", "1 3 ok", "wait 11000", "1 4 ok", "wait 1", "1 5 ok", "5 6 ok"}},
    {"a lost answer each time",
     {"1 2 ok", "wait 11000", "1 3 ok", "wait 400000", "3 4 ok", "wait 11000", "3 5 ok", "5 6 ok"}},
    {"a lost answer, an hour ago", {"1 2 ok", "wait 900000", "1 3 ok", "wait 900000", "3 4 ok"}},
    {"a thief after the owner went on", {"1 2 ok", "2 3 ok", "wait 11000", "1 4 reused", "3 5 unauthorized"}},
    {"a thief before the owner went on",
     {"1 2 ok", "wait 11000", "1 3 ok", "2 4 reused", "3 5 unauthorized"}},
    {"a thief who went on before the owner",
     {"1 2 ok", "wait 11000", "1 3 ok", "3 4 ok", "2 5 reused", "4 6 unauthorized"}},
    {"a thief long after a lost answer",
     {"1 2 ok", "wait 11000", "1 3 ok", "3 4 ok", "wait 11000", "1 5 reused", "4 6 unauthorized"}},
    {"a thief with the token before the last", {"1 2 ok", "2 3 ok", "3 4 ok", "wait 11000", "1 5 reused"}},
    {"two tabs at once",
     {"1 2 ok", "wait 9999", "1 3 ok", "wait 900000", "2 4 ok", "3 5 ok", "4 6 ok", "5 7 ok"}},
    {"two tabs at once, and again",
     {"1 2 ok", "1 3 ok", "wait 900000", "2 4 ok", "2 5 ok", "3 6 ok", "4 7 ok", "5 8 ok", "6 9 ok"}},
    {"two tabs at once after a lost answer",
     {"1 2 ok", "wait 11000", "1 3 ok", "1 4 ok", "3 5 ok", "wait 11000", "4 6 ok", "5 7 ok"}},
    {"a tab that comes when the other has gone on", {"1 2 ok", "2 3 ok", "1 4 conflict", "3 5 ok"}},
    {"a thief after two tabs",
     {"1 2 ok", "1 3 ok", "wait 11000", "2 4 ok", "1 5 reused", "3 6 unauthorized"}},
    {"somebody's guess", {"77 78 unauthorized", "1 2 ok"}},
};

TEST_F(AccountsTest, OnlyWhatTwoHaveUsedIsTakenForTheft) {
  make_users({"alice"});
  std::uint32_t base = 0;  // of the story's tokens
  for (const RefreshStory& story : kRefreshStories) {
    base += 1000;
    const std::string sid = "s" + std::to_string(base);
    ASSERT_OK(log_in("alice", "phone", sid, base + 1));
    std::string last;
    for (const std::string& step : story.steps) {
      SCOPED_TRACE(std::string(story.what) + ": " + step);
      std::istringstream words(step);
      std::string first, second;
      words >> first >> second;
      if (first == "wait") {
        pass_ms(std::stoi(second));
        continue;
      }
      words >> last;
      const auto number = [&](const std::string& text) {
        return base + static_cast<std::uint32_t>(std::stoul(text));
      };
      EXPECT_EQ(outcome(refresh(number(first), number(second), 10'000)), last);
    }
    const bool ended = last == "reused" || last == "unauthorized";
    EXPECT_EQ(outcome(sessions().get(sid)), ended ? "not_found" : "ok") << story.what;
  }
}

// As the database was before it knew whose successor a token is.
TEST_F(AccountsTest, LostAnswersFromBeforeTheMigrationAreForgivenToo) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  ASSERT_OK(log_in("alice", "desk", "s2", 11));
  pass_ms(1000);
  ASSERT_OK(refresh(1, 2));
  pass_ms(1000);
  ASSERT_OK(refresh(11, 12));
  pass_ms(1000);
  ASSERT_OK(refresh(12, 13));
  sql("DELETE FROM schema_migrations WHERE name = '008_refresh_answers'; "
      "ALTER TABLE refresh_tokens DROP COLUMN parent, DROP COLUMN replaced_ms");
  store_.reset();
  EXPECT_EQ(migrate_postgres(options()).value(), 1u);
  store_ = open(options());
  pass_ms(11'000);
  EXPECT_OK(refresh(1, 3));
  EXPECT_OK(refresh(3, 4));
  EXPECT_EQ(outcome(refresh(11, 14)), "reused");
}

TEST_F(AccountsTest, OneTokenRefreshedByManyAtOnceGivesEachAPairThatWorks) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  const auto at_once = [&](std::uint32_t presented, std::uint32_t next, std::uint32_t step) {
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] { EXPECT_OK(refresh(presented + i * step, next + i, 5000)); });
    }
    for (std::thread& thread : threads) thread.join();
  };
  at_once(1, 100, 0);
  pass_ms(900'000);
  at_once(100, 200, 1);
  EXPECT_OK(sessions().get("s1"));
}

TEST_F(AccountsTest, OneDeviceSignedInByManyAtOnceHasOneSession) {
  make_users({"alice"});
  for (std::uint32_t round = 0; round < 5; ++round) {
    std::barrier start(4);
    std::vector<std::thread> threads;
    for (std::uint32_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, number = round * 4 + i] {
        start.arrive_and_wait();
        EXPECT_OK(log_in("alice", "phone", "s" + std::to_string(number), number));
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(sessions().list("alice").value(), SizeIs(1));
  }
}

TEST_F(AccountsTest, WithoutGraceTheLastOfManyAtOnceHasTheTokenThatIsGood) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] { EXPECT_OK(refresh(1, 100 + i)); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sql("SELECT count(*) FROM refresh_tokens WHERE used_ms = 0 AND replaced_ms = 0"), "1\n");
  EXPECT_OK(sessions().get("s1"));
}

TEST_F(AccountsTest, SessionsEndAndAreForgotten) {
  make_users({"alice", "bob"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  ASSERT_OK(log_in("alice", "desk", "s2", 2));
  ASSERT_OK(log_in("alice", "phone", "s3", 3));
  EXPECT_THAT(sessions().list("alice").value(), SizeIs(2))
      << "the phone's first session went with its second";
  EXPECT_EQ(outcome(sessions().revoke(as("bob"), "alice", "s2")), "forbidden");
  EXPECT_EQ(outcome(sessions().revoke(as("bob"), "bob", "s2")), "not_found");
  EXPECT_OK(sessions().revoke(as("alice"), "alice", "s2"));
  EXPECT_EQ(outcome(sessions().revoke(as("alice"), "alice", "s2")), "not_found");
  ASSERT_OK(log_in("alice", "desk", "s4", 4));
  const std::uint64_t before = head();
  EXPECT_EQ(sessions().revoke_all(as("alice"), "alice")->sessions, 2u);
  EXPECT_THAT(ops_after(before)[0],
              AllOf(HasSubstr("tokens_after"), HasSubstr(R"("sid":"s3")"), HasSubstr(R"("sid":"s4")")));
  EXPECT_EQ(outcome(refresh(4, 5)), "unauthorized");
  ASSERT_OK(log_in("alice", "desk", "s5", 6));
  pass_ms(1'000'000);
  EXPECT_EQ(outcome(refresh(6, 7)), "unauthorized");
  pass_ms(10'000'000);
  EXPECT_OK(feed().sweep());
  EXPECT_EQ(sql("SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens)"), "0|0\n");
}

TEST_F(AccountsTest, ApiTokensBelongToTheUserOrItsBots) {
  make_users({"alice", "bob"});
  NewUser bot = named("meteo");
  bot.role = TokenRole::bot;
  bot.owner = "alice";
  ASSERT_OK(users().create(as("alice"), bot));
  const std::uint64_t before = head();
  const auto made = api_tokens().create(as("alice"), token_for("meteo", 5));
  ASSERT_OK(made);
  EXPECT_THAT(ops_after(before)[0], HasSubstr(R"({"op":"token.put","sha256":"05000000)"));
  EXPECT_EQ(outcome(api_tokens().create(as("bob"), token_for("meteo", 6))), "forbidden");
  EXPECT_EQ(api_tokens().by_hash(hash_of(5))->user.name, "meteo");
  EXPECT_EQ(outcome(api_tokens().by_hash(hash_of(6))), "unauthorized");
  EXPECT_THAT(api_tokens().list(as("alice"), "meteo").value(), SizeIs(1));
  EXPECT_THAT(api_tokens().list(as("alice"), "alice").value(), IsEmpty());
  EXPECT_EQ(outcome(api_tokens().list(as("bob"), "meteo")), "forbidden");
  EXPECT_EQ(outcome(api_tokens().remove(as("bob"), "meteo", made->value.id)), "forbidden");
  ASSERT_OK(api_tokens().remove(as("alice"), "meteo", made->value.id));
  EXPECT_EQ(outcome(api_tokens().by_hash(hash_of(5))), "unauthorized");
  EXPECT_THAT(ops_after(before)[1], HasSubstr(R"({"op":"token.remove","sha256":"05000000)"));
  NewApiToken timed = token_for("meteo", 7);
  timed.until_s = now_ms_ / 1000 + 10;
  ASSERT_OK(api_tokens().create(as("alice"), timed));
  EXPECT_OK(api_tokens().by_hash(hash_of(7)));
  pass_ms(10'000);
  EXPECT_EQ(outcome(api_tokens().by_hash(hash_of(7))), "unauthorized");
}

// As they were before there were scopes, and before a registration knew whose it is.
TEST_F(AccountsTest, TokensAndPushDevicesFromBeforeTheMigrationGetWhatTheyNeed) {
  make_users({"alice", "bob"});
  NewUser bot = named("meteo");
  bot.role = TokenRole::bot;
  bot.owner = "alice";
  ASSERT_OK(users().create(as("alice"), bot));
  ASSERT_OK(api_tokens().create(as("alice"), token_for("meteo", 5)));
  NewApiToken lamp = token_for("alice", 6);
  lamp.role = TokenRole::device;
  lamp.device = "lamp";
  ASSERT_OK(api_tokens().create(as("alice"), lamp));
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  ASSERT_OK(log_in("bob", "phone", "s2", 2));
  const auto put = [&](const std::string& user, const std::string& device) {
    PushDevice push;
    push.user = user;
    push.device = device;
    push.platform = "fcm";
    push.token = user + device;
    ASSERT_OK(people().put_device(as(user), push));
  };
  put("alice", "phone");
  put("alice", "lamp");
  put("alice", "sold-tablet");
  put("bob", "phone");
  put("meteo", "station");
  ASSERT_OK(sessions().revoke(as("bob"), "bob", "s2"));
  sql("DELETE FROM schema_migrations WHERE name = '009_credentials'; "
      "ALTER TABLE api_tokens DROP COLUMN scopes; ALTER TABLE push_devices DROP COLUMN credential");
  store_.reset();
  EXPECT_EQ(migrate_postgres(options()).value(), 1u);
  store_ = open(options());
  EXPECT_EQ(api_tokens().by_hash(hash_of(5))->token.scopes,
            "rooms:write profile:write contacts:write push:write");
  EXPECT_EQ(api_tokens().by_hash(hash_of(6))->token.scopes, "");
  EXPECT_THAT(people().devices("alice").value(), SizeIs(3)) << "registered by another name";
  EXPECT_THAT(people().devices("meteo").value(), SizeIs(1)) << "by a bot, which has no session";
  EXPECT_THAT(people().devices("bob").value(), IsEmpty());
  ASSERT_OK(sessions().revoke(as("alice"), "alice", "s1"));
  EXPECT_EQ(people().devices("alice").value()[0].device, "lamp");
  ASSERT_OK(api_tokens().remove(as("alice"), "alice", api_tokens().by_hash(hash_of(6))->token.id));
  EXPECT_THAT(people().devices("alice").value(), IsEmpty());
  EXPECT_EQ(sql("SELECT user_name FROM push_devices"), "meteo\n");
}

// What runs out is not asked for any more at once, and gone with the next sweep.
TEST_F(AccountsTest, PushRegistrationsRunOutWithTheirSessionOrToken) {
  make_users({"alice"});
  ASSERT_OK(log_in("alice", "phone", "s1", 1));
  NewApiToken lamp = token_for("alice", 6);
  lamp.until_s = now_ms_ / 1000 + 500;
  const auto made = api_tokens().create(as("alice"), lamp);
  ASSERT_OK(made);
  const auto put = [&](const std::string& device, const std::string& credential) {
    PushDevice push;
    push.user = "alice";
    push.device = device;
    push.platform = "fcm";
    push.token = device;
    push.credential = credential;
    ASSERT_OK(people().put_device(as("alice"), push));
  };
  put("phone", "s1");
  put("lamp", made->value.id);
  EXPECT_THAT(people().devices("alice").value(), SizeIs(2));
  ASSERT_OK(feed().sweep());
  EXPECT_EQ(sql("SELECT count(*) FROM push_devices"), "2\n");
  pass_ms(500'000);
  EXPECT_EQ(people().devices("alice").value()[0].device, "phone");
  ASSERT_OK(feed().sweep());
  EXPECT_EQ(sql("SELECT count(*) FROM push_devices"), "1\n");
  pass_ms(500'000);
  EXPECT_THAT(people().devices("alice").value(), IsEmpty());
  ASSERT_OK(feed().sweep());
  EXPECT_EQ(sql("SELECT count(*) FROM push_devices"), "0\n");
}

TEST_F(AccountsTest, ASignInTooManyEndsTheSessionsUnusedForLongest) {
  make_users({"alice", "bob"});
  const auto log_in_with = [&](std::uint32_t number, std::uint32_t max) {
    NewSession session;
    session.sid = "s" + std::to_string(number);
    session.user = "alice";
    session.device = "d" + std::to_string(number);
    session.refresh = hash_of(number);
    session.expires_ms = now_ms_ + 1'000'000;
    session.max_sessions = max;
    pass_ms(1000);
    ASSERT_OK(sessions().create(as("alice"), session));
  };
  const auto live = [&] {
    std::vector<std::string> sids;
    for (const Session& session : sessions().list("alice").value()) sids.push_back(session.sid);
    return sids;
  };
  for (std::uint32_t i = 1; i <= 6; ++i) log_in_with(i, 0);
  EXPECT_THAT(live(), SizeIs(6));
  pass_ms(1000);
  ASSERT_OK(refresh(2, 102));
  ASSERT_OK(log_in("bob", "phone", "s-bob", 99));
  const std::uint64_t before = head();
  log_in_with(7, 3);
  EXPECT_THAT(live(), UnorderedElementsAre("s2", "s6", "s7"));
  EXPECT_THAT(ops_after(before)[0], AllOf(HasSubstr(R"("op":"session.revoke","sid":"s1")"),
                                          HasSubstr(R"("reason":"limit")"), Not(HasSubstr(R"("sid":"s2")"))));
  log_in_with(7 + 1, 3);
  EXPECT_THAT(live(), UnorderedElementsAre("s2", "s7", "s8"));
  log_in_with(9, 1);
  EXPECT_THAT(live(), ElementsAre("s9"));
  EXPECT_OK(sessions().get("s-bob"));
}

TEST_F(AccountsTest, ContactsAndBlocks) {
  make_users({"alice", "bob", "carol"});
  EXPECT_FALSE(people().put_contact(as("alice"), "bob", "")->existed);
  const auto renamed = people().put_contact(as("alice"), "bob", "Bobby");
  ASSERT_OK(renamed);
  EXPECT_TRUE(renamed->existed);
  EXPECT_EQ(renamed->value.nick, "Bobby");
  ASSERT_OK(people().put_contact(as("alice"), "carol", ""));
  EXPECT_EQ(outcome(people().put_contact(as("alice"), "alice", "")), "invalid");
  EXPECT_EQ(outcome(people().put_contact(as("alice"), "nobody", "")), "not_found");
  const auto page = people().contacts("alice", {"", 1});
  ASSERT_THAT(page->items, SizeIs(1));
  EXPECT_EQ(page->items[0].display_name, "The bob");
  EXPECT_EQ(people().contacts("alice", {page->next, 1})->items[0].user, "carol");
  EXPECT_OK(people().remove_contact(as("alice"), "bob"));
  EXPECT_EQ(outcome(people().remove_contact(as("alice"), "bob")), "not_found");

  const std::uint64_t before = head();
  ASSERT_OK(people().block(as("alice"), "bob"));
  ASSERT_OK(people().block(as("alice"), "bob"));
  EXPECT_EQ(head(), before + 1);
  EXPECT_TRUE(people().blocked_between("bob", "alice").value());
  EXPECT_FALSE(people().blocked_between("bob", "carol").value());
  EXPECT_THAT(people().blocks("alice", {})->items, SizeIs(1));
  ASSERT_OK(people().unblock(as("alice"), "bob"));
  EXPECT_EQ(outcome(people().unblock(as("alice"), "bob")), "not_found");
  EXPECT_THAT(ops_after(before), ElementsAre(R"([{"op":"block.put","user":"alice","blocked":"bob"}])",
                                             R"([{"op":"block.remove","user":"alice","blocked":"bob"}])"));
}

TEST_F(AccountsTest, APhoneThatChangedHandsPushesToItsNewOwner) {
  make_users({"alice", "bob"});
  PushDevice device;
  device.user = "alice";
  device.device = "phone";
  device.platform = "fcm";
  device.token = "t1";
  ASSERT_OK(people().put_device(as("alice"), device));
  EXPECT_EQ(outcome(people().put_device(as("bob"), device)), "forbidden");
  device.user = "bob";
  ASSERT_OK(people().put_device(as("bob"), device));
  EXPECT_THAT(people().devices("alice").value(), IsEmpty());
  device.token = "t2";
  ASSERT_OK(people().put_device(as("bob"), device));
  ASSERT_THAT(people().devices("bob").value(), SizeIs(1));
  EXPECT_EQ(people().devices("bob").value()[0].token, "t2");
  EXPECT_EQ(outcome(people().remove_device(as("alice"), "bob", "phone")), "forbidden");
  EXPECT_OK(people().remove_device(as("bob"), "bob", "phone"));
  EXPECT_EQ(outcome(people().remove_device(as("bob"), "bob", "phone")), "not_found");
  device.platform = "pigeon";
  EXPECT_EQ(outcome(people().put_device(as("bob"), device)), "invalid");
}

TEST_F(AccountsTest, LimitsHaveClasses) {
  make_users({"alice"});
  LimitsPut fast;
  fast.name = "fast";
  fast.messages_per_s = 50;
  EXPECT_EQ(outcome(administration().put_limits(as("alice"), fast)), "forbidden");
  ASSERT_OK(administration().put_limits(admin(), fast));
  EXPECT_EQ(administration().limits().value()[0].messages_per_s, 50);
  LimitsPut builtin;
  builtin.name = "unlimited";
  EXPECT_EQ(outcome(administration().put_limits(admin(), builtin)), "invalid");
  AdminUserPatch patch;
  patch.limits = "slow";
  EXPECT_EQ(outcome(users().administer(admin(), "alice", patch)), "invalid");
  patch.limits = "fast";
  ASSERT_OK(users().administer(admin(), "alice", patch));
  EXPECT_EQ(outcome(administration().remove_limits(admin(), "fast")), "conflict");
  patch.limits = "default";
  ASSERT_OK(users().administer(admin(), "alice", patch));
  EXPECT_OK(administration().remove_limits(admin(), "fast"));
  EXPECT_EQ(outcome(administration().remove_limits(admin(), "fast")), "not_found");
}

TEST_F(AccountsTest, TheAuditLogIsOnlyAddedTo) {
  make_users({"alice", "bob"});
  Actor actor = as("alice");
  actor.request_id = "r-1";
  actor.address = "203.0.113.9";
  NewRoom room;
  room.room = "general";
  ASSERT_OK(rooms().create(actor, room));
  ASSERT_OK(administration().audit(as("bob"), "login.failed", "user:alice", R"({"why":"password"})"));
  EXPECT_EQ(outcome(administration().audit(as("bob"), "x", "", "not json")), "invalid");
  const auto of_room = administration().audit_log({"", "", "", "general"}, {});
  ASSERT_OK(of_room);
  ASSERT_THAT(of_room->items, SizeIs(1));
  EXPECT_EQ(of_room->items[0].action, "room.create");
  EXPECT_EQ(of_room->items[0].request_id, "r-1");
  EXPECT_EQ(of_room->items[0].address, "203.0.113.9");
  EXPECT_THAT(administration().audit_log({"bob", "login.failed", "user:alice", ""}, {})->items, SizeIs(1));
  const auto newest = administration().audit_log({}, {"", 1});
  EXPECT_EQ(newest->items[0].action, "login.failed");
  EXPECT_EQ(administration().audit_log({}, {newest->next, 1})->items[0].action, "room.create");
  EXPECT_EQ(outcome(administration().audit_log({}, {"x1", 1})), "invalid");
  for (const char* statement : {"DELETE FROM audit", "UPDATE audit SET actor = 'x'", "TRUNCATE audit"})
    EXPECT_THROW(sql(statement), std::runtime_error) << statement;
}

}  // namespace
}  // namespace parley::storage
