#include "storage/postgres/feed.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>

#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

// Any number that nobody else in this database uses: "parley" in ASCII.
#define LEADER_LOCK "123576517158265"

const Statement kHead{"feed.head", "SELECT version FROM change_head WHERE one"};
// Up to about a mebibyte of operations: the sum of those before a row decides whether it is still given.
const Statement kChanges{
    "feed.changes_after",
    "SELECT version, ops, mark FROM (SELECT c.version, c.ops, c.mark, sum(octet_length(c.ops)) OVER "
    "(ORDER BY c.version) AS total, "
    "octet_length(c.ops) AS own FROM (SELECT version, ops, mark FROM changes WHERE version > "
    "$1 ORDER BY version LIMIT $2) c) "
    "t WHERE total - own < 1048576 ORDER BY version"};
const Statement kMark{"feed.mark", "SELECT mark FROM changes WHERE version = $1"};
const Statement kTryLead{"feed.try_lead", "SELECT pg_try_advisory_lock(" LEADER_LOCK ")"};
// Sessions that are not ours any more, because a pooler has changed them, have neither.
const Statement kStillLeads{
    "feed.still_leads",
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = $1 AND pid = pg_backend_pid() AND granted "
    "AND (classid::bigint << 32) + objid::bigint = " LEADER_LOCK};
const Statement kStillListens{"feed.still_listens",
                              "SELECT FROM pg_listening_channels() c WHERE c = 'parley_changes'"};
const Statement kTrim{
    "feed.trim",
    "DELETE FROM changes WHERE version IN (SELECT version FROM changes "
    "WHERE version <= (SELECT version FROM change_head WHERE one) - $1::bigint ORDER BY version LIMIT 2000)"};

// A thousand rows at a time, found by the index that tells which are to go. When the table is not much bigger
// than that, the planner rather reads it once than looks up each of them, and may.
const Statement kSweepSessions{
    "sweep.sessions",
    "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE expires_ms < $1::bigint "
    "AND revoke_until_s < $1::bigint / 1000 ORDER BY expires_ms LIMIT 1000)"};
// One that was revoked long ago; that it was used twice shows as "unauthorized" from then on.
const Statement kSweepRevoked{
    "sweep.revoked",
    "DELETE FROM sessions WHERE sid IN (SELECT sid FROM sessions WHERE revoked_ms <> 0 "
    "AND revoke_until_s < ($1::bigint - 86400000) / 1000 ORDER BY revoke_until_s LIMIT 1000)"};
const Statement kSweepApiTokens{
    "sweep.api_tokens",
    "DELETE FROM api_tokens WHERE sha256 IN (SELECT sha256 FROM api_tokens "
    "WHERE until_s <> 0 AND until_s < $1::bigint / 1000 - 86400 ORDER BY until_s LIMIT 1000)"};
// Registrations of devices that nobody is signed in on any more.
const Statement kSweepPush{
    "sweep.push_devices",
    "DELETE FROM push_devices d USING (SELECT p.user_name, p.device, p.credential FROM push_devices p "
    "WHERE p.credential <> '' "
    "AND NOT EXISTS (SELECT FROM sessions s WHERE s.sid = p.credential AND s.revoked_ms = 0 "
    "AND s.expires_ms > $1::bigint) AND NOT EXISTS (SELECT FROM api_tokens t WHERE t.id = p.credential "
    "AND (t.until_s = 0 OR t.until_s > $1::bigint / 1000)) LIMIT 1000) o "
    "WHERE d.user_name = o.user_name AND d.device = o.device AND d.credential = o.credential"};
const Statement kSweepInvites{
    "sweep.invites",
    "DELETE FROM invites WHERE code IN (SELECT code FROM invites WHERE expires_ms <> 0 "
    "AND expires_ms < $1::bigint - 86400000 ORDER BY expires_ms LIMIT 1000)"};
const Statement kSweepKeys{"sweep.idempotency",
                           "DELETE FROM idempotency WHERE ctid IN (SELECT ctid FROM idempotency "
                           "WHERE created_ms < $1::bigint - 86400000 ORDER BY created_ms LIMIT 1000)"};
// A caller looks for its own within seconds.
const Statement kSweepCommits{"sweep.commits",
                              "DELETE FROM commits WHERE ctid IN (SELECT ctid FROM commits "
                              "WHERE at_ms < $1::bigint - 600000 ORDER BY at_ms LIMIT 5000)"};
// Members of deleted rooms, a room at a time and in portions. Counted is what was chosen: of those, others
// may have taken out some meanwhile, which does not make this portion the last one.
const Statement kSweepMembers{
    "sweep.members",
    "WITH dead AS (SELECT room FROM rooms WHERE deleted_ms <> 0 AND members > 0 ORDER BY room LIMIT 1 "
    "FOR NO KEY UPDATE SKIP LOCKED), "
    "batch AS (SELECT m.room, m.user_name FROM dead JOIN members m ON m.room = dead.room LIMIT 5000), "
    "gone AS (DELETE FROM members m USING batch WHERE m.room = batch.room AND m.user_name = batch.user_name "
    "RETURNING 1) "
    "UPDATE rooms r SET members = CASE WHEN (SELECT count(*) FROM batch) < 5000 THEN 0 "
    "ELSE greatest(1, r.members - 5000) END FROM dead WHERE r.room = dead.room"};
const Statement kDepartures{"sweep.leaving", "SELECT name FROM users WHERE leaving ORDER BY name LIMIT 100"};

}  // namespace

PostgresFeed::PostgresFeed(Store& store)
    : store_(store), interrupt_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (interrupt_fd_ < 0) throw std::runtime_error("cannot make an eventfd");
}
PostgresFeed::~PostgresFeed() {
  resign();
  ::close(interrupt_fd_);
}

MetadataResult<std::uint64_t> PostgresFeed::head() {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kHead, Params{}));
  if (rows.empty()) return MetadataFault{MetadataError::internal, "the database is not set up", ""};
  return static_cast<std::uint64_t>(rows.integer(0, 0));
}

MetadataResult<std::vector<ChangeRow>> PostgresFeed::changes_after(FeedPosition after, std::uint32_t limit) {
  // The head is read before the rows: a change that commits in between is not taken for one that was trimmed
  // away.
  const Params from(after.version);
  const Params which(after.version, limit);
  const Params none;
  const Connection::Query queries[] = {{kHead, none}, {kMark, from}, {kChanges, which}};
  ASSIGN_OR_RETURN(const std::vector<Rows> rows, store_.read_together(queries));
  if (rows[0].empty()) return MetadataFault{MetadataError::internal, "the database is not set up", ""};
  const auto head = static_cast<std::uint64_t>(rows[0].integer(0, 0));
  const MetadataFault too_old{MetadataError::too_old, "these changes are not kept any more; take a snapshot",
                              ""};
  if (after.version > head) return too_old;
  // Where nothing is left to compare with, it could be another one; but for the head, after which none is
  // missed.
  const bool same = rows[1].empty() ? after.version == head
                                    : static_cast<std::uint64_t>(rows[1].integer(0, 0)) == after.mark;
  if (after.mark != 0 && !same) return too_old;
  std::vector<ChangeRow> changes;
  changes.reserve(rows[2].count());
  for (int row = 0; row < rows[2].size(); ++row)
    changes.push_back({static_cast<std::uint64_t>(rows[2].integer(row, 0)), rows[2].string(row, 1),
                       static_cast<std::uint64_t>(rows[2].integer(row, 2))});
  const bool missing = changes.empty() ? after.version < head : changes.front().version != after.version + 1;
  if (missing) return too_old;
  return changes;
}

MetadataResult<std::uint64_t> PostgresFeed::in_steps(const Statement& statement,
                                                     const std::function<Params()>& params) {
  std::uint64_t total = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const Rows step, store_.read(statement, params()));
    total += step.affected();
    if (step.affected() == 0) return total;
  }
}

MetadataResult<std::uint64_t> PostgresFeed::trim_changes(std::uint64_t keep) {
  return in_steps(kTrim, [&] { return Params(keep); });
}

// One that fails, because it takes too long perhaps, must not keep the others from ever being done.
MetadataResult<std::uint64_t> PostgresFeed::sweep() {
  const std::int64_t now = store_.now_ms();
  MetadataResult<std::uint64_t> total = 0;
  const auto add = [&](const MetadataResult<std::uint64_t>& some) {
    if (!total) return;  // the first fault is the one that is given
    if (some) {
      *total += *some;
    } else {
      total = some.error();
    }
  };
  for (const Statement* statement : {&kSweepSessions, &kSweepRevoked, &kSweepApiTokens, &kSweepPush,
                                     &kSweepInvites, &kSweepKeys, &kSweepCommits})
    add(in_steps(*statement, [&] { return Params(now); }));
  add(in_steps(kSweepMembers, [] { return Params{}; }));
  add(finish_departures());
  return total;
}

MetadataResult<std::uint64_t> PostgresFeed::finish_departures() {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kDepartures, Params{}));
  MetadataResult<void> first_fault;
  for (int row = 0; row < rows.size(); ++row) {
    const Actor user = actor_named(rows.text(row, 0));
    const auto left = leave_all_rooms(store_, user, user.user, store_.deadline());
    if (!left && first_fault) first_fault = left;
  }
  RETURN_IF_FAULT(first_fault);
  return static_cast<std::uint64_t>(rows.size());
}

MetadataResult<bool> PostgresFeed::try_lead() {
  if (leading()) return true;
  const Deadline until = store_.deadline();
  if (!lead_ || !lead_->alive()) {
    auto opened = store_.connect("; SET idle_in_transaction_session_timeout = 0");
    if (!opened) return store_.fault_of(opened.error(), "connect");
    lead_ = std::move(*opened);
  }
  auto rows = lead_->run(kTryLead, Params{}, until);
  if (!rows) {
    lead_.reset();
    return store_.fault_of(rows.error(), kTryLead.name);
  }
  leads_ = rows->boolean(0, 0);
  lead_checked_ = Clock::now();
  return leads_;
}

bool PostgresFeed::leading() {
  if (!leads_) return false;
  leads_ = lead_ != nullptr && lead_->alive();
  // A connection whose other end has vanished without a word looks alive: ask it now and then.
  constexpr std::chrono::seconds kAskEvery{1};
  if (leads_ && Clock::now() - lead_checked_ >= kAskEvery) {
    const auto rows = lead_->run(kStillLeads, Params(lead_->backend()), store_.deadline());
    leads_ = rows && !rows->empty();
    lead_checked_ = Clock::now();
  }
  if (!leads_) lead_.reset();
  return leads_;
}

void PostgresFeed::resign() {
  // Where a pooler keeps the session after us as it is, the lock would not end with our connection.
  if (leads_ && lead_ && lead_->alive())
    (void)lead_->run_text("SELECT pg_advisory_unlock_all()", Clock::now() + std::chrono::milliseconds(500));
  leads_ = false;
  lead_.reset();
}

Wake PostgresFeed::wait_for_change(std::chrono::milliseconds timeout) {
  const Deadline until = Clock::now() + timeout;
  const auto interrupted = [&] {
    std::uint64_t count = 0;
    return ::read(interrupt_fd_, &count, sizeof count) > 0;
  };
  if (interrupted()) return Wake::interrupted;
  if (!listening_) {
    auto opened = store_.connect("");
    if (opened && (*opened)->run_text("LISTEN parley_changes", store_.deadline())) {
      listening_ = std::move(*opened);
      return Wake::changed;  // whatever happened until now went unheard
    }
    // Not at once again: the server is away.
    Connection::wait_for(interrupt_fd_, std::min(until, Clock::now() + std::chrono::milliseconds(200)));
    return interrupted() ? Wake::interrupted : Wake::lost;
  }
  for (;;) {
    const bool something = listening_->wait_readable(interrupt_fd_, until);
    if (interrupted()) return Wake::interrupted;
    if (listening_->take_notifications()) return Wake::changed;
    if (!listening_->alive()) {
      listening_.reset();
      return Wake::lost;
    }
    if (!something) break;
  }
  // Nothing came: is the other end still there?
  if (const auto rows = listening_->run(kStillListens, Params{}, store_.deadline()); rows && !rows->empty()) {
    return listening_->take_notifications() ? Wake::changed : Wake::timeout;
  }
  listening_.reset();
  return Wake::lost;
}

void PostgresFeed::interrupt() {
  const std::uint64_t one = 1;
  (void)!::write(interrupt_fd_, &one, sizeof one);
}

}  // namespace parley::storage::postgres
