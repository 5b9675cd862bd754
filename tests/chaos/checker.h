// Holds what clients remember against what the log holds. Pure.
#ifndef PARLEY_TESTS_CHAOS_CHECKER_H_
#define PARLEY_TESTS_CHAOS_CHECKER_H_

#include <span>
#include <string>
#include <vector>

#include "tests/chaos/load.h"

namespace parley::test {

enum class Loss {
  nothing,  // kill -9: whatever was acknowledged is in the log
  unseen,   // power failure: acknowledged messages may be lost, unless somebody has seen them
};

// What is wrong, one line a fault; empty when all promises were kept:
//  - the seqs of a room rise, and each event's prev is the seq before it: one chain; ids rise over the whole
//  log;
//  - no two events share (room, sender, cid); texts are those that were sent;
//  - each acknowledged message is in the log (Loss::nothing); a sender's messages are in
//    the order in which they were first sent, unless some were refused and came again;
//  - each event a reader saw is in the log, the same in every field, and on each connection in the log's
//  order.
// At most `limit` lines.
std::vector<std::string> check(std::span<const Seen> log, std::span<const PublisherRecord> publishers,
                               std::span<const ReaderRecord> readers, Loss loss, std::size_t limit = 20);

}  // namespace parley::test

#endif
