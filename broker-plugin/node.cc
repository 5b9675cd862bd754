// The node's life: opening, starting, the turn of the broker's loop, maintenance, stopping. What it does with
// the broker's callbacks: node_callbacks.cc.
#include "broker-plugin/node.h"

#include <utility>

#include "broker-plugin/frames.h"
#include "broker-plugin/log_line.h"
#include "schemas/topic.h"

namespace parley::plugin {
namespace {

constexpr auto kMaintainEvery = std::chrono::seconds(1);

Limits to_limits(const LimitsPut& put) {
  return {.messages_per_s = put.messages_per_s,
          .burst = put.burst,
          .connections = put.connections,
          .requests_per_s = put.requests_per_s,
          .typing_per_s = put.typing_per_s,
          .room_messages_per_s = put.room_messages_per_s,
          .room_bot_messages_per_s = put.room_bot_messages_per_s};
}

boost::system::result<void, std::string> open_stores(const BrokerConfig& config, BrokerPort& broker,
                                                     Node::Stores& stores) {
  const auto tell = [&](std::string_view what) {
    broker.log(LogLevel::warning, LogLine(LogLevel::warning, "store_put_right").prose("detail", what).line());
  };
  if (!stores.log) {
    auto log = storage::open_rocks_log({.path = config.node.data_dir / "log",
                                        .memory_budget_bytes = config.log.memory_bytes,
                                        .reserve_bytes = config.log.reserve_bytes,
                                        .notice = tell});
    if (!log) return "cannot open the log: " + log.error();
    stores.log = std::move(*log);
  }
  if (!stores.replica) {
    auto replica = storage::open_rocks_replica({.path = config.node.data_dir / "replica",
                                                .memory_budget_bytes = config.replica.memory_bytes,
                                                .notice = tell});
    if (!replica) return "cannot open the replica: " + replica.error();
    stores.replica = std::move(*replica);
  }
  if (!stores.retained) {
    auto retained = storage::open_rocks_retained({.path = config.node.data_dir / "retained",
                                                  .reserve_bytes = config.log.reserve_bytes,
                                                  .notice = tell});
    if (!retained) return retained.error();
    stores.retained = std::move(*retained);
  }
  return {};
}

}  // namespace

boost::system::result<std::unique_ptr<Node>, std::string> Node::create(BrokerConfig config,
                                                                       BrokerPort& broker, const Clock& clock,
                                                                       Stores stores) {
  KeyFile key_file(config.auth.jwks_file);
  auto keys = key_file.read();
  if (!keys) return keys.error();
  std::error_code ignored;
  std::filesystem::create_directories(config.node.data_dir,
                                      ignored);  // opening reports what is wrong with it
  if (const auto opened = open_stores(config, broker, stores); !opened) return opened.error();
  std::unique_ptr<Node> node(
      new Node(std::move(config), broker, clock, std::move(stores), std::move(key_file), std::move(*keys)));
  if (const auto loaded = node->load(); !loaded) return loaded.error();
  return node;
}

Node::Node(BrokerConfig config, BrokerPort& broker, const Clock& clock, Stores stores, KeyFile key_file,
           std::shared_ptr<const KeySet> keys)
    : config_(std::move(config)),
      broker_(broker),
      clock_(clock),
      event_log_(broker_, clock_, metrics_),
      directory_(std::make_shared<Directory>()),
      facts_(std::make_unique<Facts>(directory_, to_limits(config_.limits))),
      keys_(std::move(keys)),
      log_(std::move(stores.log)),
      replica_(std::move(stores.replica)),
      retained_(std::move(stores.retained), config_.retained, config_.queues.retry_after),
      delivery_(delivery_queue_, broker_, event_log_, *directory_, rooms_, users_, tail_listeners_, load_,
                clock_, metrics_),
      admission_({.facts = facts_,
                  .rooms = rooms_,
                  .users = users_,
                  .log = *log_,
                  .queue = commit_queue_,
                  .delivery = delivery_queue_,
                  .load = load_,
                  .tail_listeners = tail_listeners_,
                  .everywhere = everywhere_,
                  .clock = clock_,
                  .metrics = metrics_,
                  .config = config_}),
      committer_(*log_, commit_queue_, delivery_queue_, load_, clock_, metrics_,
                 {.frames = {.bytes = config_.delivery.frame_bytes, .events = config_.delivery.frame_events},
                  .max_pace = config_.delivery.max_pace,
                  .node = config_.node.id}),
      worker_(kMaintainEvery, [this] { maintain(); }),
      key_file_(std::move(key_file)),
      control_({.directory = directory_,
                .default_limits = to_limits(config_.limits),
                .facts = facts_,
                .replica = *replica_,
                .log = *log_,
                .rooms = rooms_,
                .admission = admission_,
                .commits = commit_queue_,
                .delivery = delivery_queue_,
                .worker = worker_,
                .metrics = metrics_,
                .on_effects = [this](const std::vector<Effect>& effects) { feel(effects); },
                .on_replaced = [this] { sessions_.for_each([this](Session& session) { recheck(session); }); },
                .tell = [this](const UserEvent& event) { tell(event); },
                .kick =
                    [this](const std::string& client_id) {
                      Session* session = sessions_.by_client_id(client_id);
                      if (session != nullptr) kick(*session, "administrator");
                      return session != nullptr;
                    },
                .stats_json = [this] { return stats_json(); }}),
      doorbell_secret_(random_api_token()),
      doorbell_(config_.doorbell, {.client_id = "$parley-doorbell", .password = doorbell_secret_}, metrics_) {
  delivery_queue_.set_bell([this] { doorbell_.ring(); });
}

Node::~Node() { stop(); }

boost::system::result<void, std::string> Node::load() {
  const auto facts = replica_->load([this](ControlOp&& op) { facts_->apply(op, nullptr); });
  if (!facts) return "cannot read the replica: " + facts.error();
  const auto tails = log_->room_tails();
  if (!tails) return "cannot read the log's counters: " + std::string(storage::to_string(tails.error()));
  for (const storage::RoomTail& tail : *tails) rooms_.at(directory_->intern_room(tail.room)).last = tail.last;
  return retained_.load();
}

void Node::start() {
  clockid_t cpu = 0;
  if (pthread_getcpuclockid(pthread_self(), &cpu) == 0) load_.cpu_clock.store(cpu);
  if (!config_.metrics.listen.empty()) {
    auto exposer = MetricsExposer::start(
        config_.metrics.listen, {.metrics = &metrics_, .log_stats = [this] { return log_->stats(); }});
    if (exposer) {
      exposer_ = std::move(*exposer);
    } else {
      event_log_.write(LogLine(LogLevel::warning, "metrics_off").prose("reason", exposer.error()));
    }
  }
  restore();
  committer_.start();
  worker_.start();
  doorbell_.start();
  const auto counts = facts_->counts();
  event_log_.write(LogLine(LogLevel::notice, "node_started")
                       .number("node", config_.node.id)
                       .number("users", counts.users)
                       .number("rooms", counts.rooms)
                       .number("version", replica_->version())
                       .number("last_offset", raw(log_->last_id())));
}

void Node::stop() {
  if (std::exchange(stopped_, true)) return;
  exposer_.reset();
  doorbell_.stop();
  worker_.stop();
  committer_.stop();
  if (const auto synced = log_->sync(); !synced)
    event_log_.write(LogLine(LogLevel::error, "stop_sync_failed").reason(storage::to_string(synced.error())));
  if (const auto synced = replica_->sync(); !synced)
    event_log_.write(LogLine(LogLevel::error, "stop_sync_failed").prose("reason", synced.error()));
  keep_for_next_start();
  event_log_.write(LogLine(LogLevel::notice, "node_stopped"));
}

void Node::on_turn() {
  if (std::exchange(first_turn_, false)) adopt_restored_sessions();
  for (const Kick& kick : std::exchange(kick_now_, {})) {
    // Whoever has taken the client id over meanwhile has been let in by what holds now.
    const Session* session = sessions_.by_client_id(kick.client_id);
    if (session != nullptr && session->generation != kick.generation) continue;
    kicking_ = kick.client_id;
    broker_.kick(kick.client_id);
    kicking_ = {};
  }
  if (!closed_.empty()) forget_closed();
  delivery_.drain([this] { doorbell_.ring(); });
  if (!to_kick_.empty()) {
    kick_now_ = std::exchange(to_kick_, {});
    doorbell_.ring();
  }
  if (const std::int64_t now_s = clock_.unix_s(); now_s != last_expire_s_) {
    last_expire_s_ = now_s;
    close_expired();
    facts_->expire(now_s);
    event_log_.tell_left_out();
    watch_clock();
    const std::uint64_t now_ns = clock_.steady_ns();
    if (config_.log.retention.count() > 0 &&
        now_ns - last_trim_ns_ >=
            static_cast<std::uint64_t>(std::chrono::nanoseconds(config_.log.trim_interval).count())) {
      last_trim_ns_ = now_ns;
      worker_.post([this] { trim(); });
    }
  }
}

void Node::watch_clock() {
  constexpr std::uint64_t kWorthALineMs = 1000;  // a clock that is set right by and by goes back by less
  const std::uint64_t ahead_ms = admission_.ids_ahead_ms();
  metrics_.ids_ahead_ms.set(static_cast<std::int64_t>(ahead_ms));
  if (ahead_ms >= ids_ahead_ms_ + kWorthALineMs) {
    ids_ahead_ms_ = ahead_ms;
    event_log_.write(
        LogLine(LogLevel::warning, "ids_ahead")
            .number("ahead_ms", ahead_ms)
            .prose("detail",
                   "the clock went back, or was ahead when the last message was stored; ts follows "
                   "the clock, ids go on rising from the last one until the clock has caught up"));
  } else if (ahead_ms == 0 && ids_ahead_ms_ != 0) {
    ids_ahead_ms_ = 0;
    event_log_.write(
        LogLine(LogLevel::notice, "ids_in_step").prose("detail", "the clock has caught up with the ids"));
  }
}

void Node::on_reload() {
  worker_.post([this] { take_keys(key_file_.read()); });
}

// Worker thread.
void Node::maintain() {
  if (auto read = key_file_.read_if_changed()) take_keys(std::move(*read));
  if (const auto synced = retained_.sync(); !synced)
    delivery_queue_.log(LogLine(LogLevel::error, "retained_sync_failed").prose("reason", synced.error()));
}

// Worker thread.
void Node::trim() {
  const storage::RetentionPolicy policy{
      .max_age = std::chrono::duration_cast<std::chrono::milliseconds>(config_.log.retention)};
  if (const auto low = log_->trim(clock_.unix_ms(), policy); !low)
    delivery_queue_.log(LogLine(LogLevel::error, "trim_failed").reason(storage::to_string(low.error())));
}

// Worker thread.
void Node::take_keys(KeyFile::Read read) {
  if (!read)
    return delivery_queue_.log(LogLine(LogLevel::error, "keys_not_read").prose("reason", read.error()));
  delivery_queue_.call([this, keys = std::move(*read)] {
    keys_ = keys;
    event_log_.write(LogLine(LogLevel::notice, "keys_read").number("keys", keys->size()));
  });
}

}  // namespace parley::plugin
