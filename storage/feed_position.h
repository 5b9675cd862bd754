// How far somebody has come in the feed of changes.
#ifndef PARLEY_STORAGE_FEED_POSITION_H_
#define PARLEY_STORAGE_FEED_POSITION_H_

#include <cstdint>

namespace parley::storage {

// A database that is restored, or a standby that takes over without the last commits, gives their versions a
// second time, to other changes. The mark, random for each change, tells the two apart.
struct FeedPosition {
  // NOLINTNEXTLINE(google-explicit-constructor): a version alone is a position, too
  FeedPosition(std::uint64_t of_version = 0, std::uint64_t of_mark = 0)
      : version(of_version), mark(of_mark) {}

  std::uint64_t version;
  std::uint64_t mark;  // below 2^53, so that JSON's numbers hold it; 0: not known

  friend bool operator==(const FeedPosition&, const FeedPosition&) = default;
};

}  // namespace parley::storage

#endif
