#include "broker-plugin/committer.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>

#include "broker-plugin/thread_name.h"

namespace parley::plugin {
namespace {

constexpr std::uint64_t kWatchEveryNs = 5'000'000;
constexpr std::uint64_t kRecoverEveryNs = 200'000'000;
constexpr std::uint64_t kReportEveryNs = 10'000'000'000;
constexpr int kRecoverTriesWhileStopping = 10;

std::chrono::steady_clock::time_point at(std::uint64_t steady_ns) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(steady_ns));
}

std::int64_t cpu_ns(clockid_t clock) {
  timespec t{};
  if (clock == 0 || clock_gettime(clock, &t) != 0) return -1;
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

}  // namespace

Committer::Committer(storage::Log& log, CommitQueue& queue, DeliveryQueue& delivery, BrokerLoad& load,
                     const Clock& clock, Metrics& metrics, const CommitterOptions& options)
    : log_(log),
      queue_(queue),
      delivery_(delivery),
      load_(load),
      clock_(clock),
      metrics_(metrics),
      options_(options),
      pacer_(options.max_pace),
      packer_(options.frames),
      tail_(options.node, log.last_id(), options.frames) {}

Committer::~Committer() { stop(); }

void Committer::start() {
  thread_ = std::thread([this] { run(); });
}

void Committer::stop() {
  queue_.stop();
  if (thread_.joinable()) thread_.join();
}

void Committer::run() {
  name_this_thread("parley-commit");
  prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds; paces are shorter than the default slack of 50 us
  CommitBatch batch;
  while (true) {
    gather();
    queue_.take(batch, at(next_wake_ns()));
    if (!batch.empty()) {
      commit(batch);
      release(batch);
    } else if (queue_.stopping()) {
      break;
    }
    const std::uint64_t now_ns = clock_.steady_ns();
    watch_load(now_ns);
    if (load_.degraded.load() && now_ns - last_recover_ns_ >= kRecoverEveryNs)
      recover();  // an append had failed
    flush_due(queue_.stopping() ? ~std::uint64_t{0} : now_ns);
    delivery_.push(out_);
  }
  flush_due(~std::uint64_t{0});
  delivery_.push(out_);
}

std::uint64_t Committer::next_wake_ns() const {
  const std::uint64_t idle = load_.degraded.load() ? kRecoverEveryNs : 1'000'000'000;
  const std::uint64_t wake = clock_.steady_ns() + idle;
  return due_.empty() ? wake : std::min(wake, due_.top().at_ns);
}

// While the broker is short of time, syncs are made rarer: its frames are paced anyway, and every sync costs
// this machine's processors.
void Committer::gather() {
  const auto window = pacer_.commit_gather();
  if (window.count() == 0 || queue_.stopping()) return;
  const std::uint64_t until = last_commit_ns_ + static_cast<std::uint64_t>(window.count());
  if (clock_.steady_ns() < until) std::this_thread::sleep_until(at(until));
}

void Committer::commit(const CommitBatch& batch) {
  last_commit_ns_ = clock_.steady_ns();
  const auto synced = log_.sync();
  const std::uint64_t done_ns = clock_.steady_ns();
  metrics_.fsync_ns.observe(done_ns - last_commit_ns_);
  if (!synced) {
    metrics_.commit_failures.add();
    load_.degraded.store(true);
    report_degraded(synced.error());
    // When the broker stops meanwhile, what could not be synced is seen by nobody: its loop has ended.
    int tries = 0;
    while (!recover() && (!queue_.stopping() || ++tries < kRecoverTriesWhileStopping))
      std::this_thread::sleep_for(std::chrono::nanoseconds(kRecoverEveryNs));
  }
  metrics_.commits.add();
  metrics_.batch_events.observe(batch.items.size());
  if (!batch.items.empty()) metrics_.commit_lag_ns.observe(done_ns - batch.items.front().appended_ns);
}

bool Committer::recover() {
  last_recover_ns_ = clock_.steady_ns();
  if (const auto recovered = log_.recover(); !recovered) {
    report_degraded(recovered.error());
    return false;
  }
  load_.degraded.store(false);
  metrics_.degraded.set(0);
  last_report_ns_ = 0;
  delivery_.log(LogLine(LogLevel::notice, "log_recovered").prose("detail", "publishes are accepted again"));
  return true;
}

void Committer::report_degraded(storage::LogError reason) {
  metrics_.degraded.set(1);
  const std::uint64_t now_ns = clock_.steady_ns();
  if (last_report_ns_ != 0 && now_ns - last_report_ns_ < kReportEveryNs) return;
  last_report_ns_ = now_ns;
  delivery_.log(LogLine(LogLevel::error, "log_degraded")
                    .reason(storage::to_string(reason))
                    .prose("detail", "publishes are refused until the log can be written again"));
}

// Everything in the batch is durable from here on.
void Committer::release(const CommitBatch& batch) {
  const std::uint64_t now_ns = clock_.steady_ns();
  tail_.pack(batch, now_ns, out_);
  std::size_t bytes = 0;
  for (const Pending& item : batch.items) {
    bytes += item.event_size + item.cid_size;
    if (item.ack) acknowledge(batch, item);
    if (!item.duplicate) place(batch, item, now_ns);
  }
  queue_.took_effect(bytes);
  metrics_.uncommitted_bytes.set(static_cast<std::int64_t>(queue_.bytes()));
  for (const auto& action : batch.after_sync) action();
}

void Committer::acknowledge(const CommitBatch& batch, const Pending& item) {
  out_.push_back(
      {AccountEvent{item.sender},
       Payload(ack_json(item.room_name, batch.cid(item), item.seq, item.id, item.ts_ms, item.duplicate)),
       clock_.steady_ns()});
}

void Committer::place(const CommitBatch& batch, const Pending& item, std::uint64_t now_ns) {
  if (std::ranges::all_of(item.listeners, [](std::uint32_t n) { return n == 0; })) return;
  if (lanes_.size() <= raw(item.room)) lanes_.resize(raw(item.room) + 1);
  Lane& lane = lanes_[raw(item.room)];
  lane.events.room = item.room;
  lane.events.room_name = item.room_name;
  lane.events.add(batch.event(item));
  lane.listeners = item.listeners;
  ++paced_events_;
  if (lane.scheduled) return;
  lane.scheduled = true;
  const std::uint64_t pace = static_cast<std::uint64_t>(
      pacer_.pace(item.listeners[0] + item.listeners[1] + item.listeners[2]).count());
  metrics_.frame_pace_ns.observe(pace);
  const auto hold = static_cast<std::uint64_t>(pacer_.hold().count());
  due_.push({std::max(now_ns + hold, lane.last_frame_ns + pace), item.room});
}

void Committer::flush_due(std::uint64_t now_ns) {
  while (!due_.empty() && due_.top().at_ns <= now_ns) {
    Lane& lane = lanes_[raw(due_.top().room)];
    due_.pop();
    const std::size_t before = out_.size();
    const std::uint64_t queued_ns = clock_.steady_ns();
    packer_.pack(lane.events, lane.listeners, queued_ns, out_);
    metrics_.frames.add(out_.size() - before);
    metrics_.frame_events.observe(lane.events.spans.size());
    for (std::size_t i = before; i < out_.size(); ++i) metrics_.frame_bytes.observe(out_[i].payload.size());
    paced_events_ -= static_cast<std::int64_t>(lane.events.spans.size());
    lane.events.clear();
    lane.scheduled = false;
    lane.last_frame_ns = queued_ns;
  }
  metrics_.paced_events.set(paced_events_);
}

void Committer::watch_load(std::uint64_t now_ns) {
  if (now_ns - last_watch_ns_ < kWatchEveryNs) return;
  const std::int64_t cpu = cpu_ns(load_.cpu_clock.load(std::memory_order_relaxed));
  const double elapsed = static_cast<double>(now_ns - last_watch_ns_);
  const double busy = cpu < 0 || last_watch_ns_ == 0 ? 0 : static_cast<double>(cpu - last_cpu_ns_) / elapsed;
  last_watch_ns_ = now_ns;
  last_cpu_ns_ = cpu;
  if (const std::int64_t one = load_.delivery_ns.load(std::memory_order_relaxed); one > 0)
    pacer_.observe_delivery(std::chrono::nanoseconds(one));
  pacer_.observe_load(busy, std::chrono::nanoseconds(load_.lag_ns.load(std::memory_order_relaxed)));
  metrics_.broker_busy_permille.set(static_cast<std::int64_t>(busy * 1000));
}

}  // namespace parley::plugin
