// The person behind an account: what holds between people holds for all of their accounts.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker-plugin/facts.h"

namespace parley::plugin {
namespace {

class FactsOwners : public ::testing::Test {
 protected:
  void apply(const ControlOp& op) { facts_.apply(op, nullptr); }
  UserIndex user(std::string_view name) { return directory_->intern_user(name); }
  void person(const std::string& name) { apply(UserPut{.user = name}); }
  void bot(const std::string& name, const std::string& owner) {
    apply(UserPut{.user = name, .role = TokenRole::bot, .owner = owner});
  }
  bool blocked(std::string_view a, std::string_view b) {
    const bool one_way = facts_.blocked_between(user(a), user(b));
    EXPECT_EQ(one_way, facts_.blocked_between(user(b), user(a)));
    return one_way;
  }

  std::shared_ptr<Directory> directory_ = std::make_shared<Directory>();
  Facts facts_{directory_, Limits{}};
};

TEST_F(FactsOwners, ABotIsItsOwnerAndAPersonOneself) {
  person("mallory");
  bot("m-bot", "mallory");
  EXPECT_EQ(facts_.owner_of(user("mallory")), user("mallory"));
  EXPECT_EQ(facts_.owner_of(user("m-bot")), user("mallory"));
  EXPECT_EQ(facts_.owner_of(user("stranger")), user("stranger"));
  EXPECT_EQ(facts_.bots_of(user("mallory")).size(), 1u);
  apply(UserRemove{.user = "m-bot"});
  EXPECT_TRUE(facts_.bots_of(user("mallory")).empty());
  EXPECT_EQ(facts_.owner_of(user("m-bot")), user("m-bot"));
}

// Whichever account was named on either side, and whether or not it was there at the time.
TEST_F(FactsOwners, ABlockHoldsForEveryAccountOfBoth) {
  const std::vector<std::string> hers = {"alice", "a-bot", "a-late"};
  const std::vector<std::string> theirs = {"mallory", "m-bot", "m-late"};
  for (const std::string& from : hers) {
    for (const std::string& to : theirs) {
      facts_ = Facts(directory_, Limits{});
      for (const char* name : {"alice", "mallory", "carol"}) person(name);
      bot("a-bot", "alice");
      bot("m-bot", "mallory");
      apply(BlockPut{.user = from, .blocked = to});
      bot("a-late", "alice");
      bot("m-late", "mallory");
      for (const std::string& a : hers)
        for (const std::string& m : theirs) {
          EXPECT_TRUE(blocked(a, m)) << from << " blocks " << to << ": " << a << ", " << m;
          EXPECT_TRUE(facts_.blocks(user(a), user(m)));
          EXPECT_FALSE(facts_.blocks(user(m), user(a)));
        }
      EXPECT_FALSE(blocked("carol", "m-bot"));
      EXPECT_FALSE(blocked("alice", "a-bot")) << "one's own bot";
      apply(BlockRemove{.user = from, .blocked = to});
      for (const std::string& a : hers)
        for (const std::string& m : theirs) EXPECT_FALSE(blocked(a, m)) << a << ", " << m;
    }
  }
}

TEST_F(FactsOwners, ADirectRoomIsClosedToTheBotsOfBoth) {
  for (const char* name : {"alice", "mallory"}) person(name);
  bot("m-bot", "mallory");
  bot("a-bot", "alice");
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"alice", "mallory"}, {"alice", "m-bot"}, {"a-bot", "mallory"}, {"a-bot", "m-bot"}, {"alice", "a-bot"}};
  for (const auto& [a, b] : pairs) {
    const std::string room = "d-" + a + b;
    apply(RoomPut{.room = room, .kind = RoomKind::direct});
    apply(MemberPut{.room = room, .user = a});
    apply(MemberPut{.room = room, .user = b});
  }
  apply(BlockPut{.user = "alice", .blocked = "mallory"});
  for (const auto& [a, b] : pairs) {
    const RoomIndex room = directory_->intern_room("d-" + a + b);
    const bool own = b == "a-bot";
    EXPECT_EQ(facts_.blocked_in_direct(room, user(a)), !own) << a << " with " << b;
    EXPECT_EQ(facts_.blocked_in_direct(room, user(b)), !own) << b << " with " << a;
  }
}

TEST_F(FactsOwners, LimitsAreSharedUnlessAnOperatorGaveTheBotItsOwn) {
  apply(LimitsPut{.name = "fast"});
  apply(UserPut{.user = "mallory", .limits = "fast"});
  bot("m-bot", "mallory");
  apply(UserPut{.user = "m-own", .role = TokenRole::bot, .limits = "fast", .owner = "mallory"});
  EXPECT_EQ(facts_.limited_as(user("mallory")), user("mallory"));
  EXPECT_EQ(facts_.limited_as(user("m-bot")), user("mallory"));
  EXPECT_EQ(facts_.limited_as(user("m-own")), user("m-own"));
  EXPECT_EQ(facts_.limited_as(kNoUser), kNoUser);
}

TEST_F(FactsOwners, ListsGiveTheOwnerSoThatTheSameFactsCanBeMadeOfThem) {
  person("mallory");
  bot("m-bot", "mallory");
  Facts copy(directory_, Limits{});
  for (const ControlOp& op : facts_.list_users("", 10)) copy.apply(op, nullptr);
  EXPECT_EQ(copy.owner_of(user("m-bot")), user("mallory"));
  EXPECT_EQ(copy.owner_of(user("mallory")), user("mallory"));
}

// Against a model that knows nothing but pairs and owners.
TEST_F(FactsOwners, AnyOrderOfChangesComesToTheSame) {
  std::mt19937 random(7);
  std::vector<std::string> names;
  for (int i = 0; i < 12; ++i) names.push_back("u" + std::to_string(i));
  std::vector<std::string> owner = names;
  std::set<std::pair<std::string, std::string>> pairs;
  const auto any = [&] { return random() % names.size(); };
  for (int step = 0; step < 4000; ++step) {
    const std::size_t a = any();
    const std::size_t b = any();
    switch (random() % 4) {
      case 0:
        if (a == b) break;
        apply(BlockPut{.user = names[a], .blocked = names[b]});
        pairs.insert({names[a], names[b]});
        break;
      case 1:
        apply(BlockRemove{.user = names[a], .blocked = names[b]});
        pairs.erase({names[a], names[b]});
        break;
      case 2:  // the first four are people
        if (a < 4) break;
        owner[a] = names[b % 4];
        bot(names[a], owner[a]);
        break;
      default:
        if (random() % 8 != 0) break;
        apply(UserRemove{.user = names[a]});
        owner[a] = names[a];
        std::erase_if(pairs, [&](const auto& p) { return p.first == names[a] || p.second == names[a]; });
    }
    const std::size_t x = any();
    const std::size_t y = any();
    const bool expected = std::ranges::any_of(pairs, [&](const auto& p) {
      const auto owner_of = [&](const std::string& name) {
        return owner[static_cast<std::size_t>(std::ranges::find(names, name) - names.begin())];
      };
      return owner_of(p.first) == owner[x] && owner_of(p.second) == owner[y];
    });
    ASSERT_EQ(facts_.blocks(user(names[x]), user(names[y])), expected) << "step " << step;
  }
}

}  // namespace
}  // namespace parley::plugin
