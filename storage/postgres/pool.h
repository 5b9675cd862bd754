// Connections that calls borrow. Internal to storage/postgres. Any thread.
//
// A connection that the server closed is replaced when it is next wanted, by the caller who wants it. When
// connecting fails, or the server stops answering, callers are refused at once instead of all waiting their
// time out, until a thread of the pool's own has a connection again. When the server, or a pooler in front of
// it, answers but gives no more connections than there are, callers wait for one of these.
#ifndef PARLEY_STORAGE_POSTGRES_POOL_H_
#define PARLEY_STORAGE_POSTGRES_POOL_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "storage/metadata.h"
#include "storage/postgres/connection.h"

namespace parley::storage::postgres {

struct PoolOptions {
  ConnectOptions connect;
  std::uint32_t size = 8;
  std::chrono::milliseconds connect_timeout{2000};
  std::function<void(std::string_view)> log;  // may be empty
};

class Pool {
 public:
  // Gives the connection back when it goes; a closed one, or one with a transaction open, is thrown away.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    ~Lease();
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }

   private:
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  explicit Pool(PoolOptions options) : options_(std::move(options)) {}
  ~Pool();  // when the server is away, waits for an attempt to connect, at most connect_timeout

  DbResult<Lease> take(Deadline deadline);
  // A call ran out of time on its connection: the idle ones are asked for a sign of life before they are
  // used.
  void doubt();
  Metadata::PoolStats stats() const;
  // Why callers are refused now; empty: they are not.
  std::string why_down() const;
  void count_retry();

 private:
  struct Idle {
    std::unique_ptr<Connection> connection;
    Clock::time_point used;
  };
  void give_back(std::unique_ptr<Connection> connection);
  bool still_good(Idle& idle, Deadline deadline);
  void went_down(const DbError& error);
  std::string reason(const DbError& error);
  void still_down(const DbError& error);
  void probe();
  void close_one();
  DbResult<std::unique_ptr<Connection>> open_one(Deadline deadline);
  bool is_full(const DbError& error, Clock::time_point begun);

  const PoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Below: with mutex_ held.
  std::vector<Idle> idle_;  // the last used one is taken first
  std::uint32_t open_ = 0;  // idle and lent
  bool down_ = false;       // the prober tries to connect
  std::string why_down_;    // the last attempt's error
  std::string last_words_;  // the last one that was said by somebody, not found out by waiting
  std::string told_down_;   // what was logged last, and when
  Clock::time_point told_at_{};
  bool ending_ = false;
  std::thread prober_;
  Clock::time_point doubted_{};
  Clock::time_point answered_{};    // the last time that a connection came back in order
  Clock::time_point full_until_{};  // no more connections are to be had until then, as far as is known
  std::string why_full_;
  Metadata::PoolStats counts_;
};

}  // namespace parley::storage::postgres

#endif
