// What the committer packs, where no reader's test sees it.
#include "broker-plugin/frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schemas/message.h"

namespace parley::plugin {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A follower that has everything up to a page's `prev` has no hole after its records.
TEST(TailPackerTest, APageHoldsAllFromItsPrevOn) {
  EventBuilder builder;
  CommitBatch batch;
  const auto add = [&](std::uint64_t id, bool tail) {
    batch.bytes.resize((batch.bytes.size() + 7) & ~std::size_t{7});
    Stamp stamp;
    stamp.room = "general";
    stamp.seq = Seq{id};
    stamp.id = MessageId{id};
    stamp.from = "alice";
    Send send;
    send.body = "hi";
    const Bytes event = builder.build(stamp, send);
    Pending item;
    item.id = MessageId{id};
    item.tail = tail;
    item.event_offset = static_cast<std::uint32_t>(batch.bytes.size());
    item.event_size = static_cast<std::uint32_t>(event.size());
    batch.bytes.append(reinterpret_cast<const char*>(event.data()), event.size());
    batch.items.push_back(item);
  };
  add(11, true);
  add(12, true);
  add(13, false);
  add(14, true);
  std::vector<Outgoing> out;
  TailPacker(1, MessageId{10}, {}).pack(batch, 0, out);
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> pages;  // prev, offsets
  for (const Outgoing& o : out) {
    const auto page = read_log_page(as_bytes(o.payload.view()));
    ASSERT_TRUE(page);
    auto& offsets = pages.emplace_back(page->prev_offset, std::vector<std::uint64_t>()).second;
    for (const LogEntry& record : page->records) offsets.push_back(record.offset);
  }
  EXPECT_THAT(pages, ElementsAre(Pair(10, ElementsAre(11, 12)), Pair(13, ElementsAre(14))));
}

}  // namespace
}  // namespace parley::plugin
