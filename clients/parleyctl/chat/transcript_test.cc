#include "clients/parleyctl/chat/transcript.h"

#include <gmock/gmock.h>

namespace parley::chat {
namespace {

using testing::ElementsAre;

class TranscriptTest : public testing::Test {
 protected:
  void event(std::uint64_t seq, const std::string& from, const std::string& body, const std::string& cid = "",
             Kind kind = Kind::text, std::uint64_t target = 0, const std::string& emoji = "",
             MemberRole role = MemberRole::member) {
    Event e;
    e.stamp.room = "general";
    e.stamp.seq = Seq{seq};
    e.stamp.id = MessageId{seq + 100};
    e.stamp.from = from;
    e.stamp.role = role;
    e.stamp.ts_ms = seq * 1000;
    e.send.kind = kind;
    e.send.body = body;
    e.send.cid = cid;
    e.send.target = MessageId{target == 0 ? 0 : target + 100};
    e.send.emoji = emoji;
    transcript.apply(e);
  }
  void pending(const std::string& cid, const std::string& body) {
    transcript.add_pending({.room = "general", .cid = cid, .body = body}, 1);
  }
  std::vector<std::string> bodies() const {
    std::vector<std::string> out;
    for (const Item& item : transcript.items()) out.push_back(item.body);
    return out;
  }
  const Item& at(std::uint64_t seq) const { return *transcript.find(Seq{seq}); }

  Transcript transcript{"alice"};
};

TEST_F(TranscriptTest, OwnMessagesTakeTheirPlaceInTheRoomsOrder) {
  pending("c1", "mine");
  pending("c2", "mine too");
  event(1, "bob", "bob was first");
  EXPECT_THAT(bodies(), ElementsAre("bob was first", "mine", "mine too"));
  event(2, "alice", "mine", "c1");
  event(3, "bob", "between");
  EXPECT_THAT(bodies(), ElementsAre("bob was first", "mine", "between", "mine too"));
  EXPECT_EQ(at(2).delivery, Delivery::stored);
  EXPECT_EQ(transcript.items().back().delivery, Delivery::pending);
}

TEST_F(TranscriptTest, AnAckTicksEvenWithoutTheOwnCopy) {
  pending("c1", "mine");
  transcript.stored("c1", {.room = "general", .cid = "c1", .seq = Seq{9}, .id = MessageId{109}});
  EXPECT_EQ(at(9).delivery, Delivery::stored);
  event(9, "alice", "mine", "c1");
  EXPECT_THAT(bodies(), ElementsAre("mine")) << "the copy replaces it";
}

TEST_F(TranscriptTest, FailuresSayWhy) {
  pending("c1", "mine");
  transcript.delayed("c1", "too fast");
  EXPECT_EQ(transcript.items().back().note, "too fast");
  transcript.failed("c1", "not member");
  EXPECT_EQ(transcript.items().back().delivery, Delivery::failed);
  EXPECT_EQ(transcript.items().back().note, "not member");
}

TEST_F(TranscriptTest, EditsAreTheAuthorsOnly) {
  event(1, "bob", "tpyo");
  event(2, "carol", "hijacked", "", Kind::edit, 1);
  EXPECT_EQ(at(1).body, "tpyo");
  event(3, "bob", "typo", "", Kind::edit, 1);
  EXPECT_EQ(at(1).body, "typo");
  EXPECT_TRUE(at(1).edited);
}

TEST_F(TranscriptTest, DeletingIsForAuthorsAndAdmins) {
  event(1, "bob", "one");
  event(2, "bob", "two");
  event(3, "carol", "", "", Kind::del, 1);
  EXPECT_FALSE(at(1).deleted);
  event(4, "olga", "", "", Kind::del, 1, "", MemberRole::admin);
  event(5, "bob", "", "", Kind::del, 2);
  EXPECT_TRUE(at(1).deleted);
  EXPECT_TRUE(at(2).deleted);
  event(6, "bob", "back", "", Kind::edit, 2);
  EXPECT_TRUE(at(2).deleted) << "deleted stays deleted";
}

TEST_F(TranscriptTest, ReactionsCountOnceAPerson) {
  event(1, "bob", "hi");
  event(2, "carol", "", "", Kind::react, 1, "👍");
  event(3, "carol", "", "", Kind::react, 1, "👍");
  event(4, "alice", "", "", Kind::react, 1, "👍");
  EXPECT_THAT(at(1).reactions.at("👍"), ElementsAre("carol", "alice"));
  event(5, "carol", "", "", Kind::unreact, 1, "👍");
  event(6, "alice", "", "", Kind::unreact, 1, "👍");
  EXPECT_TRUE(at(1).reactions.empty());
  event(7, "alice", "", "", Kind::unreact, 1, "👍");
  event(8, "alice", "", "", Kind::react, 999, "👍");  // an unknown target does no harm
}

TEST_F(TranscriptTest, KnowsTheObviousTargets) {
  EXPECT_EQ(transcript.latest(true), nullptr);
  event(1, "bob", "a");
  event(2, "alice", "b", "c1");
  event(3, "bob", "c");
  event(4, "bob", "", "", Kind::del, 3);
  pending("c2", "on its way");
  EXPECT_EQ(transcript.latest(true)->seq, Seq{2});
  EXPECT_EQ(transcript.latest(false)->seq, Seq{1});
}

TEST_F(TranscriptTest, PeopleAreThoseWhoSpokeMostRecentFirst) {
  event(1, "bob", "a");
  event(2, "carol", "b");
  event(3, "alice", "c");
  event(4, "bob", "d");
  EXPECT_THAT(transcript.people(), ElementsAre("bob", "carol"));
}

TEST_F(TranscriptTest, TextFromOthersIsCleaned) {
  event(1, "bob", "\x1b[2Jgone");
  EXPECT_EQ(at(1).body, "[2Jgone");
}

TEST_F(TranscriptTest, StaysBounded) {
  for (std::uint64_t seq = 1; seq <= 6000; ++seq) event(seq, "bob", "x");
  EXPECT_LE(transcript.items().size(), 5000u);
}

TEST_F(TranscriptTest, SaysWhatTheServerSays) {
  const auto made = [this](Kind kind, const std::string& meta, const std::string& body = "") {
    Event e;
    e.stamp.room = "general";
    e.stamp.from = "bob";
    e.send.kind = kind;
    e.send.meta = meta;
    e.send.body = body;
    transcript.apply(e);
  };
  made(Kind::join, R"({"by":"bob"})");
  made(Kind::join, R"({"by":"alice"})");
  made(Kind::leave, R"({"by":"bob","reason":"left"})");
  made(Kind::leave, R"({"by":"alice","reason":"removed"})");
  made(Kind::leave, R"({"by":"alice","reason":"banned"})");
  made(Kind::role, R"({"by":"alice","role":"admin"})");
  made(Kind::room, R"({"by":"bob","topic":"tea\u001b[2J"})");
  made(Kind::room, R"({"by":"bob","history":"all"})");
  made(Kind::system, "", "The server restarts at noon");
  made(Kind::join, "");
  EXPECT_THAT(bodies(), ElementsAre("bob joined", "alice added bob", "bob left", "alice removed bob",
                                    "alice banned bob", "alice made bob an admin",
                                    "bob changed the topic to \"tea[2J\"",
                                    "bob let new members read what was said before them",
                                    "The server restarts at noon", "bob joined"));
  EXPECT_TRUE(transcript.people().empty()) << "nobody has spoken";
}

}  // namespace
}  // namespace parley::chat
