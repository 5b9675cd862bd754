// Cuts what the feed gives into requests that a broker node takes without its thread being held up for long.
// Pure.
#ifndef PARLEY_BRIDGE_CONTROL_CHANGE_BATCH_H_
#define PARLEY_BRIDGE_CONTROL_CHANGE_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/metadata_feed.h"

namespace parley::bridge {

// Of one request's operations. A node works through this much in about two milliseconds, during which it
// delivers nothing else; its broker cuts off whoever sends more than 512 KiB in one packet.
inline constexpr std::size_t kBatchBytes = std::size_t{48} * 1024;
inline constexpr std::size_t kMaxRequestBytes = std::size_t{384} * 1024;

// Event posts go to one node only, the first: all nodes that post into one room's log would post twice.
enum class Posts : std::uint8_t { keep, drop };

struct Batch {
  std::size_t rows = 0;        // of those given
  storage::FeedPosition to{};  // the last one's
  std::string ops;             // what stands between the brackets of "ops"
};
// As many rows from the front as fit into kBatchBytes; at least one, whatever its size. `rows` is not empty.
Batch take_batch(std::span<const storage::ChangeRow> rows, Posts posts);

// The event posts of a row, a request's worth at a time; empty when it has none.
std::vector<std::string> posts_of(std::string_view ops_json);
// All else of a row.
std::string without_posts(std::string_view ops_json);

}  // namespace parley::bridge

#endif
