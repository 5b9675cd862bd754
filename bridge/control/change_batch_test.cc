#include "bridge/control/change_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schemas/control.h"

namespace parley::bridge {
namespace {

using storage::ChangeRow;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kPost =
    R"({"op":"event.post","room":"general","kind":"join","from":"bob","cid":"pg-1-0","meta":{"by":"alice"}})";
const std::string kPut = R"({"op":"user.put","user":"bob"})";

TEST(ChangeBatch, JoinsRowsIntoOneRequest) {
  const std::vector<ChangeRow> rows = {
      {4, "[" + kPut + "]"}, {5, "[]"}, {6, " [ " + kPost + "," + kPut + "]"}};
  const Batch batch = take_batch(rows, Posts::keep);
  EXPECT_EQ(batch.rows, 3u);
  EXPECT_EQ(batch.to, 6u);
  EXPECT_EQ(batch.ops, kPut + "," + kPost + "," + kPut);
  EXPECT_EQ(take_batch(rows, Posts::drop).ops, kPut + "," + kPut);
}

TEST(ChangeBatch, AVersionWithoutOperationsIsAVersionAllTheSame) {
  const std::vector<ChangeRow> rows = {{4, "[]"}, {5, "[" + kPost + "]"}};
  const Batch batch = take_batch(rows, Posts::drop);
  EXPECT_EQ(batch.rows, 2u);
  EXPECT_EQ(batch.to, 5u);
  EXPECT_EQ(batch.ops, "");
}

TEST(ChangeBatch, StopsBeforeARequestGetsLarge) {
  std::string ops;
  for (int i = 0; i < 1000; ++i) ops += (ops.empty() ? "" : ",") + kPut;
  const std::vector<ChangeRow> rows(5, {1, "[" + ops + "]"});
  const Batch batch = take_batch(rows, Posts::keep);
  EXPECT_EQ(batch.rows, 1u);
  EXPECT_LE(batch.ops.size(), kBatchBytes);
  const std::vector<ChangeRow> huge = {{1, "[" + ops + "," + ops + "]"}};
  EXPECT_EQ(take_batch(huge, Posts::keep).rows, 1u) << "one row always goes";
}

TEST(ChangeBatch, TakesARowApart) {
  EXPECT_THAT(posts_of("[" + kPost + "," + kPut + "]"), ElementsAre(kPost));
  EXPECT_EQ(without_posts("[" + kPut + "," + kPost + "]"), kPut);
  EXPECT_THAT(posts_of("[" + kPut + "]"), IsEmpty());
  EXPECT_THAT(posts_of("no array, but event.post"), IsEmpty());
}

TEST(ChangeBatch, APostsTextInAMessageIsNoPost) {
  const std::string put = R"({"op":"user.event","user":"bob","event":{"type":"event.post"}})";
  EXPECT_EQ(take_batch(std::vector<ChangeRow>{{1, "[" + put + "]"}}, Posts::drop).ops, put);
}

}  // namespace
}  // namespace parley::bridge
