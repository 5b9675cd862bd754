#include "clients/parleyctl/chat/keys.h"

#include <gmock/gmock.h>

namespace parley::chat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using K = KeyKind;

std::vector<Key> read(std::string_view bytes) { return KeyReader().feed(bytes); }

TEST(Keys, TextComesTogether) {
  EXPECT_THAT(read("héllo 🎉"), ElementsAre(Key{K::text, "héllo 🎉"}));
  EXPECT_THAT(read("a\rb"), ElementsAre(Key{K::text, "a"}, Key{K::enter}, Key{K::text, "b"}));
}

TEST(Keys, EscapeSequences) {
  EXPECT_THAT(read("\x1b[A\x1bOB\x1b[3~\x1b[5~\x1b[1;5C\x1b[H\x1b[4~"),
              ElementsAre(Key{K::up}, Key{K::down}, Key{K::del}, Key{K::page_up}, Key{K::word_right},
                          Key{K::home}, Key{K::end}));
  EXPECT_THAT(read("\x1b[99;99z"), IsEmpty()) << "unknown ones type nothing";
  EXPECT_THAT(read("\x1b\r\x1b"
                   "b\x1b\x7f"),
              ElementsAre(Key{K::newline}, Key{K::word_left}, Key{K::kill_word}));
}

TEST(Keys, AnythingMayBeSplitAnywhere) {
  const std::string all = "a\x1b[A日\x1b[200~p\rq\x1b[201~\x1b[1;5D";
  KeyReader reader;
  std::vector<Key> keys;
  for (const char c : all) {
    for (const Key& key : reader.feed({&c, 1})) keys.push_back(key);
  }
  EXPECT_THAT(keys, ElementsAre(Key{K::text, "a"}, Key{K::up}, Key{K::text, "日"}, Key{K::text, "p\nq"},
                                Key{K::word_left}));
}

TEST(Keys, ALoneEscapeIsKnownByTheSilenceAfterIt) {
  KeyReader reader;
  EXPECT_THAT(reader.feed("\x1b"), IsEmpty());
  EXPECT_TRUE(reader.waiting());
  EXPECT_THAT(reader.flush(), ElementsAre(Key{K::escape}));
  EXPECT_FALSE(reader.waiting());
}

TEST(Keys, APasteIsTextWhateverItHolds) {
  EXPECT_THAT(read("\x1b[200~/quit\r\x03\x1b[201~"), ElementsAre(Key{K::text, "/quit\n\x03"}));
  KeyReader reader;
  reader.feed("\x1b[200~half");
  EXPECT_FALSE(reader.waiting()) << "a slow paste is no lone escape";
}

TEST(Keys, GarbageNeitherHangsNorTypes) {
  KeyReader reader;
  reader.feed("\x1b[" + std::string(1000, '1'));
  EXPECT_THAT(reader.feed("m"), testing::SizeIs(testing::Le(1u)));
  EXPECT_THAT(KeyReader().feed(std::string("\0\x1c\x1d", 3)), IsEmpty());
}

}  // namespace
}  // namespace parley::chat
