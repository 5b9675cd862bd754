// Metadata of people: users, credentials, identities, sessions, API tokens, push devices, contacts, blocks.
// All calls block, may be made from any thread, and answer `unavailable` within 2 s when Postgres is away.
#ifndef PARLEY_STORAGE_METADATA_ACCOUNTS_H_
#define PARLEY_STORAGE_METADATA_ACCOUNTS_H_

#include "storage/metadata_types.h"

namespace parley::storage {

enum class AccountStatus : std::uint8_t {
  active,
  blocked,
  deleted
};  // deleted: the name stays taken, for good
std::string_view to_string(AccountStatus status);

struct User {
  std::string name;
  std::string display_name;
  std::string about;
  TokenRole role = TokenRole::user;
  std::string owner;  // of a bot or device: the user who made it; else empty
  bool admin = false;
  AccountStatus status = AccountStatus::active;
  std::string limits = "default";
  std::int64_t tokens_after_s = 0;
  std::uint64_t version = 0;  // rises with every change of this user: the ETag
  std::int64_t created_ms = 0;
};

struct NewUser {
  std::string name;
  std::string display_name;
  std::string password_hash;  // libsodium's string; empty: cannot log in by password
  TokenRole role = TokenRole::user;
  std::string owner;
  bool admin = false;
  std::string limits = "default";
  // Sign-in by an OpenID provider; both or none.
  std::string issuer;
  std::string subject;
};

// Fields left out stay.
struct UserPatch {
  std::optional<std::string> display_name;
  std::optional<std::string> about;
  std::optional<std::uint64_t> if_version;
};
struct AdminUserPatch {                 // for admins
  std::optional<AccountStatus> status;  // active or blocked; blocking revokes sessions and cuts connections
  std::optional<std::string> limits;    // a class that exists (or "unlimited")
  std::optional<bool> admin;            // the last admin stays one (`conflict`)
  std::optional<std::uint64_t> if_version;
};

struct Credential {
  User user;
  std::string password_hash;  // empty: none
};

struct UserFilter {
  std::string prefix;  // of name or display name (case is ignored); empty: all
  std::optional<AccountStatus> status;
  bool with_deleted = false;
};

// What came to an end, and which API tokens (of the user, and of the bots it owns) go on.
struct Ended {
  std::uint32_t sessions = 0;
  std::uint32_t tokens = 0;
  std::uint32_t tokens_left = 0;
};

class Users {
 public:
  virtual ~Users() = default;
  // `conflict` with field "user" when the name is or ever was taken, "identity" when issuer and subject are.
  // An empty actor.user means the new user itself (registration).
  virtual MetadataResult<Created<User>> create(const Actor& actor, const NewUser& user) = 0;
  virtual MetadataResult<User> get(std::string_view name) = 0;  // deleted ones too, with that status
  virtual MetadataResult<User> update(const Actor& actor, std::string_view name, const UserPatch& patch) = 0;
  // Blocking a user blocks the bots they own; unblocking gives back the account alone.
  virtual MetadataResult<User> administer(const Actor& actor, std::string_view name,
                                          const AdminUserPatch& patch) = 0;
  // For good. Leaves all rooms (one it owned alone goes to its longest-serving admin or member, or is
  // deleted), revokes sessions and tokens, forgets profile, credentials, contacts, blocks, devices. Bots it
  // owns go too.
  virtual MetadataResult<void> remove(const Actor& actor, std::string_view name,
                                      std::optional<std::uint64_t> if_version = {}) = 0;
  // By name. `search` is what users see of each other: active people and bots only.
  virtual MetadataResult<Page<User>> search(std::string_view prefix, const PageRequest& page) = 0;
  virtual MetadataResult<Page<User>> list(const UserFilter& filter, const PageRequest& page) = 0;
  virtual MetadataResult<std::vector<User>> bots_of(std::string_view owner) = 0;

  // Login. `not_found` for unknown and deleted users; blocked ones are returned with their status.
  virtual MetadataResult<Credential> credential(std::string_view name) = 0;
  virtual MetadataResult<User> by_identity(std::string_view issuer, std::string_view subject) = 0;
  virtual MetadataResult<void> link_identity(const Actor& actor, std::string_view name,
                                             std::string_view issuer, std::string_view subject) = 0;
  // A new password: revokes every session but `keep_sid`, and with `end_tokens` the API tokens of the user
  // and of the bots it owns, in one transaction.
  virtual MetadataResult<Ended> set_password(const Actor& actor, std::string_view name, std::string_view hash,
                                             std::string_view keep_sid = {}, bool end_tokens = false) = 0;
  // The same password with new parameters; only while the stored hash is still `old_hash`. No audit, no
  // revocation.
  virtual MetadataResult<void> rehash_password(std::string_view name, std::string_view old_hash,
                                               std::string_view new_hash) = 0;
};

// A session is a family of refresh tokens, each good until its successor is used, and of the access tokens
// given out with them (claim sid).
struct Session {
  std::string sid;
  std::string user;
  std::string device;
  std::string agent;    // what the client calls itself
  std::string address;  // of the last refresh
  std::int64_t created_ms = 0;
  std::int64_t used_ms = 0;
  std::int64_t expires_ms = 0;
};
struct NewSession {
  std::string sid;
  std::string user;
  std::string device;
  std::string agent;
  Sha256 refresh{};  // of the refresh token
  std::int64_t expires_ms = 0;
  // As many of the user's sessions stay at most, this one included; of the others those unused for longest
  // end. 0: any number.
  std::uint32_t max_sessions = 0;
};
struct Refresh {
  Sha256 presented{};
  Sha256 next{};
  std::int64_t expires_ms = 0;
  // A token that comes again within this time of its last use revokes nothing: two tabs asked at once. Each
  // of them gets a pair of its own, unless one has gone on already (`conflict`).
  std::int64_t grace_ms = 0;
};
struct Refreshed {
  Session session;
  User user;
};

class Sessions {
 public:
  virtual ~Sessions() = default;
  // `forbidden` when the user is not active. An older session of the same user and device is revoked by it.
  virtual MetadataResult<Session> create(const Actor& actor, const NewSession& session) = 0;
  // Rotates. A used token whose successor was never used is good once more (its answer was lost), and
  // replaces that successor. `unauthorized` (unknown, expired, revoked, user not active) or `reused` (its
  // successor was used, or it was replaced: the session is revoked now).
  virtual MetadataResult<Refreshed> refresh(const Actor& actor, const Refresh& refresh) = 0;
  // Is this sid's session there, not revoked and its user active? For routes that must know at once.
  virtual MetadataResult<Refreshed> get(std::string_view sid) = 0;
  virtual MetadataResult<std::vector<Session>> list(std::string_view user) = 0;  // live ones, newest first
  // `user` owns it (an admin may name any). `not_found` when there is no live one.
  virtual MetadataResult<void> revoke(const Actor& actor, std::string_view user, std::string_view sid) = 0;
  // The session of this refresh token, whether or not it is the last one; an access token is not needed.
  // `unauthorized`: there is no such token. One that has ended is given as it was.
  virtual MetadataResult<Session> revoke_by_refresh(const Actor& actor, const Sha256& refresh) = 0;
  // Every session, and every access token issued until now; `keep_sid` stays. With `end_tokens` the API
  // tokens of the user and of the bots it owns, too.
  virtual MetadataResult<Ended> revoke_all(const Actor& actor, std::string_view user,
                                           std::string_view keep_sid = {}, bool end_tokens = false) = 0;
};

struct ApiToken {
  std::string id;  // names it in URLs; tells nothing of the secret
  std::string user;
  std::string device;
  TokenRole role = TokenRole::bot;  // bot or device
  std::string label;
  std::int64_t created_ms = 0;
  std::int64_t until_s = 0;  // 0: no end
  std::string scopes;        // words with spaces between; what they mean is the API's affair
};
struct NewApiToken {
  Sha256 sha256{};
  std::string user;  // the actor, a bot or device it owns, or anybody for an admin; else `forbidden`
  std::string device;
  TokenRole role = TokenRole::bot;
  std::string label;
  std::int64_t until_s = 0;
  std::string scopes;
};
struct TokenOwner {
  ApiToken token;
  User user;
};

class ApiTokens {
 public:
  virtual ~ApiTokens() = default;
  virtual MetadataResult<Created<ApiToken>> create(const Actor& actor, const NewApiToken& token) = 0;
  virtual MetadataResult<TokenOwner> by_hash(
      const Sha256& sha256) = 0;  // `unauthorized`: unknown, ended, not active
  virtual MetadataResult<std::vector<ApiToken>> list(const Actor& actor, std::string_view user) = 0;
  virtual MetadataResult<void> remove(const Actor& actor, std::string_view user, std::string_view id) = 0;
};

struct PushDevice {
  std::string user;
  std::string device;
  std::string platform;  // apns, fcm, webpush
  std::string token;     // or the Web Push endpoint
  std::string app;       // bundle id, project, ...
  std::string keys;      // Web Push: JSON {"p256dh","auth"}; else empty
  std::int64_t updated_ms = 0;
  // The session (its sid) or API token (its id) that registered it. When that ends, so does the registration;
  // a session of the same device that takes its place takes this over. Empty: it stays until it is removed.
  std::string credential;
};
struct Contact {
  std::string user;
  std::string nick;
  std::string display_name;  // the other's own
  std::int64_t created_ms = 0;
};
struct Block {
  std::string user;
  std::int64_t created_ms = 0;
};

class People {
 public:
  virtual ~People() = default;
  // One per user and device; a push token that another user had moves here (a phone that changed hands).
  virtual MetadataResult<PushDevice> put_device(const Actor& actor, const PushDevice& device) = 0;
  virtual MetadataResult<std::vector<PushDevice>> devices(std::string_view user) = 0;
  virtual MetadataResult<void> remove_device(const Actor& actor, std::string_view user,
                                             std::string_view device) = 0;

  virtual MetadataResult<Created<Contact>> put_contact(const Actor& actor, std::string_view other,
                                                       std::string_view nick) = 0;
  virtual MetadataResult<void> remove_contact(const Actor& actor, std::string_view other) = 0;
  virtual MetadataResult<Page<Contact>> contacts(std::string_view user, const PageRequest& page) = 0;

  virtual MetadataResult<void> block(const Actor& actor,
                                     std::string_view other) = 0;  // again: nothing happens
  virtual MetadataResult<void> unblock(const Actor& actor,
                                       std::string_view other) = 0;  // `not_found`: was not
  virtual MetadataResult<Page<Block>> blocks(std::string_view user, const PageRequest& page) = 0;
  // Did either block the other?
  virtual MetadataResult<bool> blocked_between(std::string_view a, std::string_view b) = 0;
};

}  // namespace parley::storage

#endif
