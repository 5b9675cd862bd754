#include "storage/postgres/pool.h"

#include <pthread.h>

#include <algorithm>
#include <string>

namespace parley::storage::postgres {
namespace {

// Between two attempts to reach a server that is away.
constexpr std::chrono::milliseconds kProbeEvery{100};
// When it is there and says that we are not to come in: it writes a line of its log for each.
constexpr std::chrono::milliseconds kProbeRefusedEvery{1000};
// How long a doubted connection has for its sign of life.
constexpr std::chrono::milliseconds kSignOfLife{500};

const Statement kPing{"pool.ping", "SELECT 1"};

}  // namespace

Pool::Lease::~Lease() {
  if (connection_) pool_->give_back(std::move(connection_));
}

Pool::~Pool() {
  {
    const std::unique_lock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (prober_.joinable()) prober_.join();
}

DbResult<Pool::Lease> Pool::take(Deadline deadline) {
  // A statement without time for its answer would cost a good connection.
  if (Clock::now() >= deadline) return DbError{DbErrorKind::timeout, "", "no time is left", ""};
  std::unique_lock lock(mutex_);
  bool waited = false;
  for (;;) {
    if (!idle_.empty()) {
      Idle idle = std::move(idle_.back());
      idle_.pop_back();
      lock.unlock();
      if (still_good(idle, deadline)) return Lease(*this, std::move(idle.connection));
      idle.connection.reset();
      close_one();
      lock.lock();
      continue;
    }
    if (down_) return DbError{DbErrorKind::lost, "", "the database was away a moment ago", ""};
    const auto now = Clock::now();
    const bool full = now < full_until_ && open_ > 0;
    if (open_ < options_.size && !full && now < deadline) {
      ++open_;
      lock.unlock();
      auto opened = open_one(deadline);
      if (opened) return Lease(*this, std::move(*opened));
      lock.lock();
      if (Clock::now() < full_until_ && !down_) continue;
      return opened.error();
    }
    if (now >= deadline)
      return DbError{DbErrorKind::timeout, "",
                     "all connections to the database are in use" +
                         (full ? ", and it gives no more: " + why_full_ : std::string()),
                     ""};
    if (!waited) ++counts_.waits;
    waited = true;
    changed_.wait_until(lock, full ? std::min(deadline, full_until_) : deadline);
  }
}

// With mutex_ held. The one who was asked answers others, but not this attempt: it has no connection left.
bool Pool::is_full(const DbError& error, Clock::time_point begun) {
  if (open_ == 0) return false;
  const bool in_words = error.sqlstate.starts_with("53") || error.sqlstate == "08P01";
  if (!in_words && !(error.kind == DbErrorKind::timeout && answered_ > begun)) return false;
  constexpr std::chrono::seconds kSoon{1}, kLater{10};  // who says so at once may be asked again soon
  full_until_ = Clock::now() + (in_words ? kSoon : kLater);
  if (error.message != why_full_ && options_.log)
    options_.log("the database gives no more connections than there are: " + error.message);
  why_full_ = error.message;
  changed_.notify_all();
  return true;
}

DbResult<std::unique_ptr<Connection>> Pool::open_one(Deadline deadline) {
  const Deadline begun = Clock::now();
  Deadline until = std::min(deadline, begun + options_.connect_timeout);
  {
    // Half of it where one of the others may come back meanwhile.
    const std::unique_lock lock(mutex_);
    if (open_ > 1) until = begun + (until - begun) / 2;
  }
  auto opened = Connection::open(options_.connect, until);
  const std::unique_lock lock(mutex_);
  if (opened) {
    answered_ = Clock::now();
    why_full_.clear();
    return opened;
  }
  --open_;
  if (is_full(opened.error(), begun)) return opened;
  // A caller who had hardly any time left cannot tell whether the server is away.
  if (opened.error().kind != DbErrorKind::timeout || until - begun >= kSignOfLife) {
    went_down(opened.error());
  } else {
    changed_.notify_one();
  }
  return opened;
}

// With mutex_ held. From here on callers are refused at once, until the prober has a connection: however long
// the server lets an attempt wait, it is not a caller who does.
void Pool::went_down(const DbError& error) {
  changed_.notify_all();
  if (down_ || ending_) return;
  last_words_.clear();
  why_down_ = told_down_ = reason(error);
  told_at_ = Clock::now();
  if (options_.log) options_.log("the database is away: " + why_down_);
  down_ = true;
  if (prober_.joinable()) prober_.join();  // it has ended: the last thing it did was to set down_ to false
  prober_ = std::thread([this] { probe(); });
}

// With mutex_ held. A pooler says once why it cannot connect, and then lets its clients wait.
std::string Pool::reason(const DbError& error) {
  if (error.kind != DbErrorKind::timeout) last_words_ = error.message;
  return error.kind != DbErrorKind::timeout || last_words_.empty()
             ? error.message
             : error.message + "; what was said last: " + last_words_;
}

// With mutex_ held. Another reason than before is worth another line, but not ten each second.
void Pool::still_down(const DbError& error) {
  constexpr std::chrono::seconds kTellAgain{1};
  why_down_ = reason(error);
  if (why_down_ == told_down_ || Clock::now() - told_at_ < kTellAgain) return;
  told_down_ = why_down_;
  told_at_ = Clock::now();
  if (options_.log) options_.log("the database is still away: " + why_down_);
}

void Pool::probe() {
  pthread_setname_np(pthread_self(), "parley-probe");
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    auto opened = Connection::open(options_.connect, Clock::now() + options_.connect_timeout);
    lock.lock();
    if (opened) {
      if (options_.log) options_.log("the database is back");
      if (open_ < options_.size) {
        ++open_;
        ++counts_.reconnects;
        idle_.push_back({std::move(*opened), Clock::now()});
      }
      down_ = false;
      changed_.notify_all();
      return;
    }
    still_down(opened.error());
    const bool refused = is_refusal(opened.error().sqlstate, opened.error().message);
    changed_.wait_for(lock, refused ? kProbeRefusedEvery : kProbeEvery, [this] { return ending_; });
  }
}

bool Pool::still_good(Idle& idle, Deadline deadline) {
  if (!idle.connection->alive()) return false;
  {
    const std::unique_lock lock(mutex_);
    if (idle.used > doubted_) return true;
    if (down_) return false;  // not worth the wait
  }
  auto answer = idle.connection->run(kPing, Params{}, std::min(deadline, Clock::now() + kSignOfLife));
  if (answer) return true;
  if (answer.error().kind == DbErrorKind::timeout) {
    const std::unique_lock lock(mutex_);
    went_down(answer.error());
  }
  return false;
}

void Pool::close_one() {
  const std::unique_lock lock(mutex_);
  --open_;
  ++counts_.reconnects;
  changed_.notify_one();
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  const bool good = connection->alive() && !connection->in_transaction();
  if (!good) connection.reset();  // says goodbye to the server: not with the lock held
  const std::unique_lock lock(mutex_);
  if (good) {
    answered_ = Clock::now();
    idle_.push_back({std::move(connection), Clock::now()});
  } else {
    --open_;
    ++counts_.reconnects;
  }
  changed_.notify_one();
}

void Pool::doubt() {
  const std::unique_lock lock(mutex_);
  doubted_ = Clock::now();
}

void Pool::count_retry() {
  const std::unique_lock lock(mutex_);
  ++counts_.retries;
}

std::string Pool::why_down() const {
  const std::unique_lock lock(mutex_);
  return down_ ? why_down_ : std::string();
}

Metadata::PoolStats Pool::stats() const {
  const std::unique_lock lock(mutex_);
  Metadata::PoolStats stats = counts_;
  stats.size = open_;
  stats.busy = open_ - static_cast<std::uint32_t>(idle_.size());
  return stats;
}

}  // namespace parley::storage::postgres
