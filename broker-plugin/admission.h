// Step 2 of a message's journey: from a publish on rooms/{room}/send to an event in the log. The broker's
// thread.
//
// admit() is the straight line: decode, authorize, protect, limit, find an earlier copy, check the target,
// number, append, queue for commit. It never blocks, and a refusal at any step leaves no trace.
#ifndef PARLEY_BROKER_PLUGIN_ADMISSION_H_
#define PARLEY_BROKER_PLUGIN_ADMISSION_H_

#include <array>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/clock.h"
#include "broker-plugin/commit_queue.h"
#include "broker-plugin/committer.h"
#include "broker-plugin/delivery_queue.h"
#include "broker-plugin/facts.h"
#include "broker-plugin/metrics.h"
#include "broker-plugin/rooms.h"
#include "config/broker_config.h"
#include "schemas/message.h"
#include "schemas/snowflake.h"
#include "storage/log.h"

namespace parley::plugin {

// In whose name something is sent.
struct Author {
  UserIndex user = kNoUser;
  std::string_view name;  // stable (Directory)
  std::string_view device;
  TokenRole role = TokenRole::user;
};

// What a message became.
struct Placed {
  Seq seq{0};
  Seq prev{0};  // zero when it is a duplicate: not looked up
  MessageId id{0};
  std::uint64_t ts_ms = 0;
  bool duplicate = false;  // there was one with its cid, and this is that one's place
};

// Whether a message must have a cid. With QoS 2 it must: a repeated PUBLISH cannot be told from another one,
// because the broker shows a plugin neither the packet id nor the DUP flag.
enum class CidRule : std::uint8_t { optional, required };

class Admission {
 public:
  struct Parts {
    const std::unique_ptr<Facts>& facts;  // of the moment; a snapshot replaces them
    Rooms& rooms;
    Users& users;
    storage::Log& log;
    CommitQueue& queue;
    const DeliveryQueue& delivery;
    BrokerLoad& load;
    const ListenerCount& tail_listeners;
    const std::array<bool, kFormats>& everywhere;  // a service listens to all rooms in this format
    const Clock& clock;
    Metrics& metrics;
    const BrokerConfig& config;
  };
  explicit Admission(const Parts& parts);

  // PUBACK may leave when this succeeds: the event is in the write-ahead log, or was already (a resend).
  Result<Placed> admit(const Author& author, std::string_view room, std::string_view payload,
                       CidRule cid = CidRule::optional);
  // A last will. It has the same payload at every death of its client, which are to be told apart: its cid
  // gets an ending of its own, and never makes it a resend.
  Result<Placed> admit_will(const Author& author, std::string_view room, std::string_view payload);
  // The cid of what admit() was last given, if one could be read; for the error event. Points into that
  // payload, so it is for whoever has just called admit().
  std::string_view last_cid() const { return decoder_.cid(); }

  // An event that the server makes: no membership, no limits. One that is in the log already is passed over,
  // and so is one from before all that the log has kept: it may have been there.
  Result<void> post(const EventPost& event);

  // Typing and receipts.
  Result<void> admit_typing(const Author& author, std::string_view room) const;
  Result<void> admit_receipt(const Author& author, std::string_view room) const;
  // users/{me}/request/...: the rate.
  Result<void> admit_request(const Author& author);

  // How far the ids are ahead of the clock: it went back, or the log's last id is from a clock that was
  // wrong.
  std::uint64_t ids_ahead_ms() const { return ids_.ahead_ms(parts_.clock.unix_ms()); }

  // Whether the node is so late that typing is left out.
  bool sheds_typing() const;

 private:
  Result<Placed> place(const Author& author, std::string_view room, const Send& send);
  Result<void> protect() const;
  std::span<const std::string_view> those_reached(const Author& author,
                                                  std::span<const std::string_view> mentions);
  Result<void> limit(const Author& author, RoomIndex room);
  Result<void> check_target(const Author& author, MemberRole role, RoomIndex room, std::string_view room_name,
                            const Send& send);
  // Whose cids they are: a user's own, or the server's about that user, which nobody can take beforehand.
  struct CidOwner {
    std::string_view name;
  };
  // Numbers it, writes it, hands it to the committer. `stamp` has everything but its place in the order.
  Result<Placed> append(Stamp stamp, CidOwner owner, const Send& send, Pending pending);
  void acknowledge_again(const Author& author, RoomIndex room, std::string_view room_name, const Send& send,
                         const Placed& placed);
  std::uint64_t time_of(const storage::Stored& stored);
  std::uint64_t trimmed_before_ms() const;
  Refusal log_refusal(storage::LogError error);
  Pending pending(const Author& author, RoomIndex room, std::string_view room_name);

  Parts parts_;
  SendDecoder decoder_;
  EventBuilder builder_;
  EventReader reader_;
  Snowflake ids_;
  MessageId first_;  // what the log began with when it was opened; zero while nothing was ever appended
  std::string target_bytes_;
  std::string cid_owner_;
  std::string will_cid_;
  std::uint64_t wills_ = 0;
  std::vector<std::string_view> mentions_;  // of the message being admitted
};

}  // namespace parley::plugin

#endif
