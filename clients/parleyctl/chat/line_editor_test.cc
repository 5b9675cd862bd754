#include "clients/parleyctl/chat/line_editor.h"

#include <gtest/gtest.h>

#include "clients/parleyctl/chat/text.h"

namespace parley::chat {
namespace {

using K = KeyKind;

class LineEditorTest : public testing::Test {
 protected:
  void type(const std::string& text) { editor.apply({K::text, text}); }
  void press(std::initializer_list<K> kinds) {
    for (const K kind : kinds) editor.apply({kind});
  }
  LineEditor editor;
};

TEST_F(LineEditorTest, EditsByWhatPeopleCallCharacters) {
  type("a👩‍💻e\u0301");
  press({K::backspace});
  EXPECT_EQ(editor.text(), "a👩‍💻");
  press({K::left});
  EXPECT_EQ(editor.cursor(), 1u);
  press({K::del});
  EXPECT_EQ(editor.text(), "a");
  press({K::backspace, K::backspace, K::del, K::left, K::right});
  EXPECT_EQ(editor.text(), "");
}

TEST_F(LineEditorTest, MovesAndKillsByWords) {
  type("one two three");
  press({K::word_left, K::kill_word});
  EXPECT_EQ(editor.text(), "one three");
  press({K::end, K::yank});
  EXPECT_EQ(editor.text(), "one threetwo ");
  press({K::home, K::word_right, K::kill_to_end});
  EXPECT_EQ(editor.text(), "one");
  press({K::kill_to_start});
  EXPECT_TRUE(editor.empty());
}

TEST_F(LineEditorTest, RemembersLinesAndTheDraft) {
  type("first");
  EXPECT_EQ(editor.take(), "first");
  type("second");
  editor.take();
  type("second");
  editor.take();  // the same again is kept once
  type("draft");
  press({K::up});
  EXPECT_EQ(editor.text(), "second");
  press({K::up, K::up});
  EXPECT_EQ(editor.text(), "first");
  press({K::down, K::down, K::down});
  EXPECT_EQ(editor.text(), "draft");
}

TEST_F(LineEditorTest, CompletesAndCycles) {
  const std::vector<std::string> words = {"/react", "/reply", "@bob"};
  type("/re");
  EXPECT_TRUE(editor.complete(words));
  EXPECT_EQ(editor.text(), "/react ");
  EXPECT_TRUE(editor.complete(words));
  EXPECT_EQ(editor.text(), "/reply ");
  EXPECT_TRUE(editor.complete(words));
  EXPECT_EQ(editor.text(), "/react ");
  type("thanks @b");
  EXPECT_TRUE(editor.complete(words));
  EXPECT_EQ(editor.text(), "/react thanks @bob ");
  type("@z");
  EXPECT_FALSE(editor.complete(words));
  editor.take();
  EXPECT_FALSE(editor.complete(words)) << "nothing typed, nothing completed";
}

TEST_F(LineEditorTest, PastedControlsAreCleaned) {
  type("a\x1b[2Jb\nc");
  EXPECT_EQ(editor.text(), "a[2Jb\nc");
  EXPECT_EQ(editor.view(20).text, "a[2Jb↵c");
}

TEST_F(LineEditorTest, TheViewAlwaysHoldsTheCursor) {
  type("日本語 and a rather long line with 🎉 in it that does not fit anywhere");
  for (int width = 4; width < 30; ++width) {
    editor.apply({K::end});
    while (true) {
      const LineEditor::View view = editor.view(width);
      EXPECT_GE(view.cursor_column, 0);
      EXPECT_LT(view.cursor_column, width);
      EXPECT_LE(width_of(view.text), width);
      if (editor.cursor() == 0) break;
      editor.apply({K::left});
    }
  }
}

// The server takes 100,000 characters. What each key costs must not grow with what was pasted.
TEST_F(LineEditorTest, ALongLineIsWorkedOnWhereTheCursorIs) {
  std::string text;
  for (int i = 0; i < 25'000; ++i) text += "日本é🎉";
  type(text);
  for (int i = 0; i < 5'000; ++i) {
    press({K::left, K::left, K::right});
    const LineEditor::View view = editor.view(40);
    ASSERT_LE(width_of(view.text), 40);
    ASSERT_GE(width_of(view.text), 39 - 8);
  }
  press({K::del, K::backspace});
  EXPECT_EQ(editor.text().size(), text.size() - std::string("日🎉").size());
}

TEST_F(LineEditorTest, AShortLineIsShownWhole) {
  type("short");
  EXPECT_EQ(editor.view(20).text, "short");
  EXPECT_EQ(editor.view(20).cursor_column, 5);
}

}  // namespace
}  // namespace parley::chat
