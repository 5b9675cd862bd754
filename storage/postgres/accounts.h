// Users, sessions, API tokens and what belongs to people, on PostgreSQL. Internal to storage/postgres.
#ifndef PARLEY_STORAGE_POSTGRES_ACCOUNTS_H_
#define PARLEY_STORAGE_POSTGRES_ACCOUNTS_H_

#include "storage/metadata_accounts.h"
#include "storage/postgres/store.h"

namespace parley::storage::postgres {

class PostgresUsers : public Users {
 public:
  explicit PostgresUsers(Store& store) : store_(store) {}
  MetadataResult<Created<User>> create(const Actor& actor, const NewUser& user) override;
  MetadataResult<User> get(std::string_view name) override;
  MetadataResult<User> update(const Actor& actor, std::string_view name, const UserPatch& patch) override;
  MetadataResult<User> administer(const Actor& actor, std::string_view name,
                                  const AdminUserPatch& patch) override;
  MetadataResult<void> remove(const Actor& actor, std::string_view name,
                              std::optional<std::uint64_t> if_version) override;
  MetadataResult<Page<User>> search(std::string_view prefix, const PageRequest& page) override;
  MetadataResult<Page<User>> list(const UserFilter& filter, const PageRequest& page) override;
  MetadataResult<std::vector<User>> bots_of(std::string_view owner) override;
  MetadataResult<Credential> credential(std::string_view name) override;
  MetadataResult<User> by_identity(std::string_view issuer, std::string_view subject) override;
  MetadataResult<void> link_identity(const Actor& actor, std::string_view name, std::string_view issuer,
                                     std::string_view subject) override;
  MetadataResult<Ended> set_password(const Actor& actor, std::string_view name, std::string_view hash,
                                     std::string_view keep_sid, bool end_tokens) override;
  MetadataResult<void> rehash_password(std::string_view name, std::string_view old_hash,
                                       std::string_view new_hash) override;

 private:
  Store& store_;
};

class PostgresSessions : public Sessions {
 public:
  explicit PostgresSessions(Store& store) : store_(store) {}
  MetadataResult<Session> create(const Actor& actor, const NewSession& session) override;
  MetadataResult<Refreshed> refresh(const Actor& actor, const Refresh& refresh) override;
  MetadataResult<Refreshed> get(std::string_view sid) override;
  MetadataResult<std::vector<Session>> list(std::string_view user) override;
  MetadataResult<void> revoke(const Actor& actor, std::string_view user, std::string_view sid) override;
  MetadataResult<Session> revoke_by_refresh(const Actor& actor, const Sha256& refresh) override;
  MetadataResult<Ended> revoke_all(const Actor& actor, std::string_view user, std::string_view keep_sid,
                                   bool end_tokens) override;

 private:
  Store& store_;
};

class PostgresApiTokens : public ApiTokens {
 public:
  explicit PostgresApiTokens(Store& store) : store_(store) {}
  MetadataResult<Created<ApiToken>> create(const Actor& actor, const NewApiToken& token) override;
  MetadataResult<TokenOwner> by_hash(const Sha256& sha256) override;
  MetadataResult<std::vector<ApiToken>> list(const Actor& actor, std::string_view user) override;
  MetadataResult<void> remove(const Actor& actor, std::string_view user, std::string_view id) override;

 private:
  Store& store_;
};

class PostgresPeople : public People {
 public:
  explicit PostgresPeople(Store& store) : store_(store) {}
  MetadataResult<PushDevice> put_device(const Actor& actor, const PushDevice& device) override;
  MetadataResult<std::vector<PushDevice>> devices(std::string_view user) override;
  MetadataResult<void> remove_device(const Actor& actor, std::string_view user,
                                     std::string_view device) override;
  MetadataResult<Created<Contact>> put_contact(const Actor& actor, std::string_view other,
                                               std::string_view nick) override;
  MetadataResult<void> remove_contact(const Actor& actor, std::string_view other) override;
  MetadataResult<Page<Contact>> contacts(std::string_view user, const PageRequest& page) override;
  MetadataResult<void> block(const Actor& actor, std::string_view other) override;
  MetadataResult<void> unblock(const Actor& actor, std::string_view other) override;
  MetadataResult<Page<Block>> blocks(std::string_view user, const PageRequest& page) override;
  MetadataResult<bool> blocked_between(std::string_view a, std::string_view b) override;

 private:
  Store& store_;
};

}  // namespace parley::storage::postgres

#endif
