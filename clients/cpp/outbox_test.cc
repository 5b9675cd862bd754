#include "clients/cpp/outbox.h"

#include <gtest/gtest.h>

namespace parley::client {
namespace {

Outgoing message(const std::string& room, const std::string& cid) {
  Outgoing out;
  out.room = room;
  out.cid = cid;
  return out;
}

std::vector<std::string> cids(const std::vector<Outbox::Entry*>& entries) {
  std::vector<std::string> out;
  for (const Outbox::Entry* entry : entries) out.push_back(entry->message.cid);
  return out;
}

using Cids = std::vector<std::string>;
constexpr TimePoint kNow{};

TEST(Outbox, RefusesWhatIsThereAlreadyAndWhatIsTooMuch) {
  Outbox outbox(2, 1);
  EXPECT_NE(outbox.add(message("r1", "a"), {}), nullptr);
  EXPECT_EQ(outbox.add(message("r1", "a"), {}), nullptr);
  EXPECT_NE(outbox.add(message("r2", "a"), {}), nullptr);
  EXPECT_TRUE(outbox.full());
  EXPECT_EQ(outbox.add(message("r1", "b"), {}), nullptr);
}

TEST(Outbox, LetsOneMessageOfEachRoomLeaveAtATime) {
  Outbox outbox(10, 1);
  Outbox::Entry* a = outbox.add(message("r1", "a"), {});
  outbox.add(message("r1", "b"), {});
  outbox.add(message("r2", "c"), {});
  EXPECT_EQ(cids(outbox.sendable(kNow)), (Cids{"a", "c"}));
  a->phase = Outbox::Phase::sent;
  EXPECT_EQ(cids(outbox.sendable(kNow)), (Cids{"c"}));
  a->phase = Outbox::Phase::accepted;  // its place is fixed: the next may follow before the ack
  EXPECT_EQ(cids(outbox.sendable(kNow)), (Cids{"b", "c"}));
}

TEST(Outbox, WiderWindowLetsSeveralLeave) {
  Outbox outbox(10, 2);
  for (const char* cid : {"a", "b", "c"}) outbox.add(message("r1", cid), {});
  EXPECT_EQ(cids(outbox.sendable(kNow)), (Cids{"a", "b"}));
}

TEST(Outbox, HoldKeepsARoomBackUntilItsTime) {
  Outbox outbox(10, 1);
  outbox.add(message("r1", "a"), {});
  outbox.add(message("r2", "b"), {});
  outbox.hold("r1", kNow + Millis(500));
  outbox.hold("r1", kNow + Millis(100));  // the longer one counts
  EXPECT_EQ(cids(outbox.sendable(kNow + Millis(499))), (Cids{"b"}));
  EXPECT_EQ(outbox.next_deadline(), kNow + Millis(500));
  EXPECT_EQ(cids(outbox.sendable(kNow + Millis(500))), (Cids{"a", "b"}));
}

TEST(Outbox, RewindMakesEverythingUnsettledLeaveAgainInOrder) {
  Outbox outbox(10, 10);
  outbox.add(message("r1", "a"), {})->phase = Outbox::Phase::accepted;
  Outbox::Entry* b = outbox.add(message("r1", "b"), {});
  b->phase = Outbox::Phase::sent;
  b->ticket = 7;
  outbox.add(message("r1", "c"), {});
  outbox.rewind();
  EXPECT_EQ(cids(outbox.sendable(kNow)), (Cids{"a", "b", "c"}));
  EXPECT_EQ(outbox.find(Ticket{7}), nullptr) << "a PUBACK of the old connection means nothing now";
}

}  // namespace
}  // namespace parley::client
