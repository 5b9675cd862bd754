// Who may connect, and as whom. Every refusal leaves the connection closed and lets nothing in.
#include <gtest/gtest.h>

#include "tests/support/chat.h"

namespace parley::test {
namespace {

constexpr std::uint8_t kNotAuthorized311 = 5;  // MQTT 3.1.1, 3.2.2.3
constexpr std::uint8_t kNotAuthorized5 = 0x87;

class ConnectTest : public testing::TestWithParam<Version> {
 protected:
  // The CONNACK's reason; the connection is closed by the broker after a refusal.
  std::uint8_t try_connect(const ConnectOptions& options) {
    RawClient client(world_.broker.port(), options.version);
    const auto reason = client.connect(options).reason;
    if (reason != 0) {
      EXPECT_TRUE(client.closed()) << "refused, but left open";
    }
    return reason;
  }
  std::uint8_t with_password(std::string_view password, std::string_view id = "alice:phone",
                             std::string_view username = {}) {
    return try_connect({.client_id = std::string(id),
                        .username = std::string(username),
                        .password = std::string(password),
                        .version = GetParam()});
  }
  std::uint8_t refused() const { return GetParam() == Version::v5 ? kNotAuthorized5 : kNotAuthorized311; }
  std::string claims(std::int64_t exp_from_now = 3600) const {
    return R"({"sub":"alice","dev":"phone","sid":"s1","role":"user","iat":)" + std::to_string(unix_now()) +
           R"(,"exp":)" + std::to_string(unix_now() + exp_from_now) + "}";
  }
  std::string kid() const { return world_.broker.mint().key().kid(); }
  World world_;
  std::vector<RawClient> alive_;
};

TEST_P(ConnectTest, GoodTokenConnects) {
  EXPECT_EQ(with_password(world_.broker.token("alice")), 0);
  EXPECT_EQ(with_password(world_.broker.token("alice"), "alice:phone", "alice"), 0);
}

// As it comes out of a file that echo or an editor made.
TEST_P(ConnectTest, WhiteSpaceAroundATokenIsNoPartOfIt) {
  const std::string token = world_.broker.token("alice");
  for (const std::string& around :
       {token + "\n", token + "\r\n", " " + token + " \n\n", "\xef\xbb\xbf" + token + "\n"})
    EXPECT_EQ(with_password(around), 0);
  EXPECT_EQ(with_password(token.substr(0, 20) + "\n" + token.substr(20)), refused());
  EXPECT_EQ(with_password("\n"), refused());
}

TEST_P(ConnectTest, UsernameMustBeTheUser) {
  EXPECT_EQ(with_password(world_.broker.token("alice"), "alice:phone", "bob"), refused());
}

TEST_P(ConnectTest, NoOrMalformedPassword) {
  EXPECT_EQ(with_password(""), refused());
  EXPECT_EQ(with_password("", "alice:phone", "alice"), refused());
  EXPECT_EQ(with_password("secret"), refused());
  EXPECT_EQ(with_password("a.b.c"), refused());
  EXPECT_EQ(with_password("..."), refused());
  EXPECT_EQ(with_password(std::string(60'000, 'x')), refused());
  EXPECT_EQ(with_password(std::string("\0\xff\xfe", 3)), refused());
}

TEST_P(ConnectTest, ExpiredToken) {
  EXPECT_EQ(with_password(world_.broker.token("alice", {.ttl = -1s, .issued = -1h})), refused());
}

TEST_P(ConnectTest, TokenFromTheFuture) {
  EXPECT_EQ(with_password(world_.broker.token("alice", {.ttl = 3h, .issued = 1h})), refused());
}

TEST_P(ConnectTest, AlgorithmNone) {
  const std::string header = R"({"alg":"none","typ":"JWT","kid":")" + kid() + R"("})";
  EXPECT_EQ(with_password(forge_token(header, claims(), "")), refused());
  EXPECT_EQ(with_password(forge_token(R"({"alg":"nOnE"})", claims(), "")), refused());
}

TEST_P(ConnectTest, HmacWithThePublicKey) {
  const std::string header = R"({"alg":"HS256","typ":"JWT","kid":")" + kid() + R"("})";
  EXPECT_EQ(with_password(forge_hs256(header, claims(), world_.broker.mint().jwks())), refused());
  EXPECT_EQ(with_password(forge_hs256(header, claims(), world_.broker.mint().key().jwk())), refused());
}

TEST_P(ConnectTest, KeyOfSomebodyElse) {
  const TokenMint stranger;
  EXPECT_EQ(with_password(stranger.token("alice")), refused()) << "unknown kid";
  // The stranger's signature under our kid.
  const std::string good = world_.broker.token("alice");
  const std::string bad = stranger.token("alice");
  EXPECT_EQ(with_password(good.substr(0, good.rfind('.')) + bad.substr(bad.rfind('.'))), refused());
}

TEST_P(ConnectTest, ChangedClaims) {
  const std::string good = world_.broker.token("alice");
  const auto first = good.find('.');
  const auto last = good.rfind('.');
  const std::string other =
      R"({"sub":"olga","dev":"phone","sid":"s1","role":"service","iat":1,"exp":9999999999})";
  EXPECT_EQ(with_password(good.substr(0, first + 1) + base64url(other) + good.substr(last)), refused());
}

TEST_P(ConnectTest, UnknownUser) {
  EXPECT_EQ(with_password(world_.broker.token("nobody"), "nobody:phone"), refused());
}

TEST_P(ConnectTest, SomebodyElsesClientId) {
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "alice:phone"), refused());
  // Not even while alice is connected: her connection stays.
  auto alice = world_.connect("alice", "phone", GetParam());
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "alice:phone"), refused());
  alice.ping();
}

TEST_P(ConnectTest, ClientIdOfAnotherForm) {
  // The random ids of mosquitto_sub belong to whoever came first, while their session lasts.
  auto bob = RawClient::connected(
      world_.broker.port(),
      {.client_id = "mosq-AbC123", .password = world_.broker.token("bob"), .version = GetParam()});
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "mosq-AbC123"), refused());
  bob.ping();
  bob.disconnect();
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "mosq-AbC123"), 0);
}

TEST_P(ConnectTest, ClientIdIsFreeWhenItsSessionHasEnded) {
  ConnectOptions options{.client_id = "archive-9",
                         .password = world_.broker.token("bob"),
                         .version = GetParam(),
                         .clean = false};
  if (GetParam() == Version::v5) options.session_expiry_s = 1;
  RawClient::connected(world_.broker.port(), options).abort();
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "archive-9"), refused());
  if (GetParam() == Version::v311) {
    // Kept for ever, until its owner begins a clean one.
    options.clean = true;
    RawClient::connected(world_.broker.port(), options).disconnect();
  }
  const Deadline deadline(kPatience);
  while (with_password(world_.broker.token("mallory"), "archive-9") != 0) ASSERT_FALSE(deadline.passed());
}

TEST_P(ConnectTest, KeptClientIdIsNotLostToMadeUpOnes) {
  ConnectOptions options{.client_id = "archive-1",
                         .password = world_.broker.token("alice"),
                         .version = GetParam(),
                         .clean = false};
  if (GetParam() == Version::v5) options.session_expiry_s = 3600;
  auto archive = RawClient::connected(world_.broker.port(), options);
  ASSERT_LT(archive.subscribe("rooms/general/messages/json"), 0x80);
  archive.disconnect();
  for (int i = 0; i < 100; ++i) {
    auto made_up = options;
    made_up.client_id = "made-up-" + std::to_string(i);
    RawClient::connected(world_.broker.port(), made_up).disconnect();
  }
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "archive-1"), refused());
  auto olga = world_.connect("olga");
  olga.publish("rooms/general/send", message("while away"));
  auto again = RawClient::connected(world_.broker.port(), options);
  EXPECT_EQ(text(expect_event(again, "general"), "body"), "while away") << "asking took no subscription away";
}

TEST_P(ConnectTest, ConnectionsWithoutAKeepAliveGiveWay) {
  // lena's class allows the default of 5.
  std::vector<RawClient> dead;
  for (int i = 0; i < 5; ++i) {
    auto options = world_.as("lena", "d" + std::to_string(i), GetParam());
    options.keep_alive_s = 0;
    dead.push_back(RawClient::connected(world_.broker.port(), options));
  }
  for (std::size_t i = 0; i < dead.size(); ++i) {
    auto options = world_.as("lena", "n" + std::to_string(i), GetParam());
    RawClient next(world_.broker.port(), GetParam());
    ASSERT_EQ(next.connect(options).reason, 0) << i;
    EXPECT_TRUE(dead[i].closed()) << "the one that was silent longest";
    next.ping();
    alive_.push_back(std::move(next));
  }
  EXPECT_NE(try_connect(world_.as("lena", "d9", GetParam())), 0) << "those with a keep-alive stay";
  for (RawClient& client : alive_) client.ping();
}

TEST_P(ConnectTest, DurableSessionKeepsItsClientIdAfterDisconnect) {
  ConnectOptions options{.client_id = "archive-7",
                         .password = world_.broker.token("bob"),
                         .version = GetParam(),
                         .clean = false};
  if (GetParam() == Version::v5) options.session_expiry_s = 3600;
  RawClient::connected(world_.broker.port(), options).disconnect();
  EXPECT_EQ(with_password(world_.broker.token("mallory"), "archive-7"), refused())
      << "mallory would read what was queued for bob";
  EXPECT_EQ(try_connect(options), 0);
}

TEST_P(ConnectTest, OwnClientIdIsTakenOver) {
  auto first = world_.connect("alice", "phone", GetParam());
  auto second = world_.connect("alice", "phone", GetParam());
  EXPECT_TRUE(first.closed());
  second.ping();
}

TEST_P(ConnectTest, ConnectionCap) {
  // lena's class allows the default of 5.
  std::vector<RawClient> open;
  for (int i = 0; i < 5; ++i) open.push_back(world_.connect("lena", "d" + std::to_string(i), GetParam()));
  auto sixth = world_.as("lena", "d5", GetParam());
  EXPECT_NE(try_connect(sixth), 0);
  // A take-over of one of the five is no sixth connection.
  auto again = world_.connect("lena", "d4", GetParam());
  EXPECT_TRUE(open.back().closed());
  open.pop_back();
  again.disconnect();
  EXPECT_EQ(try_connect(sixth), 0) << "a closed connection must free its place";
}

TEST_P(ConnectTest, RefusedConnectsDoNotUseUpTheCap) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(with_password("wrong", "lena:d0"), refused());
  EXPECT_EQ(try_connect(world_.as("lena", "d0", GetParam())), 0);
}

TEST_P(ConnectTest, RevokedSession) {
  auto open =
      RawClient::connected(world_.broker.port(), {.client_id = "alice:phone",
                                                  .password = world_.broker.token("alice", {.sid = "s9"}),
                                                  .version = GetParam()});
  world_.admin.apply({SessionRevoke{.sid = "s9", .until_s = unix_now() + 3600}});
  EXPECT_TRUE(open.closed()) << "an open connection of the session is closed";
  EXPECT_EQ(with_password(world_.broker.token("alice", {.sid = "s9"})), refused());
  EXPECT_EQ(with_password(world_.broker.token("alice", {.sid = "s10"})), 0);
}

TEST_P(ConnectTest, TokensAfter) {
  const std::string old = world_.broker.token("alice", {.issued = -100s});
  EXPECT_EQ(with_password(old), 0);
  world_.admin.apply({UserPut{.user = "alice", .tokens_after_s = unix_now() - 50}});
  EXPECT_EQ(with_password(old), refused());
  EXPECT_EQ(with_password(world_.broker.token("alice")), 0);
}

TEST_P(ConnectTest, BlockedAndRemovedUser) {
  auto open = world_.connect("alice", "phone", GetParam());
  world_.admin.apply({UserPut{.user = "alice", .status = UserStatus::blocked}});
  EXPECT_TRUE(open.closed());
  EXPECT_EQ(with_password(world_.broker.token("alice")), refused());
  auto bob = world_.connect("bob", "phone", GetParam());
  world_.admin.apply({UserRemove{.user = "bob"}});
  EXPECT_TRUE(bob.closed());
  EXPECT_EQ(with_password(world_.broker.token("bob"), "bob:phone"), refused());
}

TEST_P(ConnectTest, ApiToken) {
  const std::string token = random_api_token();
  EXPECT_EQ(with_password(token, "meteo:roof"), refused());
  world_.admin.apply(
      {UserPut{.user = "meteo", .role = TokenRole::device},
       TokenPut{.sha256 = sha256(token), .user = "meteo", .device = "roof", .role = TokenRole::device},
       MemberPut{.room = "general", .user = "meteo"}});
  EXPECT_EQ(with_password(token, "meteo:roof"), 0);
  EXPECT_EQ(with_password(token, "alice:phone"), refused());
  EXPECT_EQ(with_password(random_api_token(), "meteo:roof"), refused());

  auto reader = world_.reader("bob", "general");
  auto roof = RawClient::connected(world_.broker.port(),
                                   {.client_id = "meteo:roof", .password = token, .version = GetParam()});
  EXPECT_EQ(roof.publish("rooms/general/send", "21.5 degrees"), 0);
  const auto event = expect_event(reader, "general");
  EXPECT_EQ(text(event, "from"), "meteo");
  EXPECT_EQ(text(event, "device"), "roof");
  EXPECT_EQ(text(event, "body"), "21.5 degrees");

  world_.admin.apply({TokenRemove{.sha256 = sha256(token)}});
  EXPECT_TRUE(roof.closed());
  EXPECT_EQ(with_password(token, "meteo:roof"), refused());
}

TEST_P(ConnectTest, ExpiredApiToken) {
  const std::string token = random_api_token();
  world_.admin.apply(
      {UserPut{.user = "meteo", .role = TokenRole::device},
       TokenPut{.sha256 = sha256(token), .user = "meteo", .device = "roof", .until_s = unix_now() - 1}});
  EXPECT_EQ(with_password(token, "meteo:roof"), refused());
}

TEST_P(ConnectTest, ServiceRoleCannotBeClaimedByAnApiTokenOfAUser) {
  // A token's role is what the replica says; a device may not administer.
  const std::string token = random_api_token();
  world_.admin.apply(
      {UserPut{.user = "meteo", .role = TokenRole::device},
       TokenPut{.sha256 = sha256(token), .user = "meteo", .device = "roof", .role = TokenRole::device}});
  auto roof = RawClient::connected(world_.broker.port(), {.client_id = "meteo:roof", .password = token});
  EXPECT_GE(roof.subscribe("$CONTROL/parley/v1/response"), 0x80);
}

INSTANTIATE_TEST_SUITE_P(Versions, ConnectTest, testing::Values(Version::v311, Version::v5),
                         [](const auto& version) { return version.param == Version::v5 ? "v5" : "v311"; });

TEST(ConnectGarbageTest, BytesThatAreNoMqtt) {
  World world;
  for (const std::string& bytes : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(100, '\xff'),
                                   std::string("\x10\xff\xff\xff\xff\x7f", 6)}) {
    RawClient client(world.broker.port());
    client.try_send_bytes(bytes);
    client.closed(2s);
  }
  RawClient silent(world.broker.port());  // connects and says nothing
  auto alice = world.connect("alice");
  alice.ping();
}

TEST(ConnectGarbageTest, EnhancedAuthenticationIsRefused) {
  World world;
  RawClient client(world.broker.port());
  mqtt::Connect connect;
  connect.version = Version::v5;
  connect.client_id = "alice:phone";
  std::string properties;
  mqtt::append_property(properties, mqtt::PropertyId::auth_method, "SCRAM-SHA-1");
  mqtt::append_property(properties, mqtt::PropertyId::auth_data, "n,,n=alice");
  connect.properties = properties;
  std::string bytes;
  ASSERT_TRUE(mqtt::append_connect(bytes, connect));
  client.send_bytes(bytes);
  EXPECT_GE(client.expect(PacketType::connack).reason, 0x80);
}

}  // namespace
}  // namespace parley::test
