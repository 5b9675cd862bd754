// The whole control plane for a test: a database, a broker, a bridge, and the store that changes are made by,
// as the REST API makes them.
#ifndef PARLEY_TESTS_CONTROL_PLANE_H_
#define PARLEY_TESTS_CONTROL_PLANE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/metadata.h"
#include "tests/support/bridge.h"
#include "tests/support/chat.h"
#include "tests/support/postgres.h"

namespace parley::test {

// A connection to a database of this test's own, its tables made. Throws when a change is refused, so that a
// test reads as what happens.
class Ledger {
 public:
  explicit Ledger(std::string url);

  void add_user(std::string_view user, bool admin = false);
  void block_user(std::string_view admin, std::string_view user);  // by an administrator
  void block(std::string_view user, std::string_view other);       // one of the other
  // A public channel that belongs to `owner`.
  void add_room(std::string_view owner, std::string_view room, RoomHistory history = RoomHistory::all);
  std::string add_direct(std::string_view user, std::string_view other);
  void remove_room(std::string_view owner, std::string_view room);
  void rename_room(std::string_view owner, std::string_view room, std::string_view name);
  void add_member(std::string_view by, std::string_view room, std::string_view user, Seq tail = Seq{0});
  void remove_member(std::string_view by, std::string_view room, std::string_view user);
  void join(std::string_view user, std::string_view room);
  void leave(std::string_view user, std::string_view room);
  void set_role(std::string_view by, std::string_view room, std::string_view user, MemberRole role);
  void revoke_session(std::string_view user, std::string_view sid);  // which is made first
  std::uint64_t head();

  // All facts as Postgres has them, as text, in order.
  std::vector<std::string> facts();
  // What the brokers are to post: {"op":"event.post",...} of all changes that are kept, in the order of
  // commit.
  std::vector<EventPost> posts();

  const std::string& url() const { return url_; }
  storage::Metadata& metadata() { return *metadata_; }

 private:
  const std::string url_;
  std::unique_ptr<storage::Metadata> metadata_;
};

// What a broker node has, asked over $CONTROL, in the same form and order as Ledger::facts(). Only users,
// rooms and members: that is what a node lists.
std::vector<std::string> facts_of(Admin& admin);
// Those of `facts` that facts_of() can show.
std::vector<std::string> listable(const std::vector<std::string>& facts);

// Waits until the node is at this version or later; throws when that does not happen.
void wait_for_version(Admin& admin, std::uint64_t version, Deadline deadline = kPatience);

// alice owns the channel `general`, bob is a member; carol is in no room; root is an administrator. No
// limits.
struct Plane {
  explicit Plane(BridgeOptions options = {});

  ConnectOptions as(std::string_view user, std::string_view device = "phone") const;
  RawClient connect(std::string_view user, std::string_view device = "phone") const;
  // Connected, and subscribed to users/{me}/events.
  RawClient listener(std::string_view user, std::string_view device = "phone") const;
  // Connected, and subscribed to rooms/{room}/messages/json.
  RawClient reader(std::string_view user, std::string_view room, std::string_view device = "reader") const;
  // Until the broker has everything that is committed.
  void settle() { wait_for_version(admin, ledger.head()); }

  Ledger ledger{PostgresCluster::shared().create_database()};
  Broker broker;
  Admin admin{broker};
  Bridge bridge;
};

}  // namespace parley::test

#endif
