#include "storage/postgres/accounts.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

// The row is locked against the user's being blocked or deleted meanwhile, and against another one's signing
// in on the same device at once: each would not see the other's session, and both would live.
const Statement kActive{"user.active", "SELECT u.status FROM users u WHERE u.name = $1 FOR NO KEY UPDATE"};
const Statement kInsert{
    "session.insert",
    "INSERT INTO sessions (sid, user_name, device, agent, address, created_ms, used_ms, expires_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $6, $7)"};
const Statement kInsertToken{"refresh.insert",
                             "INSERT INTO refresh_tokens (sha256, sid, created_ms) VALUES ($1, $2, $3)"};
const Statement kInsertSuccessor{
    "refresh.insert_successor",
    "INSERT INTO refresh_tokens (sha256, sid, created_ms, parent) VALUES ($1, $2, $3, $4)"};
// The session's row is what refreshes of one family queue at; it is locked first, then everything is read
// afresh.
const Statement kLock{"session.lock_by_refresh",
                      "SELECT s.sid FROM sessions s WHERE s.sid = (SELECT t.sid FROM refresh_tokens t "
                      "WHERE t.sha256 = $1) FOR NO KEY UPDATE"};
const Statement kByRefresh{
    "session.by_refresh",
    std::string("SELECT ") + kSessionColumns + ", " + kUserColumns +
        ", s.revoked_ms, t.used_ms, t.replaced_ms FROM refresh_tokens t JOIN sessions s ON s.sid = t.sid "
        "JOIN users u ON u.name = s.user_name WHERE t.sha256 = $1"};
const Statement kUse{"refresh.use", "UPDATE refresh_tokens SET used_ms = $2 WHERE sha256 = $1"};
// What was given out for a token: how many, and how many of them were used.
const Statement kSuccessors{"refresh.successors",
                            "SELECT count(*), count(*) FILTER (WHERE used_ms <> 0) FROM refresh_tokens "
                            "WHERE sid = $1 AND parent = $2"};
const Statement kReplace{"refresh.replace",
                         "UPDATE refresh_tokens SET replaced_ms = $3 WHERE sid = $1 AND parent = $2 "
                         "AND used_ms = 0 AND replaced_ms = 0"};
// Of one family, those used or replaced so long ago that nobody can have kept them for an honest second use.
const Statement kForgetUsed{"refresh.forget_used",
                            "DELETE FROM refresh_tokens WHERE sid = $1 AND "
                            "((used_ms <> 0 AND used_ms < $2) OR (replaced_ms <> 0 AND replaced_ms < $2))"};
const Statement kRotate{"session.rotate",
                        "UPDATE sessions SET used_ms = $2, expires_ms = $3, address = $4 WHERE sid = $1"};
const Statement kGet{"session.get",
                     std::string("SELECT ") + kSessionColumns + ", " + kUserColumns +
                         " FROM sessions s JOIN users u ON u.name = s.user_name "
                         "WHERE s.sid = $1 AND s.revoked_ms = 0 AND s.expires_ms > $2 AND u.status = 0"};
const Statement kList{"sessions.list", std::string("SELECT ") + kSessionColumns +
                                           " FROM sessions s WHERE s.user_name = $1 AND s.revoked_ms = 0 "
                                           "AND s.expires_ms > $2 ORDER BY s.created_ms DESC LIMIT 1000"};
const Statement kTokensAfter{"user.tokens_after",
                             "UPDATE users SET tokens_after_s = $2, version = version + 1 WHERE name = $1"};

// Those beyond the newest so many, the longest unused last. What is too much for one transaction goes with
// the next sign-in.
const Statement kSurplus{
    "sessions.surplus",
    "SELECT s.sid FROM sessions s WHERE s.user_name = $1 AND s.revoked_ms = 0 "
    "AND s.expires_ms > $2 ORDER BY s.used_ms DESC, s.created_ms DESC OFFSET $3 LIMIT 200"};

constexpr int kRevokedColumn = kSessionColumnCount + kUserColumnCount;
constexpr int kUsedColumn = kRevokedColumn + 1;
constexpr int kReplacedColumn = kUsedColumn + 1;

MetadataFault unauthorized() {
  return {MetadataError::unauthorized, "this refresh token is not valid any more; log in", "refresh_token"};
}

MetadataResult<void> make_room(Store& store, Change& change, std::string_view user, std::uint32_t stay) {
  ASSIGN_OR_RETURN(const Rows surplus, change.run(kSurplus, Params(user, change.now_ms(), stay)));
  for (int row = 0; row < surplus.size(); ++row) {
    RETURN_IF_FAULT(revoke_session(store, change, user, surplus.text(row, 0), "limit"));
    change.audit("session.limit", user_target(user), {}, {{"sid", surplus.text(row, 0)}});
  }
  return {};
}

MetadataResult<Session> create_in(Store& store, Change& change, const NewSession& wanted) {
  ASSIGN_OR_RETURN(const Rows active, change.run(kActive, Params(wanted.user)));
  if (active.empty()) return no_user();
  if (active.as<AccountStatus>(0, 0) != AccountStatus::active)
    return MetadataFault{MetadataError::forbidden, "this account is blocked", "user"};
  RETURN_IF_FAULT(revoke_device_sessions(store, change, wanted.user, wanted.device, wanted.sid));
  if (wanted.max_sessions > 0)
    RETURN_IF_FAULT(make_room(store, change, wanted.user, wanted.max_sessions - 1));
  const Session session{
      wanted.sid,      wanted.user,     wanted.device,    wanted.agent, change.actor().address,
      change.now_ms(), change.now_ms(), wanted.expires_ms};
  RETURN_IF_FAULT(change.run(kInsert, Params(session.sid, session.user, session.device, session.agent,
                                             session.address, session.created_ms, session.expires_ms)));
  RETURN_IF_FAULT(change.run(kInsertToken, Params(wanted.refresh, session.sid, change.now_ms())));
  change.audit("session.create", user_target(session.user), {},
               {{"sid", session.sid}, {"device", session.device}});
  return session;
}

// Two have had a use of one token: its owner and somebody else. Which of them asks now, nobody can tell.
MetadataResult<Refreshed> used_twice(Store& store, Change& change, const Session& session) {
  RETURN_IF_FAULT(revoke_session(store, change, session.user, session.sid, "reuse"));
  change.audit("session.reuse", user_target(session.user), {}, {{"sid", session.sid}});
  change.commit_anyway();
  return MetadataFault{MetadataError::reused,
                       "somebody else has used this refresh token, so the session has been ended; log in",
                       "refresh_token"};
}

enum class Answer : std::uint8_t { fresh, conflict, reused };

// A token that was used before comes again. While nobody has used what was given out for it, its answer was
// lost, or two tabs asked at once: within the grace each keeps what it gets; after it the earlier ones, which
// nobody seems to have, are replaced. One of those that is used all the same had arrived: two have copies.
MetadataResult<Answer> used_again(Change& change, const Session& session, const Refresh& refresh,
                                  std::int64_t used_ms) {
  ASSIGN_OR_RETURN(const Rows given, change.run(kSuccessors, Params(session.sid, refresh.presented)));
  const bool at_once = change.now_ms() - used_ms < refresh.grace_ms;
  if (given.integer(0, 0) == 0 || given.integer(0, 1) > 0) return at_once ? Answer::conflict : Answer::reused;
  if (at_once) return Answer::fresh;
  RETURN_IF_FAULT(change.run(kReplace, Params(session.sid, refresh.presented, change.now_ms())));
  return Answer::fresh;
}

MetadataResult<Refreshed> refresh_in(Store& store, Change& change, const Refresh& refresh) {
  ASSIGN_OR_RETURN(const Rows locked, change.run(kLock, Params(refresh.presented)));
  if (locked.empty()) return unauthorized();
  ASSIGN_OR_RETURN(const Rows rows, change.run(kByRefresh, Params(refresh.presented)));
  if (rows.empty()) return unauthorized();
  Refreshed found{read_session(rows, 0), read_user(rows, 0, kSessionColumnCount)};
  if (rows.integer(0, kRevokedColumn) != 0) return unauthorized();
  const std::int64_t used_ms = rows.integer(0, kUsedColumn);
  Answer answer = rows.integer(0, kReplacedColumn) != 0 ? Answer::reused : Answer::fresh;
  if (answer == Answer::fresh && used_ms != 0) {
    ASSIGN_OR_RETURN(answer, used_again(change, found.session, refresh, used_ms));
  }
  if (answer == Answer::conflict)
    return MetadataFault{MetadataError::conflict,
                         "this refresh token has just been used; use the one that came", "refresh_token"};
  if (answer == Answer::reused) return used_twice(store, change, found.session);
  if (found.session.expires_ms <= change.now_ms()) return unauthorized();
  if (found.user.status != AccountStatus::active) return unauthorized();
  RETURN_IF_FAULT(change.run(kUse, Params(refresh.presented, change.now_ms())));
  RETURN_IF_FAULT(change.run(kInsertSuccessor,
                             Params(refresh.next, found.session.sid, change.now_ms(), refresh.presented)));
  const std::int64_t life_ms = refresh.expires_ms - change.now_ms();
  RETURN_IF_FAULT(change.run(kForgetUsed, Params(found.session.sid, change.now_ms() - life_ms)));
  found.session.used_ms = change.now_ms();
  found.session.expires_ms = refresh.expires_ms;
  found.session.address = change.actor().address;
  RETURN_IF_FAULT(change.run(kRotate, Params(found.session.sid, found.session.used_ms,
                                             found.session.expires_ms, found.session.address)));
  return found;
}

}  // namespace

MetadataResult<Session> PostgresSessions::create(const Actor& actor, const NewSession& session) {
  return store_.change(actor, [&](Change& change) { return create_in(store_, change, session); });
}

MetadataResult<Refreshed> PostgresSessions::refresh(const Actor& actor, const Refresh& refresh) {
  return store_.change(actor, [&](Change& change) { return refresh_in(store_, change, refresh); });
}

MetadataResult<Refreshed> PostgresSessions::get(std::string_view sid) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kGet, Params(sid, store_.now_ms())));
  if (rows.empty()) return MetadataFault{MetadataError::not_found, "there is no such session", "session"};
  return Refreshed{read_session(rows, 0), read_user(rows, 0, kSessionColumnCount)};
}

MetadataResult<std::vector<Session>> PostgresSessions::list(std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kList, Params(user, store_.now_ms())));
  std::vector<Session> sessions;
  sessions.reserve(rows.count());
  for (int row = 0; row < rows.size(); ++row) sessions.push_back(read_session(rows, row));
  return sessions;
}

MetadataResult<void> PostgresSessions::revoke(const Actor& actor, std::string_view user,
                                              std::string_view sid) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    RETURN_IF_FAULT(allow_self(actor, user));
    ASSIGN_OR_RETURN(const std::uint32_t ended, revoke_session(store_, change, user, sid, "logout"));
    if (ended == 0) return MetadataFault{MetadataError::not_found, "there is no such session", "session"};
    change.audit("session.revoke", user_target(user), {}, {{"sid", sid}});
    return {};
  });
}

MetadataResult<Session> PostgresSessions::revoke_by_refresh(const Actor& actor, const Sha256& refresh) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<Session> {
    ASSIGN_OR_RETURN(const Rows locked, change.run(kLock, Params(refresh)));
    if (locked.empty()) return unauthorized();
    ASSIGN_OR_RETURN(const Rows rows, change.run(kByRefresh, Params(refresh)));
    if (rows.empty()) return unauthorized();
    const Session session = read_session(rows, 0);
    ASSIGN_OR_RETURN(const std::uint32_t ended,
                     revoke_session(store_, change, session.user, session.sid, "logout"));
    if (ended > 0) change.audit("session.revoke", user_target(session.user), {}, {{"sid", session.sid}});
    return session;
  });
}

MetadataResult<Ended> PostgresSessions::revoke_all(const Actor& actor, std::string_view user,
                                                   std::string_view keep_sid, bool end_tokens) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<Ended> {
    RETURN_IF_FAULT(allow_self(actor, user));
    ASSIGN_OR_RETURN(User locked, lock_user(change, user));
    Ended ended;
    ASSIGN_OR_RETURN(ended.sessions, revoke_sessions(store_, change, user, keep_sid, "logout"));
    if (end_tokens) {
      ASSIGN_OR_RETURN(ended.tokens, end_api_tokens(change, user));
    }
    ASSIGN_OR_RETURN(ended.tokens_left, count_api_tokens(change, user));
    // One that is kept has tokens from before, which must go on working.
    if (keep_sid.empty()) {
      locked.tokens_after_s = change.now_s();
      RETURN_IF_FAULT(change.run(kTokensAfter, Params(user, locked.tokens_after_s)));
      change.fact(user_fact(locked));
    }
    change.audit("session.revoke_all", user_target(user), {},
                 {{"sessions", ended.sessions}, {"tokens", ended.tokens}});
    return ended;
  });
}

}  // namespace parley::storage::postgres
