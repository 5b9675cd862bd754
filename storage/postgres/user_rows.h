// What the nouns of people share: reading and locking users, revoking sessions. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_USER_ROWS_H_
#define PARLEY_STORAGE_POSTGRES_USER_ROWS_H_

#include "storage/metadata_accounts.h"
#include "storage/postgres/store.h"

namespace parley::storage::postgres {

// The person behind an account, in SQL: a bot's owner, anybody else oneself; who is no user (a service) too.
// Blocks, bans and limits are between people. `account` is a parameter or a column.
#define OWNER_OF(account) \
  "coalesce((SELECT coalesce(w.owner, w.name) FROM users w WHERE w.name = " account "), " account "::text)"
// The rest of a SELECT twice, from FROM to the column that names the user: of the account itself, and of the
// person behind it. Two lookups by the whole key: for `IN` the planner may prefer to walk through all there
// are.
#define OF_ACCOUNT_OR_PERSON(columns, rest, account) \
  "SELECT " columns rest " = " account "::text UNION ALL SELECT " columns rest " = " OWNER_OF(account)
// All accounts of a person, in FROM.
#define ACCOUNTS_OF(person) \
  "(SELECT " person "::text AS name UNION ALL SELECT w.name FROM users w WHERE w.owner = " person ")"

// Columns of a user `u`, for the reader below.
inline constexpr char kUserColumns[] =
    "u.name, u.display_name, u.about, u.role, u.owner, u.admin, u.status, u.limits, u.tokens_after_s, "
    "u.version, "
    "u.created_ms";
inline constexpr int kUserColumnCount = 11;
User read_user(const Rows& rows, int row, int first_column = 0);

// Acts for itself, without a request.
Actor actor_named(std::string_view user);

UserPut user_fact(const User& user);
MetadataFault no_user();

// The user's row, locked until the end of the transaction. Deleted users are `not_found`.
MetadataResult<User> lock_user(Change& change, std::string_view name);
// Of the person behind this account, likewise.
MetadataResult<User> lock_owner(Change& change, std::string_view account);
// Whether the two accounts are one person's.
MetadataResult<bool> same_person(Change& change, std::string_view a, std::string_view b);
// `forbidden` when this user, whose row is locked, is blocked: a request of theirs may have been on its way.
MetadataResult<void> check_active(const User& user);
// `conflict` when this user, whose row is locked and who is about to be one no longer, is the server's last
// admin who is active. Two who take the right from each other queue here.
MetadataResult<void> keep_an_admin(Change& change, const User& user);
// The user itself, or an admin of the server.
MetadataResult<void> allow_self(const Actor& actor, std::string_view user);
// The user itself, the owner of this bot or device, or an admin of the server.
MetadataResult<void> allow_owner(const Actor& actor, const User& user);

inline constexpr char kSessionColumns[] =
    "s.sid, s.user_name, s.device, s.agent, s.address, s.created_ms, s.used_ms, s.expires_ms";
inline constexpr int kSessionColumnCount = 8;
Session read_session(const Rows& rows, int row, int first_column = 0);

// Revokes live sessions and says so to brokers and user; gives how many there were.
// All of the user's but `keep_sid` (may be empty).
MetadataResult<std::uint32_t> revoke_sessions(Store& store, Change& change, std::string_view user,
                                              std::string_view keep_sid, std::string_view reason);
// Those on one device, whose push registrations go over to the session that takes their place.
MetadataResult<std::uint32_t> revoke_device_sessions(Store& store, Change& change, std::string_view user,
                                                     std::string_view device, std::string_view new_sid);
MetadataResult<std::uint32_t> revoke_session(Store& store, Change& change, std::string_view user,
                                             std::string_view sid, std::string_view reason);

// Ends the API tokens of this user, whose row is locked, and of the bots it owns; gives how many.
MetadataResult<std::uint32_t> end_api_tokens(Change& change, std::string_view user);
// How many of them there are.
MetadataResult<std::uint32_t> count_api_tokens(Change& change, std::string_view user);

// Takes a deleted user out of its rooms, some at a time, until `until`; Feed::sweep goes on with what is
// left.
MetadataResult<void> leave_all_rooms(Store& store, const Actor& actor, std::string_view user, Deadline until);

}  // namespace parley::storage::postgres

#endif
