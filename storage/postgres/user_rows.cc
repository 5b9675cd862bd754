#include "storage/postgres/user_rows.h"

#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"

namespace parley::storage::postgres {
namespace {

const Statement kLock{"user.lock", std::string("SELECT ") + kUserColumns +
                                       " FROM users u WHERE u.name = $1 AND u.status <> 2 FOR NO KEY UPDATE"};

const Statement kLockOwner{"user.lock_owner", std::string("SELECT ") + kUserColumns +
                                                  " FROM users u WHERE u.name = " + OWNER_OF("$1") +
                                                  " AND u.status <> 2 FOR NO KEY UPDATE"};
const Statement kSamePerson{"user.same_person", "SELECT " OWNER_OF("$1") " = " OWNER_OF("$2")};

// Any number that nobody else in this database uses. Held to the end of the transaction.
const Statement kLockAdmins{"users.lock_admins", "SELECT pg_advisory_xact_lock(123576517158266)"};
const Statement kOtherAdmin{"users.other_admin",
                            "SELECT FROM users WHERE admin AND status = 0 AND name <> $1 LIMIT 1"};

#define REVOKE \
  "UPDATE sessions SET revoked_ms = $2, revoke_until_s = $3 WHERE user_name = $1 AND revoked_ms = 0 "
const Statement kRevokeAll{"sessions.revoke_all", REVOKE "AND sid <> $4 RETURNING sid"};
const Statement kRevokeDevice{"sessions.revoke_device", REVOKE "AND device = $4 RETURNING sid"};
const Statement kRevokeOne{"sessions.revoke_one", REVOKE "AND sid = $4 RETURNING sid"};
const Statement kDropPush{"device.drop_with_sessions",
                          "DELETE FROM push_devices WHERE user_name = $1 AND credential = ANY($2::text[])"};
const Statement kHandOverPush{
    "device.hand_over",
    "UPDATE push_devices SET credential = $3 WHERE user_name = $1 AND credential = ANY($2::text[])"};

// None is being made for a bot meanwhile.
const Statement kLockBots{"user.lock_bots",
                          "SELECT u.name FROM users u WHERE u.owner = $1 ORDER BY u.name FOR NO KEY UPDATE"};
const Statement kEndTokens{"api_tokens.end",
                           "DELETE FROM api_tokens WHERE user_name = $1 RETURNING encode(sha256, 'hex'), id"};
const Statement kCountTokens{
    "api_tokens.count",
    "SELECT count(*) FROM " ACCOUNTS_OF("$1") " a CROSS JOIN LATERAL (SELECT FROM api_tokens i "
    "WHERE i.user_name = a.name AND (i.until_s = 0 OR i.until_s > $2) OFFSET 0) t"};
const Statement kDropTokensPush{"device.drop_with_tokens",
                                "DELETE FROM push_devices WHERE credential = $2 AND user_name = $1"};

// Gives the sids.
MetadataResult<std::vector<std::string>> revoke(Store& store, Change& change, const Statement& statement,
                                                std::string_view user, std::string_view which,
                                                std::string_view reason) {
  // Access tokens given out until now live as long; a little more for clocks that differ.
  const std::int64_t until_s = change.now_s() + store.options().access_ttl_s + 60;
  ASSIGN_OR_RETURN(const Rows rows, change.run(statement, Params(user, change.now_ms(), until_s, which)));
  std::vector<std::string> ended;
  ended.reserve(rows.count());
  for (int row = 0; row < rows.size(); ++row) ended.push_back(rows.string(row, 0));
  for (const std::string& sid : ended) change.fact(SessionRevoke{.sid = sid, .until_s = until_s});
  for (const std::string& sid : ended)
    change.tell(user, "session.revoked", {{"sid", sid}, {"reason", reason}});
  return ended;
}

// For good: nobody is there any more who would read what is pushed.
MetadataResult<std::uint32_t> end(Store& store, Change& change, const Statement& statement,
                                  std::string_view user, std::string_view which, std::string_view reason) {
  ASSIGN_OR_RETURN(const std::vector<std::string> ended,
                   revoke(store, change, statement, user, which, reason));
  if (!ended.empty()) RETURN_IF_FAULT(change.run(kDropPush, Params(user, ended)));
  return static_cast<std::uint32_t>(ended.size());
}

}  // namespace

User read_user(const Rows& rows, int row, int first) {
  User user;
  user.name = rows.string(row, first);
  user.display_name = rows.string(row, first + 1);
  user.about = rows.string(row, first + 2);
  user.role = rows.as<TokenRole>(row, first + 3);
  user.owner = rows.string(row, first + 4);
  user.admin = rows.boolean(row, first + 5);
  user.status = rows.as<AccountStatus>(row, first + 6);
  user.limits = rows.string(row, first + 7);
  user.tokens_after_s = rows.integer(row, first + 8);
  user.version = static_cast<std::uint64_t>(rows.integer(row, first + 9));
  user.created_ms = rows.integer(row, first + 10);
  return user;
}

Actor actor_named(std::string_view user) {
  Actor actor;
  actor.user = user;
  return actor;
}

UserPut user_fact(const User& user) {
  return UserPut{.user = user.name,
                 .role = user.role,
                 .limits = user.limits,
                 .tokens_after_s = user.tokens_after_s,
                 .status = user.status == AccountStatus::active ? UserStatus::active : UserStatus::blocked,
                 .owner = user.owner};
}

MetadataFault no_user() { return {MetadataError::not_found, "there is no such user", "user"}; }

MetadataResult<User> lock_user(Change& change, std::string_view name) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLock, Params(name)));
  if (rows.empty()) return no_user();
  return read_user(rows, 0);
}

MetadataResult<User> lock_owner(Change& change, std::string_view account) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLockOwner, Params(account)));
  if (rows.empty()) return no_user();
  return read_user(rows, 0);
}

MetadataResult<bool> same_person(Change& change, std::string_view a, std::string_view b) {
  if (a == b) return true;
  ASSIGN_OR_RETURN(const Rows rows, change.run(kSamePerson, Params(a, b)));
  return rows.boolean(0, 0);
}

MetadataResult<void> check_active(const User& user) {
  if (user.status == AccountStatus::active) return {};
  return MetadataFault{MetadataError::forbidden, "this account is blocked", "user"};
}

MetadataResult<void> keep_an_admin(Change& change, const User& user) {
  if (!user.admin || user.status != AccountStatus::active) return {};
  RETURN_IF_FAULT(change.run(kLockAdmins, Params{}));
  ASSIGN_OR_RETURN(const Rows other, change.run(kOtherAdmin, Params(user.name)));
  if (!other.empty()) return {};
  return MetadataFault{MetadataError::conflict,
                       "this is the last admin of the server; make another one first", "admin"};
}

MetadataResult<void> allow_self(const Actor& actor, std::string_view user) {
  if (actor.admin || actor.user == user) return {};
  return MetadataFault{MetadataError::forbidden, "this is somebody else's account", ""};
}

MetadataResult<void> allow_owner(const Actor& actor, const User& user) {
  if (!user.owner.empty() && user.owner == actor.user) return {};
  return allow_self(actor, user.name);
}

Session read_session(const Rows& rows, int row, int first) {
  Session session;
  session.sid = rows.string(row, first);
  session.user = rows.string(row, first + 1);
  session.device = rows.string(row, first + 2);
  session.agent = rows.string(row, first + 3);
  session.address = rows.string(row, first + 4);
  session.created_ms = rows.integer(row, first + 5);
  session.used_ms = rows.integer(row, first + 6);
  session.expires_ms = rows.integer(row, first + 7);
  return session;
}

MetadataResult<std::uint32_t> revoke_sessions(Store& store, Change& change, std::string_view user,
                                              std::string_view keep_sid, std::string_view reason) {
  return end(store, change, kRevokeAll, user, keep_sid, reason);
}
MetadataResult<std::uint32_t> revoke_device_sessions(Store& store, Change& change, std::string_view user,
                                                     std::string_view device, std::string_view new_sid) {
  ASSIGN_OR_RETURN(const std::vector<std::string> ended,
                   revoke(store, change, kRevokeDevice, user, device, "replaced"));
  if (!ended.empty()) RETURN_IF_FAULT(change.run(kHandOverPush, Params(user, ended, new_sid)));
  return static_cast<std::uint32_t>(ended.size());
}
MetadataResult<std::uint32_t> revoke_session(Store& store, Change& change, std::string_view user,
                                             std::string_view sid, std::string_view reason) {
  return end(store, change, kRevokeOne, user, sid, reason);
}

MetadataResult<std::uint32_t> end_api_tokens(Change& change, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows bots, change.run(kLockBots, Params(user)));
  std::vector<std::string_view> accounts = {user};
  for (int row = 0; row < bots.size(); ++row) accounts.push_back(bots.text(row, 0));
  std::uint32_t ended = 0;
  for (const std::string_view account : accounts) {
    ASSIGN_OR_RETURN(const Rows tokens, change.run(kEndTokens, Params(account)));
    for (int row = 0; row < tokens.size(); ++row) {
      change.fact(TokenRemove{.sha256 = parse_sha256_hex(tokens.text(row, 0)).value_or(Sha256{})});
      RETURN_IF_FAULT(change.run(kDropTokensPush, Params(account, tokens.text(row, 1))));
    }
    ended += static_cast<std::uint32_t>(tokens.size());
  }
  return ended;
}
MetadataResult<std::uint32_t> count_api_tokens(Change& change, std::string_view user) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kCountTokens, Params(user, change.now_s())));
  return static_cast<std::uint32_t>(rows.integer(0, 0));
}

}  // namespace parley::storage::postgres
