#include "clients/cpp/typing.h"

#include <gmock/gmock.h>

namespace parley::client {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(TypingWatch, ForgetsAfterFiveSeconds) {
  TypingWatch watch;
  TimePoint now{};
  EXPECT_TRUE(watch.set("general", "bob", true, now));
  now += Millis(3000);
  EXPECT_FALSE(watch.set("general", "bob", true, now)) << "still typing is no news";
  now += Millis(4999);
  EXPECT_THAT(watch.expire(now), IsEmpty());
  now += Millis(1);
  EXPECT_EQ(watch.next_deadline(), now);
  EXPECT_THAT(watch.expire(now), ElementsAre(Pair("general", "bob")));
  EXPECT_FALSE(watch.next_deadline());
}

TEST(TypingWatch, StoppingIsNewsOnce) {
  TypingWatch watch;
  watch.set("general", "bob", true, {});
  EXPECT_TRUE(watch.set("general", "bob", false, {}));
  EXPECT_FALSE(watch.set("general", "bob", false, {}));
}

TEST(TypingPacer, SaysItOnceASecondAtMostAndRepeatsBeforeItExpires) {
  TypingPacer pacer;
  TimePoint now{};
  int said = 0;
  for (int i = 0; i < 100; ++i, now += Millis(100)) {  // ten seconds of typing
    if (pacer.set("general", true, now)) ++said;
  }
  EXPECT_GE(said, 3);
  EXPECT_LE(said, 5);
}

TEST(TypingPacer, StoppingWaitsForTheInterval) {
  TypingPacer pacer;
  TimePoint now{};
  EXPECT_EQ(pacer.set("general", true, now), true);
  now += Millis(200);
  EXPECT_EQ(pacer.set("general", false, now), std::nullopt);
  EXPECT_EQ(pacer.next_deadline(), now + Millis(800));
  EXPECT_THAT(pacer.due(now), IsEmpty());
  now += Millis(800);
  EXPECT_THAT(pacer.due(now), ElementsAre(Pair("general", false)));
  EXPECT_THAT(pacer.due(now), IsEmpty());
}

TEST(TypingPacer, AMessageEndsTypingByItself) {
  TypingPacer pacer;
  TimePoint now{};
  pacer.set("general", true, now);
  pacer.sent("general");
  EXPECT_EQ(pacer.set("general", false, now + Millis(5000)), std::nullopt);
  EXPECT_EQ(pacer.set("general", true, now + Millis(5000)), true);
}

TEST(TypingPacer, NeverSaysStoppedWithoutHavingSaidTyping) {
  TypingPacer pacer;
  EXPECT_EQ(pacer.set("general", false, {}), std::nullopt);
}

}  // namespace
}  // namespace parley::client
