// The session behind a connection: ours alone, and set to what we need. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_SESSION_H_
#define PARLEY_STORAGE_POSTGRES_SESSION_H_

#include <functional>
#include <memory>
#include <string>

#include "storage/postgres/connection.h"

namespace parley::storage::postgres {

// One text of SQL that takes a session over: nothing of whoever had it before is left, it is set as the
// connection string and `settings` say, and the last rows are the id of the process that serves it.
std::string begin_session_sql(const Servers& servers, const std::string& settings);

// For an answer that differs from what the server itself said at the startup, because somebody is in between:
// does that one keep the session of `mine` for it? `open` makes another connection by the same way. Where
// that cannot be seen now, because no connection is left for it, it is as it was when it was seen; and before
// it has been seen once, it is an error: two leaders who share a session would both hold the leader's lock.
DbResult<void> check_session_is_kept(
    Connection& mine, Servers::SessionsSeen& seen,
    const std::function<DbResult<std::unique_ptr<Connection>>(Deadline)>& open, Deadline deadline);

// What to do about a pooler that does not keep it, and whether an error says so.
DbError session_is_not_kept();
bool is_session_not_kept(const DbError& error);

}  // namespace parley::storage::postgres

#endif
