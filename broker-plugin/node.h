// One broker node: the plugin's parts put together, and what each of the broker's callbacks does with them.
// This is the map of the plugin; docs/journey.md walks it.
//
// All on the broker's thread but the constructor's helpers. Nothing here throws through to the broker.
#ifndef PARLEY_BROKER_PLUGIN_NODE_H_
#define PARLEY_BROKER_PLUGIN_NODE_H_

#include <boost/system/result.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "broker-plugin/admission.h"
#include "broker-plugin/authenticate.h"
#include "broker-plugin/broker_log.h"
#include "broker-plugin/broker_port.h"
#include "broker-plugin/clock.h"
#include "broker-plugin/commit_queue.h"
#include "broker-plugin/committer.h"
#include "broker-plugin/control.h"
#include "broker-plugin/delivery.h"
#include "broker-plugin/delivery_queue.h"
#include "broker-plugin/doorbell.h"
#include "broker-plugin/facts.h"
#include "broker-plugin/key_file.h"
#include "broker-plugin/metrics.h"
#include "broker-plugin/metrics_exposer.h"
#include "broker-plugin/retained_messages.h"
#include "broker-plugin/rooms.h"
#include "broker-plugin/sessions.h"
#include "broker-plugin/worker.h"
#include "config/broker_config.h"
#include "schemas/topic.h"
#include "storage/log.h"
#include "storage/replica_store.h"
#include "storage/retained_store.h"

namespace parley::plugin {

class Node {
 public:
  // What may be replaced in tests. Left empty: RocksDB below config.node.data_dir.
  struct Stores {
    std::unique_ptr<storage::Log> log;
    std::unique_ptr<storage::ReplicaStore> replica;
    std::unique_ptr<storage::RetainedStore> retained;
  };
  // Opens the stores, loads the facts and the keys. The error says what is wrong and what to do.
  static boost::system::result<std::unique_ptr<Node>, std::string> create(BrokerConfig config,
                                                                          BrokerPort& broker,
                                                                          const Clock& clock,
                                                                          Stores stores = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Starts the threads; call on the broker's thread.
  void start();
  // Commits what was accepted, ends the threads, closes the stores.
  void stop();

  // What the broker is to remember of who it is (to_broker_name); empty: nobody.
  AuthResult<std::string> on_connect(const ConnectAttempt& attempt);
  bool on_access(const AccessCheck& check);
  PublishVerdict on_publish(const Publish& publish);
  void on_control(std::string_view payload);
  void on_disconnect(ClientHandle client, bool keeps_session);
  void on_turn();    // once in each turn of the broker's loop
  void on_reload();  // SIGHUP

  const Metrics& metrics() const { return metrics_; }
  // Lines of the log that somebody else has left out.
  void count_lines_left_out(std::uint64_t lines) { metrics_.log_lines_left_out.add(lines); }
  // For tests that play the doorbell.
  DeliveryQueue& delivery_queue() { return delivery_queue_; }

 private:
  Node(BrokerConfig config, BrokerPort& broker, const Clock& clock, Stores stores, KeyFile key_file,
       std::shared_ptr<const KeySet> keys);
  boost::system::result<void, std::string> load();

  void count_read(std::string_view name);
  bool check_read(const Session& session, const AccessCheck& check);
  bool check_read_of_absent(const AccessCheck& check);
  bool take_will(const AccessCheck& check, const Session* replaced);
  std::optional<Session> absent_session(const AccessCheck& check) const;
  ListenerCount* listeners_of(const Topic& topic);
  void subscribed(Session& session, const Filter& filter);
  PublishVerdict publish_to_room(Session& session, const Topic& topic, const Publish& publish);
  PublishVerdict pass_again();
  PublishVerdict publish_signal(Session& session, const Topic& topic, const Publish& publish);
  PublishVerdict renew_token(Session& session, const Publish& publish);
  PublishVerdict publish_beside_chat(const Session& session, const Publish& publish);
  std::string_view person_behind(const Identity& who) const;
  bool retain_will(const AccessCheck& check, const Session& absent);
  bool typing_too_soon(Session& session, RoomIndex room);
  void post_will(const Identity& who, std::string_view room, std::string_view payload);
  void tell(const UserEvent& event);
  void refuse(UserIndex user, std::string_view room, std::string_view cid, const Refusal& refusal);

  // What was before this start of the broker (node_retained.cc).
  void restore();
  void restore_sessions(const storage::BrokerSnapshot& snapshot);
  void adopt_restored_sessions();
  void keep_for_next_start();

  void feel(const std::vector<Effect>& effects);
  void recheck(Session& session);
  void kick(Session& session, std::string_view why);
  void close_expired();
  void watch_clock();  // once a second
  void close_later(Session& session, std::string_view why);
  void make_room(const Session& session);
  void keep_owner(const Session& session);
  void forget_closed();
  UserIndex owner_of(std::string_view client_id);
  void notify_replaced(const Session& session);
  void announce(const Session& session, bool up);
  void maintain();  // the worker's periodic duty
  void trim();
  void take_keys(KeyFile::Read read);
  std::string stats_json() const;

  const BrokerConfig config_;
  BrokerPort& broker_;
  const Clock& clock_;
  Metrics metrics_;
  BrokerLog event_log_;

  std::shared_ptr<Directory> directory_;
  std::unique_ptr<Facts> facts_;
  std::shared_ptr<const KeySet> keys_;
  Sessions sessions_;
  Rooms rooms_;
  Users users_;
  ListenerCount tail_listeners_;
  // The topic of the latest read check: a fan-out asks for the same one again and again.
  std::string read_topic_name_;
  Topic read_topic_;
  ListenerCount* read_listeners_ = nullptr;
  // Services that listen to all rooms by a wildcard, by format. Counted up only: after the last one left, the
  // first frame nobody reads ends it.
  std::array<bool, kFormats> everywhere_{};

  std::unique_ptr<storage::Log> log_;
  std::unique_ptr<storage::ReplicaStore> replica_;
  RetainedMessages retained_;
  BrokerLoad load_;
  CommitQueue commit_queue_;
  DeliveryQueue delivery_queue_;
  Delivery delivery_;
  Admission admission_;
  Committer committer_;
  Worker worker_;
  KeyFile key_file_;
  Control control_;
  std::string doorbell_secret_;
  Doorbell doorbell_;
  std::unique_ptr<MetricsExposer> exposer_;

  struct Expiry {
    std::int64_t at_s;
    ClientHandle client;
    std::uint64_t generation;
    bool operator>(const Expiry& other) const { return at_s > other.at_s; }
  };
  std::priority_queue<Expiry, std::vector<Expiry>, std::greater<>> expiries_;
  struct Kick {
    std::string client_id;
    std::uint64_t generation;  // of the session that is meant
  };
  // Not kicked inside a callback of theirs, and a turn later than asked for, so that the broker
  // delivers first what tells them why.
  std::vector<Kick> to_kick_, kick_now_;
  std::string_view kicking_;  // the client id that the broker is closing this moment
  EndedLogins ended_;
  Displaced displaced_;
  const std::function<UserIndex(std::string_view)> owner_of_ = [this](std::string_view client_id) {
    return owner_of(client_id);
  };
  std::string asked_name_;           // of the session that the broker asks for, when its client is away
  std::vector<std::string> closed_;  // client ids to ask the broker for: does it keep their session
  // Client ids of sessions that the broker has read from its file, until the loop's first turn.
  std::vector<std::string> restored_;
  bool first_turn_ = true;
  std::uint64_t repeated_ = 0;  // copies of QoS 2 messages
  std::int64_t last_expire_s_ = 0;
  std::uint64_t ids_ahead_ms_ = 0;  // as the log was told last
  std::uint64_t last_trim_ns_ = 0;
  std::string payload_;
  bool stopped_ = false;
  bool warned_replaced_ = false;
};

}  // namespace parley::plugin

#endif
