#include "config/bridge_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace parley {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

boost::system::result<BridgeConfig, ConfigErrors> parse(std::string_view text) {
  return parse_bridge_config(text, "/srv/chat/bridge.toml");
}

std::string errors(std::string_view text) {
  const auto result = parse(text);
  return result.has_error() ? result.error() : "(accepted)";
}

void expect_same_http(const HttpConfig& a, const HttpConfig& b) {
  EXPECT_EQ(a.host, b.host);
  EXPECT_EQ(a.port, b.port);
  EXPECT_EQ(a.tls_certificate, b.tls_certificate);
  EXPECT_EQ(a.tls_key, b.tls_key);
  EXPECT_EQ(a.cors_origins, b.cors_origins);
  EXPECT_EQ(a.body_bytes, b.body_bytes);
  EXPECT_EQ(a.header_bytes, b.header_bytes);
  EXPECT_EQ(a.header_timeout, b.header_timeout);
  EXPECT_EQ(a.body_timeout, b.body_timeout);
  EXPECT_EQ(a.idle_timeout, b.idle_timeout);
  EXPECT_EQ(a.connections, b.connections);
  EXPECT_EQ(a.io_threads, b.io_threads);
  EXPECT_EQ(a.workers, b.workers);
  EXPECT_EQ(a.queue, b.queue);
  EXPECT_EQ(a.public_url, b.public_url);
  EXPECT_EQ(a.trust_forwarded_for, b.trust_forwarded_for);
  EXPECT_EQ(a.trusted_proxies, b.trusted_proxies);
}

void expect_same_limits(const BridgeLimits& a, const BridgeLimits& b) {
  EXPECT_EQ(a.login_failures, b.login_failures);
  EXPECT_EQ(a.login_window, b.login_window);
  EXPECT_EQ(a.registrations_per_h, b.registrations_per_h);
  EXPECT_EQ(a.room_creations_per_h, b.room_creations_per_h);
  EXPECT_EQ(a.invites_per_h, b.invites_per_h);
  EXPECT_DOUBLE_EQ(a.requests_per_s, b.requests_per_s);
  EXPECT_EQ(a.burst, b.burst);
  EXPECT_EQ(a.connects_per_min, b.connects_per_min);
  EXPECT_EQ(a.group_size, b.group_size);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.devices, b.devices);
}

void expect_same(const BridgeConfig& a, const BridgeConfig& b) {
  EXPECT_EQ(a.database.url, b.database.url);
  EXPECT_EQ(a.database.pool, b.database.pool);
  EXPECT_EQ(a.database.statement_timeout, b.database.statement_timeout);
  EXPECT_EQ(a.database.connect_timeout, b.database.connect_timeout);
  ASSERT_EQ(a.broker.nodes.size(), b.broker.nodes.size());
  for (std::size_t i = 0; i < a.broker.nodes.size(); ++i) {
    EXPECT_EQ(a.broker.nodes[i].host, b.broker.nodes[i].host);
    EXPECT_EQ(a.broker.nodes[i].port, b.broker.nodes[i].port);
  }
  EXPECT_EQ(a.broker.user, b.broker.user);
  expect_same_http(a.http, b.http);
  EXPECT_EQ(a.auth.keys_dir.filename(), b.auth.keys_dir.filename());
  EXPECT_EQ(a.auth.access_ttl, b.auth.access_ttl);
  EXPECT_EQ(a.auth.refresh_ttl, b.auth.refresh_ttl);
  EXPECT_EQ(a.auth.registration, b.auth.registration);
  EXPECT_EQ(a.auth.argon2_ops, b.auth.argon2_ops);
  EXPECT_EQ(a.auth.argon2_mem_bytes, b.auth.argon2_mem_bytes);
  EXPECT_EQ(a.auth.login_workers, b.auth.login_workers);
  EXPECT_EQ(a.auth.login_queue, b.auth.login_queue);
  EXPECT_EQ(a.oidc.size(), b.oidc.size());
  EXPECT_EQ(a.control.batch, b.control.batch);
  EXPECT_EQ(a.control.standby_poll, b.control.standby_poll);
  EXPECT_EQ(a.control.changes_keep, b.control.changes_keep);
  expect_same_limits(a.limits, b.limits);
  EXPECT_EQ(a.endpoints.mqtt, b.endpoints.mqtt);
  EXPECT_EQ(a.endpoints.websocket, b.endpoints.websocket);
  EXPECT_EQ(a.log.level, b.log.level);
}

TEST(BridgeConfig, AnEmptyFileGivesTheDefaultsWithPathsBesideIt) {
  const auto config = parse("");
  ASSERT_TRUE(config.has_value()) << config.error();
  expect_same(*config, BridgeConfig{});
  EXPECT_EQ(config->auth.keys_dir, "/srv/chat/keys");
  EXPECT_TRUE(config->http.tls_key.empty());
}

// What a user reads in the documented file is what the code does.
TEST(BridgeConfig, TheDefaultFileSaysTheDefaults) {
  const auto config = load_bridge_config(PARLEY_DEFAULT_BRIDGE_CONFIG);
  ASSERT_TRUE(config.has_value()) << config.error();
  expect_same(*config, BridgeConfig{});
}

TEST(BridgeConfig, ReadsEveryOption) {
  const auto config = parse(R"(
[database]
url = "host=/run/pg dbname=x"
pool = 3
statement_timeout_ms = 100
connect_timeout_s = 1
[broker]
nodes = [{host = "a", port = 1}, {host = "b"}]
user = "service"
[http]
listen = "[::1]:0"
tls_certificate = "tls/chain.pem"
tls_key = "/etc/key.pem"
cors_origins = ["https://chat.example.org", "http://localhost:5173"]
body_bytes = 2048
header_bytes = 4096
header_timeout_s = 1
body_timeout_s = 2
idle_timeout_s = 3
connections = 4
io_threads = 5
workers = 6
queue = 7
public_url = "https://chat.example.org"
trust_forwarded_for = true
trusted_proxies = ["10.0.0.0/8"]
[auth]
keys_dir = "/k"
access_ttl_s = 30
refresh_ttl_s = 61
registration = "invite"
argon2_ops = 3
argon2_mem_mb = 4
login_workers = 5
login_queue = 6
[[oidc]]
name = "one"
issuer = "https://one.example"
client_id = "c"
client_secret_file = "s"
scopes = ["openid", "email"]
[[oidc]]
name = "two"
issuer = "http://127.0.0.1:999/x"
client_id = "d"
redirect_uri = "http://localhost/cb"
id_token_signed_response_alg = "ES256"
token_endpoint_auth_method = "none"
[control]
batch = 8
standby_poll_ms = 90
changes_keep = 1000
[limits]
login_failures = 1
login_window_s = 2
registrations_per_h = 3
room_creations_per_h = 4
invites_per_h = 5
requests_per_s = 6.5
burst = 7
connects_per_min = 8
group_size = 9
tokens = 10
devices = 11
[endpoints]
mqtt = "mqtts://a:8883"
websocket = "wss://a/mqtt"
[log]
level = "debug"
)");
  ASSERT_TRUE(config.has_value()) << config.error();
  BridgeConfig want;
  want.database = {"host=/run/pg dbname=x", 3, 100ms, 1s};
  want.broker = {{{"a", 1}, {"b", 1883}}, "service"};
  want.http = {"::1",
               0,
               "/srv/chat/tls/chain.pem",
               "/etc/key.pem",
               {"https://chat.example.org", "http://localhost:5173"},
               2048,
               4096,
               1s,
               2s,
               3s,
               4,
               5,
               6,
               7,
               "https://chat.example.org",
               true,
               {"10.0.0.0/8"}};
  want.auth = {"/k", 30s, 61s, Registration::invite, 3, 4u << 20, 5, 6};
  want.oidc.resize(2);
  want.control = {8, 90ms, 1000};
  want.limits = {1, 2s, 3, 4, 5, 6.5, 7, 8, 9, 10, 11};
  want.endpoints = {"mqtts://a:8883", "wss://a/mqtt"};
  want.log = {"debug"};
  expect_same(*config, want);
  EXPECT_EQ(config->auth.keys_dir, "/k");
  const OidcProvider& one = config->oidc[0];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.issuer, "https://one.example");
  EXPECT_EQ(one.client_id, "c");
  EXPECT_EQ(one.client_secret_file, "/srv/chat/s");
  EXPECT_THAT(one.scopes, ElementsAre("openid", "email"));
  EXPECT_EQ(config->oidc[1].redirect_uri, "http://localhost/cb");
  EXPECT_TRUE(config->oidc[1].client_secret_file.empty());
  EXPECT_EQ(config->oidc[1].id_token_signed_response_alg, "ES256");
  EXPECT_EQ(config->oidc[1].token_endpoint_auth_method, "none");
  EXPECT_EQ(one.id_token_signed_response_alg, "");
}

TEST(BridgeConfig, RefusesWhatCannotWorkAndSaysWhere) {
  EXPECT_EQ(errors("[htp]\n"),
            "/srv/chat/bridge.toml:1:2: htp: there is no such section; did you mean [http]?\n"
            "  1 | [htp]\n"
            "    |  ^");
  EXPECT_EQ(errors("[http]\nworker = 3\n"),
            "/srv/chat/bridge.toml:2:1: http.worker: there is no such option; did you mean workers?\n"
            "  2 | worker = 3\n"
            "    | ^");
  for (const char* host : {"chat.example.org", "1.2.3", "256.1.1.1", "[::1", "*"}) {
    EXPECT_THAT(errors("[http]\nlisten = \"" + std::string(host) + ":8080\""),
                HasSubstr("http.listen: expected an IP address of this machine"))
        << host;
  }
  for (const char* host : {"localhost", "0.0.0.0", "[::]", "::1", "192.0.2.7", "[fe80::1%eth0]"})
    EXPECT_EQ(errors("[http]\nlisten = \"" + std::string(host) + ":8080\""), "(accepted)") << host;
  for (const char* listen :
       {"8080", ":8080", "localhost:", "localhost:99999", "localhost:x", "localhost:1x"}) {
    EXPECT_THAT(errors("[http]\nlisten = \"" + std::string(listen) + "\""), HasSubstr("http.listen"))
        << listen;
  }
  EXPECT_THAT(errors("[http]\ntls_key = \"k\""), HasSubstr("http.tls_certificate: TLS needs both"));
  EXPECT_THAT(errors("[http]\ntls_certificate = \"k\""), HasSubstr("http.tls_key: TLS needs both"));
  for (const char* origin : {"*", "chat.example.org", "https://a/", "https://", "https://u@a", "null"}) {
    EXPECT_THAT(errors("[http]\ncors_origins = [\"" + std::string(origin) + "\"]"),
                HasSubstr("http.cors_origins"))
        << origin;
  }
  EXPECT_THAT(errors("[http]\ncors_origins = [1]"), HasSubstr("expected strings"));
  EXPECT_THAT(errors("[http]\npublic_url = \"https://a/b\""), HasSubstr("http.public_url"));
  EXPECT_THAT(errors("[auth]\nregistration = \"no\""), HasSubstr("\"open\", \"invite\" or \"closed\""));
  EXPECT_THAT(errors("[auth]\naccess_ttl_s = 900\nrefresh_ttl_s = 60"), HasSubstr("auth.refresh_ttl_s"));
  EXPECT_THAT(errors("[broker]\nnodes = []"), HasSubstr("at least one node"));
  EXPECT_THAT(errors("[broker]\nnodes = [3]"), HasSubstr("expected tables"));
  EXPECT_THAT(errors("[broker]\nuser = \"A B\""), HasSubstr("broker.user"));
  EXPECT_THAT(errors("[endpoints]\nmqtt = \"tcp://x\""), HasSubstr("endpoints.mqtt"));
  EXPECT_THAT(errors("[endpoints]\nwebsocket = \"http://x\""), HasSubstr("endpoints.websocket"));
  EXPECT_THAT(errors("[log]\nlevel = \"loud\""), HasSubstr("log.level"));
  EXPECT_THAT(errors("[database]\nurl = \"\""), HasSubstr("database.url"));
}

TEST(BridgeConfig, ProvidersAreChecked) {
  const auto fault = [](const std::string& lines) {
    return errors("[http]\npublic_url = \"https://a\"\n[[oidc]]\n" + lines);
  };
  const std::string good = "name = \"x\"\nissuer = \"https://i\"\nclient_id = \"c\"\n";
  EXPECT_EQ(fault(good), "(accepted)");
  EXPECT_THAT(fault("name = \"A/b\"\nissuer = \"https://i\"\nclient_id = \"c\""), HasSubstr("oidc.name"));
  EXPECT_THAT(fault("name = \"x\"\nissuer = \"http://i\"\nclient_id = \"c\""), HasSubstr("oidc.issuer"));
  EXPECT_THAT(fault("name = \"x\"\nissuer = \"http://127.0.0.1.evil\"\nclient_id = \"c\""),
              HasSubstr("oidc.issuer"));
  EXPECT_THAT(fault("name = \"x\"\nissuer = \"https://i\""), HasSubstr("oidc.client_id"));
  EXPECT_THAT(fault(good + "scopes = [\"email\"]"), HasSubstr("must have \"openid\""));
  EXPECT_THAT(fault(good + "redirect_uri = \"http://a/b\""), HasSubstr("oidc.redirect_uri"));
  for (const char* alg : {"none", "RS1", "RSA-OAEP", "rs256", "HS1"}) {
    EXPECT_THAT(fault(good + "id_token_signed_response_alg = \"" + alg + "\""),
                HasSubstr("oidc.id_token_signed_response_alg"))
        << alg;
  }
  EXPECT_THAT(fault(good + "id_token_signed_response_alg = \"HS256\""), HasSubstr("oidc.client_secret_file"));
  EXPECT_EQ(fault(good + "id_token_signed_response_alg = \"HS256\"\nclient_secret_file = \"s\""),
            "(accepted)");
  for (const char* alg : {"PS512", "ES256K", "EdDSA", "Ed448"})
    EXPECT_EQ(fault(good + "id_token_signed_response_alg = \"" + alg + "\""), "(accepted)");
  // What can be seen of an issuer without asking it.
  const auto issuer = [&](const std::string& url) {
    return fault("name = \"x\"\nclient_id = \"c\"\nissuer = \"" + url + "\"\n");
  };
  for (const char* url :
       {"", "accounts.google.com", "http://login.example", "http://127.0.0.1.evil.example", "https://",
        "https:///realms/x", "https://i/?a=b", "https://i/#a", "https://user:secret@i",
        "https://i/.well-known/openid-configuration", "https://login.example/{tenantid}/v2.0", "https://i x",
        "https://i ", "HTTPS//i", "ftp://i"})
    EXPECT_THAT(issuer(url), HasSubstr("oidc.issuer: expected")) << url;
  for (const char* url :
       {"https://accounts.google.com", "https://login.microsoftonline.com/4f1b0a4e/v2.0",
        "https://x.auth0.com/", "https://id.example/realms/people", "https://gitlab.example:8443",
        "http://localhost:8080/realms/x", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc",
        "https://id.example/~people/@x/"})
    EXPECT_EQ(issuer(url), "(accepted)") << url;
  EXPECT_THAT(fault(good + "scopes = [\"openid profile\"]"), HasSubstr("one scope in each string"));
  EXPECT_THAT(fault(good + "redirect_uri = \"https://i/cb#x\""), HasSubstr("oidc.redirect_uri"));
  EXPECT_THAT(fault("name = \"x\"\nissuer = \"https://i\"\nclient_id = \" c\"\n"),
              HasSubstr("oidc.client_id: must not begin or end with white space"));
  EXPECT_THAT(fault(good + "token_endpoint_auth_method = \"private_key_jwt\""),
              HasSubstr("oidc.token_endpoint_auth_method"));
  EXPECT_THAT(fault(good + "token_endpoint_auth_method = \"client_secret_post\""),
              HasSubstr("oidc.client_secret_file"));
  EXPECT_THAT(fault(good + "[[oidc]]\n" + good), HasSubstr("\"x\" is there twice"));
  EXPECT_THAT(errors("[[oidc]]\n" + good), HasSubstr("needs a value, or http.public_url"));
  EXPECT_THAT(errors("[oidc]\nname = \"x\""), HasSubstr("expected one [[oidc]]"));
}

// Errors come to logs, and to screens that others see.
TEST(BridgeConfig, ShownLinesHoldNoSecrets) {
  for (const char* line :
       {"url = \"postgresql://parley:s3cr:et@db/parley\" x", "url = \"postgresql://parley:s3cr@et@db/parley",
        "url = \"host=db password=s3cret\" x", "url = \"host=db PASSWORD = 's3cr et'\" x",
        "url = \"postgresql://parley:s3cr\\\"et@db/parley\" x",
        "url = \"postgresql://parley:s3cr\"et@db/parley\"",
        "url = 'postgresql://parley:s3cr'et@db/parley' # like user:password@host", "password = \"s3cret\"",
        "url = \"postgresql:///parley?password=s3cret\" x", "passwrd_token = 's3cret'"}) {
    const std::string text = errors("[database]\n" + std::string(line) + "\n");
    EXPECT_THAT(text, HasSubstr("/srv/chat/bridge.toml:2:")) << line;
    EXPECT_THAT(text, HasSubstr("***")) << line;
    EXPECT_THAT(text, Not(HasSubstr("s3cr"))) << line;
  }
  EXPECT_THAT(errors("[[oidc]]\nclient_secret = \"s3cret\""),
              AllOf(HasSubstr("did you mean client_secret_file?"), Not(HasSubstr("s3cret"))));
  EXPECT_THAT(errors("[limits]\ntokens = 0"), HasSubstr("2 | tokens = 0"));
  // And what is none is shown, whatever the comment says.
  EXPECT_THAT(errors("[database]\nurl = \"postgresql://me@127.0.0.1:5432/x\" x # user:key@host"),
              HasSubstr("me@127.0.0.1:5432/x"));
}

TEST(LoadBridgeConfig, SaysWhatCannotBeRead) {
  EXPECT_THAT(load_bridge_config("/nonexistent/bridge.toml").error(),
              HasSubstr("/nonexistent/bridge.toml: cannot be read: No such file"));
  EXPECT_THAT(load_bridge_config("/tmp").error(), HasSubstr("/tmp: cannot be read"));
}

}  // namespace
}  // namespace parley
