// The checker must be able to find each fault it is there for.
#include "tests/chaos/checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Seen event(std::uint64_t seq, std::uint64_t prev, const std::string& cid) {
  return {"red", seq, prev, 1000 + seq, "p-0", cid, text_for(cid)};
}

class CheckerTest : public testing::Test {
 protected:
  std::vector<std::string> faults(Loss loss = Loss::nothing) { return check(log, publishers, readers, loss); }
  std::vector<Seen> log{event(1, 0, "a"), event(2, 1, "b"), event(3, 2, "c")};
  std::vector<PublisherRecord> publishers{{"p-0", "red", {"a", "b", "c", "d"}, {"a", "b", "c"}, false}};
  std::vector<ReaderRecord> readers{{"red", {{log[0], log[1]}, {log[2]}}}};
};

TEST_F(CheckerTest, AllIsWell) { EXPECT_THAT(faults(), IsEmpty()); }

TEST_F(CheckerTest, AcknowledgedAndLost) {
  publishers[0].acked.push_back("d");
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("lost though acknowledged: red p-0 d")));
  EXPECT_THAT(faults(Loss::unseen), IsEmpty());
}

TEST_F(CheckerTest, SeenAndLost) {
  readers[0].connections.push_back({event(4, 3, "d")});
  EXPECT_THAT(faults(Loss::unseen), ElementsAre(HasSubstr("seen and then lost")));
}

TEST_F(CheckerTest, SeenOtherwise) {
  readers[0].connections[1][0].text = "else";
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("seen as")));
}

TEST_F(CheckerTest, SeenOutOfOrderOrTwice) {
  readers[0].connections[0] = {log[1], log[0]};
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("out of order for a reader")));
  readers[0].connections[0] = {log[1], log[1]};
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("out of order for a reader")));
}

TEST_F(CheckerTest, StoredTwice) {
  log.push_back(event(4, 3, "b"));
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("stored twice")));
}

TEST_F(CheckerTest, BrokenChain) {
  log.push_back(event(5, 4, "d"));
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("broken chain")));
}

TEST_F(CheckerTest, SeqAndIdMustRise) {
  log.push_back(event(3, 3, "d"));
  log.back().id = 5;
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("seq does not rise"), HasSubstr("id does not rise")));
}

TEST_F(CheckerTest, SendersOrder) {
  std::swap(publishers[0].sent[0], publishers[0].sent[1]);
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("out of its sender's order")));
}

TEST_F(CheckerTest, ChangedText) {
  log[2].text += "!";
  readers.clear();
  EXPECT_THAT(faults(), ElementsAre(HasSubstr("changed text")));
}

}  // namespace
}  // namespace parley::test
