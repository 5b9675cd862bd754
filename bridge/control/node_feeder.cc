#include "bridge/control/node_feeder.h"

#include <pthread.h>

#include <utility>

#include "bridge/control/snapshot.h"
#include "bridge/log.h"

namespace parley::bridge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using storage::ChangeRow;
using storage::MetadataError;

constexpr milliseconds kLookAgain{1000};  // should news get lost
constexpr milliseconds kPause{200};       // before trying again what failed
constexpr seconds kAskEvery{5};           // somebody else may have changed the node's facts
constexpr seconds kForcedSnapshotEvery{10};

std::string name_of(const NodeAddress& address) { return address.host + ":" + std::to_string(address.port); }

double seconds_since(steady_clock::time_point then) {
  return std::chrono::duration<double>(steady_clock::now() - then).count();
}

}  // namespace

NodeFeeder::NodeFeeder(const Parts& parts, std::size_t node, std::uint32_t batch)
    : parts_(parts),
      node_(node),
      talk_(parts.link, parts.leadership, node),
      batch_rows_(batch),
      name_(name_of(parts.link.address(node))),
      metrics_(parts.metrics, name_) {}

NodeFeeder::~NodeFeeder() { stop(); }

void NodeFeeder::start() {
  thread_ = std::thread([this] { run(); });
}

void NodeFeeder::stop() {
  if (thread_.joinable()) thread_.join();
}

void NodeFeeder::connection_changed() {
  ask_again_ = true;
  parts_.leadership->poke();
}

void NodeFeeder::run() {
  pthread_setname_np(pthread_self(), "parley-feed");
  Leadership& leadership = *parts_.leadership;
  while (!leadership.stopping()) {
    const std::uint64_t moment = leadership.moment();
    const bool able = leadership.leads() && talk_.connected();
    const Step step = able ? feed_once() : Step::wait;
    if (!able) {
      known_ = false;
      in_step_ = false;
    }
    note_lag();
    if (step == Step::wait) leadership.wait_since(moment, kLookAgain);
    if (step == Step::pause) leadership.pause(kPause);
  }
}

NodeFeeder::Step NodeFeeder::feed_once() {
  if (ask_again_.exchange(false) || steady_clock::now() - asked_at_ >= kAskEvery) known_ = false;
  if (!known_ && !ask_version()) return Step::pause;
  const auto rows = parts_.feed.changes_after(at_, batch_rows_);
  if (!rows && rows.error().code == MetadataError::too_old)
    return send_snapshot("what it has last is not among the changes that are kept");
  if (!rows) return Step::pause;
  if (!rows->empty()) return send_changes(*rows);
  in_step_ = true;
  return Step::wait;
}

bool NodeFeeder::ask_version() {
  const BrokerAnswer answer = talk_.ask("version", "");
  if (!answer) return false;
  is_at({answered_number(*answer, "version"), answered_number(*answer, "mark")});
  asked_at_ = steady_clock::now();
  return true;
}

NodeFeeder::Step NodeFeeder::send_changes(const std::vector<ChangeRow>& rows) {
  parts_.leadership->saw_head(rows.back().version);
  const Posts posts = node_ == 0 ? Posts::keep : Posts::drop;
  std::span<const ChangeRow> rest(rows);
  while (!rest.empty()) {
    const Batch batch = take_batch(one_by_one_ ? rest.first(1) : rest, posts);
    const Step step = batch.ops.size() > kMaxRequestBytes ? send_large(rest.front())
                                                          : apply(batch.to, batch.ops, batch.rows == 1);
    if (step != Step::done) return step;
    metrics_.changes.add(static_cast<double>(batch.rows));
    rest = rest.subspan(batch.rows);
  }
  one_by_one_ = false;
  return Step::again;
}

// One change may be about very many rooms: somebody's account who was in all of them, say. Its events go
// first and in portions; should this be interrupted, they are sent again and known.
NodeFeeder::Step NodeFeeder::send_large(const ChangeRow& row) {
  if (node_ == 0)
    for (const std::string& posts : posts_of(row.ops_json))
      if (const auto posted = post_events(talk_, posts); !posted) return refused(posted.error(), true);
  const std::string facts = without_posts(row.ops_json);
  if (facts.size() > kMaxRequestBytes) return send_snapshot("a change is too large for one packet");
  return apply({row.version, row.mark}, facts, true);
}

NodeFeeder::Step NodeFeeder::apply(storage::FeedPosition to, std::string_view ops, bool single) {
  const auto begin = steady_clock::now();
  const BrokerAnswer answer = talk_.ask(
      "apply", R"("from":)" + std::to_string(at_.version) + R"(,"from_mark":)" + std::to_string(at_.mark) +
                   R"(,"to":)" + std::to_string(to.version) + R"(,"mark":)" + std::to_string(to.mark) +
                   R"(,"ops":[)" + std::string(ops) + "]");
  if (!answer) return refused(answer.error(), single);
  metrics_.batches.add();
  metrics_.apply_seconds.observe(seconds_since(begin));
  is_at(to);
  return Step::done;
}

NodeFeeder::Step NodeFeeder::refused(const BrokerError& error, bool single) {
  known_ = false;
  if (!error.answered) return Step::pause;  // lost on the way; where the node is now tells what became of it
  metrics_.refused.add();
  if (error.code == "version_mismatch") return Step::again;
  log(LogLevel::warning, "a broker refused changes",
      {{"node", name_}, {"code", error.code}, {"reason", error.message}, {"after", at_.version}});
  if (error.code != "bad_payload") return Step::pause;
  one_by_one_ = true;
  return single ? send_snapshot("it does not understand a change") : Step::again;
}

NodeFeeder::Step NodeFeeder::send_snapshot(std::string_view why) {
  const auto now = steady_clock::now();
  if (now < next_forced_snapshot_) return Step::pause;
  log(LogLevel::info, "a broker gets a snapshot", {{"node", name_}, {"after", at_.version}, {"reason", why}});
  in_step_ = false;
  known_ = false;
  Snapshot snapshot(talk_, parts_.feed, node_ == 0 ? Posts::keep : Posts::drop, at_);
  const auto position = snapshot.send();
  if (!position) {
    log(LogLevel::warning, "the snapshot failed", {{"node", name_}, {"reason", position.error().message}});
    return Step::pause;
  }
  // Whatever it is that made this necessary, it shall not do so all the time.
  next_forced_snapshot_ = steady_clock::now() + kForcedSnapshotEvery;
  one_by_one_ = false;
  metrics_.snapshots.add();
  log(LogLevel::info, "a broker has its snapshot",
      {{"node", name_},
       {"version", position->version},
       {"facts", snapshot.facts()},
       {"seconds", seconds_since(now)}});
  is_at(*position);
  return Step::again;
}

void NodeFeeder::is_at(storage::FeedPosition position) {
  known_ = true;
  at_ = position;
}

void NodeFeeder::note_lag() {
  const std::uint64_t head = parts_.leadership->head();
  const bool behind = known_ && at_.version < head;
  if (!behind) in_step_at_ = steady_clock::now();
  metrics_.version.set(static_cast<double>(at_.version));
  metrics_.lag_versions.set(behind ? static_cast<double>(head - at_.version) : 0);
  metrics_.lag_seconds.set(behind ? seconds_since(in_step_at_) : 0);
}

}  // namespace parley::bridge
