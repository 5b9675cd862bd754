#include "broker-plugin/delivery.h"

#include <algorithm>

#include "schemas/topic.h"

namespace parley::plugin {
namespace {

// Deliveries handed to the broker in one turn of its loop (about 20 ms of its time), so that it also reads,
// pings and accepts. A frame with more subscribers goes alone.
constexpr std::uint64_t kTurnDeliveries = 5000;

constexpr std::string_view kSuffix[kFormats] = {"/messages", "/messages/json", "/messages/ndjson"};

}  // namespace

Delivery::Delivery(DeliveryQueue& queue, BrokerPort& broker, BrokerLog& log, Directory& directory,
                   Rooms& rooms, Users& users, ListenerCount& tail, BrokerLoad& load, const Clock& clock,
                   Metrics& metrics)
    : queue_(queue),
      broker_(broker),
      log_(log),
      directory_(directory),
      rooms_(rooms),
      users_(users),
      tail_(tail),
      load_(load),
      clock_(clock),
      metrics_(metrics) {}

void Delivery::drain(const std::function<void()>& ring) {
  const bool news = queue_.take(taken_);
  if (!news && backlog_.empty()) {
    if (load_.lag_ns.load(std::memory_order_relaxed) != 0) load_.lag_ns.store(0, std::memory_order_relaxed);
    return;
  }
  settle();
  for (const LogLine& line : taken_.logs) log_.write(line);
  std::move(taken_.publishes.begin(), taken_.publishes.end(), std::back_inserter(backlog_));
  taken_.publishes.clear();
  const std::uint64_t now_ns = clock_.steady_ns();
  turn_deliveries_ = 0;
  while (!backlog_.empty() && turn_deliveries_ < kTurnDeliveries) {
    hand_over(backlog_.front(), now_ns);
    backlog_.pop_front();
  }
  if (!backlog_.empty()) ring();
  for (const auto& call : taken_.calls) call();
  taken_.calls.clear();
  if (turn_deliveries_ > 0) metrics_.drain_ns.observe(clock_.steady_ns() - now_ns);
}

void Delivery::hand_over(Outgoing& out, std::uint64_t now_ns) {
  if (const auto* frame = std::get_if<RoomFrame>(&out.to)) {
    topic_.assign("rooms/").append(directory_.room_name(frame->room));
    topic_ += kSuffix[static_cast<std::size_t>(frame->format)];
    ListenerCount& count = rooms_.at(frame->room).listeners[static_cast<std::size_t>(frame->format)];
    turn_deliveries_ += std::max(count.known, 1u);
    metrics_.event_deliveries.add(std::uint64_t{frame->events} * count.known);
    published(count);
    const std::uint64_t lag = now_ns - std::min(now_ns, out.queued_ns);
    metrics_.inject_lag_ns.observe(lag);
    metrics_.broker_lag_ns.set(static_cast<std::int64_t>(lag));
    load_.lag_ns.store(static_cast<std::int64_t>(lag), std::memory_order_relaxed);
  } else if (const auto* event = std::get_if<AccountEvent>(&out.to)) {
    topic_.assign("users/").append(event->user).append("/events");
    published(users_.at(directory_.find_user(event->user)).events);
    ++turn_deliveries_;
  } else {
    topic_ = std::get<PlainTopic>(out.to).topic;
    if (topic_ == kLogTopic) published(tail_);
    ++turn_deliveries_;
  }
  const std::size_t size = out.payload.size();
  broker_.publish(topic_, std::move(out.payload), 1, false);
  queue_.handed_over(size);
  metrics_.undelivered_bytes.set(static_cast<std::int64_t>(queue_.bytes()));
}

void Delivery::published(ListenerCount& count) {
  if (count.published++ == 0) {
    count.reads = 0;
    unsettled_.push_back(&count);
  }
}

void Delivery::was_read(ListenerCount& count) {
  ++count.reads;
  last_read_ns_ = clock_.steady_ns();
  if (reads_++ == 0) first_read_ns_ = last_read_ns_;
}

// The broker has fanned out what the last turn handed over: what was read tells who there is, and how long it
// took.
void Delivery::settle() {
  for (ListenerCount* count : unsettled_) {
    const std::uint32_t each = (count->reads + count->published - 1) / count->published;
    *count = ListenerCount{.known = each + count->joined};
  }
  unsettled_.clear();
  if (reads_ >= 2) {
    const std::uint64_t took = last_read_ns_ - first_read_ns_;
    metrics_.fanout_ns.observe(took);
    load_.delivery_ns.store(static_cast<std::int64_t>(took / (reads_ - 1)), std::memory_order_relaxed);
  }
  reads_ = 0;
}

}  // namespace parley::plugin
