// The role `control`: of all bridges that share a database, one feeds the broker nodes.
//
// parley-control gains and keeps the lead, and hears of changes; each node has its feeder (node_feeder.h);
// parley-sweep clears away what has become old.
#include <pthread.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bridge/broker_link.h"
#include "bridge/control/feed_metrics.h"
#include "bridge/control/leadership.h"
#include "bridge/control/node_feeder.h"
#include "bridge/log.h"
#include "bridge/roles.h"
#include "storage/metadata.h"

namespace parley::bridge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr milliseconds kWakeAtLeast{1000};  // to see whether the lead is still ours
constexpr seconds kSweepEvery{30};

class ControlRole final : public Role {
 public:
  explicit ControlRole(const Process& process)
      : config_(process.config.control),
        metadata_(process.metadata),
        feed_(process.metadata.feed()),
        link_(process.broker),
        metrics_(process.metrics) {
    for (std::size_t node = 0; node < link_.nodes(); ++node)
      feeders_.push_back(
          std::make_unique<NodeFeeder>(NodeFeeder::Parts{feed_, link_, leadership_, process.metrics}, node,
                                       static_cast<std::uint32_t>(config_.batch)));
    link_.on_change([this](std::size_t node, bool) { feeders_[node]->connection_changed(); });
  }
  ~ControlRole() override { stop(); }

  std::string_view name() const override { return "control"; }
  void start() override;
  void stop() override;
  std::vector<std::string> missing() const override;
  std::string why(std::string_view what) const override;

 private:
  void run();
  void lead();
  void stand_down(std::string_view why);
  void sweep();
  void saw_postgres(bool there);

  const ControlConfig config_;
  const storage::Metadata& metadata_;
  storage::Feed& feed_;
  BrokerLink& link_;
  RoleMetrics metrics_;
  std::shared_ptr<Leadership> leadership_ = std::make_shared<Leadership>();
  std::vector<std::unique_ptr<NodeFeeder>> feeders_;
  std::atomic<bool> postgres_{false};
  std::thread thread_;
  std::thread sweeper_;
};

void ControlRole::start() {
  thread_ = std::thread([this] { run(); });
  sweeper_ = std::thread([this] { sweep(); });
  for (const auto& feeder : feeders_) feeder->start();
}

void ControlRole::stop() {
  leadership_->stop();
  feed_.interrupt();
  if (thread_.joinable()) thread_.join();
  if (sweeper_.joinable()) sweeper_.join();
  for (const auto& feeder : feeders_) feeder->stop();
}

std::vector<std::string> ControlRole::missing() const {
  std::vector<std::string> missing;
  if (!postgres_) missing.emplace_back("postgres");
  const bool leads = leadership_->leads();
  for (std::size_t node = 0; node < feeders_.size(); ++node) {
    if (!link_.connected(node)) {
      missing.push_back("broker " + feeders_[node]->name());
    } else if (leads && !feeders_[node]->in_step()) {
      missing.push_back("broker " + feeders_[node]->name() + " is behind");
    }
  }
  return missing;
}

std::string ControlRole::why(std::string_view what) const {
  if (what == "postgres") return metadata_.trouble();
  for (std::size_t node = 0; node < feeders_.size(); ++node)
    if (what == "broker " + feeders_[node]->name()) return link_.why_away(node);
  return {};
}

void ControlRole::run() {
  pthread_setname_np(pthread_self(), "parley-control");
  while (!leadership_->stopping()) {
    const auto leads = feed_.try_lead();
    saw_postgres(leads.has_value());
    if (leads && *leads) lead();
    if (!leadership_->stopping()) leadership_->pause(config_.standby_poll);
  }
  feed_.resign();
}

void ControlRole::lead() {
  log(LogLevel::info, "this bridge feeds the brokers now");
  metrics_.takeovers.add();
  metrics_.leading.set(1);
  leadership_->forget_head();
  leadership_->set_leads(true);
  auto checked = steady_clock::now();
  while (!leadership_->stopping()) {
    const storage::Wake wake = feed_.wait_for_change(kWakeAtLeast);
    if (wake == storage::Wake::changed) leadership_->poke();
    if (wake == storage::Wake::lost) leadership_->pause(milliseconds(100));
    if (wake == storage::Wake::changed && steady_clock::now() - checked < kWakeAtLeast) continue;
    checked = steady_clock::now();
    if (!feed_.leading()) return stand_down("the connection that held the lead is gone");
    if (const auto head = feed_.head()) {
      leadership_->saw_head(*head);
      metrics_.head.set(static_cast<double>(*head));
    }
  }
  stand_down("it is being stopped");
}

void ControlRole::stand_down(std::string_view why) {
  leadership_->set_leads(false);
  metrics_.leading.set(0);
  log(LogLevel::info, "this bridge feeds the brokers no longer", {{"reason", why}});
}

void ControlRole::sweep() {
  pthread_setname_np(pthread_self(), "parley-sweep");
  auto next = steady_clock::now() + kSweepEvery;
  while (!leadership_->stopping()) {
    leadership_->pause(seconds(1));
    if (!leadership_->leads() || steady_clock::now() < next) continue;
    next = steady_clock::now() + kSweepEvery;
    if (const auto trimmed = feed_.trim_changes(config_.changes_keep))
      metrics_.trimmed.add(static_cast<double>(*trimmed));
    feed_.sweep();
  }
}

// The log says so once, however long it lasts.
void ControlRole::saw_postgres(bool there) {
  if (postgres_.exchange(there) == there) return;
  if (there) {
    log(LogLevel::info, "postgres is there");
  } else {
    log(LogLevel::warning, "postgres cannot be reached");
  }
}

}  // namespace

std::unique_ptr<Role> make_control_role(const Process& process) {
  return std::make_unique<ControlRole>(process);
}

}  // namespace parley::bridge
