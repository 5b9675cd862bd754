#include "clients/parleyctl/chat/view.h"

#include <gmock/gmock.h>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class ViewTest : public testing::Test {
 protected:
  ViewTest() {
    model.room = "general";
    model.me = "alice";
    model.state = client::State::online;
  }
  void say(std::uint64_t seq, const std::string& from, const std::string& body, std::uint64_t minute = 0) {
    Event e;
    e.stamp.room = "general";
    e.stamp.seq = Seq{seq};
    e.stamp.id = MessageId{seq};
    e.stamp.from = from;
    e.stamp.ts_ms = kNoon + minute * 60'000;
    e.send.body = body;
    transcript.apply(e);
  }
  std::vector<std::string> rows(int columns = 60, int count = 10) {
    return draw(model, transcript, editor, columns, count, false).rows;
  }

  static constexpr std::uint64_t kNoon = 1'763'726'400'000;  // 2025-11-21 12:00 UTC
  Model model;
  Transcript transcript{"alice"};
  LineEditor editor;
};

TEST_F(ViewTest, LooksLikeAChat) {
  say(1, "bob", "hello there");
  say(2, "bob", "are you in?");
  say(3, "alice", "yes", 1);
  EXPECT_THAT(rows(60, 10), ElementsAre(" #general · alice                                  ● online",
                                        "────────────────────────────────────────────────────────────", "",
                                        "", " ──────────────── Friday, 21 November 2025 ────────────────",
                                        " 12:00    bob  hello there", "               are you in?",
                                        " 12:01  alice  yes ✓", "", " › message, or /help"));
}

TEST_F(ViewTest, NoRowIsEverWiderThanTheWindow) {
  say(1, "a-name-that-is-far-too-long-to-b", "日本語 🎉 and quite some words behind it so that it wraps");
  say(2, "bob", std::string(200, 'x'));
  transcript.add_pending({.room = "general", .cid = "c", .body = "on its way"}, kNoon);
  transcript.delayed("c", "too fast; sent again in 3 s, which is a rather long thing to say");
  transcript.warn("something went wrong and this is a long sentence about it, longer than the window", kNoon);
  transcript.explain("/command [#N]", "what it does, at length, because it matters", kNoon);
  model.typing = {"bob", "carol", "dave", "eve"};
  model.numbers = true;
  editor.apply({KeyKind::text, std::string(300, 'y')});
  for (const auto state : {client::State::online, client::State::waiting, client::State::replaced}) {
    model.state = state;
    model.unsettled = 3;
    for (int columns = 20; columns <= 120; ++columns) {
      for (const std::string& row : rows(columns, 24))
        EXPECT_LE(width_of(row), columns) << columns << ": " << row;
    }
  }
}

TEST_F(ViewTest, FillsExactlyTheRows) {
  for (int count = 5; count < 40; ++count) {
    EXPECT_EQ(rows(40, count).size(), static_cast<std::size_t>(count));
    say(static_cast<std::uint64_t>(count), "bob", "x");
  }
}

TEST_F(ViewTest, NarrowWindowsDropTheTime) {
  say(1, "bob", "hello");
  EXPECT_THAT(rows(40), Contains("   bob  hello"));
}

TEST_F(ViewTest, ShowsHowOwnMessagesFare) {
  transcript.add_pending({.room = "general", .cid = "c", .body = "mine"}, kNoon);
  EXPECT_THAT(rows(), Contains(HasSubstr("mine …")));
  transcript.failed("c", "not member: ask to be let in");
  EXPECT_THAT(rows(), Contains(HasSubstr("mine ✗")));
  EXPECT_THAT(rows(), Contains(HasSubstr("not sent: not member: ask to be let in")));
}

TEST_F(ViewTest, ShowsRepliesReactionsAndWhatBecameOfMessages) {
  say(1, "bob", "original words");
  Event e;
  e.stamp.room = "general";
  e.stamp.seq = Seq{2};
  e.stamp.id = MessageId{2};
  e.stamp.from = "carol";
  e.stamp.ts_ms = kNoon;
  e.send.body = "an answer";
  e.send.reply_to = MessageId{1};
  transcript.apply(e);
  Event react = e;
  react.stamp.seq = Seq{3};
  react.stamp.id = MessageId{3};
  react.send = {};
  react.send.kind = Kind::react;
  react.send.target = MessageId{1};
  react.send.emoji = "👍";
  transcript.apply(react);
  EXPECT_THAT(rows(), Contains(HasSubstr("↪ bob: original words")));
  EXPECT_THAT(rows(), Contains(HasSubstr("👍 carol")));
  react.send.kind = Kind::del;
  react.stamp.from = "bob";
  transcript.apply(react);
  EXPECT_THAT(rows(), Contains(HasSubstr("message deleted")));
  EXPECT_THAT(rows(), Not(Contains(HasSubstr("original words"))));
}

TEST_F(ViewTest, ActionsStandOut) {
  say(1, "bob", "/me waves");
  EXPECT_THAT(rows(), Contains(" 12:00      *  bob waves"));
}

TEST_F(ViewTest, TellsWhoIsTyping) {
  model.typing = {"bob"};
  EXPECT_THAT(rows(), Contains(" bob is typing…"));
  model.typing = {"bob", "carol"};
  EXPECT_THAT(rows(), Contains(" bob and carol are typing…"));
  model.typing = {"bob", "carol", "dave", "eve"};
  EXPECT_THAT(rows(), Contains(" bob, carol, dave and 1 more are typing…"));
}

TEST_F(ViewTest, ScrollsUpToTheBeginningAndNoFurther) {
  for (std::uint64_t seq = 1; seq <= 50; ++seq) say(seq, "bob", "line " + std::to_string(seq));
  model.scrolled = 1000;
  const Picture picture = draw(model, transcript, editor, 60, 10, false);
  EXPECT_EQ(picture.most_scrolled, 51 - 6);
  EXPECT_THAT(picture.rows[3], HasSubstr("line 1"));
  EXPECT_THAT(picture.rows[8], HasSubstr("newer messages"));
}

TEST_F(ViewTest, NumbersAreShownWhenAskedFor) {
  say(42, "bob", "hello");
  EXPECT_THAT(rows(), Not(Contains(HasSubstr("#42"))));
  model.numbers = true;
  EXPECT_THAT(rows(), Contains(HasSubstr("#42")));
}

TEST_F(ViewTest, OfflineSaysSoAndSinceWhat) {
  model.state = client::State::waiting;
  model.retry_in_s = 3;
  model.unsettled = 2;
  model.reason = "no connection to 127.0.0.1:1883";
  EXPECT_THAT(rows()[0], HasSubstr("offline, again in 3 s · 2 waiting"));
  EXPECT_THAT(rows(), Contains(" no connection to 127.0.0.1:1883"));
}

TEST_F(ViewTest, PlainLinesAreOneLineEach) {
  say(1, "bob", "two\nlines");
  say(2, "bob", "/me waves");
  EXPECT_EQ(plain_line(transcript.items()[0], 0), "12:00 bob: two\\nlines");
  EXPECT_EQ(plain_line(transcript.items()[1], 3600), "13:00 * bob waves");
}

}  // namespace
}  // namespace parley::chat
