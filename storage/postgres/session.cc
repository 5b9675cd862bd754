#include "storage/postgres/session.h"

#include <algorithm>
#include <mutex>

namespace parley::storage::postgres {
namespace {

constexpr std::string_view kNotKept =
    "the pooler in front of PostgreSQL lends its connections for one transaction or statement at a time, and "
    "the bridge needs whole sessions (LISTEN, advisory locks, prepared statements): set pool_mode = session "
    "(PgBouncer; others have a mode or a port for it) for this database and user, or give PostgreSQL's own "
    "address in [database] url";

constexpr char kBackend[] = "SELECT pg_catalog.pg_backend_pid()";

DbResult<std::int64_t> backend_of(Connection& connection, Deadline deadline) {
  const auto rows = connection.run_text(kBackend, deadline);
  if (!rows) return rows.error();
  return rows->integer(0, 0);
}

// For the questions of the other; none of them has anything to do.
constexpr std::chrono::milliseconds kQuick{500};
// Before what could not be found out is tried again.
constexpr std::chrono::milliseconds kPause{20};

enum class Finding { kept, not_kept, unknown };

// A pooler that lends a session for a transaction at a time serves `other` by the session that has just
// become free, which is mine, or me by the one that `other` had. One that takes them in turn comes around to
// mine after some number of questions, but not after one more as well. Mine has all the time: a question that
// runs out of it costs the connection, and the server may only be slow.
Finding try_once(Connection& mine, Connection& other, int questions, Deadline deadline) {
  const auto now = backend_of(mine, deadline);
  if (now && *now != mine.backend()) return Finding::not_kept;
  const Deadline until = std::min(deadline, Clock::now() + kQuick);
  for (int i = 0; now && i < questions; ++i) {
    const auto others = backend_of(other, until);
    if (!others) return Finding::unknown;  // no session is left for it
    if (*others == mine.backend()) return Finding::not_kept;
  }
  return now ? Finding::kept : Finding::unknown;
}

// One of those who find out has its turn; the others wait, at most until the deadline.
class Turn {
 public:
  Turn(Servers::SessionsSeen& seen, Deadline deadline) : seen_(seen) {
    std::unique_lock lock(seen_.mutex);
    mine_ = seen_.changed.wait_until(lock, deadline, [&] { return !seen_.finding_out; });
    if (mine_) seen_.finding_out = true;
    begun_before_ = seen_.begun;
  }
  ~Turn() {
    if (!mine_) return;
    const std::lock_guard lock(seen_.mutex);
    seen_.finding_out = false;
    seen_.changed.notify_one();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return mine_; }
  Deadline begun_before() const { return begun_before_; }
  void saw(Deadline begun) const {
    const std::lock_guard lock(seen_.mutex);
    seen_.begun = begun;
    seen_.ever = true;
  }

 private:
  Servers::SessionsSeen& seen_;
  bool mine_ = false;
  Deadline begun_before_;
};

DbError cannot_be_seen() {
  return {
      DbErrorKind::timeout, "",
      "the pooler in front of PostgreSQL gives no second connection within the time, by which it could be "
      "seen whether it lends whole sessions, or is too far away for that: give this database and user more "
      "of them (pool_size, max_db_connections), or the bridge a longer [database] connect_timeout_s",
      ""};
}

}  // namespace

std::string begin_session_sql(const Servers& servers, const std::string& settings) {
  // What DISCARD ALL does, which cannot stand beside others, but that the role is what it was at the startup.
  // A pooler may have been told to leave things as they are between two of its clients: statements prepared
  // by our names, locks that nobody will give back, tables that hide ours.
  return "CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; DEALLOCATE ALL; UNLISTEN *; "
         "SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP; "
         // RESET makes these what they were when the pooler connected.
         "SET client_encoding = 'UTF8'; SET application_name = 'parley-bridge'; " +
         servers.settings() + settings + "; " + kBackend;
}

DbError session_is_not_kept() { return {DbErrorKind::lost, "", std::string(kNotKept), ""}; }
bool is_session_not_kept(const DbError& error) { return error.message == kNotKept; }

DbResult<void> check_session_is_kept(
    Connection& mine, Servers::SessionsSeen& seen,
    const std::function<DbResult<std::unique_ptr<Connection>>(Deadline)>& open, Deadline deadline) {
  // Other clients of the pooler may come in between two questions, but hardly each time. Once it has been
  // seen, a few questions are enough to see that it has changed: a pooler may be far away.
  constexpr int kEnough = 12, kEnoughAgain = 4, kUnknown = 2;
  // Of several processes of a pooler behind one address, the other comes to the same as mine at some time.
  constexpr int kAnother = 3;
  const auto connected = Clock::now();
  const auto unseen = [&]() -> DbResult<void> {
    if (seen.ever) return {};
    return cannot_be_seen();
  };
  const Turn turn(seen, deadline);
  if (!turn) return unseen();
  if (turn.begun_before() > connected) return {};
  const auto begun = Clock::now();
  int kept = 0, unknown = 0;
  std::unique_ptr<Connection> other;
  const int enough = seen.ever ? kEnoughAgain : kEnough;
  while (kept < enough && mine.alive() && Clock::now() < deadline && !(seen.ever && unknown >= kUnknown)) {
    if (!other) {
      // Half of what is left: one that is let wait must not take all of it.
      const auto now = Clock::now();
      auto opened = open(now + (deadline - now) / 2);
      if (opened) other = std::move(*opened);
    }
    switch (other ? try_once(mine, *other, 1 + kept % 2, deadline) : Finding::unknown) {
      case Finding::kept:
        if (++kept % kAnother == 0) other.reset();
        break;
      case Finding::not_kept:
        seen.ever = false;
        return session_is_not_kept();
      case Finding::unknown:
        ++unknown;
        other.reset();
        Connection::wait_for(-1, std::min(deadline, Clock::now() + kPause));
        break;
    }
  }
  if (!mine.alive()) return {};  // its next question says so
  if (kept < enough) return unseen();
  turn.saw(begun);
  return {};
}

}  // namespace parley::storage::postgres
