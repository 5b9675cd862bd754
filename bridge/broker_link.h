// Requests to the broker nodes over $CONTROL/parley/v1 (docs/protocol.md, "Control"), as a service.
//
// The link keeps one MQTT connection to each node, comes back by itself after a loss (with a growing,
// jittered delay), and renews its token in band. A request is answered exactly once: by the node, or by a
// BrokerError when the node cannot be reached, the connection breaks, or the deadline passes. A request whose
// answer was lost may have taken effect; whoever repeats it makes it idempotent (`cid` of a send, `from`/`to`
// of apply).
//
// Thread-safe. Callbacks run on a thread of the link's own, one at a time for each node: they must not block,
// and must not call the blocking functions here.
#ifndef PARLEY_BRIDGE_BROKER_LINK_H_
#define PARLEY_BRIDGE_BROKER_LINK_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge/broker_wire.h"
#include "schemas/ids.h"
#include "schemas/token.h"

namespace parley::bridge {

struct NodeAddress {
  std::string host;
  std::uint16_t port = 1883;
};

// Why there is no answer, or what the node refused. `code` is one of protocol.md's (`not_member`,
// `rate_limited`, `version_mismatch`, ...); a node that cannot be reached is `unavailable`.
struct BrokerError {
  BrokerError() = default;
  BrokerError(std::string error_code, std::string why)
      : code(std::move(error_code)), message(std::move(why)) {}

  std::string code;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after;
  // The node answered; false: it is away, or silent. The request may have taken effect all the same.
  bool answered = false;
  // The answer as it came, for what else it says (such as the replica's version); empty when there is none.
  std::string json;
};
[[noreturn]] void throw_exception_from_error(const BrokerError& error, const boost::source_location&);

// The whole answer, one JSON object: {"req":...,"ok":true,...}.
using BrokerAnswer = boost::system::result<std::string, BrokerError>;

// In whose name a message is sent. The node checks membership, role, blocks and limits as for any publish of
// this user, with what it knows of the user.
struct SendAs {
  std::string user;
  std::string device;
  TokenRole role = TokenRole::user;
};
// What became of a message that was sent: stored, durable, and at this place.
struct Sent {
  std::string cid;
  Seq seq{0};
  MessageId id{0};
  std::int64_t ts_ms = 0;  // since the Unix epoch
  bool duplicate = false;  // this cid had been sent before; seq, id and ts are the first one's
};
using SendAnswer = boost::system::result<Sent, BrokerError>;

// An answer that is a refusal, taken apart; one that is neither is `unavailable` too.
BrokerError broker_error(std::string_view answer);
// A whole number in an answer (as such, or as decimal text); 0 when it is not there.
std::uint64_t answered_number(std::string_view answer, std::string_view name);

class BrokerLink {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using OnAnswer = std::function<void(BrokerAnswer)>;
  using OnSent = std::function<void(SendAnswer)>;

  virtual ~BrokerLink() = default;

  // Nodes are numbered in the order of the configuration. Node 0 is the one that posts and sends.
  virtual std::size_t nodes() const = 0;
  virtual const NodeAddress& address(std::size_t node) const = 0;
  virtual bool connected(std::size_t node) const = 0;
  // Why it is not, as far as is known. Does not wait.
  virtual std::string why_away(std::size_t /*node*/) const { return {}; }
  // Told of every connection and loss, from the link's threads; set before start().
  virtual void on_change(std::function<void(std::size_t node, bool connected)> listener) = 0;

  virtual void start() = 0;
  // Answers what is pending with `unavailable`. No callback runs after it has returned.
  virtual void stop() = 0;

  // {"req":<made here>,"cmd":cmd,<fields>}: `fields` is what stands between the braces, such as
  // "\"room\":\"general\"", or empty.
  virtual void request(std::size_t node, std::string_view cmd, std::string_view fields, Deadline deadline,
                       OnAnswer done) = 0;

  // The same, waiting here; for worker threads.
  BrokerAnswer call(std::size_t node, std::string_view cmd, std::string_view fields, Deadline deadline);

  // A message or an operation on one (`payload`: the Send JSON of protocol.md) by node 0. Answered when it is
  // durable.
  void send_as(const SendAs& who, std::string_view room, std::string_view payload, Deadline deadline,
               OnSent done);
  SendAnswer send_as(const SendAs& who, std::string_view room, std::string_view payload, Deadline deadline);
  // The seq of a room's last event at node 0; 0 when there is none.
  boost::system::result<Seq, BrokerError> room_tail(std::string_view room, Deadline deadline);
};

struct BrokerLinkOptions {
  std::vector<NodeAddress> nodes;
  std::string user = "bridge";  // the service's name; the client id is "{user}:{random}"
  // A fresh service token for this device, called at each connection and renewal, from the link's threads.
  std::function<std::string(std::string_view device)> token;
  std::chrono::seconds token_ttl{3600};  // of the tokens that `token` makes; renewed at two thirds of it
  std::chrono::milliseconds min_delay{100};
  std::chrono::milliseconds max_delay{2000};
};
std::unique_ptr<BrokerLink> make_broker_link(BrokerLinkOptions options);
// The same over another kind of connection (broker_wire.h).
std::unique_ptr<BrokerLink> make_broker_link(BrokerLinkOptions options, WireFactory connect);

}  // namespace parley::bridge

#endif
