#include "bridge/api/testing/absent_metadata.h"

#include <utility>

namespace parley::storage {
namespace {

class AbsentUsers final : public Users {
 public:
  explicit AbsentUsers(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<Created<User>> create(const Actor&, const NewUser&) override { return fault_; }
  MetadataResult<User> get(std::string_view) override { return fault_; }
  MetadataResult<User> update(const Actor&, std::string_view, const UserPatch&) override { return fault_; }
  MetadataResult<User> administer(const Actor&, std::string_view, const AdminUserPatch&) override {
    return fault_;
  }
  MetadataResult<void> remove(const Actor&, std::string_view, std::optional<std::uint64_t>) override {
    return fault_;
  }
  MetadataResult<Page<User>> search(std::string_view, const PageRequest&) override { return fault_; }
  MetadataResult<Page<User>> list(const UserFilter&, const PageRequest&) override { return fault_; }
  MetadataResult<std::vector<User>> bots_of(std::string_view) override { return fault_; }
  MetadataResult<Credential> credential(std::string_view) override { return fault_; }
  MetadataResult<User> by_identity(std::string_view, std::string_view) override { return fault_; }
  MetadataResult<void> link_identity(const Actor&, std::string_view, std::string_view,
                                     std::string_view) override {
    return fault_;
  }
  MetadataResult<Ended> set_password(const Actor&, std::string_view, std::string_view, std::string_view,
                                     bool) override {
    return fault_;
  }
  MetadataResult<void> rehash_password(std::string_view, std::string_view, std::string_view) override {
    return fault_;
  }

 private:
  const MetadataFault fault_;
};

class AbsentSessions final : public Sessions {
 public:
  explicit AbsentSessions(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<Session> create(const Actor&, const NewSession&) override { return fault_; }
  MetadataResult<Refreshed> refresh(const Actor&, const Refresh&) override { return fault_; }
  MetadataResult<Refreshed> get(std::string_view) override { return fault_; }
  MetadataResult<std::vector<Session>> list(std::string_view) override { return fault_; }
  MetadataResult<void> revoke(const Actor&, std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Session> revoke_by_refresh(const Actor&, const Sha256&) override { return fault_; }
  MetadataResult<Ended> revoke_all(const Actor&, std::string_view, std::string_view, bool) override {
    return fault_;
  }

 private:
  const MetadataFault fault_;
};

class AbsentApiTokens final : public ApiTokens {
 public:
  explicit AbsentApiTokens(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<Created<ApiToken>> create(const Actor&, const NewApiToken&) override { return fault_; }
  MetadataResult<TokenOwner> by_hash(const Sha256&) override { return fault_; }
  MetadataResult<std::vector<ApiToken>> list(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<void> remove(const Actor&, std::string_view, std::string_view) override { return fault_; }

 private:
  const MetadataFault fault_;
};

class AbsentPeople final : public People {
 public:
  explicit AbsentPeople(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<PushDevice> put_device(const Actor&, const PushDevice&) override { return fault_; }
  MetadataResult<std::vector<PushDevice>> devices(std::string_view) override { return fault_; }
  MetadataResult<void> remove_device(const Actor&, std::string_view, std::string_view) override {
    return fault_;
  }
  MetadataResult<Created<Contact>> put_contact(const Actor&, std::string_view, std::string_view) override {
    return fault_;
  }
  MetadataResult<void> remove_contact(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<Page<Contact>> contacts(std::string_view, const PageRequest&) override { return fault_; }
  MetadataResult<void> block(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<void> unblock(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<Page<Block>> blocks(std::string_view, const PageRequest&) override { return fault_; }
  MetadataResult<bool> blocked_between(std::string_view, std::string_view) override { return fault_; }

 private:
  const MetadataFault fault_;
};

class AbsentRooms final : public Rooms {
 public:
  explicit AbsentRooms(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<Created<RoomView>> create(const Actor&, const NewRoom&) override { return fault_; }
  MetadataResult<RoomView> get(std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Page<RoomView>> list_mine(std::string_view, const PageRequest&) override { return fault_; }
  MetadataResult<Page<RoomView>> list(const RoomFilter&, std::string_view, const PageRequest&) override {
    return fault_;
  }
  MetadataResult<RoomView> update(const Actor&, std::string_view, const RoomPatch&) override {
    return fault_;
  }
  MetadataResult<void> remove(const Actor&, std::string_view, std::optional<std::uint64_t>) override {
    return fault_;
  }

 private:
  const MetadataFault fault_;
};

class AbsentMembers final : public Members {
 public:
  explicit AbsentMembers(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<MemberRole> role_of(std::string_view, std::string_view) override { return fault_; }
  MetadataResult<MembersPage> list(std::string_view, std::string_view, const PageRequest&) override {
    return fault_;
  }
  MetadataResult<Member> get(std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Created<Member>> add(const Actor&, std::string_view, const NewMember&) override {
    return fault_;
  }
  MetadataResult<Created<Member>> join(const Actor&, std::string_view, const NewMember&) override {
    return fault_;
  }
  MetadataResult<void> leave(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<void> remove(const Actor&, std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Member> set_role(const Actor&, std::string_view, std::string_view, MemberRole) override {
    return fault_;
  }
  MetadataResult<OwnMembership> mute(const Actor&, std::string_view, const MuteSettings&) override {
    return fault_;
  }
  MetadataResult<void> ban(const Actor&, std::string_view, std::string_view, std::string_view) override {
    return fault_;
  }
  MetadataResult<void> unban(const Actor&, std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Page<Ban>> bans(const Actor&, std::string_view, const PageRequest&) override {
    return fault_;
  }

 private:
  const MetadataFault fault_;
};

class AbsentInvites final : public Invites {
 public:
  explicit AbsentInvites(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<Created<Invite>> create(const Actor&, std::string_view, const NewInvite&) override {
    return fault_;
  }
  MetadataResult<Page<Invite>> list(const Actor&, std::string_view, const PageRequest&) override {
    return fault_;
  }
  MetadataResult<void> remove(const Actor&, std::string_view, std::string_view) override { return fault_; }
  MetadataResult<RoomView> look_up(std::string_view, std::string_view) override { return fault_; }
  MetadataResult<Created<RoomView>> accept(const Actor&, std::string_view, const NewMember&) override {
    return fault_;
  }

 private:
  const MetadataFault fault_;
};

class AbsentAdministration final : public Administration {
 public:
  explicit AbsentAdministration(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<LimitsPut> put_limits(const Actor&, const LimitsPut&) override { return fault_; }
  MetadataResult<std::vector<LimitsPut>> limits() override { return fault_; }
  MetadataResult<void> remove_limits(const Actor&, std::string_view) override { return fault_; }
  MetadataResult<void> audit(const Actor&, std::string_view, std::string_view, std::string_view) override {
    return fault_;
  }
  MetadataResult<Page<AuditEntry>> audit_log(const AuditFilter&, const PageRequest&) override {
    return fault_;
  }
  MetadataResult<Counts> counts() override { return fault_; }

 private:
  const MetadataFault fault_;
};

class AbsentFeed final : public Feed {
 public:
  explicit AbsentFeed(const MetadataFault& fault) : fault_(fault) {}
  MetadataResult<std::uint64_t> head() override { return fault_; }
  MetadataResult<std::vector<ChangeRow>> changes_after(FeedPosition, std::uint32_t) override {
    return fault_;
  }
  MetadataResult<FeedPosition> snapshot(const FactVisitor&) override { return fault_; }
  MetadataResult<std::uint64_t> trim_changes(std::uint64_t) override { return fault_; }
  MetadataResult<std::uint64_t> sweep() override { return fault_; }
  MetadataResult<bool> try_lead() override { return fault_; }
  bool leading() override { return false; }
  void resign() override {}
  Wake wait_for_change(std::chrono::milliseconds) override { return Wake::lost; }
  void interrupt() override {}

 private:
  const MetadataFault fault_;
};

class AbsentMetadata final : public Metadata {
 public:
  explicit AbsentMetadata(MetadataFault fault) : fault_(std::move(fault)) {}
  Users& users() override { return users_; }
  Sessions& sessions() override { return sessions_; }
  ApiTokens& api_tokens() override { return api_tokens_; }
  People& people() override { return people_; }
  Rooms& rooms() override { return rooms_; }
  Members& members() override { return members_; }
  Invites& invites() override { return invites_; }
  Administration& administration() override { return administration_; }
  Feed& feed() override { return feed_; }
  MetadataResult<void> ping() override { return fault_; }
  PoolStats pool_stats() const override { return {}; }

 private:
  const MetadataFault fault_;
  AbsentUsers users_{fault_};
  AbsentSessions sessions_{fault_};
  AbsentApiTokens api_tokens_{fault_};
  AbsentPeople people_{fault_};
  AbsentRooms rooms_{fault_};
  AbsentMembers members_{fault_};
  AbsentInvites invites_{fault_};
  AbsentAdministration administration_{fault_};
  AbsentFeed feed_{fault_};
};

}  // namespace

std::unique_ptr<Metadata> make_absent_metadata(MetadataFault fault) {
  return std::make_unique<AbsentMetadata>(std::move(fault));
}

}  // namespace parley::storage
