// One thread, parley-link, does everything: it takes requests, looks after connections and deadlines, and
// runs the callbacks. Others only hand it work.
#include "bridge/broker_link.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <boost/throw_exception.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>
#include <unordered_map>
#include <utility>

#include "bridge/log.h"
#include "schemas/json_text.h"
#include "schemas/topic.h"

namespace parley::bridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRenewAgain{1};
constexpr std::size_t kMaxPending = 20'000;  // requests without an answer, all nodes together

std::string random_hex() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    boost::throw_exception(std::runtime_error("the kernel gives no random bytes"));
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : bytes) out.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return out;
}

BrokerError away(std::string message) {
  BrokerError error("unavailable", std::move(message));
  error.retry_after = std::chrono::seconds(1);
  return error;
}

class Link final : public BrokerLink {
 public:
  Link(BrokerLinkOptions options, WireFactory connect);
  ~Link() override { stop(); }

  std::size_t nodes() const override { return nodes_.size(); }
  const NodeAddress& address(std::size_t node) const override { return nodes_[node]->address; }
  bool connected(std::size_t node) const override { return nodes_[node]->up.load(); }
  std::string why_away(std::size_t node) const override {
    const std::lock_guard lock(why_mutex_);
    return nodes_[node]->why_away;
  }
  void on_change(std::function<void(std::size_t, bool)> listener) override {
    listener_ = std::move(listener);
  }
  void start() override;
  void stop() override;
  void request(std::size_t node, std::string_view cmd, std::string_view fields, Deadline deadline,
               OnAnswer done) override;

 private:
  struct Node {
    std::size_t number = 0;
    NodeAddress address;
    std::atomic<bool> up{false};
    // The rest is the link thread's.
    std::unique_ptr<Wire> wire;
    std::uint64_t attempt = 0;  // events of an earlier wire are known by its number
    Clock::time_point connect_at{};
    Clock::time_point renew_at = Clock::time_point::max();
    std::chrono::milliseconds delay{0};
    std::string last_why;
    std::string why_away;  // the same for other threads, guarded by why_mutex_
  };
  struct Asked {
    std::size_t node;
    Deadline deadline;
    OnAnswer done;
  };

  void post(std::function<void()> work);
  void run();
  void look_after(Node& node, Clock::time_point now);
  void connect(Node& node);
  void came_up(Node& node);
  void went_down(Node& node, const std::string& why);
  void set_why(Node& node, const std::string& why) {
    const std::lock_guard lock(why_mutex_);
    node.why_away = why;
  }
  void ask(std::size_t node, const std::string& req, const std::string& text, Asked asked);
  void take(std::string_view payload);
  void expire(Clock::time_point now);
  void finish(const std::string& req, BrokerAnswer answer);
  void fail_all(std::size_t node, const std::string& why);
  Clock::time_point next_wake() const;

  const BrokerLinkOptions options_;
  const WireFactory connect_;
  mutable std::mutex why_mutex_;
  const std::string device_ = random_hex();
  std::function<void(std::size_t, bool)> listener_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::atomic<std::uint64_t> next_req_{0};
  std::atomic<std::size_t> waiting_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> work_;  // guarded by mutex_
  bool running_ = false;                     // guarded by mutex_
  std::thread thread_;

  // The link thread's.
  std::unordered_map<std::string, Asked> asked_;
  std::multimap<Deadline, std::string> deadlines_;
  std::minstd_rand random_{std::random_device{}()};
};

Link::Link(BrokerLinkOptions options, WireFactory connect)
    : options_(std::move(options)), connect_(std::move(connect)) {
  for (const NodeAddress& address : options_.nodes) {
    auto node = std::make_unique<Node>();
    node->number = nodes_.size();
    node->address = address;
    nodes_.push_back(std::move(node));
  }
}

void Link::start() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(running_, true)) return;
  }
  thread_ = std::thread([this] { run(); });
}

void Link::stop() {
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Link::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    work_.push_back(std::move(work));
    if (work_.size() > 1) return;  // woken already
  }
  wake_.notify_one();
}

void Link::request(std::size_t node, std::string_view cmd, std::string_view fields, Deadline deadline,
                   OnAnswer done) {
  if (node >= nodes_.size()) return done(away("there is no such broker node"));
  if (waiting_.fetch_add(1) >= kMaxPending) {
    waiting_.fetch_sub(1);
    return done(away("too many requests wait for the broker"));
  }
  std::string req = device_ + "-" + std::to_string(next_req_.fetch_add(1));
  // Whoever watches the control topics finds an HTTP request there by the id that it has in the logs
  // (letters, digits, ._-).
  if (const std::string_view caused_by = RequestScope::current(); !caused_by.empty())
    req.append("/").append(caused_by);
  std::string text = R"({"req":")" + req + R"(","cmd":)";
  append_json_string(cmd, text);
  if (!fields.empty()) text.append(",").append(fields);
  text += '}';
  {
    const std::lock_guard lock(mutex_);
    if (running_) {
      work_.push_back([this, node, req, text = std::move(text), asked = Asked{node, deadline, done}] {
        ask(node, req, text, asked);
      });
      if (work_.size() == 1) wake_.notify_one();
      return;
    }
  }
  waiting_.fetch_sub(1);
  done(away("the bridge is being stopped"));
}

void Link::run() {
  pthread_setname_np(pthread_self(), "parley-link");
  std::vector<std::function<void()>> work;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, next_wake(), [this] { return !work_.empty() || !running_; });
      work.swap(work_);
      if (!running_ && work.empty()) break;
    }
    for (const auto& each : work) each();
    work.clear();
    const auto now = Clock::now();
    for (const auto& node : nodes_) look_after(*node, now);
    expire(now);
  }
  for (const auto& node : nodes_) {
    fail_all(node->number, "the bridge is being stopped");
    node->up = false;
    node->wire.reset();
  }
}

Clock::time_point Link::next_wake() const {
  auto wake = Clock::now() + std::chrono::seconds(1);
  if (!deadlines_.empty()) wake = std::min(wake, deadlines_.begin()->first);
  for (const auto& node : nodes_)
    if (!node->wire) wake = std::min(wake, node->connect_at);
  return wake;
}

void Link::look_after(Node& node, Clock::time_point now) {
  if (!node.wire) {
    if (now >= node.connect_at) connect(node);
    return;
  }
  if (!node.up || now < node.renew_at) return;
  try {
    node.wire->publish("users/" + options_.user + "/token", options_.token(device_));
    node.renew_at = now + options_.token_ttl * 2 / 3;
  } catch (const std::exception& e) {  // a keys folder that cannot be read just now
    node.renew_at = now + kRenewAgain;
    log(LogLevel::warning, "no new token for the broker", {{"reason", e.what()}});
  }
}

void Link::connect(Node& node) {
  const std::uint64_t attempt = ++node.attempt;
  const auto mine = [this, &node, attempt](auto&& then) {
    post([&node, attempt, then] {
      if (node.attempt == attempt) then();
    });
  };
  WireEvents events;
  events.up = [this, &node, mine] { mine([this, &node] { came_up(node); }); };
  events.down = [this, &node, mine](const std::string& why) {
    mine([this, &node, why] { went_down(node, why); });
  };
  events.answer = [this](std::string_view payload) {
    post([this, text = std::string(payload)] { take(text); });
  };
  WireRequest request;
  request.host = node.address.host;
  request.port = node.address.port;
  request.client_id = options_.user + ":" + device_;
  request.user = options_.user;
  try {
    request.password = options_.token(device_);
    node.wire = connect_(request, std::move(events));
  } catch (const std::exception& e) {
    went_down(node, e.what());
  }
}

void Link::came_up(Node& node) {
  node.delay = std::chrono::milliseconds(0);
  node.last_why.clear();
  set_why(node, "");
  node.renew_at = Clock::now() + options_.token_ttl * 2 / 3;
  node.up = true;
  log(LogLevel::info, "broker connected", {{"host", node.address.host}, {"port", node.address.port}});
  if (listener_) listener_(node.number, true);
}

void Link::went_down(Node& node, const std::string& why) {
  ++node.attempt;
  node.wire.reset();
  const bool was_up = node.up.exchange(false);
  node.delay = std::clamp(node.delay * 2, options_.min_delay, options_.max_delay);
  std::uniform_int_distribution<std::int64_t> jitter(node.delay.count() / 2, node.delay.count());
  node.connect_at = Clock::now() + std::chrono::milliseconds(jitter(random_));
  // Once for each loss and each new reason: a broker may be away for hours.
  if (was_up || why != node.last_why)
    log(LogLevel::warning, was_up ? "broker lost" : "broker cannot be reached",
        {{"host", node.address.host}, {"port", node.address.port}, {"reason", why}});
  node.last_why = why;
  set_why(node, why);
  fail_all(node.number, "the connection to the broker was lost: " + why);
  if (was_up && listener_) listener_(node.number, false);
}

void Link::ask(std::size_t node, const std::string& req, const std::string& text, Asked asked) {
  const Deadline deadline = asked.deadline;
  asked_.emplace(req, std::move(asked));
  deadlines_.emplace(deadline, req);
  Node& to = *nodes_[node];
  if (!to.up) return finish(req, away("the broker cannot be reached"));
  if (!to.wire->publish(std::string(kControlTopic), text))
    finish(req, away("the connection to the broker was lost"));
}

// {"req":"...","ok":true,...} or {"req":"...","error":{...},...}. Answers to others pass here too.
void Link::take(std::string_view payload) {
  constexpr std::string_view kReq = R"({"req":")";
  if (!payload.starts_with(kReq) || !payload.substr(kReq.size()).starts_with(device_)) return;
  const std::string_view rest = payload.substr(kReq.size());
  const std::size_t end = rest.find('"');
  if (end == std::string_view::npos) return;
  const std::string req(rest.substr(0, end));
  if (rest.substr(end).starts_with(R"(","ok":true)")) return finish(req, std::string(payload));
  finish(req, broker_error(payload));
}

void Link::expire(Clock::time_point now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const std::string req = std::move(deadlines_.extract(deadlines_.begin()).mapped());
    finish(req, away("the broker did not answer in time"));
  }
}

void Link::finish(const std::string& req, BrokerAnswer answer) {
  const auto it = asked_.find(req);
  if (it == asked_.end()) return;  // it came too late
  const Asked asked = std::move(asked_.extract(it).mapped());
  const auto [first, last] = deadlines_.equal_range(asked.deadline);
  if (const auto mine = std::find_if(first, last, [&](const auto& d) { return d.second == req; });
      mine != last)
    deadlines_.erase(mine);
  waiting_.fetch_sub(1);
  try {
    asked.done(std::move(answer));
  } catch (const std::exception& e) {
    log(LogLevel::error, "an answer's callback failed", {{"reason", e.what()}});
  }
}

void Link::fail_all(std::size_t node, const std::string& why) {
  std::vector<std::string> reqs;
  for (const auto& [req, asked] : asked_)
    if (asked.node == node) reqs.push_back(req);
  for (const std::string& req : reqs) finish(req, away(why));
}

}  // namespace

std::unique_ptr<BrokerLink> make_broker_link(BrokerLinkOptions options) {
  return make_broker_link(std::move(options), connect_paho_wire);
}

std::unique_ptr<BrokerLink> make_broker_link(BrokerLinkOptions options, WireFactory connect) {
  return std::make_unique<Link>(std::move(options), std::move(connect));
}

}  // namespace parley::bridge
