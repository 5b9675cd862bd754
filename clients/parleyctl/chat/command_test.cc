#include "clients/parleyctl/chat/command.h"

#include <gmock/gmock.h>

namespace parley::chat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using K = Command::Kind;

TEST(Command, PlainLinesAreSaid) {
  EXPECT_EQ(parse_command("  hello  ").text, "hello");
  EXPECT_EQ(parse_command("hello").kind, K::say);
  EXPECT_EQ(parse_command("   ").kind, K::nothing);
  EXPECT_EQ(parse_command("//etc/passwd").text, "/etc/passwd");
  EXPECT_EQ(parse_command("/me waves").text, "/me waves");
  EXPECT_EQ(parse_command("/me waves").kind, K::say);
}

TEST(Command, TargetsAreOptional) {
  const Command edit = parse_command("/edit #42 new text");
  EXPECT_EQ(edit.kind, K::edit);
  EXPECT_EQ(edit.target, Seq{42});
  EXPECT_EQ(edit.text, "new text");
  EXPECT_EQ(parse_command("/edit new").target, std::nullopt);
  EXPECT_EQ(parse_command("/delete #7").target, Seq{7});
  EXPECT_EQ(parse_command("/reply #hashtag is fun").text, "#hashtag is fun");
}

TEST(Command, EmojiHaveShortNames) {
  EXPECT_EQ(parse_command("/react +1").text, "👍");
  EXPECT_EQ(parse_command("/react #3 :tada:").text, "🎉");
  EXPECT_EQ(parse_command("/react 🦆").text, "🦆");
}

TEST(Command, SaysWhatIsWrong) {
  EXPECT_EQ(parse_command("/nonsense").kind, K::wrong);
  EXPECT_THAT(parse_command("/nonsense").text, HasSubstr("/help"));
  for (const char* line : {"/me", "/reply", "/reply #3", "/react", "/react #3"}) {
    EXPECT_EQ(parse_command(line).kind, K::wrong) << line;
    EXPECT_THAT(parse_command(line).text, HasSubstr("usage")) << line;
  }
}

TEST(Command, MentionsAreNamesAfterAnAtSign) {
  EXPECT_THAT(mentions_in("@bob and (@carol.x) and @bob, hi @dave."), ElementsAre("bob", "carol.x", "dave"));
  EXPECT_THAT(mentions_in("mail me@example.org, @ nobody, @X, @a"), IsEmpty());
}

TEST(Command, HintsFollowTheTyping) {
  EXPECT_EQ(hint_for("hello"), "");
  EXPECT_EQ(hint_for("/re"), "/reply  /react");
  EXPECT_THAT(hint_for("/edit x"), HasSubstr("[#N]"));
}

}  // namespace
}  // namespace parley::chat
