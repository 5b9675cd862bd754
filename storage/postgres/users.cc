#include <algorithm>

#include "storage/postgres/accounts.h"
#include "storage/postgres/room_rows.h"
#include "storage/postgres/try.h"
#include "storage/postgres/user_rows.h"

namespace parley::storage::postgres {
namespace {

#define SELECT_USER std::string("SELECT ") + kUserColumns

const Statement kGet{"user.get", SELECT_USER + " FROM users u WHERE u.name = $1"};
const Statement kCredential{"user.credential", SELECT_USER +
                                                   ", c.password_hash FROM users u "
                                                   "LEFT JOIN credentials c ON c.user_name = u.name "
                                                   "WHERE u.name = $1 AND u.status <> 2"};
const Statement kByIdentity{"user.by_identity",
                            SELECT_USER +
                                " FROM identities i JOIN users u ON u.name = i.user_name "
                                "WHERE i.issuer = $1 AND i.subject = $2 AND u.status <> 2"};
const Statement kInsert{"user.insert",
                        "INSERT INTO users (name, display_name, role, owner, admin, limits, created_ms) "
                        "VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7) ON CONFLICT DO NOTHING"};
const Statement kInsertCredential{
    "credential.insert",
    "INSERT INTO credentials (user_name, password_hash, changed_ms) VALUES ($1, $2, $3) "
    "ON CONFLICT (user_name) DO UPDATE SET password_hash = excluded.password_hash, "
    "changed_ms = excluded.changed_ms"};
const Statement kInsertIdentity{"identity.insert",
                                "INSERT INTO identities (issuer, subject, user_name, created_ms) "
                                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"};
const Statement kProfile{
    "user.profile", "UPDATE users SET display_name = $2, about = $3, version = version + 1 WHERE name = $1"};
const Statement kActiveBots{"user.active_bots",
                            "SELECT name FROM users WHERE owner = $1 AND status = 0 ORDER BY name"};
const Statement kAdminister{"user.administer",
                            "UPDATE users SET status = $2, limits = $3, admin = $4, tokens_after_s = $5, "
                            "version = version + 1 WHERE name = $1"};
const Statement kLimits{"user.limits_exists", "SELECT FROM limit_classes WHERE name = $1"};
const Statement kRehash{
    "credential.rehash",
    "UPDATE credentials SET password_hash = $3 WHERE user_name = $1 AND password_hash = $2"};

MetadataFault invalid(std::string message, std::string field) {
  return {MetadataError::invalid, std::move(message), std::move(field)};
}

MetadataResult<void> check(const Actor& actor, const NewUser& user) {
  if (!is_user_name(user.name))
    return invalid("2 to 32 of a-z, 0-9, _, . and -, the first a letter or digit", "user");
  if (user.issuer.empty() != user.subject.empty())
    return invalid("issuer and subject belong together", "identity");
  const bool special = user.admin || user.role == TokenRole::service || user.limits != "default";
  if (special && !actor.admin)
    return MetadataFault{MetadataError::forbidden, "only admins of the server may do this", ""};
  if (!user.owner.empty()) RETURN_IF_FAULT(allow_self(actor, user.owner));
  return {};
}

MetadataResult<User> user_of(Change& change, std::string_view name) {
  ASSIGN_OR_RETURN(const Rows rows, change.run(kGet, Params(name)));
  if (rows.empty()) return no_user();
  return read_user(rows, 0);
}

MetadataResult<void> check_limits(Change& change, const std::string& name) {
  if (name == "default" || name == "unlimited") return {};
  ASSIGN_OR_RETURN(const Rows rows, change.run(kLimits, Params(name)));
  if (rows.empty()) return invalid("there is no class of limits of this name", "limits");
  return {};
}

MetadataResult<void> add_identity(Change& change, std::string_view name, std::string_view issuer,
                                  std::string_view subject) {
  ASSIGN_OR_RETURN(const Rows added,
                   change.run(kInsertIdentity, Params(issuer, subject, name, change.now_ms())));
  if (added.affected() == 1) return {};
  return MetadataFault{MetadataError::conflict, "this identity belongs to an account already", "identity"};
}

MetadataResult<Created<User>> create_in(Change& change, const NewUser& user) {
  ASSIGN_OR_RETURN(const auto earlier, change.made_before("user.create"));
  if (earlier) {
    ASSIGN_OR_RETURN(User there, user_of(change, *earlier));
    return Created<User>{std::move(there), true, false};
  }
  RETURN_IF_FAULT(check(change.actor(), user));
  RETURN_IF_FAULT(check_limits(change, user.limits));
  if (!user.owner.empty()) {
    ASSIGN_OR_RETURN(const User owner, lock_user(change, user.owner));
    RETURN_IF_FAULT(check_active(owner));
    if (!owner.owner.empty()) return invalid("a bot belongs to a person, not to another bot", "owner");
  }
  ASSIGN_OR_RETURN(const Rows inserted,
                   change.run(kInsert, Params(user.name, user.display_name, user.role, user.owner, user.admin,
                                              user.limits, change.now_ms())));
  if (inserted.affected() == 0)
    return MetadataFault{MetadataError::conflict, "this name is taken, or was once; take another", "user"};
  if (!user.password_hash.empty())
    RETURN_IF_FAULT(change.run(kInsertCredential, Params(user.name, user.password_hash, change.now_ms())));
  if (!user.issuer.empty()) RETURN_IF_FAULT(add_identity(change, user.name, user.issuer, user.subject));
  ASSIGN_OR_RETURN(User made, user_of(change, user.name));
  change.fact(user_fact(made));
  change.audit("user.create", user_target(user.name));
  RETURN_IF_FAULT(change.made(user.name));
  return Created<User>{std::move(made), false, false};
}

MetadataResult<User> update_in(Change& change, std::string_view name, const UserPatch& patch) {
  ASSIGN_OR_RETURN(User user, lock_user(change, name));
  RETURN_IF_FAULT(allow_owner(change.actor(), user));
  RETURN_IF_FAULT(check_version(patch.if_version, user.version));
  const std::string display_name = patch.display_name.value_or(user.display_name);
  const std::string about = patch.about.value_or(user.about);
  if (display_name == user.display_name && about == user.about) return user;
  RETURN_IF_FAULT(change.run(kProfile, Params(name, display_name, about)));
  if (change.actor().user != name) change.audit("user.update", user_target(name));
  return user_of(change, name);
}

MetadataResult<User> administer_in(Store& store, Change& change, std::string_view name,
                                   const AdminUserPatch& patch);

// Who is blocked does not go on by a bot. Unblocking gives back the account alone: a bot may have been the
// reason.
MetadataResult<void> block_bots_of(Store& store, Change& change, std::string_view owner) {
  ASSIGN_OR_RETURN(const Rows bots, change.run(kActiveBots, Params(owner)));
  AdminUserPatch blocked;
  blocked.status = AccountStatus::blocked;
  for (int row = 0; row < bots.size(); ++row)
    RETURN_IF_FAULT(administer_in(store, change, bots.string(row, 0), blocked));
  return {};
}

MetadataResult<User> administer_in(Store& store, Change& change, std::string_view name,
                                   const AdminUserPatch& patch) {
  if (!change.actor().admin)
    return MetadataFault{MetadataError::forbidden, "only admins of the server may do this", ""};
  if (patch.status == AccountStatus::deleted)
    return invalid("active or blocked; delete the user instead", "status");
  ASSIGN_OR_RETURN(const User user, lock_user(change, name));
  RETURN_IF_FAULT(check_version(patch.if_version, user.version));
  User next = user;
  next.status = patch.status.value_or(user.status);
  next.limits = patch.limits.value_or(user.limits);
  next.admin = patch.admin.value_or(user.admin);
  const bool stays_admin = next.admin && next.status == AccountStatus::active;
  if (!stays_admin) RETURN_IF_FAULT(keep_an_admin(change, user));
  if (patch.limits) RETURN_IF_FAULT(check_limits(change, next.limits));
  boost::json::object detail;
  if (next.status != user.status) detail["status"] = to_string(next.status);
  if (next.limits != user.limits) detail["limits"] = next.limits;
  if (next.admin != user.admin) detail["admin"] = next.admin;
  if (detail.empty()) return user;
  const bool blocks = next.status != user.status && next.status == AccountStatus::blocked;
  if (blocks) next.tokens_after_s = change.now_s();
  RETURN_IF_FAULT(
      change.run(kAdminister, Params(name, next.status, next.limits, next.admin, next.tokens_after_s)));
  if (next.status != user.status || next.limits != user.limits) change.fact(user_fact(next));
  // An access token says whether it is an admin's: a new one is needed.
  if (blocks || next.admin != user.admin)
    RETURN_IF_FAULT(revoke_sessions(store, change, name, "", blocks ? "blocked" : "admin"));
  change.audit("user.administer", user_target(name), {}, detail);
  if (blocks) RETURN_IF_FAULT(block_bots_of(store, change, name));
  return user_of(change, name);
}

}  // namespace

MetadataResult<Created<User>> PostgresUsers::create(const Actor& actor, const NewUser& user) {
  Actor self = actor;
  if (self.user.empty()) self.user = user.name;
  return store_.change(self, [&](Change& change) { return create_in(change, user); });
}

MetadataResult<User> PostgresUsers::get(std::string_view name) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kGet, Params(name)));
  if (rows.empty()) return no_user();
  return read_user(rows, 0);
}

MetadataResult<User> PostgresUsers::update(const Actor& actor, std::string_view name,
                                           const UserPatch& patch) {
  return store_.change(actor, [&](Change& change) { return update_in(change, name, patch); });
}

MetadataResult<User> PostgresUsers::administer(const Actor& actor, std::string_view name,
                                               const AdminUserPatch& patch) {
  return store_.change(actor, [&](Change& change) { return administer_in(store_, change, name, patch); });
}

MetadataResult<Credential> PostgresUsers::credential(std::string_view name) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kCredential, Params(name)));
  if (rows.empty()) return no_user();
  return Credential{read_user(rows, 0), rows.string(0, kUserColumnCount)};
}

MetadataResult<User> PostgresUsers::by_identity(std::string_view issuer, std::string_view subject) {
  ASSIGN_OR_RETURN(const Rows rows, store_.read(kByIdentity, Params(issuer, subject)));
  if (rows.empty()) return no_user();
  return read_user(rows, 0);
}

MetadataResult<void> PostgresUsers::link_identity(const Actor& actor, std::string_view name,
                                                  std::string_view issuer, std::string_view subject) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<void> {
    RETURN_IF_FAULT(allow_self(actor, name));
    if (issuer.empty() || subject.empty()) return invalid("issuer and subject belong together", "identity");
    RETURN_IF_FAULT(lock_user(change, name));
    RETURN_IF_FAULT(add_identity(change, name, issuer, subject));
    change.audit("user.link", user_target(name), {}, {{"issuer", issuer}});
    return {};
  });
}

MetadataResult<Ended> PostgresUsers::set_password(const Actor& actor, std::string_view name,
                                                  std::string_view hash, std::string_view keep_sid,
                                                  bool end_tokens) {
  return store_.change(actor, [&](Change& change) -> MetadataResult<Ended> {
    RETURN_IF_FAULT(allow_self(actor, name));
    RETURN_IF_FAULT(lock_user(change, name));
    RETURN_IF_FAULT(change.run(kInsertCredential, Params(name, hash, change.now_ms())));
    Ended ended;
    ASSIGN_OR_RETURN(ended.sessions, revoke_sessions(store_, change, name, keep_sid, "password"));
    if (end_tokens) {
      ASSIGN_OR_RETURN(ended.tokens, end_api_tokens(change, name));
    }
    ASSIGN_OR_RETURN(ended.tokens_left, count_api_tokens(change, name));
    change.audit("user.password", user_target(name), {},
                 {{"sessions", ended.sessions}, {"tokens", ended.tokens}});
    return ended;
  });
}

MetadataResult<void> PostgresUsers::rehash_password(std::string_view name, std::string_view old_hash,
                                                    std::string_view new_hash) {
  return store_.change(actor_named(name), [&](Change& change) -> MetadataResult<void> {
    RETURN_IF_FAULT(change.run(kRehash, Params(name, old_hash, new_hash)));
    return {};
  });
}

}  // namespace parley::storage::postgres
