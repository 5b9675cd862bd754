// Brings one node to Postgres's state from nothing: all facts at one version, and before they are committed
// the events of changes that are still kept, because the facts alone would pass over them.
#ifndef PARLEY_BRIDGE_CONTROL_SNAPSHOT_H_
#define PARLEY_BRIDGE_CONTROL_SNAPSHOT_H_

#include <cstdint>

#include "bridge/control/change_batch.h"
#include "bridge/control/node_talk.h"
#include "storage/metadata_feed.h"

namespace parley::bridge {

class Snapshot {
 public:
  // `seen`: where the node is. Events up to there are in its log already, if it is of the same history.
  Snapshot(const NodeTalk& talk, storage::Feed& feed, Posts posts, storage::FeedPosition seen)
      : talk_(talk), feed_(feed), posts_(posts), seen_(seen) {}

  // Blocks for as long as it takes. Gives where the node is now; BrokerError also for what Postgres does not
  // give.
  boost::system::result<storage::FeedPosition, BrokerError> send();
  std::uint64_t facts() const { return facts_; }

 private:
  boost::system::result<storage::FeedPosition, BrokerError> send_facts(std::uint64_t number);
  NodeTalk::Begun send_chunk(std::span<const ControlOp> facts, std::uint64_t number) const;
  boost::system::result<void, BrokerError> post_kept_events(std::uint64_t upto);
  boost::system::result<std::uint64_t, BrokerError> oldest_kept(std::uint64_t upto);
  boost::system::result<bool, BrokerError> is_kept(storage::FeedPosition after);
  boost::system::result<void, BrokerError> post(std::string& ops) const;

  const NodeTalk& talk_;
  storage::Feed& feed_;
  const Posts posts_;
  const storage::FeedPosition seen_;
  std::uint64_t facts_ = 0;
};

// Posts events (what stands between the brackets of "ops"). Those that the node does not understand are left
// out with a line in the log: nothing that comes after them shall wait for them.
boost::system::result<void, BrokerError> post_events(const NodeTalk& talk, std::string_view ops);

}  // namespace parley::bridge

#endif
