#include "storage/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <regex>
#include <stdexcept>

#include "storage/postgres/session.h"

namespace parley::storage::postgres {
namespace {

template <class Deleter>
PGconn* pg(const std::unique_ptr<void, Deleter>& connection) {
  return static_cast<PGconn*>(connection.get());
}

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

// poll() on up to two sockets; EINTR counts as time passing.
bool poll_until(pollfd* fds, nfds_t count, Deadline deadline) {
  for (;;) {
    const int left = milliseconds_until(deadline);
    const int ready = ::poll(fds, count, left);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // let the next call on the socket find out
    if (ready == 0 && left == 0) return false;
  }
}

// libpq's messages end in a line feed, and may have some within.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t' || c == '\r'; }, ' ');
  text.erase(std::unique(text.begin(), text.end(), [](char a, char b) { return a == ' ' && b == ' '; }),
             text.end());
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

DbError error_of(const PGresult* result) {
  const auto field = [&](int code) {
    const char* text = PQresultErrorField(result, code);
    return std::string(text ? text : "");
  };
  DbError error;
  error.sqlstate = field(PG_DIAG_SQLSTATE);
  error.message = one_line(field(PG_DIAG_MESSAGE_PRIMARY));
  error.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  error.kind = kind_of(error.sqlstate, field(PG_DIAG_SOURCE_FUNCTION));
  return error;
}

std::map<std::string_view, const Statement*>& registry() {
  static std::map<std::string_view, const Statement*> statements;
  return statements;
}

}  // namespace

void throw_exception_from_error(const DbError& error, const boost::source_location&) {
  throw std::runtime_error("database: " + error.message);
}

void Params::add(const Sha256& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\x";
  for (const auto byte : hash) {
    text += kDigits[static_cast<unsigned>(byte) >> 4];
    text += kDigits[static_cast<unsigned>(byte) & 15];
  }
  values_.push_back(std::move(text));
}

void Params::add(const std::vector<std::string>& list) {
  std::string text = "{";
  for (const std::string& item : list) {
    if (text.size() > 1) text += ',';
    text += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') text += '\\';
      text += c;
    }
    text += '"';
  }
  values_.push_back(text + '}');
}

Rows::Rows() = default;
Rows::Rows(void* result) : result_(result), size_(PQntuples(static_cast<PGresult*>(result))) {}
Rows::~Rows() = default;
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;
void Rows::Clear::operator()(void* result) const { PQclear(static_cast<PGresult*>(result)); }

std::uint64_t Rows::affected() const {
  std::uint64_t count = 0;
  if (!result_) return count;
  const std::string_view text = PQcmdTuples(static_cast<PGresult*>(result_.get()));
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}
bool Rows::null(int row, int column) const {
  return PQgetisnull(static_cast<const PGresult*>(result_.get()), row, column) != 0;
}
std::string_view Rows::text(int row, int column) const {
  const auto* result = static_cast<const PGresult*>(result_.get());
  return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}
std::int64_t Rows::integer(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

Statement::Statement(std::string_view the_name, std::string_view the_sql) : name(the_name), sql(the_sql) {
  registry().emplace(name, this);
}
const Statement* find_statement(std::string_view name) {
  const auto found = registry().find(name);
  return found == registry().end() ? nullptr : found->second;
}
std::vector<const Statement*> all_statements() {
  std::vector<const Statement*> statements;
  for (const auto& [name, statement] : registry()) statements.push_back(statement);
  return statements;
}

Connection::Connection(void* connection) : connection_(connection) {}
Connection::~Connection() = default;
void Connection::Finish::operator()(void* connection) const { PQfinish(static_cast<PGconn*>(connection)); }
void Connection::close() {
  connection_.reset();
  prepared_.clear();
}

DbResult<std::unique_ptr<Connection>> Connection::open(const ConnectOptions& options, Deadline deadline) {
  Servers& servers = *options.servers;
  const std::size_t first = servers.preferred();
  DbError error;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const std::size_t which = (first + i) % servers.size();
    const auto share = (deadline - Clock::now()) / static_cast<int>(servers.size() - i);
    auto opened = open_one(options, servers.at(which), Clock::now() + share);
    if (opened) {
      servers.prefer(which);
      return opened;
    }
    // What one that was reached has said tells more than that another was not.
    if (error.sqlstate.empty()) error = opened.error();
  }
  return error;
}

DbResult<std::unique_ptr<Connection>> Connection::open_one(const ConnectOptions& options,
                                                           const Servers::Server& server, Deadline deadline) {
  auto connection = connect(options, server, deadline);
  if (!connection || options.settings.empty()) return connection;
  if (const auto begun = (*connection)->begin_session(options, server, deadline); !begun)
    return begun.error();
  return connection;
}

DbResult<std::unique_ptr<Connection>> Connection::connect(const ConnectOptions& options,
                                                          const Servers::Server& server, Deadline deadline) {
  std::vector<const char*> names, values;
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    names.push_back(name);
    values.push_back(value.c_str());
  };
  static const std::string kName = "parley-bridge", kEncoding = "UTF8";
  for (const auto& [name, value] : options.servers->options()) add(name.c_str(), value);
  // The later of two values counts.
  add("host", server.host);
  add("hostaddr", server.hostaddr);
  add("port", server.port);
  add("application_name", kName);
  add("client_encoding", kEncoding);
  names.push_back(nullptr);
  values.push_back(nullptr);
  // Not make_unique: the constructor is private.
  std::unique_ptr<Connection> connection(
      new Connection(PQconnectStartParams(names.data(), values.data(), 0)));
  PGconn* raw = pg(connection->connection_);
  if (raw == nullptr) return DbError{DbErrorKind::other, "", "out of memory", ""};
  // Between queries the server says here why it is about to close the connection. Its warnings (a table that
  // exists already, ...) are for nobody.
  PQsetNoticeReceiver(
      raw,
      [](void* self, const PGresult* notice) {
        const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
        if (severity == nullptr) return;
        const std::string_view word = severity;
        if (word == "FATAL" || word == "PANIC") static_cast<Connection*>(self)->doomed_ = true;
      },
      connection.get());
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);  // with the state, which libpq gives in no other way here
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED || PQstatus(raw) == CONNECTION_BAD) return connection->refused(options);
    if (!connection->wait(state == PGRES_POLLING_WRITING, deadline))
      return DbError{DbErrorKind::timeout, "",
                     "no answer to the attempt to connect: the server is frozen or too far away, or the "
                     "pooler in front of it is paused or cannot reach it",
                     ""};
    state = PQconnectPoll(raw);
  }
  PQsetErrorVerbosity(raw, PQERRORS_DEFAULT);
  if (PQsetnonblocking(raw, 1) != 0) return connection->broken(PQerrorMessage(raw));
  return connection;
}

// "...: FATAL:  53300: sorry, too many clients already\nLOCATION:  ..." without what is no message.
DbError Connection::refused(const ConnectOptions& options) const {
  PGconn* raw = pg(connection_);
  DbError error{DbErrorKind::lost, "", PQerrorMessage(raw), ""};
  static const std::regex kState(":  ([0-9A-Z]{5}): ");
  std::smatch found;
  if (std::regex_search(error.message, found, kState)) {
    error.sqlstate = found[1];
    error.message = std::regex_replace(error.message, kState, ":  ");
  } else if (PQconnectionNeedsPassword(raw) != 0) {
    error.sqlstate = "28P01";  // the server's, had it been asked with none
  }
  static const std::regex kLocation("\nLOCATION:[^\n]*");
  error.message = one_line(std::regex_replace(error.message, kLocation, ""));
  if (options.servers->sends_options() && error.message.find("startup parameter") != std::string::npos)
    error.message +=
        " (the connection string has options=..., which this pooler does not take: leave them out, or "
        "write all of them as -c name=value, and they are set after connecting)";
  return error;
}

DbResult<void> Connection::begin_session(const ConnectOptions& options, const Servers::Server& server,
                                         Deadline deadline) {
  auto begun = run_text(begin_session_sql(*options.servers, options.settings), deadline);
  if (!begun) {
    DbError error = begun.error();
    if (error.kind == DbErrorKind::timeout) {
      error.message =
          "connected, but nothing is answered: the server is frozen or has too much to do, or the pooler "
          "in front of it is paused, cannot reach it, or has lent all its connections";
    } else if (error.kind != DbErrorKind::resources) {
      error.kind = DbErrorKind::lost;
      error.message = "cannot set the session up: " + error.message;
    }
    return error;
  }
  backend_ = begun->integer(0, 0);
  // Who stands between us and the server names a process of its own invention at the startup.
  if (backend_ == PQbackendPID(pg(connection_))) return {};
  const ConnectOptions bare{options.url, "", options.servers};
  const auto open = [&](Deadline until) { return connect(bare, server, until); };
  if (auto kept = check_session_is_kept(*this, *server.sessions_seen, open, deadline); !kept)
    return kept.error();
  if (!connection_) return DbError{DbErrorKind::timeout, "", "the server does not answer", ""};
  return {};
}

bool Connection::wait(bool write, Deadline deadline) {
  const int fd = PQsocket(pg(connection_));
  if (fd < 0) return true;  // the next call on it says what is wrong
  pollfd entry{fd, static_cast<short>(write ? POLLIN | POLLOUT : POLLIN), 0};
  return poll_until(&entry, 1, deadline);
}

bool Connection::wait_readable(int other_fd, Deadline deadline) {
  if (!connection_) return true;
  pollfd fds[2] = {{PQsocket(pg(connection_)), POLLIN, 0}, {other_fd, POLLIN, 0}};
  return poll_until(fds, 2, deadline);
}

void Connection::wait_for(int fd, Deadline deadline) {
  pollfd entry{fd, POLLIN, 0};
  (void)poll_until(&entry, 1, deadline);
}

DbError Connection::broken(std::string message) {
  close();
  return DbError{DbErrorKind::lost, "", one_line(std::move(message)), ""};
}

DbResult<void> Connection::flush(Deadline deadline) {
  PGconn* raw = pg(connection_);
  for (;;) {
    const int unsent = PQflush(raw);
    if (unsent == 0) return {};
    if (unsent < 0) return broken(PQerrorMessage(raw));
    if (!wait(true, deadline)) {
      close();
      return DbError{DbErrorKind::timeout, "", "the server does not read", ""};
    }
    if (PQconsumeInput(raw) == 0) return broken(PQerrorMessage(raw));
  }
}

// The next result of what was sent; `more` is false when there is none left.
DbResult<Rows> Connection::take_result(Deadline deadline, bool& more) {
  PGconn* raw = pg(connection_);
  more = false;
  while (PQisBusy(raw) != 0) {
    if (!wait(false, deadline)) {
      close();
      return DbError{DbErrorKind::timeout, "", "the server does not answer", ""};
    }
    if (PQconsumeInput(raw) == 0) return broken(PQerrorMessage(raw));
  }
  PGresult* result = PQgetResult(raw);
  if (result == nullptr) return Rows();
  more = true;
  Rows rows(result);
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
    case PGRES_PIPELINE_SYNC:
      return rows;
    case PGRES_PIPELINE_ABORTED:
      return DbError{DbErrorKind::other, "", "skipped after an error", ""};
    default:
      return error_of(result);
  }
}

DbResult<Rows> Connection::finish(Deadline deadline) {
  if (auto flushed = flush(deadline); !flushed) return flushed.error();
  DbResult<Rows> last = Rows();
  for (bool more = true; more;) {
    auto result = take_result(deadline, more);
    if (!connection_) return result;
    if (more && last) last = std::move(result);
  }
  if (last && PQstatus(pg(connection_)) == CONNECTION_BAD) return broken(PQerrorMessage(pg(connection_)));
  if (last) return last;
  // The last thing that was said before it was closed is the reason.
  DbError error = last.error();
  if (PQstatus(pg(connection_)) == CONNECTION_BAD) error.kind = DbErrorKind::lost;
  if (error.kind == DbErrorKind::lost) close();
  return error;
}

DbResult<void> Connection::prepare(const Statement& statement, Deadline deadline) {
  PGconn* raw = pg(connection_);
  if (PQsendPrepare(raw, statement.name.c_str(), statement.sql.c_str(), 0, nullptr) == 0)
    return broken(PQerrorMessage(raw));
  auto result = finish(deadline);
  if (!result) return result.error();
  prepared_.insert(statement.name);
  return {};
}

DbResult<void> Connection::send(const Statement& statement, const Params& params) {
  constexpr std::size_t kMostParams = 24;
  const char* values[kMostParams];
  const auto given = params.values();
  if (given.size() > kMostParams) return DbError{DbErrorKind::other, "", "too many parameters", ""};
  for (std::size_t i = 0; i < given.size(); ++i) values[i] = given[i].c_str();
  PGconn* raw = pg(connection_);
  if (PQsendQueryPrepared(raw, statement.name.c_str(), static_cast<int>(given.size()), values, nullptr,
                          nullptr, 0) == 0)
    return broken(PQerrorMessage(raw));
  return {};
}

// Checks the parameters and prepares the statement where that is still to be done.
DbResult<void> Connection::ready(const Statement& statement, const Params& params, Deadline deadline) {
  if (!connection_) return DbError{DbErrorKind::lost, "", "not connected", ""};
  for (const std::string& value : params.values()) {
    // libpq takes text up to the first zero byte: the rest would vanish silently.
    if (value.find('\0') != std::string::npos)
      return DbError{DbErrorKind::bad_text, "", "text with a zero byte", ""};
  }
  if (prepared_.contains(statement.name)) return {};
  return prepare(statement, deadline);
}

DbResult<Rows> Connection::run(const Statement& statement, const Params& params, Deadline deadline) {
  if (auto is_ready = ready(statement, params, deadline); !is_ready) return is_ready.error();
  if (auto sent = send(statement, params); !sent) return sent.error();
  return finish(deadline);
}

DbResult<std::vector<Rows>> Connection::run_together(std::span<const Query> queries, Deadline deadline) {
  for (const Query& query : queries) {
    if (auto is_ready = ready(query.statement, query.params, deadline); !is_ready) return is_ready.error();
  }
  PGconn* raw = pg(connection_);
  if (PQenterPipelineMode(raw) == 0) return broken("no pipeline: the connection is busy");
  for (const Query& query : queries) {
    if (auto sent = send(query.statement, query.params); !sent) return sent.error();
  }
  if (PQpipelineSync(raw) == 0) return broken(PQerrorMessage(raw));
  if (auto flushed = flush(deadline); !flushed) return flushed.error();
  std::vector<Rows> all;
  std::optional<DbError> error;
  bool more = false;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    auto rows = take_result(deadline, more);
    if (!connection_) return rows.error();
    if (rows) all.push_back(std::move(*rows));
    if (!rows && !error) error = rows.error();
    auto end = take_result(deadline, more);  // each query ends with an empty result
    if (!connection_) return end.error();
  }
  auto sync = take_result(deadline, more);
  if (!connection_) return sync.error();
  if (PQexitPipelineMode(raw) == 0 || PQstatus(raw) == CONNECTION_BAD)
    return broken(error ? error->message : std::string(PQerrorMessage(raw)));
  if (!error) return all;
  if (error->kind == DbErrorKind::lost) close();
  return std::move(*error);
}

DbResult<Rows> Connection::run_text(const std::string& sql, Deadline deadline) {
  if (auto sent = send_text(sql); !sent) return sent.error();
  return finish_text(deadline);
}

DbResult<void> Connection::send_text(const std::string& sql) {
  if (!connection_) return DbError{DbErrorKind::lost, "", "not connected", ""};
  PGconn* raw = pg(connection_);
  if (PQsendQuery(raw, sql.c_str()) == 0) return broken(PQerrorMessage(raw));
  if (PQflush(raw) < 0) return broken(PQerrorMessage(raw));
  return {};
}

DbResult<Rows> Connection::finish_text(Deadline deadline) {
  if (!connection_) return DbError{DbErrorKind::lost, "", "not connected", ""};
  return finish(deadline);
}

bool Connection::alive() {
  if (!connection_) return false;
  PGconn* raw = pg(connection_);
  pollfd entry{PQsocket(raw), POLLIN, 0};
  if (PQstatus(raw) != CONNECTION_OK || entry.fd < 0) return false;
  if (::poll(&entry, 1, 0) > 0) {
    if (PQconsumeInput(raw) == 0) return false;
    (void)PQisBusy(raw);  // reads what has come
  }
  return !doomed_ && PQstatus(raw) == CONNECTION_OK;
}

bool Connection::in_transaction() const {
  return connection_ && PQtransactionStatus(pg(connection_)) != PQTRANS_IDLE;
}

bool Connection::take_notifications() {
  bool any = false;
  if (!connection_) return any;
  PGconn* raw = pg(connection_);
  if (PQconsumeInput(raw) == 0) {
    close();
    return any;
  }
  while (PGnotify* notification = PQnotifies(raw)) {
    any = true;
    PQfreemem(notification);
  }
  return any;
}

}  // namespace parley::storage::postgres
