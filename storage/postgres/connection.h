// One connection to PostgreSQL, and the only door to libpq. Internal to storage/postgres.
//
// Nothing here waits longer than the deadline it is given, whatever the server or the network does: the
// socket is non-blocking, and a call that runs out of time closes the connection (what the server was doing,
// it rolls back). One thread at a time uses a connection.
#ifndef PARLEY_STORAGE_POSTGRES_CONNECTION_H_
#define PARLEY_STORAGE_POSTGRES_CONNECTION_H_

#include <boost/system/result.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "schemas/token.h"
#include "storage/postgres/sqlstate.h"
#include "storage/postgres/url.h"

namespace parley::storage::postgres {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

struct DbError {
  DbErrorKind kind = DbErrorKind::other;
  std::string sqlstate;    // empty: none came
  std::string message;     // of the server, in one line; for the log only
  std::string constraint;  // its name
};
template <class T>
using DbResult = boost::system::result<T, DbError>;
[[noreturn]] void throw_exception_from_error(const DbError& error, const boost::source_location&);

// Text parameters of one statement.
class Params {
 public:
  Params() = default;
  template <class... T>
  explicit Params(const T&... values) {
    values_.reserve(sizeof...(values));
    (add(values), ...);
  }
  std::span<const std::string> values() const { return values_; }

 private:
  void add(std::string_view text) { values_.emplace_back(text); }
  void add(const char* text) { values_.emplace_back(text); }
  void add(bool value) { values_.emplace_back(value ? "t" : "f"); }
  void add(const Sha256& hash);
  void add(const std::vector<std::string>& list);  // as text[]
  template <class T>
  requires(std::integral<T> && !std::same_as<T, bool>) void add(T value) {
    values_.push_back(std::to_string(value));
  }
  template <class T>
  requires std::is_enum_v<T>
  void add(T value) { values_.push_back(std::to_string(static_cast<std::uint64_t>(value))); }
  std::vector<std::string> values_;
};

// What a statement gave; columns count from 0. Reading a value that is NULL gives empty text, 0 and false.
class Rows {
 public:
  Rows();
  explicit Rows(void* result);  // a PGresult, owned from here on
  ~Rows();
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;

  int size() const { return size_; }
  std::size_t count() const { return static_cast<std::size_t>(size_); }
  bool empty() const { return size_ == 0; }
  std::uint64_t affected() const;  // by INSERT, UPDATE, DELETE
  bool null(int row, int column) const;
  std::string_view text(int row, int column) const;
  std::string string(int row, int column) const { return std::string(text(row, column)); }
  std::int64_t integer(int row, int column) const;
  bool boolean(int row, int column) const { return text(row, column) == "t"; }
  template <class Enum>
  Enum as(int row, int column) const {
    return static_cast<Enum>(integer(row, column));
  }

 private:
  struct Clear {
    void operator()(void* result) const;
  };
  std::unique_ptr<void, Clear> result_;
  int size_ = 0;
};

// SQL with a name. Define it as a constant at namespace scope: connections prepare it once each and remember
// it by its name; tests look it up there to see its plan.
struct Statement {
  Statement(std::string_view the_name, std::string_view the_sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  const std::string name;
  const std::string sql;
};
const Statement* find_statement(std::string_view name);  // nothing: there is none
std::vector<const Statement*> all_statements();

struct ConnectOptions {
  std::string url;
  // "SET name = value; SET ...": sent once connected, because poolers refuse what they do not know at the
  // startup. Empty: the session is taken as it is.
  std::string settings;
  std::shared_ptr<Servers> servers = std::make_shared<Servers>(url);
};

class Connection {
 public:
  // Of several servers each gets its share of the time: one that does not even refuse must not keep the
  // others from being asked.
  static DbResult<std::unique_ptr<Connection>> open(const ConnectOptions& options, Deadline deadline);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  DbResult<Rows> run(const Statement& statement, const Params& params, Deadline deadline);
  // Several statements that only read, in one round trip and one snapshot each; the first fault is given.
  struct Query {
    const Statement& statement;
    const Params& params;
  };
  DbResult<std::vector<Rows>> run_together(std::span<const Query> queries, Deadline deadline);
  // One or more statements without parameters; gives the last one's rows.
  DbResult<Rows> run_text(const std::string& sql, Deadline deadline);
  // The same in two steps.
  DbResult<void> send_text(const std::string& sql);
  DbResult<Rows> finish_text(Deadline deadline);
  // The process that served it when its session was set; another one means that a pooler has changed it.
  std::int64_t backend() const { return backend_; }

  // Is it still open, as far as can be seen without asking? Takes in what the server has said meanwhile.
  bool alive();
  void close();
  bool in_transaction() const;

  // LISTEN was run: has a notification come? Takes them all.
  bool take_notifications();
  // Waits for the server to say something, or for `other_fd` (-1: none) to be readable; false at the
  // deadline.
  bool wait_readable(int other_fd, Deadline deadline);
  static void wait_for(int fd, Deadline deadline);

 private:
  explicit Connection(void* connection);
  static DbResult<std::unique_ptr<Connection>> open_one(const ConnectOptions& options,
                                                        const Servers::Server& server, Deadline deadline);
  static DbResult<std::unique_ptr<Connection>> connect(const ConnectOptions& options,
                                                       const Servers::Server& server, Deadline deadline);
  DbResult<void> begin_session(const ConnectOptions& options, const Servers::Server& server,
                               Deadline deadline);
  DbError refused(const ConnectOptions& options) const;
  DbResult<void> prepare(const Statement& statement, Deadline deadline);
  DbResult<void> ready(const Statement& statement, const Params& params, Deadline deadline);
  DbResult<void> send(const Statement& statement, const Params& params);
  DbResult<void> flush(Deadline deadline);
  DbResult<Rows> take_result(Deadline deadline, bool& more);
  DbResult<Rows> finish(Deadline deadline);
  DbError broken(std::string message);
  bool wait(bool write, Deadline deadline);

  struct Finish {
    void operator()(void* connection) const;
  };
  std::unique_ptr<void, Finish> connection_;
  std::unordered_set<std::string_view> prepared_;
  std::int64_t backend_ = 0;
  bool doomed_ = false;  // the server has said that it is about to close it
};

}  // namespace parley::storage::postgres

#endif
