// What the tests of the metadata share: a fresh database, and short ways to say things.
#ifndef PARLEY_STORAGE_TESTING_METADATA_TEST_H_
#define PARLEY_STORAGE_TESTING_METADATA_TEST_H_

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "storage/metadata.h"
#include "tests/support/postgres.h"

namespace parley::storage {

inline Actor as(std::string user) {
  Actor actor;
  actor.user = std::move(user);
  return actor;
}
inline Actor admin(std::string user = "root") {
  Actor actor = as(std::move(user));
  actor.admin = true;
  return actor;
}
inline Actor once(Actor actor, std::string key, std::string fingerprint = "f") {
  actor.once = {std::move(key), std::move(fingerprint)};
  return actor;
}
inline Sha256 hash_of(std::uint32_t number) {
  Sha256 hash{};
  for (std::size_t i = 0; i < 4; ++i) hash[i] = static_cast<Sha256::value_type>(number >> (8 * i));
  return hash;
}

// "ok", or the fault's name.
template <class T>
std::string outcome(const MetadataResult<T>& result) {
  return result ? "ok" : std::string(to_string(result.error().code));
}
template <class T>
testing::AssertionResult succeeded(const MetadataResult<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << to_string(result.error().code) << ": " << result.error().message
                                     << " [" << result.error().field << "]";
}
#define ASSERT_OK(expression) ASSERT_TRUE(succeeded(expression))
#define EXPECT_OK(expression) EXPECT_TRUE(succeeded(expression))

// A migrated database and a store on it, whose clock stands still until it is moved.
class MetadataTest : public testing::Test {
 protected:
  void SetUp() override {
    url_ = cluster().create_database();
    ASSERT_OK(migrate_postgres(options()));
    store_ = open(options());
  }
  void TearDown() override { store_.reset(); }

  static test::PostgresCluster& cluster() { return test::PostgresCluster::shared(); }
  PostgresOptions options() {
    PostgresOptions options;
    options.url = url_;
    options.now_ms = [this] { return now_ms_.load(); };
    options.log = [](std::string_view line) {
      if (line.find("applied") == line.npos)
        std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
    };
    return options;
  }
  static std::unique_ptr<Metadata> open(const PostgresOptions& options) {
    auto opened = open_postgres(options);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  void pass_ms(std::int64_t ms) { now_ms_ += ms; }
  std::string sql(const std::string& text) { return cluster().sql(url_, text); }

  void make_users(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      NewUser user;
      user.name = name;
      user.display_name = "The " + name;
      user.password_hash = "hash of " + name;
      ASSERT_OK(users().create(as(""), user));
    }
  }
  // A channel of this owner, with these as members.
  void make_channel(const std::string& room, const std::string& owner,
                    std::vector<std::string> members = {}) {
    NewRoom wanted;
    wanted.room = room;
    wanted.name = "Room " + room;
    wanted.members = std::move(members);
    ASSERT_OK(rooms().create(as(owner), wanted));
  }
  MetadataResult<Session> log_in(const std::string& user, const std::string& device, const std::string& sid,
                                 std::uint32_t refresh) {
    NewSession session;
    session.sid = sid;
    session.user = user;
    session.device = device;
    session.refresh = hash_of(refresh);
    session.expires_ms = now_ms_ + 1'000'000;
    return sessions().create(as(user), session);
  }
  MetadataResult<Refreshed> refresh(std::uint32_t presented, std::uint32_t next, std::int64_t grace_ms = 0) {
    return sessions().refresh(as(""), {hash_of(presented), hash_of(next), now_ms_ + 1'000'000, grace_ms});
  }
  // The operations of all changes after a version, as JSON texts.
  std::vector<std::string> ops_after(std::uint64_t version) {
    std::vector<std::string> ops;
    const auto changes = feed().changes_after(version, 1000);
    EXPECT_OK(changes);
    if (!changes) return ops;
    for (const ChangeRow& change : *changes) {
      std::string text = change.ops_json;
      ops.push_back(std::move(text));
    }
    return ops;
  }
  std::uint64_t head() {
    const auto version = feed().head();
    EXPECT_OK(version);
    return version ? *version : 0;
  }

  Users& users() { return store_->users(); }
  Sessions& sessions() { return store_->sessions(); }
  ApiTokens& api_tokens() { return store_->api_tokens(); }
  People& people() { return store_->people(); }
  Rooms& rooms() { return store_->rooms(); }
  Members& members() { return store_->members(); }
  Invites& invites() { return store_->invites(); }
  Administration& administration() { return store_->administration(); }
  Feed& feed() { return store_->feed(); }

  std::string url_;
  std::atomic<std::int64_t> now_ms_{1'763'700'000'000};
  std::unique_ptr<Metadata> store_;
};

}  // namespace parley::storage

#endif
