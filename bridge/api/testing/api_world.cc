#include "bridge/api/testing/api_world.h"

#include <chrono>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "bridge/api/api.h"
#include "bridge/api/testing/absent_metadata.h"
#include "bridge/http/server.h"
#include "bridge/metrics.h"
#include "tests/support/postgres.h"
#include "tests/support/temp_dir.h"

namespace parley::api {
namespace {

// One for the whole program: making a key takes a tenth of a second.
const SigningKey& signing_key() {
  static const SigningKey kKey = SigningKey::generate();
  return kKey;
}

std::int64_t now_s() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <class T>
void must(const storage::MetadataResult<T>& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message);
}

storage::Actor as(const std::string& user) {
  storage::Actor actor;
  actor.user = user;
  return actor;
}

}  // namespace

struct ApiWorld::Impl {
  test::TempDir folder;
  BridgeConfig config;
  std::string database;  // empty: there is none
  std::unique_ptr<storage::Metadata> metadata;
  bridge::FakeBrokerLink broker;
  bridge::Metrics metrics;
  std::unique_ptr<Api> api;
  std::unique_ptr<http::Server> server;
  std::mutex mutex;
  std::map<std::string, TokenClaims> claims;  // guarded by mutex

  void open_session(const TokenClaims& of) const {
    storage::NewSession session;
    session.sid = of.sid;
    session.user = of.sub;
    session.device = of.dev;
    session.refresh = sha256("refresh of " + of.sid);
    session.expires_ms = (of.exp + 3600) * 1000;
    must(metadata->sessions().create(as(of.sub), session), "session of " + of.sub);
  }
};

ApiWorld::ApiWorld(Database database, const Configure& configure) : impl_(std::make_unique<Impl>()) {
  test::write_file(impl_->folder.path() / "a.pem", signing_key().pem());
  test::write_file(impl_->folder.path() / "jwks.json", make_jwks({signing_key().jwk()}));
  BridgeConfig& config = impl_->config;
  config.http.port = 0;
  config.auth.keys_dir = impl_->folder.path();
  // Tests of limits set their own.
  config.limits = BridgeLimits{.registrations_per_h = 0,
                               .room_creations_per_h = 0,
                               .invites_per_h = 0,
                               .requests_per_s = 0,
                               .connects_per_min = 0};
  if (configure) configure(config);
  if (database == Database::absent) {
    impl_->metadata = storage::make_absent_metadata();
  } else {
    impl_->database = test::PostgresCluster::shared().create_database();
    storage::PostgresOptions options;
    options.url = impl_->database;
    must(storage::migrate_postgres(options), "migrate");
    auto opened = storage::open_postgres(options);
    must(opened, "open");
    impl_->metadata = *std::move(opened);
  }
  impl_->api = std::make_unique<Api>(config, *impl_->metadata, &impl_->broker, impl_->metrics);
  impl_->server = std::make_unique<http::Server>(config.http, config.auth.login_workers,
                                                 config.auth.login_queue, impl_->metrics);
  impl_->api->mount(*impl_->server);
  impl_->server->start();
}

ApiWorld::~ApiWorld() { impl_->server->stop(); }

Reply ApiWorld::call(std::string_view method, std::string_view path, const Call& call) {
  return http_call(port(), method, path, call);
}

void ApiWorld::add_user(const std::string& user) { token(user); }

TokenClaims ApiWorld::claims(const std::string& user) {
  const std::lock_guard lock(impl_->mutex);
  const auto known = impl_->claims.find(user);
  if (known != impl_->claims.end()) return known->second;
  TokenClaims claims;
  claims.sub = user;
  claims.dev = "phone";
  claims.sid = "s-" + user;
  claims.iat = now_s();
  claims.exp = claims.iat + 900;
  if (!impl_->database.empty()) {
    storage::NewUser account;
    account.name = user;
    account.admin = user == "admin";
    storage::Actor registrar;
    registrar.admin = true;
    must(impl_->metadata->users().create(registrar, account), "user " + user);
    impl_->open_session(claims);
  }
  return impl_->claims.emplace(user, claims).first->second;
}

void ApiWorld::sign_in_again(const std::string& user) {
  claims(user);
  const std::lock_guard lock(impl_->mutex);
  TokenClaims& mine = impl_->claims.at(user);
  mine.sid += "+";
  mine.iat = now_s();
  impl_->open_session(mine);
}

std::string ApiWorld::sign(const TokenClaims& claims) const { return signing_key().sign(claims); }
std::string ApiWorld::token(const std::string& user) { return sign(claims(user)); }

void ApiWorld::add_room(const std::string& room, const std::string& owner, std::string_view settings) {
  std::string body = R"({"kind":"channel","room":")" + room + "\"";
  if (!settings.empty()) body.append(",").append(settings);
  const Reply made = post("/api/v1/rooms", owner, body + "}");
  if (made.status != 201) throw std::runtime_error("room " + room + ": " + made.text);
}

void ApiWorld::add_member(const std::string& room, const std::string& user, MemberRole role) {
  add_user(user);
  add_user("admin");
  storage::Actor admin = as("admin");
  admin.admin = true;
  storage::NewMember member;
  member.user = user;
  member.role = role;
  must(impl_->metadata->members().add(admin, room, member), user + " in " + room);
}

storage::Metadata& ApiWorld::metadata() { return *impl_->metadata; }
const std::string& ApiWorld::database() const { return impl_->database; }
bridge::FakeBrokerLink& ApiWorld::broker() { return impl_->broker; }
const bridge::Metrics& ApiWorld::metrics() const { return impl_->metrics; }
const BridgeConfig& ApiWorld::config() const { return impl_->config; }
std::uint16_t ApiWorld::port() const { return impl_->server->port(); }

}  // namespace parley::api
