// Puts the nouns together, and spells their words.
#include "storage/metadata.h"

#include <array>
#include <stdexcept>

#include "storage/postgres/accounts.h"
#include "storage/postgres/administration.h"
#include "storage/postgres/feed.h"
#include "storage/postgres/rooms.h"
#include "storage/postgres/try.h"

namespace parley::storage {
namespace postgres {
namespace {

class PostgresMetadata : public Metadata {
 public:
  explicit PostgresMetadata(const PostgresOptions& options) : store_(options) {}

  Users& users() override { return users_; }
  Sessions& sessions() override { return sessions_; }
  ApiTokens& api_tokens() override { return api_tokens_; }
  People& people() override { return people_; }
  Rooms& rooms() override { return rooms_; }
  Members& members() override { return members_; }
  Invites& invites() override { return invites_; }
  Administration& administration() override { return administration_; }
  Feed& feed() override { return feed_; }

  MetadataResult<void> ping() override { return store_.probe(); }
  std::string trouble() const override { return store_.trouble(); }
  PoolStats pool_stats() const override { return store_.pool_stats(); }

 private:
  Store store_;
  PostgresUsers users_{store_};
  PostgresSessions sessions_{store_};
  PostgresApiTokens api_tokens_{store_};
  PostgresPeople people_{store_};
  PostgresRooms rooms_{store_};
  PostgresMembers members_{store_};
  PostgresInvites invites_{store_};
  PostgresAdministration administration_{store_};
  PostgresFeed feed_{store_};
};

}  // namespace
}  // namespace postgres

namespace {

constexpr std::array<std::string_view, 15> kErrorNames = {
    "not_found", "conflict",   "version_mismatch", "unauthorized", "reused",
    "forbidden", "not_member", "banned",           "blocked",      "invalid",
    "limit",     "key_reused", "too_old",          "unavailable",  "internal"};
constexpr std::array<std::string_view, 3> kAccountStatusNames = {"active", "blocked", "deleted"};
constexpr std::array<std::string_view, 2> kRoomAccessNames = {"public", "private"};
constexpr std::array<std::string_view, 3> kNotifyNames = {"all", "mentions", "none"};

template <class Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(MetadataError error) { return kErrorNames[static_cast<std::size_t>(error)]; }
std::string_view to_string(AccountStatus status) {
  return kAccountStatusNames[static_cast<std::size_t>(status)];
}
std::string_view to_string(RoomAccess access) { return kRoomAccessNames[static_cast<std::size_t>(access)]; }
std::string_view to_string(Notify notify) { return kNotifyNames[static_cast<std::size_t>(notify)]; }
std::optional<RoomAccess> parse_room_access(std::string_view text) {
  return find_name<RoomAccess>(kRoomAccessNames, text);
}
std::optional<Notify> parse_notify(std::string_view text) { return find_name<Notify>(kNotifyNames, text); }

void throw_exception_from_error(const MetadataFault& fault, const boost::source_location&) {
  throw std::runtime_error("metadata: " + std::string(to_string(fault.code)) + ": " + fault.message);
}

MetadataResult<std::unique_ptr<Metadata>> open_postgres(const PostgresOptions& options) {
  postgres::forget_startup_environment();
  if (const std::string fault = postgres::fault_in_url(options.url); !fault.empty())
    return MetadataFault{MetadataError::invalid, "the database's url: " + fault, "url"};
  return std::unique_ptr<Metadata>(std::make_unique<postgres::PostgresMetadata>(options));
}

}  // namespace parley::storage
